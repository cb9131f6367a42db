//! Four-character codes of codecs (Enhanced RTMP v2, "FourCC").

use bytes::{Buf, Bytes};

use super::FlvError;

/// Takes a code off the front of a tag's body.
pub(super) fn take(body: &mut Bytes, tag: &'static str) -> Result<[u8; 4], FlvError> {
    let code = body.first_chunk().copied().ok_or(FlvError::Truncated(tag))?;
    body.advance(4);
    Ok(code)
}

/// The code as people write it.
pub(super) fn text(code: [u8; 4]) -> String {
    code.escape_ascii().to_string()
}
