//! Every codec the ingest takes, through the packager, decoded by ffmpeg frame for frame.

use std::collections::HashSet;

use super::{
    clips::{clip, decode, probe},
    show::Show,
};
use crate::frame::Packet;

const H264: &str = "-c:v libx264 -preset veryfast -g 60 -bf 3";
const AAC: &str = "-c:a aac -b:a 96k";

/// Publishes a clip live and to its end, and compares what can be fetched with what was published.
async fn plays(video: &str, audio: &str, codecs: &str, audio_rate: i64) {
    let packets = clip(6.5, video, audio);
    let mut show = Show::new();
    show.go_live();
    show.connect();
    show.send(&packets);
    show.disconnect();

    let multivariant = show.get("index.m3u8").await;
    let said = format!("CODECS=\"{codecs}");
    assert!(multivariant.text().contains(&said), "{}", multivariant.text());
    if !video.is_empty() {
        assert!(multivariant.text().contains("RESOLUTION=320x180,FRAME-RATE=30.000"), "{}", multivariant.text());
    }
    let files = show.files().await;
    assert_eq!(files.len(), 1, "one stretch");
    let file = &files[0];

    let sent: Vec<_> = packets.iter().filter_map(video_times).collect();
    if !video.is_empty() {
        let got = probe(file, "v");
        let times: Vec<_> = got.iter().map(|packet| (packet.decode, packet.present)).collect();
        assert_eq!(times, sent, "every picture at its own time");
        assert_eq!(times.iter().map(|(_, present)| present).collect::<HashSet<_>>().len(), sent.len());
        assert_eq!(decode(file, "v"), sent.len(), "every picture is decoded");
    }
    // Sound from before the first picture is left out.
    let first_ms = sent.first().map_or(0, |(decode, _)| decode / 90);
    let heard: Vec<i64> = packets.iter().filter_map(audio_ms).filter(|ms| *ms >= first_ms).collect();
    if !audio.is_empty() {
        let got = probe(file, "a");
        assert_eq!(got.len(), heard.len(), "every piece of sound");
        for (packet, stamped_ms) in got.iter().zip(&heard) {
            let off_ms = packet.decode * 1_000 / audio_rate - stamped_ms;
            assert!(off_ms.abs() <= 1, "sound stands where it was stamped: {off_ms} ms off at {stamped_ms} ms");
        }
        let frame = if audio_rate == 48_000 { 960 } else { 1_024 };
        assert!(got.windows(2).all(|pair| pair[1].decode - pair[0].decode == frame), "no gap, no overlap");
        // The decoder may keep its priming to itself.
        assert!(heard.len() - decode(file, "a") <= 1, "every piece of sound is decoded");
    }
    assert!(sent.len() + heard.len() > 180);
}

fn video_times(packet: &Packet) -> Option<(i64, i64)> {
    match packet {
        Packet::Video { timestamp_ms, composition_ms, .. } => {
            let decode_ms = i64::from(*timestamp_ms);
            Some((decode_ms * 90, (decode_ms + i64::from(*composition_ms)) * 90))
        }
        _ => None,
    }
}

fn audio_ms(packet: &Packet) -> Option<i64> {
    match packet {
        Packet::Audio { timestamp_ms, .. } => Some(i64::from(*timestamp_ms)),
        _ => None,
    }
}

#[tokio::test]
async fn h264_with_reordered_frames_and_aac() {
    plays(H264, AAC, "avc1.", 44_100).await;
}

#[tokio::test]
async fn hevc_with_reordered_frames_and_aac() {
    plays("-c:v libx265 -preset ultrafast -x265-params bframes=3:keyint=60:log-level=none", AAC, "hvc1.", 44_100).await;
}

#[tokio::test]
async fn av1_and_aac() {
    plays("-c:v libsvtav1 -preset 12 -g 60", AAC, "av01.", 44_100).await;
}

#[tokio::test]
async fn h264_and_opus() {
    plays(H264, "-c:a libopus -b:a 96k", "avc1.", 48_000).await;
}

#[tokio::test]
async fn picture_alone() {
    plays(H264, "", "avc1.", 1).await;
}

#[tokio::test]
async fn sound_alone() {
    plays("", AAC, "mp4a.40.2\"", 44_100).await;
}
