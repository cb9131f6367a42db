//! Before the show: the host alone sees it, nothing of it is recorded, and the public never sees it.

use std::collections::HashSet;

use super::{clips::clip, playlists::later, show::Show};
use crate::Stage;

const VIDEO: &str = "-c:v libx264 -preset ultrafast -g 30";

const HOST: (&str, &str) = ("authorization", "Bearer host");

fn names(playlist: &str) -> HashSet<String> {
    playlist.lines().filter(|line| line.starts_with("seg-")).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_host_previews_and_the_public_sees_nothing_of_it() {
    let packets = clip(5.0, VIDEO, "");
    let mut show = Show::new();
    show.connect();
    show.send(&packets);
    for file in ["index.m3u8", "media.m3u8", "thumbnail.jpg"] {
        assert_eq!(show.get(file).await.status, 404, "{file}");
        assert_eq!(show.ask(file, &[("cookie", "madang_session=somebody")]).await.status, 404, "{file}");
    }
    let preview = show.ask("media.m3u8", &[HOST]).await;
    assert_eq!((preview.status.as_u16(), preview.header("cache-control")), (200, "private, no-store"));
    assert_eq!(show.ask("media.m3u8", &[("cookie", "x=y; madang_session=host")]).await.status, 200);
    let seen = names(preview.text());
    assert!(seen.len() >= 2 && !show.spool().exists(), "not recorded");
    let first = seen.iter().next().unwrap().clone();
    assert_eq!(show.get(&first).await.status, 404);
    assert_eq!(show.ask(&first, &[HOST]).await.status, 200);

    show.go_live();
    assert_eq!(show.get(&first).await.status, 410, "forgotten at once");
    show.send(&later(&packets, 5_000));
    let playlist = show.playlist().await;
    assert!(names(&playlist).is_disjoint(&seen) && !playlist.contains("#EXT-X-DISCONTINUITY\n"), "{playlist}");
    let files = show.files().await;
    let pictures = super::clips::probe(&files[0], "v");
    assert!(pictures[0].decode < 50 * 90, "position 0 is where the show begins: {}", pictures[0].decode);
}

#[tokio::test]
async fn a_show_that_starts_by_itself_loses_no_frame() {
    let packets = clip(5.0, "-c:v libx264 -preset ultrafast -g 250", "");
    let mut show = Show::new();
    show.connect();
    show.send(&packets[..10]);
    show.go_live();
    show.send(&packets[10..]);
    show.disconnect();
    let pictures = super::clips::probe(&show.files().await[0], "v");
    assert_eq!((pictures.len(), pictures[0].decode), (150, 0));
    assert!(show.playlist().await.contains("#EXT-X-MEDIA-SEQUENCE:0\n"));
}

#[tokio::test]
async fn an_older_publisher_is_not_heard_any_more() {
    let packets = clip(4.0, VIDEO, "");
    let show = Show::new();
    show.go_live();
    let mut old = show.media.packager().open(super::show::BROADCAST, 1);
    let mut new = show.media.packager().open(super::show::BROADCAST, 2);
    let late = show.media.packager().open(super::show::BROADCAST, 1);
    let now = kernel::Timestamp::from_millis(super::show::START_MS);
    for packet in &packets {
        old.push(packet.clone(), now);
    }
    old.close(now);
    late.close(now);
    assert!(show.media.health(super::show::BROADCAST).unwrap().connected, "the new one is there");
    for packet in &packets {
        new.push(packet.clone(), now);
    }
    new.close(now);
    assert_eq!(super::clips::probe(&show.files().await[0], "v").len(), 120);
    show.stage(Stage::Ended);
    let mut after = show.media.packager().open(super::show::BROADCAST, 3);
    after.push(packets[0].clone(), now);
    assert!(show.playlist().await.ends_with("#EXT-X-ENDLIST\n"));
}
