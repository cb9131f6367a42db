//! The ingest with real encoders: ffmpeg publishes, doubles of gatekeeper and packager record.

mod doubles;
mod ffmpeg;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use kernel::BroadcastId;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_util::sync::CancellationToken;

use self::{
    doubles::{House, ManualClock, News},
    ffmpeg::{Encoded, Source},
};
use super::{
    Ingest, IngestSettings,
    publisher::{PublishError, Publisher},
};
use crate::{
    codec::flv::Clip,
    frame::{AudioCodec, Packet, VideoCodec},
};

const SHOW: BroadcastId = BroadcastId::from_raw(17);

/// A running ingest on a free port, with its doubles.
struct Running {
    address: SocketAddr,
    ingest: Ingest,
    house: Arc<House>,
    clock: Arc<ManualClock>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    async fn start(settings: IngestSettings) -> Self {
        let (house, clock) = (House::new(SHOW), Arc::new(ManualClock::default()));
        let settings = IngestSettings { address: ([127, 0, 0, 1], 0).into(), ..settings };
        let (address, ingest) = Ingest::bind(settings, clock.clone(), house.clone(), Arc::new(house.clone()))
            .await
            .expect("port 0 is free");
        let stop = CancellationToken::new();
        let task = tokio::spawn({
            let (ingest, stop) = (ingest.clone(), stop.clone());
            async move { ingest.run(stop).await }
        });
        Self { address, ingest, house, clock, stop, task }
    }

    fn url(&self, key: &str) -> String {
        format!("rtmp://{}/live/{key}", self.address)
    }

    fn publisher(&self, key: &str) -> Publisher {
        Publisher::new(&self.url(key), clip()).expect("the address is whole")
    }
}

/// What comes of `future`, which must not keep us waiting.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it comes within 20 s")
}

/// Half a second of H.264 and AAC.
fn clip() -> Arc<Clip> {
    let file = include_bytes!("../../corpus/h264_aac.flv");
    Arc::new(Clip::from_flv(bytes::Bytes::from_static(file)).expect("the kept capture is whole"))
}

/// Publishes what ffmpeg encodes and compares what arrives with what ffprobe says of the encoded file.
async fn publish_and_compare(source: Source) -> Vec<Packet> {
    let running = Running::start(IngestSettings::default()).await;
    let encoded = Encoded::make(&source).await;
    encoded.publish(&source, &running.url("good")).await.expect("ffmpeg publishes to the end");
    assert_eq!(running.house.next_news().await, News::Begun(1));
    assert_eq!(running.house.next_news().await, News::Arrived(1));
    assert_eq!(running.house.next_news().await, News::Interrupted(1));
    let packets = running.house.packets(1);
    encoded.assert_same(&packets).await;
    packets
}

fn video_config(packets: &[Packet]) -> Vec<(VideoCodec, String, u16, u16)> {
    let config = |packet: &Packet| match packet {
        Packet::VideoConfig(config) => Some((config.codec, config.codec_string.clone(), config.width, config.height)),
        _ => None,
    };
    packets.iter().filter_map(config).collect()
}

fn audio_config(packets: &[Packet]) -> Vec<(AudioCodec, String, u32, u8)> {
    let config = |packet: &Packet| match packet {
        Packet::AudioConfig(config) => {
            Some((config.codec, config.codec_string.clone(), config.sample_rate, config.channels))
        }
        _ => None,
    };
    packets.iter().filter_map(config).collect()
}

fn aac() -> Vec<(AudioCodec, String, u32, u8)> {
    vec![(AudioCodec::Aac, "mp4a.40.2".into(), 44_100, 2)]
}

#[tokio::test]
async fn h264_with_b_frames_and_aac_arrive_as_they_were_encoded() {
    let packets = publish_and_compare(Source::old("-c:v libx264 -bf 3 -g 30", "-c:a aac -ac 2 -ar 44100")).await;
    assert_eq!(video_config(&packets), [(VideoCodec::H264, "avc1.64000d".into(), 320, 180)]);
    assert_eq!(audio_config(&packets), aac());
    let reordered = packets.iter().filter(|packet| matches!(packet, Packet::Video { composition_ms: 67.., .. }));
    assert!(reordered.count() > 5, "B-frames have a composition offset");
    let encoder = packets.iter().find_map(|packet| match packet {
        Packet::Metadata(metadata) => Some((metadata.encoder.clone()?, metadata.frame_rate?)),
        _ => None,
    });
    assert!(matches!(encoder, Some((name, 30.0)) if name.starts_with("Lavf")));
}

#[tokio::test]
async fn hevc_and_aac_arrive_as_they_were_encoded() {
    let packets = publish_and_compare(Source::new("-c:v libx265 -bf 3 -g 30", "-c:a aac -ac 2 -ar 44100")).await;
    assert_eq!(video_config(&packets), [(VideoCodec::Hevc, "hvc1.1.6.L60.90".into(), 320, 180)]);
    assert_eq!(audio_config(&packets), aac());
}

#[tokio::test]
async fn av1_and_aac_arrive_as_they_were_encoded() {
    let packets = publish_and_compare(Source::new("-c:v libsvtav1 -preset 12 -g 30", "-c:a aac -ac 2 -ar 44100")).await;
    assert_eq!(video_config(&packets), [(VideoCodec::Av1, "av01.0.00M.08".into(), 320, 180)]);
    assert_eq!(audio_config(&packets), aac());
}

#[tokio::test]
async fn h264_and_opus_arrive_as_they_were_encoded() {
    let packets = publish_and_compare(Source::new("-c:v libx264 -g 30", "-c:a libopus -ac 2")).await;
    assert_eq!(audio_config(&packets), [(AudioCodec::Opus, "opus".into(), 48_000, 2)]);
}

#[tokio::test]
async fn video_alone_and_audio_alone_arrive_as_they_were_encoded() {
    let packets = publish_and_compare(Source::old("-c:v libx264 -g 30", "")).await;
    assert!(audio_config(&packets).is_empty());
    let packets = publish_and_compare(Source::old("", "-c:a aac -ac 2 -ar 44100")).await;
    assert!(video_config(&packets).is_empty());
}

#[tokio::test]
async fn ffmpeg_is_told_why_its_key_or_its_codec_is_refused() {
    let running = Running::start(IngestSettings::default()).await;
    let source = Source::old("-c:v libx264 -g 30", "");
    let encoded = Encoded::make(&source).await;
    let told = encoded.publish(&source, &running.url("wrong")).await.expect_err("the key is wrong");
    assert!(told.contains("the stream key is not known"), "{told}");
    let told = encoded.publish(&source, &running.url("good").replace("/live/", "/other/")).await;
    assert!(told.expect_err("the application is wrong").contains("There is no application"));
    let source = Source::old("", "-c:a libmp3lame");
    let encoded = Encoded::make(&source).await;
    // Whether ffmpeg notices before it has sent all is its affair; nothing may reach the packager.
    let _ = encoded.publish(&source, &running.url("good")).await;
    assert_eq!(running.house.next_news().await, News::Begun(1));
    assert_eq!(running.house.next_news().await, News::Interrupted(1));
    assert!(!running.house.packets(1).iter().any(|packet| matches!(packet, Packet::Audio { .. })));
}

#[tokio::test]
async fn refusals_have_their_status() {
    let running = Running::start(IngestSettings::default()).await;
    for (key, status) in [
        ("wrong", "NetStream.Publish.BadName"),
        ("later", "NetStream.Publish.Denied"),
        ("broken", "NetStream.Publish.Failed"),
    ] {
        let refused = running.publisher(key).run(CancellationToken::new()).await;
        let Err(PublishError::Refused { code, .. }) = refused else { panic!("{key}: {refused:?}") };
        assert_eq!(code, status, "{key}");
    }
}

#[tokio::test]
async fn a_second_publisher_waits_until_the_first_is_silent_and_then_takes_over() {
    let running = Running::start(IngestSettings::default()).await;
    let silent = CancellationToken::new();
    // Publishes its clip once and then stays connected, because nobody tells it to finish.
    let first = tokio::spawn(doubles::publish_and_stay(running.address, silent.clone()));
    assert_eq!(running.house.next_news().await, News::Begun(1));
    assert_eq!(running.house.next_news().await, News::Arrived(1));
    running.house.packets_of(1, 10).await;

    let refused = running.publisher("good").run(CancellationToken::new()).await;
    let Err(PublishError::Refused { code, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(code, "NetStream.Publish.BadName");

    running.clock.advance(5_000);
    let stop = CancellationToken::new();
    let second = tokio::spawn({
        let (publisher, stop) = (running.publisher("good").looped(), stop.clone());
        async move { publisher.run(stop).await }
    });
    soon(first).await.expect("the first is told, and closed");
    let mut news = [running.house.next_news().await, running.house.next_news().await, running.house.next_news().await];
    news.sort();
    assert_eq!(news, [News::Begun(2), News::Arrived(2), News::Interrupted(1)]);
    assert!(running.house.is_closed(1) && !running.house.is_closed(2));

    running.ingest.disconnect(SHOW);
    let ended = soon(second).await.expect("no panic");
    assert!(matches!(ended, Err(PublishError::Refused { .. } | PublishError::Closed)), "{ended:?}");
    assert_eq!(running.house.next_news().await, News::Interrupted(2));
}

#[tokio::test]
async fn an_epoch_that_is_opened_too_late_for_its_publisher_is_ended() {
    let running = Running::start(IngestSettings::default()).await;
    running.house.hesitate(true);
    let publisher = running.publisher("good");
    let refused = tokio::spawn(async move { publisher.run(CancellationToken::new()).await });
    assert_eq!(running.house.next_news().await, News::Begun(1));
    // From here on time passes as soon as everybody waits.
    tokio::time::pause();
    assert!(soon(refused).await.expect("no panic").is_err(), "it has waited long enough");
    tokio::time::resume();
    let refused = running.publisher("good").run(CancellationToken::new()).await;
    let Err(PublishError::Refused { code, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(code, "NetStream.Publish.BadName", "nobody else may begin before that epoch is known");
    running.house.hesitate(false);
    assert_eq!(running.house.next_news().await, News::Interrupted(1));
    running.publisher("good").run(CancellationToken::new()).await.expect("the broadcast is free again");
    assert_eq!(running.house.next_news().await, News::Begun(2));
}

#[tokio::test]
async fn a_looping_clip_has_one_timeline() {
    let running = Running::start(IngestSettings::default()).await;
    let stop = CancellationToken::new();
    let publisher = running.publisher("good").looped();
    let task = tokio::spawn({
        let stop = stop.clone();
        async move { publisher.run(stop).await }
    });
    let packets = running.house.packets_of(1, 120).await;
    stop.cancel();
    soon(task).await.expect("no panic").expect("the end is in good order");
    let times: Vec<u32> = packets
        .iter()
        .filter_map(|packet| if let Packet::Video { timestamp_ms, .. } = packet { Some(*timestamp_ms) } else { None })
        .collect();
    assert!(times.len() > 40, "more than one round");
    assert!(times.windows(2).all(|pair| (30..=80).contains(&(pair[1] - pair[0]))), "{times:?}");
    let configs = packets.iter().filter(|packet| matches!(packet, Packet::VideoConfig(_) | Packet::AudioConfig(_)));
    assert_eq!(configs.count(), 2, "repeated configurations are told once");
}

#[tokio::test]
async fn stopping_ends_publishers_and_says_so() {
    let running = Running::start(IngestSettings::default()).await;
    let publisher = running.publisher("good").looped();
    let task = tokio::spawn(async move { publisher.run(CancellationToken::new()).await });
    assert_eq!(running.house.next_news().await, News::Begun(1));
    assert_eq!(running.house.next_news().await, News::Arrived(1));
    running.stop.cancel();
    soon(running.task).await.expect("no panic");
    assert_eq!(running.house.next_news().await, News::Interrupted(1));
    assert!(soon(task).await.expect("no panic").is_err());
    assert!(TcpStream::connect(running.address).await.is_err(), "the port is closed");
}

#[tokio::test]
async fn a_silent_publisher_is_closed() {
    let settings = IngestSettings { silence_timeout_ms: 300, ..IngestSettings::default() };
    let running = Running::start(settings).await;
    let task = tokio::spawn(doubles::publish_and_stay(running.address, CancellationToken::new()));
    assert_eq!(running.house.next_news().await, News::Begun(1));
    assert_eq!(running.house.next_news().await, News::Arrived(1));
    running.house.packets_of(1, 10).await;
    running.clock.advance(300);
    soon(task).await.expect("the publisher is told, and closed");
    assert_eq!(running.house.next_news().await, News::Interrupted(1));
}

#[tokio::test]
async fn connections_that_say_nothing_or_nonsense_end_by_themselves() {
    let settings = IngestSettings { handshake_timeout_ms: 200, publish_timeout_ms: 400, ..IngestSettings::default() };
    let running = Running::start(settings).await;
    for opening in [vec![], vec![3], vec![22, 3, 1], [vec![3], vec![0; 2 * 1_536]].concat(), b"GET / HTTP/1.1".to_vec()]
    {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(&opening).await.unwrap();
        let mut answer = Vec::new();
        // A reset is an end as good as any.
        let _ = soon(stream.read_to_end(&mut answer)).await;
    }
    drop(TcpStream::connect(running.address).await.unwrap());
}

#[tokio::test]
async fn a_thousand_idle_connections_do_not_keep_a_publisher_out() {
    let settings = IngestSettings {
        connections_max: 500,
        waiting_per_address_max: 400,
        // Longer than the test waits: only making room may end the oldest.
        handshake_timeout_ms: 60_000,
        ..IngestSettings::default()
    };
    let running = Running::start(settings).await;
    let mut idle = Vec::new();
    for _ in 0..1_000 {
        idle.push(TcpStream::connect(running.address).await.unwrap());
    }
    running.publisher("good").run(CancellationToken::new()).await.expect("the newest gets in");
    let mut byte = [0];
    assert_eq!(soon(idle[0].read(&mut byte)).await.unwrap(), 0, "the oldest made room");
    let newest = tokio::time::timeout(Duration::from_millis(1), idle[999].read(&mut byte)).await;
    assert!(newest.is_err(), "the newest stays");
}

#[tokio::test]
async fn keys_that_nobody_has_answered_for_hold_no_place() {
    let settings = IngestSettings { connections_max: 3, ..IngestSettings::default() };
    let running = Running::start(settings).await;
    let flood: Vec<_> = (0..3)
        .map(|_| {
            let publisher = running.publisher("slow");
            tokio::spawn(async move { publisher.run(CancellationToken::new()).await })
        })
        .collect();
    running.house.keeps_waiting(3).await;
    running.publisher("good").run(CancellationToken::new()).await.expect("one of the flood makes room");
    let mut left = 0;
    for one in flood {
        left += usize::from(!one.is_finished());
        one.abort();
    }
    assert!(left >= 2, "no more than one had to");
}
