//! Where a subscription begins: at the newest publication, or at the position the client has, with what it missed.
//!
//! Recovery reaches back through the whole room log, or as far as the channel's rules say. The reply carries one page;
//! what is left is sent like any other publications, in order, before anything newer.

use std::sync::Arc;

use ports::room_log::RoomLogError;

use crate::{
    hub::{Hub, LogReader, Missed, Seat},
    protocol::{Place, Published, Since},
    settings::{PAGE_BYTES_MAX, PAGE_PUBLICATIONS_MAX},
};

/// The beginning of a subscription.
pub(super) struct Beginning {
    /// The next publication the client gets after the reply.
    pub(super) cursor: u64,
    /// Of which history (see `Channel::replaced`).
    pub(super) replaced: u32,
    /// What the client has by then is what the channel has in memory: the next one can be a difference to it. What was
    /// read from the log may have been redacted there before the channel heard of it.
    pub(super) has_before: bool,
    pub(super) place: Place,
}

/// Where the seat's subscription begins, for a client that missed `window` publications at the most (none: any number).
/// The seat is taken already: nothing published meanwhile is missed.
pub(super) async fn begin(
    hub: &Hub,
    seat: &Seat,
    log: &LogReader,
    recover: Option<&Since>,
    window: Option<u64>,
) -> Result<Beginning, RoomLogError> {
    let (epoch, next, replaced) = seat.channel().position();
    let place = Place { epoch: epoch.clone(), was_recovering: recover.is_some(), ..Place::default() };
    if let Some(since) = recover
        && (since.epoch.is_empty() || *since.epoch == *epoch)
        && let Some(from) = since.offset.checked_add(1)
        && window.is_none_or(|window| next.saturating_sub(from) <= window)
        && let Some((publications, kept)) = missed(hub, seat, log, &epoch, from).await?
    {
        let has_before = kept && !publications.is_empty();
        let cursor = from + publications.len() as u64;
        // The client moves its position with each publication, so the reply carries the one it asked from.
        let place = Place { offset: since.offset, recovered: true, publications, ..place };
        return Ok(Beginning { cursor, replaced, has_before, place });
    }
    Ok(Beginning { cursor: next, replaced, has_before: false, place: Place { offset: next - 1, ..place } })
}

/// What stands from `from` on, as much as a reply holds, and whether that is what the channel has in memory; none when that
/// place is not part of the log.
async fn missed(
    hub: &Hub,
    seat: &Seat,
    log: &LogReader,
    epoch: &str,
    from: u64,
) -> Result<Option<(Vec<Arc<Published>>, bool)>, RoomLogError> {
    let channel = seat.channel();
    match channel.missed(from) {
        Missed::These(publications) => Ok(Some((publications, true))),
        Missed::MoreThanKept => {
            let publications = from_log(seat, from).await?;
            Ok((!publications.is_empty()).then_some((publications, false)))
        }
        Missed::Ahead => {
            // The client may have heard of it from a gateway the bus reached sooner: ask the log itself.
            let head = log.head().await?;
            if head.epoch != epoch || from > head.next {
                return Ok(None);
            }
            hub.heard(channel, head.next);
            Ok(Some((Vec::new(), false)))
        }
    }
}

/// What the log holds from `from` on, as much as a reply holds (one publication always does).
async fn from_log(seat: &Seat, from: u64) -> Result<Vec<Arc<Published>>, RoomLogError> {
    let mut publications: Vec<Arc<Published>> = Vec::new();
    let mut bytes = 0;
    loop {
        let page = seat.channel().page(from + publications.len() as u64).await?;
        if page.publications().is_empty() {
            return Ok(publications);
        }
        for published in page.publications() {
            bytes += published.size();
            let full = publications.len() == PAGE_PUBLICATIONS_MAX || bytes > PAGE_BYTES_MAX;
            if full && !publications.is_empty() {
                return Ok(publications);
            }
            publications.push(published.clone());
        }
    }
}
