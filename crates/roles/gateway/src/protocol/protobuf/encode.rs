//! Messages to Protobuf, each behind its length.
//!
//! Numbers of fields: `Reply`, `Push` and the results of the published schema.

use bytes::Bytes;
use ports::about::ClientInfo;

use super::{
    super::{
        ConnectResult, DataForm, HistoryResult, Lifetime, Message, Place, Published, Push, Reply, SubscribeResult,
        VERSION,
    },
    writer::{bytes, delimited, flag, message as field, number},
};

/// Appends one message.
pub(crate) fn message(out: &mut Vec<u8>, message: &Message) {
    delimited(out, |out| match message {
        Message::Reply(id, body) => {
            number(out, 1, u64::from(*id));
            reply(out, body);
        }
        Message::Push(channel, body) => field(out, 4, |out| {
            bytes(out, 2, channel.as_bytes());
            push(out, body);
        }),
    });
}

/// Appends the push of a publication; `before` is the one before it in its channel, where a difference may be made.
pub(crate) fn publication_push(
    out: &mut Vec<u8>,
    channel: &str,
    published: &Published,
    form: DataForm,
    before: Option<&Published>,
) {
    delimited(out, |out| {
        field(out, 4, |out| {
            bytes(out, 2, channel.as_bytes());
            field(out, 4, |out| publication(out, published, form, before));
        });
    });
}

fn reply(out: &mut Vec<u8>, reply: &Reply) {
    match reply {
        Reply::Error(error) => field(out, 2, |out| {
            number(out, 1, u64::from(error.code));
            bytes(out, 2, error.message.as_bytes());
            flag(out, 3, error.temporary);
        }),
        Reply::Connect(result) => field(out, 5, |out| connected(out, result)),
        Reply::Subscribe(result) => field(out, 6, |out| subscribed(out, result)),
        Reply::Unsubscribe => field(out, 7, |_| ()),
        Reply::Publish => field(out, 8, |_| ()),
        Reply::Presence(clients) => field(out, 9, |out| {
            for client in clients {
                field(out, 1, |out| {
                    bytes(out, 1, client.client.as_bytes());
                    field(out, 2, |out| info(out, client));
                });
            }
        }),
        Reply::PresenceStats { clients, users } => field(out, 10, |out| {
            number(out, 1, *clients);
            number(out, 2, *users);
        }),
        Reply::History(result) => field(out, 11, |out| history(out, result)),
        Reply::Ping => field(out, 12, |_| ()),
        Reply::Rpc(data) => field(out, 13, |out| bytes(out, 1, data)),
        Reply::Refresh { client, lifetime: left } => field(out, 14, |out| {
            bytes(out, 1, client.as_bytes());
            bytes(out, 2, VERSION.as_bytes());
            lifetime(out, 3, *left);
        }),
        Reply::SubRefresh(left) => field(out, 15, |out| lifetime(out, 1, *left)),
    }
}

fn push(out: &mut Vec<u8>, push: &Push) {
    match push {
        Push::Join(client) => field(out, 5, |out| field(out, 1, |out| info(out, client))),
        Push::Leave(client) => field(out, 6, |out| field(out, 1, |out| info(out, client))),
        Push::Unsubscribe(why) => field(out, 7, |out| {
            number(out, 2, u64::from(why.code));
            bytes(out, 3, why.reason.as_bytes());
        }),
        Push::Message(data) => field(out, 8, |out| bytes(out, 1, data)),
        Push::Subscribe(result) => field(out, 9, |out| {
            if let Some(place) = &result.place {
                flag(out, 1, place.recoverable);
                bytes(out, 4, place.epoch.as_bytes());
                number(out, 5, place.offset);
                flag(out, 6, true);
            }
            optional(out, 7, result.data.as_ref());
        }),
        Push::Disconnect(why) => field(out, 11, |out| {
            number(out, 1, u64::from(why.code));
            bytes(out, 2, why.reason.as_bytes());
            flag(out, 3, why.reconnects());
        }),
        Push::Refresh(left) => field(out, 12, |out| lifetime(out, 1, *left)),
    }
}

fn connected(out: &mut Vec<u8>, result: &ConnectResult) {
    bytes(out, 1, result.client.as_bytes());
    bytes(out, 2, VERSION.as_bytes());
    lifetime(out, 3, result.lifetime);
    optional(out, 5, result.data.as_ref());
    for (channel, result) in &result.subs {
        field(out, 6, |out| {
            bytes(out, 1, channel.as_bytes());
            field(out, 2, |out| subscribed(out, result));
        });
    }
    number(out, 7, u64::from(result.ping_s));
    flag(out, 8, result.ping_s > 0);
    bytes(out, 9, result.session.as_bytes());
    bytes(out, 10, result.node.as_bytes());
    number(out, 11, result.time_ms.unsigned_abs());
}

fn subscribed(out: &mut Vec<u8>, result: &SubscribeResult) {
    lifetime(out, 1, result.lifetime);
    if let Some(place) = &result.place {
        stands(out, place, result.delta);
    }
    optional(out, 11, result.data.as_ref());
    flag(out, 13, result.delta);
}

fn stands(out: &mut Vec<u8>, place: &Place, delta: bool) {
    flag(out, 3, place.recoverable);
    bytes(out, 6, place.epoch.as_bytes());
    for (one, form, before) in place.in_a_row(delta) {
        field(out, 7, |out| publication(out, one, form, before));
    }
    flag(out, 8, place.recovered);
    number(out, 9, place.offset);
    flag(out, 10, true);
    flag(out, 12, place.was_recovering);
}

fn history(out: &mut Vec<u8>, result: &HistoryResult) {
    for one in &result.publications {
        field(out, 1, |out| publication(out, one, DataForm::Plain, None));
    }
    bytes(out, 2, result.epoch.as_bytes());
    number(out, 3, result.offset);
}

fn publication(out: &mut Vec<u8>, published: &Published, form: DataForm, before: Option<&Published>) {
    let difference = match form {
        DataForm::Difference => before.and_then(|before| published.difference(before)),
        DataForm::Plain | DataForm::Whole => None,
    };
    bytes(out, 4, difference.unwrap_or(published.data()));
    if let Some(about) = published.about() {
        if let Some(client) = &about.info {
            field(out, 5, |out| info(out, client));
        }
        for (name, value) in &about.tags {
            field(out, 7, |out| {
                bytes(out, 1, name.as_bytes());
                bytes(out, 2, value.as_bytes());
            });
        }
    }
    number(out, 6, published.offset().unwrap_or_default());
    flag(out, 8, difference.is_some());
    bytes(out, 14, published.epoch().unwrap_or_default().as_bytes());
}

fn info(out: &mut Vec<u8>, client: &ClientInfo) {
    bytes(out, 1, client.user.as_bytes());
    bytes(out, 2, client.client.as_bytes());
    optional(out, 3, client.conn_info.as_ref());
    optional(out, 4, client.chan_info.as_ref());
}

/// Two fields: whether it ends, and the seconds until then.
fn lifetime(out: &mut Vec<u8>, first: u32, Lifetime(left): Lifetime) {
    flag(out, first, left.is_some());
    number(out, first + 1, u64::from(left.unwrap_or_default()));
}

fn optional(out: &mut Vec<u8>, number: u32, data: Option<&Bytes>) {
    if let Some(data) = data {
        bytes(out, number, data);
    }
}
