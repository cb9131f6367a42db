//! Pushes: what goes to subscribers without being asked for. Each publication is written once, whoever gets it.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{Text, codes::Unsubscribe, writer::ObjectWriter};

/// One publication as a push, and inside it the publication alone (for replies that list publications).
#[derive(Debug, Clone)]
pub(crate) struct Push {
    text: Text,
    publication_start: usize,
}

/// What stands behind the publication in its push.
const TAIL: &str = "}}";

impl Push {
    /// Writes the push of a publication with a place in the log. The first of a log carries the epoch.
    pub(crate) fn positioned(channel: &str, data: &Bytes, offset: u64, epoch: &str) -> Self {
        Self::write(channel, data, |publication| {
            publication.number("offset", offset);
            if offset == 1 {
                publication.text("epoch", epoch);
            }
        })
    }

    /// Writes the push of a publication that is not kept anywhere.
    pub(crate) fn passing(channel: &str, data: &Bytes) -> Self {
        Self::write(channel, data, |_| ())
    }

    /// The whole push.
    pub(crate) fn text(&self) -> &Text {
        &self.text
    }

    /// The publication alone.
    pub(crate) fn publication(&self) -> &str {
        let end = self.text.len() - TAIL.len();
        self.text.get(self.publication_start..end).unwrap_or("{}")
    }

    fn write(channel: &str, data: &Bytes, place: impl FnOnce(&mut ObjectWriter<'_>)) -> Self {
        let mut text = String::with_capacity(data.len() + channel.len() + 64);
        text.push_str("{\"push\":");
        let mut push = ObjectWriter::begin(&mut text);
        push.text("channel", channel);
        push.raw("pub", "");
        let publication_start = text.len();
        let mut publication = ObjectWriter::begin(&mut text);
        publication.raw("data", &checked(channel, data));
        place(&mut publication);
        publication.end();
        text.push_str(TAIL);
        Self { text: text.into(), publication_start }
    }
}

/// The data as one line of JSON. A publisher that breaks this promise costs its publication the data, never a client its
/// connection or a channel its order.
fn checked(channel: &str, data: &Bytes) -> String {
    match serde_json::from_slice::<&RawValue>(data) {
        // A line feed inside JSON can only be white space between tokens.
        Ok(json) => json.get().replace('\n', " "),
        Err(error) => {
            tracing::error!(channel, %error, "a publication is not JSON; its data was replaced by null");
            "null".into()
        }
    }
}

/// Tells the client that the server ended a subscription.
pub(crate) fn unsubscribe_push(channel: &str, why: &Unsubscribe) -> String {
    let mut out = String::new();
    let mut reply = ObjectWriter::begin(&mut out);
    reply.object("push", |push| {
        push.text("channel", channel);
        push.object("unsubscribe", |body| {
            body.number("code", why.code).text("reason", &why.reason);
        });
    });
    reply.end();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_holds_its_publication() {
        let push = Push::positioned("chat:\"1", &Bytes::from_static(b"{\"a\":\n1}"), 7, "e");
        assert_eq!(push.text().as_str(), r#"{"push":{"channel":"chat:\"1","pub":{"data":{"a": 1},"offset":7}}}"#);
        assert_eq!(push.publication(), r#"{"data":{"a": 1},"offset":7}"#);
        let first = Push::positioned("c", &Bytes::from_static(b"1"), 1, "e");
        assert_eq!(first.publication(), r#"{"data":1,"offset":1,"epoch":"e"}"#);
        assert_eq!(Push::passing("c", &Bytes::from_static(b"\xff")).publication(), r#"{"data":null}"#);
    }

    #[test]
    fn an_unsubscribe_names_its_code() {
        let text = unsubscribe_push("c", &crate::protocol::codes::INSUFFICIENT_STATE);
        assert_eq!(text, r#"{"push":{"channel":"c","unsubscribe":{"code":2500,"reason":"insufficient state"}}}"#);
    }
}
