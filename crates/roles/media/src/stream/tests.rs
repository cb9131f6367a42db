//! A pause, to the frame.

use crate::{
    Stage,
    frame::Packet,
    playback::tests::{
        clips::clip,
        show::{BROADCAST, Show},
    },
};

/// A show on air that was sent `length_ms` of a picture, and where what can be watched of it ends.
fn on_air(packets: &[Packet], length_ms: u32) -> (Show, i64) {
    let mut show = Show::new();
    show.go_live();
    show.connect();
    let until = |packet: &&Packet| !matches!(packet, Packet::Video { timestamp_ms, .. } if *timestamp_ms > length_ms);
    let sent: Vec<Packet> = packets.iter().take_while(until).cloned().collect();
    show.send(&sent);
    let edge = edge(&show);
    (show, edge)
}

fn edge(show: &Show) -> i64 {
    show.media.stream(BROADCAST).unwrap().window().edge()
}

#[tokio::test]
async fn a_pause_shows_nothing_more_not_even_the_part_that_was_being_built() {
    let packets = clip(4.0, "-c:v libx264 -preset ultrafast -g 30", "");
    let (mut away, before) = on_air(&packets, 3_100);
    away.disconnect();
    assert!(edge(&away) > before, "a part was being built");

    let (mut show, before) = on_air(&packets, 3_100);
    show.stage(Stage::Paused);
    assert_eq!(edge(&show), before);
    let paused = show.playlist().await;
    assert!(paused.contains("seg-1.m4s"), "its segment is complete: {paused}");
    show.send(&packets);
    assert_eq!((edge(&show), show.playlist().await), (before, paused), "nor what comes after");
    show.go_live();
    show.send(&packets);
    assert!(edge(&show) > before);
}
