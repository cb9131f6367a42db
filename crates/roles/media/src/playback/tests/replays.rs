//! Recordings: the replay after the end, restarts in the middle, retention.

use kernel::Timestamp;

use super::{
    clips::{clip, decode, probe},
    show::{BROADCAST, START_MS, Show},
};
use crate::{MediaSettings, Stage, needs::Standing};

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
    assert!(show.media.replays().has(BROADCAST).await.unwrap());
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

#[tokio::test(start_paused = true)]
async fn segments_of_replays_are_fetched_from_the_store_where_the_settings_say_so() {
    let settings = MediaSettings { ffmpeg: String::new(), replays_from_store: true, ..MediaSettings::default() };
    let mut show = Show::with(settings);
    show.go_live();
    show.connect();
    show.send(&clip(5.0, VIDEO, AUDIO));
    show.stage(Stage::Ended);
    assert_eq!(show.get("seg-0.m4s").await.status, 200, "who was watching live has it from here");
    show.media.replay_complete(BROADCAST).await;
    tokio::time::sleep(std::time::Duration::from_secs(61)).await;

    let sent = show.get("seg-0.m4s").await;
    assert_eq!((sent.status.as_u16(), sent.header("cache-control")), (307, "public, max-age=600"));
    assert_eq!(sent.header("location"), format!("https://store.test/recordings/{BROADCAST}/seg-0.m4s"));
    assert_eq!(show.get("init-0.mp4").await.status, 200);
    std::fs::create_dir_all(show.spool()).unwrap();
    std::fs::write(show.spool().join("seg-0.m4s"), b"not sealed yet").unwrap();
    assert_eq!(show.get("seg-0.m4s").await.text(), "not sealed yet", "the store does not have it yet");
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
    assert!(show.media.replays().has(BROADCAST).await.unwrap());
}

#[tokio::test]
async fn what_is_older_is_found_and_nothing_is_left_of_what_is_deleted() {
    let mut show = Show::new();
    show.go_live();
    show.connect();
    show.send(&clip(3.0, VIDEO, ""));
    show.stage(Stage::Ended);
    show.media.replay_complete(BROADCAST).await;

    let day_ms = 24 * 3_600 * 1_000;
    let in_time = Timestamp::from_millis(START_MS + 2 * day_ms);
    assert_eq!(show.media.replays().older_than(2, in_time).await.unwrap(), []);
    assert_eq!(show.media.replays().older_than(2, in_time.plus_millis(day_ms)).await.unwrap(), [BROADCAST]);
    show.media.delete_recording(BROADCAST).await.unwrap();
    assert!(show.blobs.kept.lock().unwrap().is_empty(), "nothing of it is left");
    assert_eq!(show.get("index.m3u8").await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn a_replay_is_answered_only_while_the_broadcast_has_one() {
    let mut show = Show::new();
    show.go_live();
    show.connect();
    show.send(&clip(3.0, VIDEO, ""));
    show.stage(Stage::Ended);
    show.media.replay_complete(BROADCAST).await;
    tokio::time::sleep(std::time::Duration::from_secs(61)).await;
    assert_eq!(show.get("seg-0.m4s").await.status, 200);
    for (standing, status) in [(Some(Standing::Gone), 404), (Some(Standing::Nothing), 404), (None, 503)] {
        *show.standing.lock().unwrap() = standing;
        for file in ["index.m3u8", "media.m3u8", "seg-0.m4s", "init-0.mp4"] {
            assert_eq!(show.get(file).await.status, status, "{file} {standing:?}");
        }
    }
    *show.standing.lock().unwrap() = Some(Standing::Over);
    show.blobs.kept.lock().unwrap().clear();
    assert_eq!(show.get("seg-0.m4s").await.status, 404, "what was read before it was removed is forgotten");
}

#[tokio::test]
async fn a_show_on_air_whose_stream_is_not_here_is_answered_at_once_and_makes_none() {
    let show = Show::new();
    *show.standing.lock().unwrap() = Some(Standing::OnAir);
    show.stage(Stage::Live { timeline_start: Timestamp::from_millis(START_MS) });
    let waits = std::time::Duration::from_secs(5);
    for file in ["index.m3u8", "media.m3u8"] {
        let answer = tokio::time::timeout(waits, show.get(file)).await.expect("nobody is kept waiting");
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "1"));
    }
    assert_eq!(show.get("thumbnail.jpg").await.status, 200, "a drawing");
    assert!(show.media.stage(BROADCAST).is_none() && show.media.held().is_empty());
    assert!(!show.spool().exists(), "nothing is recorded");
}
