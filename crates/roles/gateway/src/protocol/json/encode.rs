//! Messages to lines of JSON.

use std::sync::Arc;

use bytes::Bytes;
use ports::about::ClientInfo;

use super::{
    super::{
        ConnectResult, DataForm, HistoryResult, Lifetime, Message, Place, Published, Push, Reply, SubscribeResult,
        VERSION, other_line,
    },
    writer::ObjectWriter,
};

/// Appends one message.
pub(crate) fn message(out: &mut Vec<u8>, message: &Message) {
    let mut line = ObjectWriter::begin(out);
    match message {
        Message::Reply(id, body) => {
            line.number("id", *id);
            reply(&mut line, body);
        }
        Message::Push(channel, body) => {
            line.object("push", |line| {
                line.text_if_any("channel", channel);
                push(line, body);
            });
        }
    }
    line.end();
}

/// Appends the push of a publication; `before` is the one before it in its channel, where a difference may be made.
pub(crate) fn publication_push(
    out: &mut Vec<u8>,
    channel: &str,
    published: &Published,
    form: DataForm,
    before: Option<&Published>,
) {
    let mut line = ObjectWriter::begin(out);
    line.object("push", |push| {
        push.text("channel", channel).object("pub", |body| publication(body, published, form, before));
    });
    line.end();
}

fn reply(line: &mut ObjectWriter<'_>, reply: &Reply) {
    match reply {
        Reply::Connect(result) => line.object("connect", |body| connected(body, result)),
        Reply::Subscribe(result) => line.object("subscribe", |body| subscribed(body, result)),
        Reply::Unsubscribe => line.raw("unsubscribe", b"{}"),
        Reply::Publish => line.raw("publish", b"{}"),
        Reply::Presence(clients) => line.object("presence", |body| {
            body.object("presence", |all| {
                for client in clients {
                    all.entry(&client.client, |body| info(body, client));
                }
            });
        }),
        Reply::PresenceStats { clients, users } => line.object("presence_stats", |body| {
            body.number("num_clients", *clients).number("num_users", *users);
        }),
        Reply::History(result) => line.object("history", |body| history(body, result)),
        Reply::Ping => line.raw("ping", b"{}"),
        Reply::Rpc(data) => line.object("rpc", |body| value(body, "data", data)),
        Reply::Refresh { client, lifetime: left } => line.object("refresh", |body| {
            body.text("client", client).text("version", VERSION);
            lifetime(body, *left);
        }),
        Reply::SubRefresh(left) => line.object("sub_refresh", |body| lifetime(body, *left)),
        Reply::Error(error) => line.object("error", |body| {
            body.number("code", error.code).text("message", &error.message).flag("temporary", error.temporary);
        }),
    };
}

fn push(line: &mut ObjectWriter<'_>, push: &Push) {
    match push {
        Push::Join(client) => line.object("join", |body| client_info(body, client)),
        Push::Leave(client) => line.object("leave", |body| client_info(body, client)),
        Push::Unsubscribe(why) => line.object("unsubscribe", |body| {
            body.number("code", why.code).text("reason", &why.reason);
        }),
        Push::Message(data) => line.object("message", |body| value(body, "data", data)),
        Push::Subscribe(result) => line.object("subscribe", |body| {
            if let Some(place) = &result.place {
                body.flag("recoverable", place.recoverable).text("epoch", &place.epoch);
                body.number("offset", place.offset).flag("positioned", true);
            }
            optional(body, "data", result.data.as_ref());
        }),
        Push::Disconnect(why) => line.object("disconnect", |body| {
            body.number("code", why.code).text("reason", &why.reason).flag("reconnect", why.reconnects());
        }),
        Push::Refresh(left) => line.object("refresh", |body| lifetime(body, *left)),
    };
}

fn connected(body: &mut ObjectWriter<'_>, result: &ConnectResult) {
    body.text("client", &result.client).text("version", VERSION);
    lifetime(body, result.lifetime);
    optional(body, "data", result.data.as_ref());
    if !result.subs.is_empty() {
        body.object("subs", |subs| {
            for (channel, result) in &result.subs {
                subs.entry(channel, |body| subscribed(body, result));
            }
        });
    }
    if result.ping_s > 0 {
        body.number("ping", result.ping_s).flag("pong", true);
    }
    body.text_if_any("session", &result.session).text_if_any("node", &result.node).number("time", result.time_ms);
}

fn subscribed(body: &mut ObjectWriter<'_>, result: &SubscribeResult) {
    lifetime(body, result.lifetime);
    if let Some(place) = &result.place {
        stands(body, place, result.delta);
    }
    optional(body, "data", result.data.as_ref());
    body.flag("delta", result.delta);
}

fn stands(body: &mut ObjectWriter<'_>, place: &Place, delta: bool) {
    body.flag("recoverable", place.recoverable).text("epoch", &place.epoch);
    if !place.publications.is_empty() {
        body.list("publications", place.in_a_row(delta), |body, (one, form, before)| {
            publication(body, one, form, before);
        });
    }
    body.flag("recovered", place.recovered).number("offset", place.offset);
    body.flag("positioned", true).flag("was_recovering", place.was_recovering);
}

fn history(body: &mut ObjectWriter<'_>, result: &HistoryResult) {
    let publications = result.publications.iter();
    body.list("publications", publications, |body, one| publication(body, one, DataForm::Plain, None));
    body.text("epoch", &result.epoch).number("offset", result.offset);
}

fn publication(body: &mut ObjectWriter<'_>, published: &Published, form: DataForm, before: Option<&Published>) {
    let difference = match form {
        DataForm::Difference => before.and_then(|before| published.line_difference(before)),
        DataForm::Plain | DataForm::Whole => None,
    };
    match (form, difference) {
        (DataForm::Plain, _) => body.raw("data", published.line()),
        (_, Some(difference)) => body.text("data", difference).flag("delta", true),
        // To readers of differences all data is text that is parsed when it is whole.
        (_, None) => body.text("data", &String::from_utf8_lossy(published.line())),
    };
    if let Some(about) = published.about() {
        if let Some(client) = &about.info {
            client_info(body, client);
        }
        if !about.tags.is_empty() {
            body.object("tags", |tags| {
                for (name, value) in &about.tags {
                    tags.text_entry(name, value);
                }
            });
        }
    }
    if let Some(offset) = published.offset() {
        body.number("offset", offset);
    }
    if let Some(epoch) = published.epoch() {
        body.text("epoch", epoch);
    }
}

fn client_info(body: &mut ObjectWriter<'_>, client: &Arc<ClientInfo>) {
    body.object("info", |body| info(body, client));
}

fn info(body: &mut ObjectWriter<'_>, client: &ClientInfo) {
    body.text("user", &client.user).text("client", &client.client);
    optional(body, "conn_info", client.conn_info.as_ref());
    optional(body, "chan_info", client.chan_info.as_ref());
}

fn lifetime(body: &mut ObjectWriter<'_>, Lifetime(left): Lifetime) {
    if let Some(seconds) = left {
        body.flag("expires", true).number("ttl", seconds);
    }
}

fn optional(body: &mut ObjectWriter<'_>, name: &'static str, data: Option<&Bytes>) {
    if let Some(data) = data {
        value(body, name, data);
    }
}

fn value(body: &mut ObjectWriter<'_>, name: &'static str, data: &Bytes) {
    match other_line(data) {
        Some(line) => body.raw(name, &line),
        None => body.raw(name, data),
    };
}
