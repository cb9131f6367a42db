//! Messages to bytes, whatever they are encoded in.

use super::{DataForm, Encoding, Message, Published, json, protobuf};

/// One message; several are put together by [`Encoding::append`].
pub(crate) fn encode(encoding: Encoding, message: &Message) -> Vec<u8> {
    let mut out = Vec::new();
    match encoding {
        Encoding::Json => json::message(&mut out, message),
        Encoding::Protobuf => protobuf::message(&mut out, message),
    }
    out
}

/// Appends the push of a publication behind other messages of a frame. `before` is the publication before it in its
/// channel: a difference is one to that.
pub(crate) fn publication_push(
    encoding: Encoding,
    frame: &mut Vec<u8>,
    channel: &str,
    published: &Published,
    form: DataForm,
    before: Option<&Published>,
) {
    match encoding {
        Encoding::Json => {
            if !frame.is_empty() {
                frame.push(b'\n');
            }
            json::publication_push(frame, channel, published, form, before);
        }
        Encoding::Protobuf => protobuf::publication_push(frame, channel, published, form, before),
    }
}
