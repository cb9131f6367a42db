//! Replies: one per command that has an id, each one line of JSON.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{Push, writer::ObjectWriter};
use crate::{hub::Member, needs::ClientError};

/// What a client learns when its session is open.
pub(crate) struct ConnectResult<'a> {
    pub(crate) client: &'a str,
    /// Seconds between the server's pings; 0: it does not ping in this way.
    pub(crate) ping_s: u64,
    /// Milliseconds since the Unix epoch.
    pub(crate) time_ms: i64,
    /// A value for the application.
    pub(crate) data: Option<Bytes>,
}

/// What a client learns when its subscription is open.
pub(crate) struct SubscribeResult {
    /// On recoverable channels: where the client stands.
    pub(crate) place: Option<Place>,
    /// JSON the channel greets with.
    pub(crate) data: Option<Bytes>,
}

/// Where a subscription begins.
pub(crate) struct Place {
    pub(crate) epoch: String,
    /// When recovered, the position asked for; otherwise the newest.
    pub(crate) offset: u64,
    pub(crate) was_recovering: bool,
    pub(crate) recovered: bool,
    /// What was missed, oldest first.
    pub(crate) publications: Vec<Push>,
}

/// Past publications, and the newest position.
pub(crate) struct HistoryResult {
    pub(crate) publications: Vec<Push>,
    pub(crate) epoch: String,
    pub(crate) offset: u64,
}

pub(crate) fn connected(id: u32, result: &ConnectResult<'_>) -> String {
    reply(id, "connect", |body| {
        body.text("client", result.client).text("version", concat!("madang ", env!("CARGO_PKG_VERSION")));
        if let Some(data) = &result.data {
            body.raw("data", &one_line(data));
        }
        if result.ping_s > 0 {
            body.number("ping", result.ping_s).flag("pong", true);
        }
        body.number("time", result.time_ms);
    })
}

pub(crate) fn subscribed(id: u32, result: &SubscribeResult) -> String {
    reply(id, "subscribe", |body| {
        if let Some(place) = &result.place {
            body.flag("recoverable", true).text("epoch", &place.epoch);
            if !place.publications.is_empty() {
                body.list("publications", place.publications.iter().map(Push::publication));
            }
            body.flag("recovered", place.recovered).number("offset", place.offset);
            body.flag("positioned", true).flag("was_recovering", place.was_recovering);
        }
        if let Some(data) = &result.data {
            body.raw("data", &one_line(data));
        }
    })
}

pub(crate) fn history(id: u32, result: &HistoryResult) -> String {
    reply(id, "history", |body| {
        body.list("publications", result.publications.iter().map(Push::publication));
        body.text("epoch", &result.epoch).number("offset", result.offset);
    })
}

pub(crate) fn presence<'a>(id: u32, members: impl Iterator<Item = &'a Member>) -> String {
    reply(id, "presence", |body| {
        body.object("presence", |clients| {
            for member in members {
                clients.object(member.client(), |info| {
                    info.text("user", member.user()).text("client", member.client());
                });
            }
        });
    })
}

pub(crate) fn presence_stats(id: u32, clients: u64, users: u64) -> String {
    reply(id, "presence_stats", |body| {
        body.number("num_clients", clients).number("num_users", users);
    })
}

/// The reply of an rpc.
pub(crate) fn data(id: u32, data: &Bytes) -> String {
    reply(id, "rpc", |body| {
        body.raw("data", &one_line(data));
    })
}

/// A reply that says no more than that the command was done.
pub(crate) fn done(id: u32, kind: &str) -> String {
    reply(id, kind, |_| ())
}

pub(crate) fn failed(id: u32, error: &ClientError) -> String {
    reply(id, "error", |body| {
        body.number("code", error.code).text("message", &error.message).flag("temporary", error.temporary);
    })
}

fn reply(id: u32, kind: &str, members: impl FnOnce(&mut ObjectWriter<'_>)) -> String {
    let mut out = String::new();
    let mut reply = ObjectWriter::begin(&mut out);
    reply.number("id", id).object(kind, members);
    reply.end();
    out
}

fn one_line(data: &Bytes) -> String {
    match serde_json::from_slice::<&RawValue>(data) {
        Ok(json) => json.get().replace('\n', " "),
        Err(error) => {
            tracing::error!(%error, "an answer to a client is not JSON; it was replaced by null");
            "null".into()
        }
    }
}
