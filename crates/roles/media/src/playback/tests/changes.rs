//! What encoders do in mid-stream: other settings, jumps, wraps, pauses, late tracks.

use super::{
    clips::{clip, decode, probe},
    playlists::later,
    show::Show,
};
use crate::{Stage, frame::Packet};

const VIDEO: &str = "-c:v libx264 -preset ultrafast -g 30";
const AUDIO: &str = "-c:a aac -b:a 64k";

fn discontinuities(playlist: &str) -> usize {
    playlist.matches("#EXT-X-DISCONTINUITY\n").count()
}

#[tokio::test]
async fn other_settings_begin_a_new_initialisation_segment_and_the_same_again_do_not() {
    let small = clip(5.0, VIDEO, AUDIO);
    let large = later(&clip(5.0, "-vf scale=640:360 -c:v libx264 -preset ultrafast -g 30", AUDIO), 5_000);
    let mut show = Show::new();
    show.go_live();
    show.connect();
    show.send(&small);
    show.send(&later(&small, 5_000)[..2]);
    show.send(&large);
    show.disconnect();

    let playlist = show.playlist().await;
    assert_eq!((discontinuities(&playlist), playlist.matches("#EXT-X-MAP").count()), (1, 2), "{playlist}");
    let files = show.files().await;
    assert_eq!((decode(&files[0], "v"), decode(&files[1], "v")), (150, 150));
    let (before, after) = (probe(&files[0], "v"), probe(&files[1], "v"));
    let end = before.last().map(|packet| packet.decode + packet.duration).unwrap();
    assert!((after[0].decode - end).abs() <= 90, "the picture goes on where it was: {} {end}", after[0].decode);
    assert!(show.get("index.m3u8").await.text().contains("RESOLUTION=640x360"));
}

#[tokio::test]
async fn timestamps_that_wrap_go_on_as_if_nothing_were() {
    let packets = later(&clip(6.0, VIDEO, AUDIO), u32::MAX - 3_000);
    let mut show = Show::new();
    show.go_live();
    show.connect();
    show.send(&packets);
    show.disconnect();
    assert_eq!(discontinuities(&show.playlist().await), 0);
    let file = &show.files().await[0];
    let pictures = probe(file, "v");
    assert_eq!(pictures.len(), 180);
    assert!(pictures[0].decode < 50 * 90, "the sound comes first, by its priming: {}", pictures[0].decode);
    assert!(pictures.windows(2).all(|pair| (33 * 90..=34 * 90).contains(&(pair[1].decode - pair[0].decode))));
}

#[tokio::test]
async fn timestamps_that_jump_begin_a_discontinuity_on_the_wall_clock() {
    let packets = clip(4.0, VIDEO, AUDIO);
    for jump_ms in [3_600_000, u32::MAX - 3_000_000] {
        let mut show = Show::new();
        show.go_live();
        show.connect();
        show.send(&later(&packets, 5_000_000));
        show.wait_ms(20);
        show.send(&later(&packets, 5_000_000u32.wrapping_add(jump_ms)));
        show.disconnect();
        let playlist = show.playlist().await;
        assert_eq!(discontinuities(&playlist), 1, "{playlist}");
        let pictures = probe(&show.files().await[0], "v");
        let gap = pictures[120].decode - pictures[119].decode;
        assert!((0..200 * 90).contains(&gap), "{gap}");
        let sound = probe(&show.files().await[0], "a");
        assert!(sound.windows(2).all(|pair| pair[1].decode >= pair[0].decode + 1_024), "no sound twice");
        assert!(show.media.health(super::show::BROADCAST).unwrap().warnings.is_empty(), "nobody is connected");
    }
}

#[tokio::test]
async fn an_encoder_that_comes_back_goes_on_at_the_same_address() {
    let packets = clip(4.0, VIDEO, AUDIO);
    let mut show = Show::new();
    show.go_live();
    show.connect();
    show.send(&packets);
    show.disconnect();
    show.wait_ms(8_000);
    show.connect();
    show.send(&packets);
    show.disconnect();
    let playlist = show.playlist().await;
    assert_eq!((discontinuities(&playlist), playlist.matches("#EXT-X-MAP").count()), (1, 1), "{playlist}");
    let pictures = probe(&show.files().await[0], "v");
    assert_eq!(pictures.len(), 240);
    let away_ms = (pictures[120].decode - pictures[119].decode) / 90;
    assert!((7_900..8_150).contains(&away_ms), "the timeline ran on: {away_ms}");
}

#[tokio::test]
async fn a_pause_drops_frames_and_goes_on_at_a_keyframe() {
    let packets = clip(9.0, VIDEO, AUDIO);
    let third = packets.len() / 3;
    let mut show = Show::new();
    show.go_live();
    show.connect();
    show.send(&packets[..third]);
    show.stage(Stage::Paused);
    show.send(&packets[third..2 * third]);
    show.go_live();
    show.send(&packets[2 * third..]);
    show.disconnect();
    let playlist = show.playlist().await;
    assert_eq!(discontinuities(&playlist), 1, "{playlist}");
    let pictures = probe(&show.files().await[0], "v");
    let after = pictures.windows(2).position(|pair| pair[1].decode - pair[0].decode > 90_000).unwrap() + 1;
    assert!(pictures[after].keyframe && pictures.len() < 240);
}

#[tokio::test]
async fn sound_that_comes_late_joins_at_a_keyframe() {
    let (picture, both) = (clip(5.0, VIDEO, ""), clip(5.0, VIDEO, AUDIO));
    let mut show = Show::new();
    show.go_live();
    show.connect();
    show.send(&picture);
    show.send(&later(&both, 5_000));
    show.disconnect();
    assert_eq!(discontinuities(&show.playlist().await), 1);
    let files = show.files().await;
    assert_eq!((probe(&files[0], "a").len(), probe(&files[0], "v").len()), (0, 150));
    assert!(probe(&files[1], "a").len() > 150 && probe(&files[1], "v").len() == 150);
}

#[tokio::test]
async fn a_picture_that_stalls_does_not_hold_the_sound_back() {
    let packets = clip(8.0, VIDEO, AUDIO);
    let without_some: Vec<Packet> = packets
        .into_iter()
        .filter(|packet| !matches!(packet, Packet::Video { timestamp_ms, .. } if (3_000..6_000).contains(timestamp_ms)))
        .collect();
    let mut show = Show::new();
    show.go_live();
    show.connect();
    let stalled = without_some
        .iter()
        .position(|packet| matches!(packet, Packet::Audio { timestamp_ms, .. } if *timestamp_ms > 5_500));
    show.send(&without_some[..stalled.unwrap()]);
    let edge = show.media.stream(super::show::BROADCAST).unwrap().window().edge();
    assert!(edge > 5 * 90_000, "sound goes on: {edge}");
    show.send(&without_some[stalled.unwrap()..]);
    show.disconnect();
    let playlist = show.playlist().await;
    assert_eq!(discontinuities(&playlist), 0, "{playlist}");
    let file = &show.files().await[0];
    assert_eq!((probe(file, "v").len(), decode(file, "v")), (150, 150));
    assert!(probe(file, "a").windows(2).all(|pair| pair[1].decode - pair[0].decode == 1_024));
}
