//! Publications as differences to the ones before them.

use gateway::{Settings, needs::ChannelRules};
use serde_json::{Value, json};

use crate::{client::Client, protobuf::BinaryClient, schema, server::Server};

async fn start(settings: Settings) -> Server {
    let server = Server::with(settings).await;
    server.world.offer("room:1", |rules| ChannelRules { delta: true, ..rules });
    server
}

/// A reader as the model sees it: it applies differences as the format says.
struct Reader {
    client: Client,
    before: Option<Vec<u8>>,
    differences: usize,
}

impl Reader {
    async fn subscribe(server: &Server, from: Option<u64>) -> Self {
        let mut client = Client::connect(server).await;
        let mut body = json!({ "channel": "room:1", "delta": "fossil" });
        if let Some(offset) = from {
            body["recover"] = true.into();
            body["offset"] = offset.into();
        }
        let result = client.call("subscribe", body).await["subscribe"].clone();
        assert_eq!(result["delta"], true, "{result}");
        let mut reader = Self { client, before: None, differences: 0 };
        for publication in result["publications"].as_array().into_iter().flatten() {
            reader.take(publication);
        }
        reader
    }

    async fn next(&mut self) -> Value {
        let push = self.client.publication().await;
        self.take(&push["pub"])
    }

    fn take(&mut self, publication: &Value) -> Value {
        let text = publication["data"].as_str().expect("readers of differences get text").as_bytes();
        let data = if publication["delta"] == true {
            self.differences += 1;
            apply(self.before.as_deref().expect("a difference to nothing"), text)
        } else {
            text.to_vec()
        };
        let value = serde_json::from_slice(&data).unwrap();
        self.before = Some(data);
        value
    }
}

/// Applies a difference of Fossil (fossil-scm.org/home/doc/trunk/www/delta_format.wiki).
fn apply(before: &[u8], difference: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~";
    let mut rest = difference;
    let take = |rest: &mut &[u8]| {
        let mut value = 0;
        while let Some(digit) = DIGITS.iter().position(|digit| *digit == rest[0]) {
            value = (value << 6) + digit;
            *rest = &rest[1..];
        }
        let operator = rest[0];
        *rest = &rest[1..];
        (value, operator)
    };
    let (length, _) = take(&mut rest);
    let mut after = Vec::new();
    loop {
        let (count, operator) = take(&mut rest);
        match operator {
            b'@' => {
                let (from, _) = take(&mut rest);
                after.extend_from_slice(&before[from..from + count]);
            }
            b':' => {
                after.extend_from_slice(&rest[..count]);
                rest = &rest[count..];
            }
            _ => {
                assert_eq!(after.len(), length);
                return after;
            }
        }
    }
}

fn state(number: u64) -> Value {
    json!({ "title": "마당에서 만나요, 오늘 저녁 여덟 시", "filler": "x".repeat(120), "viewers": number, "tail": "끝" })
}

#[tokio::test]
async fn who_asks_gets_the_first_whole_and_then_differences() {
    let server = start(Settings::default()).await;
    let mut plain = Client::connect(&server).await;
    let mut readers = vec![Reader::subscribe(&server, None).await];
    let result = plain.subscribe("room:1").await;
    assert_eq!(result.get("delta"), None, "nobody asked");
    for number in 1..=50 {
        if number == 20 {
            readers.push(Reader::subscribe(&server, None).await);
            readers.push(Reader::subscribe(&server, Some(7)).await);
            readers.push(Reader::subscribe(&server, Some(19)).await);
        }
        server.world.publish("room:1", &state(number).to_string());
        for reader in &mut readers {
            assert_eq!(reader.next().await, state(number));
        }
        assert_eq!(plain.publication().await["pub"]["data"], state(number));
    }
    let differences: Vec<usize> = readers.iter().map(|reader| reader.differences).collect();
    assert_eq!(differences, [49, 30, 31, 30]);
}

#[tokio::test]
async fn a_channel_that_does_not_offer_them_sends_none() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let body = json!({ "channel": "room:1", "delta": "fossil" });
    assert_eq!(client.call("subscribe", body).await["subscribe"].get("delta"), None);
    server.world.publish("room:1", &state(1).to_string());
    assert_eq!(client.publication().await["pub"]["data"], state(1));
}

#[tokio::test]
async fn a_redaction_never_becomes_the_base_of_a_difference() {
    let server = start(Settings::default()).await;
    let mut reader = Reader::subscribe(&server, None).await;
    for number in 1..=3 {
        server.world.publish("room:1", &state(number).to_string());
        reader.next().await;
    }
    // What the reader has and what the channel has are different things from here on.
    server.world.redact("room:1", 3);
    server.world.publish("room:1", &state(5).to_string());
    let secret = server.world.publish("room:1", &state(6).to_string());
    assert_eq!(reader.next().await, "redaction");
    assert_eq!((reader.next().await, reader.next().await), (state(5), state(6)));
    server.world.redact("room:1", secret);
    server.world.publish("room:1", &state(8).to_string());
    assert_eq!(reader.next().await, "redaction");
    assert_eq!(reader.next().await, state(8));
    let late = Reader::subscribe(&server, Some(0)).await;
    assert_eq!(late.before, Some(state(8).to_string().into_bytes()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_falls_behind_and_comes_back_reads_the_same() {
    const MESSAGES: u64 = 4_000;
    let settings = Settings { ring_publications: 64, ..Default::default() };
    let server = start(settings).await;
    let mut slow = Client::open_with(&server, "", &[], Some(4_096)).await.unwrap();
    slow.call("connect", json!({})).await;
    slow.call("subscribe", json!({ "channel": "room:1", "delta": "fossil" })).await;
    let mut slow = Reader { client: slow, before: None, differences: 0 };
    for number in 1..=MESSAGES {
        let text = json!([number, "가".repeat(1_500), number % 7]).to_string();
        server.world.publish("room:1", &text);
    }
    for number in 1..=MESSAGES {
        assert_eq!(slow.next().await[0], number);
    }
    assert!(slow.differences > MESSAGES as usize / 2, "{} differences", slow.differences);
}

#[tokio::test]
async fn in_protobuf_data_stays_bytes() {
    let server = start(Settings::default()).await;
    let (mut client, _) = BinaryClient::connect(&server, "5").await;
    let request = schema::SubscribeRequest { channel: "room:1".into(), delta: "fossil".into(), ..Default::default() };
    assert!(client.subscribe(request).await.delta);
    let mut before = Vec::new();
    for number in 1..=10_u8 {
        let mut data = vec![0xff; 200];
        data[100] = number;
        server.world.publish_bytes("room:1", data.clone().into(), None);
        let publication = client.push().await.publication.unwrap();
        assert_eq!(publication.delta, number > 1);
        let got = if publication.delta { apply(&before, &publication.data) } else { publication.data };
        assert_eq!(got, data);
        before = got;
    }
}
