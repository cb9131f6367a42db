//! A frame of JSON lines to commands.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::{
    COMMANDS_PER_FRAME_MAX, Command, Connect, DecodeError, Decoded, FLAG_REJECT_UNRECOVERED, FOSSIL, History, Request,
    Since, Subscribe,
};

/// The commands of one frame, in order. Embedded JSON is a copy: a command that waits must not hold all of its frame.
pub(crate) fn decode(frame: &[u8]) -> Result<Vec<Decoded>, DecodeError> {
    let mut commands = Vec::new();
    for line in frame.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()) {
        if commands.len() == COMMANDS_PER_FRAME_MAX {
            return Err(DecodeError::TooManyCommands);
        }
        let envelope: Envelope<'_> = serde_json::from_slice(line).map_err(DecodeError::Malformed)?;
        commands.push(Decoded { command: envelope.into(), bytes: line.len() });
    }
    Ok(commands)
}

#[derive(Deserialize)]
struct Envelope<'a> {
    id: Option<u32>,
    #[serde(borrow)]
    connect: Option<ConnectFields<'a>>,
    #[serde(borrow)]
    subscribe: Option<SubscribeFields<'a>>,
    unsubscribe: Option<ChannelField>,
    #[serde(borrow)]
    publish: Option<PublishFields<'a>>,
    presence: Option<ChannelField>,
    presence_stats: Option<ChannelField>,
    history: Option<HistoryFields>,
    ping: Option<Anything>,
    #[serde(borrow)]
    send: Option<DataField<'a>>,
    #[serde(borrow)]
    rpc: Option<RpcFields<'a>>,
    refresh: Option<RefreshFields>,
    sub_refresh: Option<RefreshFields>,
}

impl From<Envelope<'_>> for Command {
    /// The first member that is there wins, in the order of the protocol's schema.
    fn from(envelope: Envelope<'_>) -> Self {
        let id = envelope.id.unwrap_or_default();
        let request = if let Some(fields) = envelope.connect {
            Request::Connect(fields.into())
        } else if let Some(fields) = envelope.subscribe {
            Request::Subscribe(fields.into())
        } else if let Some(fields) = envelope.unsubscribe {
            Request::Unsubscribe { channel: fields.name() }
        } else if let Some(fields) = envelope.publish {
            Request::Publish { channel: fields.channel.unwrap_or_default(), data: keep(fields.data) }
        } else if let Some(fields) = envelope.presence {
            Request::Presence { channel: fields.name() }
        } else if let Some(fields) = envelope.presence_stats {
            Request::PresenceStats { channel: fields.name() }
        } else if let Some(fields) = envelope.history {
            Request::History(fields.into())
        } else if envelope.ping.is_some() {
            Request::Ping
        } else if let Some(fields) = envelope.send {
            Request::Send { data: keep(fields.data) }
        } else if let Some(fields) = envelope.rpc {
            Request::Rpc { method: fields.method.unwrap_or_default(), data: keep(fields.data) }
        } else if let Some(fields) = envelope.refresh {
            Request::Refresh { token: fields.token.unwrap_or_default() }
        } else if let Some(fields) = envelope.sub_refresh {
            let (channel, token) = (fields.channel.unwrap_or_default(), fields.token.unwrap_or_default());
            Request::SubRefresh { channel, token }
        } else if id == 0 {
            Request::Pong
        } else {
            Request::Unknown
        };
        Self { id, request }
    }
}

fn keep(raw: Option<&RawValue>) -> Option<Bytes> {
    raw.map(|raw| Bytes::copy_from_slice(raw.get().as_bytes()))
}

fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// An object whose members do not matter here.
#[derive(Deserialize)]
struct Anything {}

#[derive(Deserialize)]
struct ChannelField {
    channel: Option<String>,
}

impl ChannelField {
    fn name(self) -> String {
        self.channel.unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct DataField<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ConnectFields<'a> {
    token: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    name: Option<String>,
    version: Option<String>,
    headers: Option<BTreeMap<String, String>>,
    subs: Option<BTreeMap<String, SubscribeFields<'a>>>,
}

impl From<ConnectFields<'_>> for Connect {
    fn from(fields: ConnectFields<'_>) -> Self {
        let subs = fields.subs.unwrap_or_default().into_iter();
        Self {
            token: given(fields.token),
            data: keep(fields.data),
            name: fields.name.unwrap_or_default(),
            version: fields.version.unwrap_or_default(),
            headers: fields.headers.unwrap_or_default(),
            subs: subs.filter_map(|(channel, position)| Some((channel, Subscribe::from(position).recover?))).collect(),
        }
    }
}

#[derive(Deserialize)]
struct SubscribeFields<'a> {
    channel: Option<String>,
    token: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    recover: Option<bool>,
    epoch: Option<String>,
    offset: Option<u64>,
    flag: Option<i64>,
    positioned: Option<bool>,
    recoverable: Option<bool>,
    join_leave: Option<bool>,
    delta: Option<String>,
}

impl From<SubscribeFields<'_>> for Subscribe {
    fn from(fields: SubscribeFields<'_>) -> Self {
        let since = Since { offset: fields.offset.unwrap_or_default(), epoch: fields.epoch.unwrap_or_default() };
        Self {
            channel: fields.channel.unwrap_or_default(),
            token: given(fields.token),
            data: keep(fields.data),
            recover: fields.recover.unwrap_or_default().then_some(since),
            reject_unrecovered: fields.flag.unwrap_or_default() & FLAG_REJECT_UNRECOVERED != 0,
            positioned: fields.positioned.unwrap_or_default(),
            recoverable: fields.recoverable.unwrap_or_default(),
            join_leave: fields.join_leave.unwrap_or_default(),
            fossil_delta: fields.delta.as_deref() == Some(FOSSIL),
        }
    }
}

#[derive(Deserialize)]
struct PublishFields<'a> {
    channel: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RpcFields<'a> {
    method: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RefreshFields {
    channel: Option<String>,
    token: Option<String>,
}

#[derive(Deserialize)]
struct HistoryFields {
    channel: Option<String>,
    limit: Option<i64>,
    since: Option<SinceFields>,
    reverse: Option<bool>,
}

#[derive(Deserialize)]
struct SinceFields {
    offset: Option<u64>,
    epoch: Option<String>,
}

impl From<HistoryFields> for History {
    fn from(fields: HistoryFields) -> Self {
        let since = fields
            .since
            .map(|since| Since { offset: since.offset.unwrap_or_default(), epoch: since.epoch.unwrap_or_default() });
        Self {
            channel: fields.channel.unwrap_or_default(),
            limit: fields.limit.unwrap_or_default(),
            since,
            reverse: fields.reverse.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &'static str) -> Command {
        decode(text.as_bytes()).unwrap().remove(0).command
    }

    #[test]
    fn embedded_json_stays_as_it_was_sent() {
        let command = one(r#"{"id":3,"publish":{"channel":"chat:1","data": {"text" : "안녕 \u0041", "n":1.0e3} }}"#);
        let data = Bytes::from_static(r#"{"text" : "안녕 \u0041", "n":1.0e3}"#.as_bytes());
        let request = Request::Publish { channel: "chat:1".into(), data: Some(data) };
        assert_eq!(command, Command { id: 3, request });
    }

    #[test]
    fn unknown_fields_are_ignored_and_an_empty_command_is_a_pong() {
        let command =
            one(r#"{"id":7,"subscribe":{"channel":"a","recover":true,"offset":5,"epoch":"x","tf":{},"flag":3}}"#);
        let recover = Some(Since { offset: 5, epoch: "x".into() });
        let subscribe = Subscribe { channel: "a".into(), recover, reject_unrecovered: true, ..Subscribe::default() };
        assert_eq!(command, Command { id: 7, request: Request::Subscribe(subscribe) });
        assert_eq!(one("{}").request, Request::Pong);
        assert_eq!(one(r#"{"id":1,"map_publish":{}}"#).request, Request::Unknown);
        assert_eq!(one(r#"{"id":1,"connect":{"token":"","data":null}}"#).request, Request::Connect(Connect::default()));
    }

    #[test]
    fn several_commands_come_in_order_and_their_number_is_bounded() {
        let frame = b"{\"id\":1,\"ping\":{}}\n\n {\"id\":22,\"ping\":{}}\r\n";
        let decoded: Vec<(u32, usize)> =
            decode(frame).unwrap().iter().map(|decoded| (decoded.command.id, decoded.bytes)).collect();
        assert_eq!(decoded, [(1, 18), (22, 19)]);
        let many = "{}\n".repeat(COMMANDS_PER_FRAME_MAX + 1);
        assert!(matches!(decode(many.as_bytes()), Err(DecodeError::TooManyCommands)));
    }

    #[test]
    fn what_is_not_a_command_is_an_error() {
        for bad in ["[]", "1", "{", "{\"id\":-1}", "{\"id\":\"1\"}", "{\"connect\":1}", "{}{}", "\u{0}"] {
            assert!(decode(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(decode(b"{\"rpc\":{\"method\":\"\xff\"}}").is_err());
        let deep = format!("{{\"id\":1,\"rpc\":{{\"data\":{}", "[".repeat(60_000));
        assert!(decode(deep.as_bytes()).is_err());
    }
}
