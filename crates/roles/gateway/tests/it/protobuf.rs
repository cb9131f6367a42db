//! The protocol in Protobuf: the same as in JSON, as another implementation of Protobuf reads and writes it.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use futures_util::SinkExt;
use gateway::{
    needs::{ChannelRules, Connected, Offer, Refreshed, SubscriptionRefreshed},
    protocol::{Encoding, codes, decode},
};
use kernel::{Caller, Clock, Timestamp};
use ports::about::About;
use proptest::prelude::*;
use prost::Message as _;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    client::Client,
    schema::{self, Command, Reply},
    server::Server,
};

/// A client that speaks Protobuf.
pub(crate) struct BinaryClient {
    client: Client,
    replies: Vec<Reply>,
    next_id: u32,
}

impl BinaryClient {
    pub(crate) async fn connect(server: &Server, token: &str) -> (Self, schema::ConnectResult) {
        let headers = [("sec-websocket-protocol", "centrifuge-protobuf")];
        let client = Client::open_with(server, "", &headers, None).await.unwrap();
        Self::connect_on(client, token).await
    }

    async fn connect_on(client: Client, token: &str) -> (Self, schema::ConnectResult) {
        let mut client = Self { client, replies: Vec::new(), next_id: 1 };
        let request = schema::ConnectRequest { token: token.into(), ..Default::default() };
        let reply = client.call(Command { connect: Some(request), ..Default::default() }).await;
        (client, reply.connect.unwrap())
    }

    pub(crate) async fn call(&mut self, command: Command) -> Reply {
        let id = self.next_id;
        self.next_id += 1;
        let frame = Command { id, ..command }.encode_length_delimited_to_vec();
        self.client.socket.send(Message::binary(frame)).await.unwrap();
        self.reply(id).await
    }

    async fn reply(&mut self, id: u32) -> Reply {
        loop {
            if let Some(index) = self.replies.iter().position(|reply| reply.id == id) {
                return self.replies.remove(index);
            }
            self.read().await;
        }
    }

    /// The next push.
    pub(crate) async fn push(&mut self) -> schema::Push {
        loop {
            if let Some(index) = self.replies.iter().position(|reply| reply.push.is_some()) {
                return self.replies.remove(index).push.unwrap();
            }
            self.read().await;
        }
    }

    async fn read(&mut self) {
        match self.client.frame().await {
            Message::Binary(frame) => {
                let mut rest = frame;
                while !rest.is_empty() {
                    self.replies.push(Reply::decode_length_delimited(&mut rest).unwrap());
                }
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn subscribe(&mut self, request: schema::SubscribeRequest) -> schema::SubscribeResult {
        let reply = self.call(Command { subscribe: Some(request), ..Default::default() }).await;
        reply.subscribe.unwrap_or_else(|| panic!("{:?}", reply.error))
    }
}

fn channel(name: &str) -> Option<schema::ChannelRequest> {
    Some(schema::ChannelRequest { channel: name.into() })
}

fn to(name: &str) -> schema::SubscribeRequest {
    schema::SubscribeRequest { channel: name.into(), ..Default::default() }
}

#[tokio::test]
async fn every_command_is_answered_as_in_json() {
    let server = Server::start().await;
    let epoch = server.world.log.epoch();
    server.world.offer("room:1", |rules| ChannelRules {
        join_leave: Offer::Asked,
        announced: true,
        chan_info: Some("2".into()),
        expires_at: Some(Timestamp::from_millis(server.clock.now().as_millis() + 60_000)),
        data: Some("[0]".into()),
        ..rules
    });
    let caller = Caller::anonymous([127, 0, 0, 1].into());
    let connected = Connected { user: "u".into(), conn_info: Some("1".into()), ..Connected::new(caller) };
    server.tokens.let_in.lock().unwrap().insert("t".into(), connected);
    let (mut client, connect) = BinaryClient::connect(&server, "t").await;
    assert_eq!((connect.ping, connect.pong, connect.time), (25, true, 1_767_225_600_007));
    let info = schema::ClientInfo {
        user: "u".into(),
        client: connect.client.clone(),
        conn_info: b"1".to_vec(),
        chan_info: b"2".to_vec(),
    };

    let result = client.subscribe(schema::SubscribeRequest { join_leave: true, ..to("room:1") }).await;
    assert_eq!((result.expires, result.ttl, result.data), (true, 60, b"[0]".to_vec()));
    assert_eq!((result.recoverable, result.positioned, result.epoch, result.offset), (true, true, epoch.clone(), 0));
    let push = client.push().await;
    assert_eq!((push.channel.as_str(), push.join.unwrap().info), ("room:1", Some(info.clone())));

    let about = About { info: None, tags: vec![("a".into(), "b".into())] };
    server.world.publish_bytes("room:1", Bytes::from_static(b"\xff\x00binary"), Some(Arc::new(about)));
    let publication = schema::Publication {
        data: b"\xff\x00binary".to_vec(),
        offset: 1,
        epoch: epoch.clone(),
        tags: HashMap::from([("a".into(), "b".into())]),
        ..Default::default()
    };
    assert_eq!(client.push().await.publication.as_ref(), Some(&publication));

    let presence = client.call(Command { presence: channel("room:1"), ..Default::default() }).await.presence.unwrap();
    assert_eq!(presence.presence, HashMap::from([(connect.client.clone(), info)]));
    let stats = client.call(Command { presence_stats: channel("room:1"), ..Default::default() }).await;
    assert_eq!(stats.presence_stats.map(|stats| (stats.num_clients, stats.num_users)), Some((1, 1)));
    let ask = schema::HistoryRequest { channel: "room:1".into(), limit: -1, ..Default::default() };
    let history = client.call(Command { history: Some(ask), ..Default::default() }).await.history.unwrap();
    assert_eq!((history.publications, history.epoch, history.offset), (vec![publication], epoch, 1));
    assert!(client.call(Command { ping: Some(schema::Empty {}), ..Default::default() }).await.ping.is_some());
    let rpc = schema::RpcRequest { method: "echo".into(), data: vec![0, 255, 10] };
    assert_eq!(client.call(Command { rpc: Some(rpc), ..Default::default() }).await.rpc.unwrap().data, [0, 255, 10]);
    let denied = schema::PublishRequest { channel: "room:1".into(), data: vec![1] };
    let denied = client.call(Command { publish: Some(denied), ..Default::default() }).await.error.unwrap();
    assert_eq!((denied.code, denied.temporary), (101, false));

    let in_a_minute = Some(Timestamp::from_millis(server.clock.now().as_millis() + 60_000));
    let refreshed = Refreshed { expires_at: in_a_minute, conn_info: None };
    server.tokens.refreshes.lock().unwrap().insert("fresh".into(), refreshed);
    let refresh = Some(schema::RefreshRequest { token: "fresh".into() });
    let refreshed = client.call(Command { refresh, ..Default::default() }).await.refresh.unwrap();
    assert_eq!((refreshed.client, refreshed.expires, refreshed.ttl), (connect.client, true, 60));
    let refreshed = SubscriptionRefreshed { expires_at: in_a_minute, chan_info: None };
    server.world.refreshes.lock().unwrap().insert("fresh".into(), refreshed);
    let sub_refresh = Some(schema::SubRefreshRequest { channel: "room:1".into(), token: "fresh".into() });
    let refreshed = client.call(Command { sub_refresh, ..Default::default() }).await.sub_refresh.unwrap();
    assert_eq!(refreshed, schema::Expiry { expires: true, ttl: 60 });
    let user = gateway::Target::User { user: "u".into(), except: vec![] };
    server.gateway.send(&user, &Bytes::from_static(b"\x00"));
    assert_eq!(client.push().await.message.unwrap().data, [0]);
    server.gateway.unsubscribe(&user, "room:1", &codes::SERVER_UNSUBSCRIBE);
    let ended = client.push().await;
    assert_eq!((ended.channel.as_str(), ended.unsubscribe.unwrap().code), ("room:1", 2000));
    assert!(client.call(Command { unsubscribe: channel("room:1"), ..Default::default() }).await.unsubscribe.is_some());
}

#[tokio::test]
async fn both_encodings_meet_in_a_channel_and_binary_is_null_in_json() {
    let server = Server::start().await;
    let query = Client::open_with(&server, "?format=protobuf", &[], None).await.unwrap();
    let (mut binary, _) = BinaryClient::connect_on(query, "5").await;
    let mut text = Client::connect(&server).await;
    text.subscribe("room:1").await;
    binary.subscribe(to("room:1")).await;
    let mut expected = Vec::new();
    for number in 1..=300_u64 {
        let data = if number % 3 == 0 { vec![0xff, number as u8] } else { number.to_string().into_bytes() };
        let publish = schema::PublishRequest { channel: "room:1".into(), data: data.clone() };
        let reply = binary.call(Command { publish: Some(publish), ..Default::default() }).await;
        assert!(reply.publish.is_some(), "{reply:?}");
        expected.push(data);
    }
    for (number, data) in (1..).zip(&expected) {
        let push = binary.push().await.publication.unwrap();
        assert_eq!((push.offset, &push.data), (number, data));
        let push = text.publication().await;
        let data = serde_json::from_slice(data).unwrap_or(json!(null));
        assert_eq!((&push["pub"]["offset"], &push["pub"]["data"]), (&json!(number), &data));
    }
    let recovered = binary.call(Command { unsubscribe: channel("room:1"), ..Default::default() });
    recovered.await;
    let request = schema::SubscribeRequest { recover: true, offset: 100, ..to("room:1") };
    let result = binary.subscribe(request).await;
    assert!(result.recovered && result.was_recovering && result.offset == 100);
    for (publication, data) in result.publications.iter().zip(&expected[100..]) {
        assert_eq!(publication.data, *data);
    }
    assert_eq!(result.publications.len(), 200);
}

#[tokio::test]
async fn pings_are_empty_messages_and_an_empty_command_answers_them() {
    let settings = gateway::Settings { ping_interval_ms: 200, pong_timeout_ms: 2_000, ..Default::default() };
    let server = Server::with(settings).await;
    let (mut client, _) = BinaryClient::connect(&server, "5").await;
    for _ in 0..2 {
        let Message::Binary(ping) = client.client.frame().await else { panic!() };
        assert_eq!(ping[..], [0]);
        client.client.socket.send(Message::binary(vec![0])).await.unwrap();
    }
    client.client.socket.send(Message::binary(vec![0])).await.unwrap();
    assert_eq!(client.client.closed().await.0, 3501, "nobody asked");
}

#[tokio::test]
async fn what_is_not_protobuf_ends_the_connection_and_text_is_not_spoken() {
    let server = Server::start().await;
    let frames: [&[u8]; 8] = [
        // A ping, and then a group, which nobody sends.
        b"\x06\x08\x02\x5a\x00\x9b\x06",
        b"",
        b"\x05\x08",
        b"\x02\x0b\x00",
        b"\x02\x00\x01",
        b"\x04\x2a\x02\x0a\x05",
        b"\x05\x22\x03\x0a\x01\xff",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    ];
    for frame in frames {
        let (mut client, _) = BinaryClient::connect(&server, "5").await;
        client.client.socket.send(Message::binary(frame.to_vec())).await.unwrap();
        assert_eq!(client.client.closed().await.0, 3501, "{frame:?}");
    }
    let (mut client, _) = BinaryClient::connect(&server, "5").await;
    client.client.socket.send(Message::text("{}")).await.unwrap();
    assert_eq!(client.client.closed().await.0, 3506);
}

#[tokio::test]
async fn json_is_spoken_to_who_can_both() {
    let server = Server::start().await;
    let headers = [("sec-websocket-protocol", "centrifuge-protobuf, centrifuge-json")];
    let mut client = Client::open_with(&server, "?format=protobuf", &headers, None).await.unwrap();
    assert!(client.call("connect", json!({})).await["connect"].is_object());
}

fn subscribe() -> impl Strategy<Value = schema::SubscribeRequest> {
    let texts = (".{0,9}", ".{0,9}", ".{0,9}", prop_oneof!["", "fossil", ".{0,9}"]);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (texts, flags, any::<u64>(), any::<i64>(), prop::collection::vec(any::<u8>(), 0..9)).prop_map(
        |((channel, token, epoch, delta), (recover, positioned, recoverable, join_leave), offset, flag, data)| {
            schema::SubscribeRequest {
                channel,
                token,
                recover,
                epoch,
                offset,
                data,
                positioned,
                recoverable,
                join_leave,
                delta,
                flag,
                cursor: "unknown here".into(),
            }
        },
    )
}

proptest! {
    #[test]
    fn commands_mean_the_same_in_both_encodings(
        id in 1..u32::MAX,
        request in subscribe(),
        limit in any::<i32>(),
        reverse in any::<bool>(),
        since in prop::option::of((any::<u64>(), ".{0,9}")),
        headers in prop::collection::hash_map(".{0,9}", ".{0,9}", 0..3),
    ) {
        let since_json = since.as_ref().map(|(offset, epoch)| json!({ "offset": offset, "epoch": epoch }));
        let subscribe_json = json!({
            "channel": request.channel, "token": request.token, "recover": request.recover, "epoch": request.epoch,
            "offset": request.offset, "positioned": request.positioned, "recoverable": request.recoverable,
            "join_leave": request.join_leave, "delta": request.delta, "flag": request.flag,
        });
        let without_data = schema::SubscribeRequest { data: vec![], ..request.clone() };
        let history = schema::HistoryRequest {
            channel: request.channel.clone(),
            limit,
            reverse,
            since: since.map(|(offset, epoch)| schema::StreamPosition { offset, epoch }),
        };
        let connect = schema::ConnectRequest {
            token: request.token.clone(),
            subs: HashMap::from([("c".to_owned(), without_data.clone())]),
            name: request.channel.clone(),
            headers: headers.clone(),
            flag: 1,
            ..Default::default()
        };
        let cases = [
            (
                Command { id, subscribe: Some(without_data.clone()), ..Default::default() },
                json!({ "id": id, "subscribe": subscribe_json }),
            ),
            (
                Command { id, history: Some(history), ..Default::default() },
                json!({ "id": id, "history": {
                    "channel": request.channel, "limit": limit, "reverse": reverse, "since": since_json,
                } }),
            ),
            (
                Command { id, connect: Some(connect), ping: Some(schema::Empty {}), ..Default::default() },
                json!({ "id": id, "ping": {}, "connect": {
                    "token": request.token, "name": request.channel, "headers": headers, "subs": { "c": subscribe_json },
                } }),
            ),
        ];
        for (binary, text) in cases {
            let binary = decode(Encoding::Protobuf, &binary.encode_length_delimited_to_vec()).unwrap();
            let text = decode(Encoding::Json, text.to_string().as_bytes()).unwrap();
            prop_assert_eq!(&binary[0].command, &text[0].command);
        }
        let data = decode(Encoding::Protobuf, &Command { id, subscribe: Some(request.clone()), ..Default::default() }
            .encode_length_delimited_to_vec()).unwrap();
        let gateway::protocol::Request::Subscribe(found) = &data[0].command.request else { panic!() };
        prop_assert_eq!(found.data.as_deref().unwrap_or_default(), &request.data[..]);
    }
}

#[test]
fn several_messages_of_a_frame_are_bounded() {
    let ping = Command { id: 1, ping: Some(schema::Empty {}), ..Default::default() }.encode_length_delimited_to_vec();
    assert_eq!(decode(Encoding::Protobuf, &ping.repeat(512)).unwrap().len(), 512);
    assert!(decode(Encoding::Protobuf, &ping.repeat(513)).is_err());
}
