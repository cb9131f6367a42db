//! Playlists as players ask for them: blocking, delta updates, hints, ranges, headers.

use super::{
    clips::clip,
    show::{START_MS, Show},
};
use crate::{Stage, frame::Packet};

const VIDEO: &str = "-c:v libx264 -preset ultrafast -g 60";
const AUDIO: &str = "-c:a aac -b:a 64k";

fn value<'a>(playlist: &'a str, tag: &str) -> &'a str {
    playlist.lines().find_map(|line| line.strip_prefix(tag)).unwrap_or_else(|| panic!("{tag} in {playlist}"))
}

trait ParseMoment {
    fn parse_moment(&self) -> i64;
}

impl ParseMoment for str {
    fn parse_moment(&self) -> i64 {
        serde_json::from_value::<kernel::Timestamp>(self.into()).unwrap().as_millis()
    }
}

#[tokio::test]
async fn parts_make_up_segments_and_durations_add_up() {
    let mut show = Show::new();
    show.go_live();
    show.connect();
    show.send(&clip(9.0, VIDEO, AUDIO));
    let playlist = show.playlist().await;
    assert_eq!(value(&playlist, "#EXT-X-TARGETDURATION:"), "2");
    assert_eq!(value(&playlist, "#EXT-X-PART-INF:PART-TARGET="), "0.210");
    assert!(playlist.contains("CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=0.630,CAN-SKIP-UNTIL=12.0"), "{playlist}");

    let (mut parts, mut length, mut independent, mut compared) = (Vec::new(), 0.0, Vec::new(), 0);
    for line in playlist.lines() {
        if let Some(part) = line.strip_prefix("#EXT-X-PART:DURATION=") {
            let (duration, rest) = part.split_once(",URI=\"").unwrap();
            let (name, flags) = rest.split_once('"').unwrap();
            parts.extend(show.fetch(name).await);
            let duration: f64 = duration.parse().unwrap();
            assert!(duration <= 0.21, "{line}");
            length += duration;
            independent.push(flags.contains("INDEPENDENT=YES"));
        } else if let Some(duration) = line.strip_prefix("#EXTINF:").and_then(|rest| rest.strip_suffix(',')) {
            let duration: f64 = duration.parse().unwrap();
            assert!((duration - 2.0).abs() < 0.001, "cut on keyframes: {line}");
            if !parts.is_empty() {
                assert!((duration - length).abs() < 0.000_1, "{length} {duration}");
                assert!(independent[0] && !independent[1..].contains(&true), "{independent:?}");
            }
            length = 0.0;
            independent.clear();
        } else if line.starts_with("seg-") && !parts.is_empty() {
            assert_eq!(show.fetch(line).await, parts, "the parts are the segment");
            parts.clear();
            compared += 1;
        }
    }
    assert_eq!(compared, 3, "parts are listed for the last three target durations: {playlist}");
    let hint = value(&playlist, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=");
    assert_eq!(hint, "\"part-4.4.m4s\"", "{playlist}");
    let moment = value(&playlist, "#EXT-X-PROGRAM-DATE-TIME:").parse_moment();
    assert!(
        (START_MS..START_MS + 50).contains(&moment),
        "the first picture, behind the priming of the sound: {moment}"
    );
}

#[tokio::test]
async fn a_delta_update_leaves_out_what_the_player_has() {
    let mut show = Show::new();
    show.go_live();
    show.connect();
    show.send(&clip(20.5, VIDEO, ""));
    let (full, delta) = (show.playlist().await, show.get("media.m3u8?_HLS_skip=YES").await);
    let skipped: usize = value(delta.text(), "#EXT-X-SKIP:SKIPPED-SEGMENTS=").parse().unwrap();
    assert_eq!(skipped, 4, "older than six target durations");
    let behind = |text: &str, from: usize| text.split(&format!("seg-{from}.m4s\n")).nth(1).unwrap().to_owned();
    assert_eq!(behind(delta.text(), 4), behind(&full, 4));
    assert_eq!(value(delta.text(), "#EXT-X-MEDIA-SEQUENCE:"), "0");
}

#[tokio::test]
async fn a_blocking_request_waits_for_its_part() {
    let packets = clip(6.0, VIDEO, "");
    let mut show = Show::new();
    show.go_live();
    show.connect();
    show.send(&packets[..100]);
    let playlist = show.playlist().await;
    let hint = value(&playlist, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=").trim_matches('"').to_owned();
    assert_eq!(hint, "part-1.6.m4s", "{playlist}");
    assert!(!playlist.contains("part-1.6.m4s\"\n#EXT-X-PART") && !playlist.contains("DURATION=0.20000,URI=\"part-1.6"));

    let media = show.media.clone();
    let waiting = tokio::spawn(async move {
        use tower::ServiceExt;
        let ask = |file: &str| {
            let request = axum::http::Request::get(format!("/live/17/{file}")).body(axum::body::Body::empty()).unwrap();
            media.router().oneshot(request)
        };
        let (playlist, part) = tokio::join!(ask("media.m3u8?_HLS_msn=1&_HLS_part=6"), ask("part-1.6.m4s"));
        (playlist.unwrap(), part.unwrap())
    });
    // On one thread, this lets both requests come to their waiting.
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    assert!(!waiting.is_finished());
    show.send(&packets[100..]);
    let (playlist, part) = waiting.await.unwrap();
    assert_eq!((playlist.status(), part.status()), (200.try_into().unwrap(), 200.try_into().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_come_is_waited_for_only_so_long() {
    let mut show = Show::new();
    show.go_live();
    show.connect();
    let early = show.get("index.m3u8").await;
    assert_eq!((early.status.as_u16(), early.header("retry-after")), (503, "1"));

    show.send(&clip(5.0, VIDEO, ""));
    let stalled = show.get("media.m3u8?_HLS_msn=2&_HLS_part=9").await;
    assert_eq!(stalled.status, 503, "the publisher is there and sends nothing");
    assert_eq!(show.get("media.m3u8?_HLS_msn=9").await.status, 400);
    assert_eq!(show.get("media.m3u8?_HLS_part=1").await.status, 400);
    assert_eq!(show.get("part-2.9.m4s").await.status, 404);
    assert_eq!(show.get("seg-77.m4s").await.status, 404);

    show.disconnect();
    let standing = show.get("media.m3u8?_HLS_msn=3&_HLS_part=0").await;
    assert_eq!(standing.status, 200, "while the encoder is away, players are kept");
    show.stage(Stage::Paused);
    assert_eq!(show.get("media.m3u8?_HLS_msn=3&_HLS_part=0").await.status, 200);
}

#[tokio::test]
async fn answers_carry_how_long_they_hold() {
    let mut show = Show::new();
    show.go_live();
    show.connect();
    show.send(&clip(5.0, VIDEO, AUDIO));
    let forever = "public, max-age=31536000, immutable";
    for (file, kind, holds) in [
        ("index.m3u8", "application/vnd.apple.mpegurl", "public, max-age=1"),
        ("media.m3u8", "application/vnd.apple.mpegurl", "no-cache"),
        ("init-0.mp4", "video/mp4", forever),
        ("seg-0.m4s", "video/iso.segment", forever),
        ("part-1.0.m4s", "video/iso.segment", forever),
        ("thumbnail.jpg", "image/svg+xml", "public, max-age=10"),
    ] {
        let answer = show.get(file).await;
        let headers = (answer.header("content-type"), answer.header("cache-control"));
        assert_eq!(headers, (kind, holds), "{file}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{file}");
    }
    let whole = show.fetch("seg-0.m4s").await;
    let part = show.ask("seg-0.m4s", &[("range", "bytes=100-199")]).await;
    assert_eq!((part.status.as_u16(), part.body), (206, whole.slice(100..200)));
    let outside = show.ask("seg-0.m4s", &[("range", "bytes=99999999-")]).await;
    assert_eq!((outside.status.as_u16(), outside.header("content-range")), (416, &*format!("bytes */{}", whole.len())));
    let missing = show.get("seg-99.m4s").await;
    assert_eq!((missing.status.as_u16(), missing.header("content-type")), (404, "application/problem+json"));
}

#[tokio::test]
async fn the_window_slides_and_what_has_left_it_is_gone() {
    let settings = crate::MediaSettings { window_minutes: 1, ffmpeg: String::new(), ..crate::MediaSettings::default() };
    let mut show = Show::with(settings);
    show.go_live();
    show.connect();
    // One clip over and over, its timestamps going on, is a long show.
    let packets = clip(4.0, VIDEO, "");
    for round in 0..30u32 {
        show.send(&later(&packets, round * 4_000));
        show.wait_ms(33);
    }
    show.media.settled().await;
    let playlist = show.playlist().await;
    let first: u64 = value(&playlist, "#EXT-X-MEDIA-SEQUENCE:").parse().unwrap();
    assert_eq!(first, 29, "60 s of 120 s: {playlist}");
    assert_eq!(show.get("seg-28.m4s").await.status, 410);
    assert_eq!(show.get("part-29.0.m4s").await.status, 410, "old parts are in their segments");
    let in_memory = show.media.stream(super::show::BROADCAST).unwrap().window().bytes_in_memory();
    let all: usize =
        packets.iter().map(|packet| if let Packet::Video { data, .. } = packet { data.len() } else { 0 }).sum();
    assert!(in_memory < all * 4, "{in_memory} bytes in memory, a clip has {all}");
    assert!(!show.fetch("seg-29.m4s").await.is_empty(), "older segments come from the spool or the blobs");
}

/// The same packets at a later time.
pub(super) fn later(packets: &[Packet], by_ms: u32) -> Vec<Packet> {
    let move_one = |packet: &Packet| match packet.clone() {
        Packet::Video { timestamp_ms, composition_ms, keyframe, data } => {
            Packet::Video { timestamp_ms: timestamp_ms.wrapping_add(by_ms), composition_ms, keyframe, data }
        }
        Packet::Audio { timestamp_ms, data } => Packet::Audio { timestamp_ms: timestamp_ms.wrapping_add(by_ms), data },
        other => other,
    };
    packets.iter().map(move_one).collect()
}

#[tokio::test]
async fn after_a_break_a_delta_update_still_holds_segments() {
    let packets = clip(8.0, VIDEO, "");
    let mut show = Show::new();
    show.go_live();
    show.connect();
    show.send(&packets);
    show.disconnect();
    show.wait_ms(30_000);
    show.connect();
    show.send(&packets[..20]);
    let delta = show.get("media.m3u8?_HLS_skip=YES").await;
    // Players count durations, not the clock: eight seconds are less than what is skipped.
    assert!(!delta.text().contains("EXT-X-SKIP") && delta.text().contains("seg-3.m4s\n"), "{}", delta.text());
    assert!(delta.text().contains("part-3.0.m4s"), "{}", delta.text());
}
