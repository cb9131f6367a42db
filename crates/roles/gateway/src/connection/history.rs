//! Pages of a room's past, forwards and backwards.

use std::sync::Arc;

use ports::room_log::{Head, RoomLogError};

use crate::{
    hub::LogReader,
    protocol::{History, HistoryResult, Published},
    settings::{PAGE_BYTES_MAX, PAGE_PUBLICATIONS_MAX},
};

/// The page that was asked for; none when its position belongs to another history.
pub(crate) async fn read(log: &LogReader, request: &History) -> Result<Option<HistoryResult>, RoomLogError> {
    let head = log.head().await?;
    if request.since.as_ref().is_some_and(|since| !since.epoch.is_empty() && since.epoch != head.epoch) {
        return Ok(None);
    }
    let Range { from, to, count } = range(request, &head);
    let epoch: Arc<str> = head.epoch.as_str().into();
    let mut publications = Vec::new();
    if count > 0 && from < to {
        let records = log.read(from, count).await?;
        let published = records
            .into_iter()
            .filter(|record| record.offset < to)
            .map(|record| Arc::new(Published::positioned(record.data, record.about, record.offset, &epoch)));
        publications = published.collect();
    }
    if request.reverse {
        publications.reverse();
    }
    let mut room_left = PAGE_BYTES_MAX;
    let fitting = publications.iter().take_while(|published| {
        let fits = room_left >= published.size();
        room_left = room_left.saturating_sub(published.size());
        fits
    });
    publications.truncate(fitting.count().max(1));
    Ok(Some(HistoryResult { publications, epoch: head.epoch, offset: head.next - 1 }))
}

/// Records from `from` on to before `to`, `count` of them at the most.
#[derive(Debug, PartialEq, Eq)]
struct Range {
    from: u64,
    to: u64,
    count: usize,
}

fn range(request: &History, head: &Head) -> Range {
    let count = match usize::try_from(request.limit) {
        Ok(limit) => limit.min(PAGE_PUBLICATIONS_MAX),
        Err(_) => PAGE_PUBLICATIONS_MAX,
    };
    let since = request.since.as_ref().map(|since| since.offset);
    if request.reverse {
        let to = since.map_or(head.next, |offset| offset.clamp(1, head.next));
        Range { from: to.saturating_sub(count as u64).max(1), to, count }
    } else {
        let from = since.map_or(1, |offset| offset.saturating_add(1)).min(head.next);
        Range { from, to: head.next, count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Since;

    #[test]
    fn history_reads_forwards_and_backwards_within_the_log() {
        let head = Head { epoch: "e".into(), next: 11 };
        let ask = |limit, since: Option<u64>, reverse| {
            let since = since.map(|offset| Since { offset, epoch: String::new() });
            let Range { from, to, count } = range(&History { channel: "c".into(), limit, since, reverse }, &head);
            (from, to, count)
        };
        assert_eq!(ask(3, None, false), (1, 11, 3));
        assert_eq!(ask(3, None, true), (8, 11, 3));
        assert_eq!(ask(3, Some(4), false), (5, 11, 3));
        assert_eq!(ask(3, Some(4), true), (1, 4, 3));
        assert_eq!(ask(-1, Some(9), false), (10, 11, 300));
        assert_eq!(ask(0, None, false).2, 0);
        assert_eq!(ask(5, Some(u64::MAX), false), (11, 11, 5));
        assert_eq!(ask(5, Some(u64::MAX), true), (6, 11, 5));
        assert_eq!(ask(5, Some(0), true), (1, 1, 5));
    }
}
