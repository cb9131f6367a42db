//! What is told about a publication besides its data: which client published it, and its tags. Kept with it, so that who
//! reads it later learns the same.

use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes};

/// What is told about one publication.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct About {
    /// The client that published it, when a client did and the channel says so.
    pub info: Option<Arc<ClientInfo>>,
    /// Names and values the publisher gave it.
    pub tags: Vec<(String, String)>,
}

/// A client, as others see it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientInfo {
    /// Whom it stands for; empty for an anonymous visitor.
    pub user: String,
    /// Its connection.
    pub client: String,
    /// What its connection tells of it: one JSON value.
    pub conn_info: Option<Bytes>,
    /// What its subscription tells of it: one JSON value.
    pub chan_info: Option<Bytes>,
}

/// All of it in its kept form, in bytes.
pub const ABOUT_BYTES_MAX: usize = 8 << 10;

/// The kept form of `about` does not read to its end.
#[derive(Debug, thiserror::Error)]
#[error("what is told about a publication is damaged")]
pub struct Damaged;

impl About {
    /// How long the kept form is.
    pub fn size(&self) -> usize {
        let bytes = |value: &Option<Bytes>| 4 + value.as_ref().map_or(0, Bytes::len);
        let info = self.info.as_ref().map_or(0, |info| {
            8 + info.user.len() + info.client.len() + bytes(&info.conn_info) + bytes(&info.chan_info)
        });
        let tags: usize = self.tags.iter().map(|(name, value)| 8 + name.len() + value.len()).sum();
        1 + info + tags
    }

    /// The kept form: a byte that says whether a client stands in it, its four values, and then pairs of values; each value
    /// is its length + 1 (u32, big-endian; 0: none) and its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.size());
        out.put_u8(u8::from(self.info.is_some()));
        if let Some(info) = &self.info {
            put(&mut out, Some(info.user.as_bytes()));
            put(&mut out, Some(info.client.as_bytes()));
            put(&mut out, info.conn_info.as_deref());
            put(&mut out, info.chan_info.as_deref());
        }
        for (name, value) in &self.tags {
            put(&mut out, Some(name.as_bytes()));
            put(&mut out, Some(value.as_bytes()));
        }
        out
    }

    /// Reads the kept form.
    pub fn decode(mut kept: Bytes) -> Result<Self, Damaged> {
        let info = match kept.try_get_u8().map_err(|_| Damaged)? {
            0 => None,
            1 => Some(Arc::new(ClientInfo {
                user: take_text(&mut kept)?,
                client: take_text(&mut kept)?,
                conn_info: take(&mut kept)?,
                chan_info: take(&mut kept)?,
            })),
            _ => return Err(Damaged),
        };
        let mut tags = Vec::new();
        while kept.has_remaining() {
            tags.push((take_text(&mut kept)?, take_text(&mut kept)?));
        }
        Ok(Self { info, tags })
    }
}

fn put(out: &mut Vec<u8>, value: Option<&[u8]>) {
    out.put_u32(value.map_or(0, |value| value.len() as u32 + 1));
    out.put_slice(value.unwrap_or_default());
}

fn take(kept: &mut Bytes) -> Result<Option<Bytes>, Damaged> {
    let Some(length) = kept.try_get_u32().map_err(|_| Damaged)?.checked_sub(1) else { return Ok(None) };
    if length as usize > kept.remaining() {
        return Err(Damaged);
    }
    Ok(Some(kept.split_to(length as usize)))
}

fn take_text(kept: &mut Bytes) -> Result<String, Damaged> {
    let bytes = take(kept)?.ok_or(Damaged)?;
    String::from_utf8(bytes.into()).map_err(|_| Damaged)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json() -> impl Strategy<Value = Option<Bytes>> {
        prop::option::of(prop::collection::vec(any::<u8>(), 0..20).prop_map(Bytes::from))
    }

    fn info() -> impl Strategy<Value = Arc<ClientInfo>> {
        (".*", ".*", json(), json()).prop_map(|(user, client, conn_info, chan_info)| {
            Arc::new(ClientInfo { user, client, conn_info, chan_info })
        })
    }

    proptest! {
        #[test]
        fn the_kept_form_reads_back_and_damage_neither_panics_nor_invents(
            info in prop::option::of(info()),
            tags in prop::collection::vec((".*", ".*"), 0..4),
            cut in any::<prop::sample::Index>(),
            noise in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let about = About { info, tags };
            let kept = about.encode();
            prop_assert_eq!((&About::decode(kept.clone().into()).unwrap(), kept.len()), (&about, about.size()));
            if let Ok(cut) = About::decode(Bytes::from(kept).slice(..cut.index(about.encode().len()))) {
                prop_assert_eq!(cut.info, about.info.clone());
                prop_assert!(about.tags.starts_with(&cut.tags) && cut.tags.len() < about.tags.len());
            }
            let _ = About::decode(noise.into());
        }
    }
}
