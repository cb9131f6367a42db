//! What goes over a channel of Redis: publications or movements in order, in one message.
//!
//! A byte for the form (1), a byte for what it is, then values one after the other; numbers big-endian, bytes behind their
//! length (u32). Another form is of another version: it is passed over, and readers find it in the room log.

use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes};
use ports::{
    about::{About, ClientInfo},
    bus::{Movement, Position, Publication},
    room_log::Redaction,
};

const FORM: u8 = 1;
const PUBLICATIONS: u8 = 1;
const MOVEMENTS: u8 = 2;

const POSITIONED: u8 = 1;
const REDACTS: u8 = 2;
const ABOUT: u8 = 4;

const JOINED: u8 = 1;
const LEFT: u8 = 2;

/// What one message brings.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parcel {
    Publications(Vec<Publication>),
    Movements(Vec<Movement>),
}

/// A message that does not read to its end, or of a form this version does not know.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a message on the bus is damaged, or of another version")]
pub(super) struct Damaged;

/// The message for these publications.
pub(super) fn publications(all: &[Publication]) -> Vec<u8> {
    let bytes: usize = all.iter().map(|publication| 64 + publication.data.len()).sum();
    let mut out = Vec::with_capacity(2 + bytes);
    out.put_slice(&[FORM, PUBLICATIONS]);
    for Publication { position, data, redacts, about } in all {
        let flag = |is_there: bool, flag: u8| if is_there { flag } else { 0 };
        let positioned = flag(position.is_some(), POSITIONED);
        out.put_u8(positioned | flag(redacts.is_some(), REDACTS) | flag(about.is_some(), ABOUT));
        put(&mut out, data);
        if let Some(Position { offset, epoch }) = position {
            out.put_u64(*offset);
            put(&mut out, epoch.as_bytes());
        }
        if let Some(Redaction { offset, replacement }) = redacts {
            out.put_u64(*offset);
            put(&mut out, replacement);
        }
        if let Some(about) = about {
            put(&mut out, &about.encode());
        }
    }
    out
}

/// The message for these movements.
pub(super) fn movements(all: &[Movement]) -> Vec<u8> {
    let mut out = vec![FORM, MOVEMENTS];
    for movement in all {
        let (kind, info) = match movement {
            Movement::Joined(info) => (JOINED, info),
            Movement::Left(info) => (LEFT, info),
        };
        out.put_u8(kind);
        put(&mut out, &About { info: Some(info.clone()), tags: Vec::new() }.encode());
    }
    out
}

/// Reads a message.
pub(super) fn read(mut message: Bytes) -> Result<Parcel, Damaged> {
    if message.try_get_u8() != Ok(FORM) {
        return Err(Damaged);
    }
    match message.try_get_u8() {
        Ok(PUBLICATIONS) => all(message, take_publication).map(Parcel::Publications),
        Ok(MOVEMENTS) => all(message, take_movement).map(Parcel::Movements),
        _ => Err(Damaged),
    }
}

fn all<T>(mut message: Bytes, take: impl Fn(&mut Bytes) -> Result<T, Damaged>) -> Result<Vec<T>, Damaged> {
    let mut found = Vec::new();
    while message.has_remaining() {
        found.push(take(&mut message)?);
    }
    Ok(found)
}

fn take_publication(message: &mut Bytes) -> Result<Publication, Damaged> {
    let flags = message.try_get_u8().map_err(|_| Damaged)?;
    let mut publication = Publication { data: take(message)?, ..Publication::default() };
    if flags & POSITIONED != 0 {
        let offset = message.try_get_u64().map_err(|_| Damaged)?;
        publication.position = Some(Position { offset, epoch: take_text(message)?.into() });
    }
    if flags & REDACTS != 0 {
        let offset = message.try_get_u64().map_err(|_| Damaged)?;
        publication.redacts = Some(Redaction { offset, replacement: take(message)? });
    }
    if flags & ABOUT != 0 {
        publication.about = Some(Arc::new(About::decode(take(message)?).map_err(|_| Damaged)?));
    }
    Ok(publication)
}

fn take_movement(message: &mut Bytes) -> Result<Movement, Damaged> {
    let kind = message.try_get_u8().map_err(|_| Damaged)?;
    let about = About::decode(take(message)?).map_err(|_| Damaged)?;
    let info: Arc<ClientInfo> = about.info.ok_or(Damaged)?;
    match kind {
        JOINED => Ok(Movement::Joined(info)),
        LEFT => Ok(Movement::Left(info)),
        _ => Err(Damaged),
    }
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.put_u32(bytes.len() as u32);
    out.put_slice(bytes);
}

fn take(message: &mut Bytes) -> Result<Bytes, Damaged> {
    let length = message.try_get_u32().map_err(|_| Damaged)? as usize;
    if length > message.remaining() { Err(Damaged) } else { Ok(message.split_to(length)) }
}

fn take_text(message: &mut Bytes) -> Result<String, Damaged> {
    String::from_utf8(take(message)?.into()).map_err(|_| Damaged)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, option, prelude::*};

    use super::*;

    fn bytes() -> impl Strategy<Value = Bytes> {
        vec(any::<u8>(), 0..20).prop_map(Bytes::from)
    }

    fn info() -> impl Strategy<Value = Arc<ClientInfo>> {
        (".{0,6}", ".{0,6}", option::of(bytes()), option::of(bytes())).prop_map(
            |(user, client, conn_info, chan_info)| Arc::new(ClientInfo { user, client, conn_info, chan_info }),
        )
    }

    fn publication() -> impl Strategy<Value = Publication> {
        let position = (any::<u64>(), ".{0,6}").prop_map(|(offset, epoch)| Position { offset, epoch: epoch.into() });
        let redacts = (any::<u64>(), bytes()).prop_map(|(offset, replacement)| Redaction { offset, replacement });
        let about = (option::of(info()), vec((".{0,6}", ".{0,6}"), 0..3))
            .prop_map(|(info, tags)| Arc::new(About { info, tags }));
        (option::of(position), bytes(), option::of(redacts), option::of(about))
            .prop_map(|(position, data, redacts, about)| Publication { position, data, redacts, about })
    }

    fn movement() -> impl Strategy<Value = Movement> {
        prop_oneof![info().prop_map(Movement::Joined), info().prop_map(Movement::Left)]
    }

    proptest! {
        #[test]
        fn a_message_reads_back_and_damage_neither_panics_nor_invents(
            sent in vec(publication(), 0..5),
            moved in vec(movement(), 0..5),
            cut in any::<prop::sample::Index>(),
            noise in vec(any::<u8>(), 0..60),
        ) {
            let message = publications(&sent);
            prop_assert_eq!(read(message.clone().into()), Ok(Parcel::Publications(sent.clone())));
            if let Ok(read) = read(Bytes::from(message.clone()).slice(..cut.index(message.len()))) {
                let Parcel::Publications(some) = read else { panic!("they became something else") };
                prop_assert!(some.len() < sent.len() && sent.starts_with(&some));
            }
            prop_assert_eq!(read(movements(&moved).into()), Ok(Parcel::Movements(moved)));
            let _ = read(noise.into());
        }
    }
}
