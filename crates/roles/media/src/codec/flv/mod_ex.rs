//! ModEx packets: extensions in front of a tag, such as a nanosecond offset (Enhanced RTMP v2, "ModEx").

use bytes::{Buf, Bytes};

use super::FlvError;

/// The packet type that announces an extension.
pub(super) const MOD_EX: u8 = 7;

/// Skips all extensions in front; gives the packet type behind them.
pub(super) fn skip(mut packet_type: u8, body: &mut Bytes, tag: &'static str) -> Result<u8, FlvError> {
    while packet_type == MOD_EX {
        let mut length = usize::from(take_byte(body, tag)?) + 1;
        if length == 256 {
            length = (usize::from(take_byte(body, tag)?) << 8 | usize::from(take_byte(body, tag)?)) + 1;
        }
        if body.len() < length {
            return Err(FlvError::Truncated(tag));
        }
        body.advance(length);
        packet_type = take_byte(body, tag)? & 0x0f;
    }
    Ok(packet_type)
}

pub(super) fn take_byte(body: &mut Bytes, tag: &'static str) -> Result<u8, FlvError> {
    body.try_get_u8().map_err(|_| FlvError::Truncated(tag))
}
