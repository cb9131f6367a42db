//! Publications as differences to the ones before them.

use gateway::{Settings, needs::ChannelRules};
use ports::{bus::Publication, room_log::Redaction};
use serde_json::{Value, json};

use crate::{
    client::Client,
    protobuf::BinaryClient,
    readers::{DifferenceReader, apply},
    schema,
    server::Server,
};

async fn start(settings: Settings) -> Server {
    let server = Server::with(settings).await;
    server.world.offer("room:1", |rules| ChannelRules { delta: true, ..rules });
    server
}

fn state(number: u64) -> Value {
    json!({ "title": "마당에서 만나요, 오늘 저녁 여덟 시", "filler": "x".repeat(120), "viewers": number, "tail": "끝" })
}

#[tokio::test]
async fn who_asks_gets_the_first_whole_and_then_differences() {
    let server = start(Settings::default()).await;
    let mut plain = Client::connect(&server).await;
    let mut readers = vec![DifferenceReader::subscribe(&server, None).await];
    let result = plain.subscribe("room:1").await;
    assert_eq!(result.get("delta"), None, "nobody asked");
    for number in 1..=50 {
        if number == 20 {
            readers.push(DifferenceReader::subscribe(&server, None).await);
            readers.push(DifferenceReader::subscribe(&server, Some(7)).await);
            readers.push(DifferenceReader::subscribe(&server, Some(19)).await);
        }
        server.world.publish("room:1", &state(number).to_string());
        for reader in &mut readers {
            assert_eq!(reader.next().await, state(number));
        }
        assert_eq!(plain.publication().await["pub"]["data"], state(number));
    }
    let differences: Vec<usize> = readers.iter().map(|reader| reader.differences).collect();
    // The first of what was missed is whole, too.
    assert_eq!(differences, [49, 30, 42, 30]);
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
    let mut reader = DifferenceReader::subscribe(&server, None).await;
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
    let late = DifferenceReader::subscribe(&server, Some(0)).await;
    assert_eq!(late.before, Some(state(8).to_string().into_bytes()));
}

#[tokio::test]
async fn what_follows_a_redaction_is_no_difference_to_the_replacement() {
    let server = start(Settings::default()).await;
    let world = &server.world;
    let mut reader = DifferenceReader::subscribe(&server, None).await;
    let secret = json!("a secret of the same length as what stands there later, or longer than that").to_string();
    world.publish("room:1", &secret);
    reader.next().await;
    // The redacting one comes right behind what it redacts, and looks like the replacement.
    let redact = |offset: u64, own: u64| {
        let replacement = bytes::Bytes::from(state(1).to_string());
        let redacts = Some(Redaction { offset, replacement });
        Publication { redacts, ..world.publication(own, &state(2).to_string()) }
    };
    let own = world.log.add("room:1", &state(2).to_string());
    world.bus.deliver("room:1", &[redact(own - 1, own)]);
    assert_eq!(reader.next().await, state(2));
    // Another one stands in between, and the reader gets it after the redaction.
    let (first, second) = (world.publish("room:1", &secret), world.log.add("room:1", &state(3).to_string()));
    reader.next().await;
    let own = world.log.add("room:1", &state(2).to_string());
    let between = world.publication(second, &state(3).to_string());
    world.bus.deliver("room:1", &[between, redact(first, own)]);
    assert_eq!((reader.next().await, reader.next().await), (state(3), state(2)));
}

#[tokio::test]
async fn what_follows_the_log_is_no_difference_to_what_the_channel_holds() {
    let text = |number: u64, filler: &str| json!([number, filler.repeat(6_000)]).to_string();
    let prepare = || async {
        let server = start(Settings { ring_publications: 200, ring_burst_bytes: 0, ..Default::default() }).await;
        let bystander = DifferenceReader::subscribe(&server, None).await;
        for number in 1..=230 {
            server.world.publish("room:1", &text(number, "x"));
        }
        (server, bystander)
    };
    let last_of =
        |reader: &DifferenceReader| -> Value { serde_json::from_slice(reader.before.as_deref().unwrap()).unwrap() };
    let (other, _bystander) = prepare().await;
    let last = last_of(&DifferenceReader::subscribe(&other, Some(0)).await)[0].as_u64().unwrap();
    assert!((31..230).contains(&last), "the channel goes on where the reply ends, at {last}");
    // Redacted in the log, and the channel has not heard of it yet.
    let (server, _bystander) = prepare().await;
    server.world.log.redact("room:1", last, &text(last, "y"));
    let mut reader = DifferenceReader::subscribe(&server, Some(0)).await;
    assert!(last_of(&reader)[1].as_str().unwrap().starts_with('y'), "read from the log");
    for number in last + 1..=230 {
        assert_eq!(reader.next().await[0], number);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_falls_behind_and_comes_back_reads_the_same() {
    const MESSAGES: u64 = 4_000;
    let settings = Settings { ring_publications: 64, ring_burst_bytes: 0, ..Default::default() };
    let server = start(settings).await;
    let mut slow = Client::open_with(&server, "", &[], Some(4_096)).await.unwrap();
    slow.call("connect", json!({})).await;
    slow.call("subscribe", json!({ "channel": "room:1", "delta": "fossil" })).await;
    let mut slow = DifferenceReader::new(slow);
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
