//! The files of `web/dist`, put into the binary when it is built (read at the start in a debug build).

use std::borrow::Cow;

use bytes::Bytes;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../../web/dist"]
#[allow_missing = true]
struct Dist;

/// All of them, by path.
pub(crate) fn files() -> Vec<(String, Bytes)> {
    let bytes = |data| match data {
        Cow::Borrowed(data) => Bytes::from_static(data),
        Cow::Owned(data) => Bytes::from(data),
    };
    Dist::iter().filter_map(|path| Some((path.to_string(), bytes(Dist::get(&path)?.data)))).collect()
}
