//! Pictures of shows: made by ffmpeg while live, kept with the recording, a drawing where there is none.

use super::{
    clips::clip,
    show::{BROADCAST, Show},
};
use crate::{MediaSettings, Stage};

const VIDEO: &str = "-c:v libx264 -preset ultrafast -g 60";
const JPEG: &[u8] = &[0xff, 0xd8, 0xff];

fn with_program(ffmpeg: &str) -> Show {
    Show::with(MediaSettings { ffmpeg: ffmpeg.into(), ..MediaSettings::default() })
}

#[tokio::test]
async fn a_live_show_has_a_picture_which_stays_with_its_replay() {
    let mut show = with_program("ffmpeg");
    show.go_live();
    show.connect();
    assert_eq!(show.get("thumbnail.jpg").await.header("content-type"), "image/svg+xml");
    show.send(&clip(5.0, VIDEO, ""));
    show.media.round().await;
    let first = show.get("thumbnail.jpg").await;
    assert_eq!(first.header("content-type"), "image/jpeg");
    assert!(first.body.starts_with(JPEG) && first.body.len() > 1_000);

    show.send(&super::playlists::later(&clip(3.0, "-vf negate -c:v libx264 -preset ultrafast -g 30", ""), 5_000));
    show.media.round().await;
    assert_eq!(show.get("thumbnail.jpg").await.body, first.body, "no sooner than after half a minute");
    show.wait_ms(30_000);
    show.media.round().await;
    let second = show.get("thumbnail.jpg").await.body;
    assert!(second.starts_with(JPEG) && second != first.body, "a new one");

    show.stage(Stage::Ended);
    show.media.replay_complete(BROADCAST).await;
    let show = show.kill_and_restart().await;
    assert_eq!(show.get("thumbnail.jpg").await.body, second, "kept with the recording");
}

#[tokio::test]
async fn without_the_program_there_is_a_drawing() {
    let mut show = with_program("no-such-program");
    show.go_live();
    show.connect();
    show.send(&clip(5.0, VIDEO, ""));
    show.media.round().await;
    show.media.round().await;
    let drawing = show.get("thumbnail.jpg").await;
    assert_eq!((drawing.status.as_u16(), drawing.header("content-type")), (200, "image/svg+xml"));
    assert!(drawing.text().contains("<svg"));
}

#[tokio::test]
async fn a_preview_that_nobody_feeds_any_more_is_forgotten() {
    let mut show = Show::new();
    show.connect();
    show.send(&clip(5.0, VIDEO, ""));
    show.media.round().await;
    show.disconnect();
    show.wait_ms(4 * 60_000);
    show.media.round().await;
    assert!(show.media.health(BROADCAST).is_some());
    show.wait_ms(2 * 60_000);
    show.media.round().await;
    assert!(show.media.health(BROADCAST).is_none());
}
