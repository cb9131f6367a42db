//! Recordings: the replay after the end, restarts in the middle, retention.

use kernel::Timestamp;

use super::{
    clips::{clip, decode, probe},
    show::{BROADCAST, START_MS, Show},
};
use crate::{MediaSettings, Stage};

const VIDEO: &str = "-c:v libx264 -preset ultrafast -g 30";
const AUDIO: &str = "-c:a aac -b:a 64k";

fn names(playlist: &str) -> Vec<&str> {
    playlist.lines().filter(|line| line.starts_with("seg-")).collect()
}

#[tokio::test(start_paused = true)]
async fn after_the_end_the_same_address_plays_the_whole_show() {
    let packets = clip(9.0, VIDEO, AUDIO);
    let mut show = Show::new();
    show.go_live();
    show.connect();
    show.send(&packets);
    show.stage(Stage::Ended);

    let farewell = show.playlist().await;
    assert!(farewell.ends_with("#EXT-X-ENDLIST\n"), "those who were watching see the end: {farewell}");
    show.media.replay_complete(BROADCAST).await;
    assert!(show.media.has_replay(BROADCAST).await.unwrap());
    // The farewell is over when the paused clock has moved on.
    tokio::time::sleep(std::time::Duration::from_secs(61)).await;

    let replay = show.playlist().await;
    assert!(replay.contains("#EXT-X-PLAYLIST-TYPE:VOD") && replay.ends_with("#EXT-X-ENDLIST\n"), "{replay}");
    assert_eq!(names(&replay), names(&farewell));
    let file = &show.files().await[0];
    let pictures = packets.iter().filter(|packet| matches!(packet, crate::frame::Packet::Video { .. })).count();
    assert_eq!((probe(file, "v").len(), decode(file, "v")), (pictures, pictures));
    assert!(!show.spool().exists(), "nothing is left in the spool");

    for playlist in ["index.m3u8", "media.m3u8"] {
        let held = show.get(playlist).await.header("cache-control").to_owned();
        assert_eq!(held, "no-cache", "{playlist}: the host may delete the recording, or retention take it");
    }
    let segment = show.get("seg-0.m4s").await;
    assert_eq!(segment.header("cache-control"), "public, max-age=31536000, immutable");

    let show = show.kill_and_restart().await;
    assert_eq!(show.playlist().await, replay, "a replay survives a restart");
    let index = show.get("index.m3u8").await;
    assert!(index.text().contains("RESOLUTION=320x180,FRAME-RATE=30.000"), "{}", index.text());
}

#[tokio::test]
async fn a_show_goes_on_after_the_process_was_killed() {
    let packets = clip(9.0, VIDEO, AUDIO);
    let cut = packets.len() * 2 / 3;
    let mut show = Show::new();
    show.go_live();
    show.connect();
    show.send(&packets[..cut]);
    let before = show.playlist().await;

    let mut show = show.kill_and_restart().await;
    let restored = show.playlist().await;
    let (known, again) = (names(&before), names(&restored));
    assert_eq!(again[..known.len()], known, "what was complete is still there");
    assert_eq!(again.len(), known.len() + 1, "what was growing is complete with its last whole part");

    show.wait_ms(5_000);
    show.connect();
    show.go_live();
    show.send(&packets);
    show.disconnect();
    let after = show.playlist().await;
    assert!(names(&after).starts_with(&again), "the same address goes on");
    assert_eq!(after.matches("#EXT-X-DISCONTINUITY\n").count(), 1, "{after}");
    assert_eq!(after.matches("#EXT-X-MAP").count(), 1, "the same settings keep their file");
    assert!(after.contains("#EXT-X-MEDIA-SEQUENCE:0\n"));
    // The clock ran on: 2/3 of nine seconds, and five of silence.
    let position_ms = 6_000 + 5_000;
    let back = after.split("#EXT-X-DISCONTINUITY\n").nth(1).unwrap();
    let moment = back.lines().find_map(|line| line.strip_prefix("#EXT-X-PROGRAM-DATE-TIME:")).unwrap();
    let moment: Timestamp = serde_json::from_value(moment.into()).unwrap();
    let off_ms = moment.as_millis() - START_MS - position_ms;
    assert!(off_ms.abs() < 400, "{off_ms} ms off");
    for file in show.files().await {
        let decoded = decode(&file, "v");
        assert!(decoded > 400, "{decoded}");
    }
}

#[tokio::test]
async fn a_show_that_is_not_live_any_more_when_the_process_comes_back_is_finished() {
    let mut show = Show::new();
    show.go_live();
    show.connect();
    show.send(&clip(5.0, VIDEO, ""));
    let show = show.kill_and_restart().await;
    show.stage(Stage::Ended);
    show.media.replay_complete(BROADCAST).await;
    assert!(show.media.has_replay(BROADCAST).await.unwrap());
}

#[tokio::test]
async fn retention_deletes_what_is_older_and_nothing_else() {
    let mut show = Show::with(MediaSettings { retention_days: 2, ffmpeg: String::new(), ..MediaSettings::default() });
    show.go_live();
    show.connect();
    show.send(&clip(3.0, VIDEO, ""));
    show.stage(Stage::Ended);
    show.media.replay_complete(BROADCAST).await;

    let day_ms = 24 * 3_600 * 1_000;
    let in_time = Timestamp::from_millis(START_MS + 2 * day_ms);
    assert_eq!(show.media.apply_retention(in_time).await.unwrap(), []);
    assert_eq!(show.media.apply_retention(in_time.plus_millis(day_ms)).await.unwrap(), [BROADCAST]);
    assert!(show.blobs.kept.lock().unwrap().is_empty(), "nothing of it is left");
    assert_eq!(show.get("index.m3u8").await.status, 404);
}
