//! Addresses with a token in the path.

use super::{clips::clip, show::Show};

#[tokio::test]
async fn a_token_admits_to_what_it_says_and_nothing_holds_longer_than_it() {
    let mut show = Show::new();
    show.connect();
    let packets = clip(5.0, "-c:v libx264 -preset ultrafast -g 30", "");
    show.send(&packets);
    assert_eq!(show.get("watching/media.m3u8").await.status, 404, "it has not begun");
    let preview = show.get("preview/media.m3u8").await;
    assert_eq!((preview.status.as_u16(), preview.header("cache-control")), (200, "private, no-store"));

    show.go_live();
    show.send(&super::playlists::later(&packets, 5_000));
    let playlist = show.get("watching/media.m3u8").await;
    let segment = playlist.text().lines().find(|line| line.starts_with("seg-")).unwrap().to_owned();
    assert_eq!(playlist.header("cache-control"), "no-cache");
    let signed = show.get(&format!("watching/{segment}")).await;
    assert_eq!(signed.body, show.fetch(&segment).await);
    assert_eq!(signed.header("cache-control"), "public, max-age=60, immutable");
    assert_eq!(show.get(&segment).await.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(show.get("watching/index.m3u8").await.header("cache-control"), "public, max-age=1");
    for file in ["media.m3u8", "index.m3u8", "thumbnail.jpg", segment.as_str()] {
        let refused = show.get(&format!("made-up/{file}")).await;
        let problem: serde_json::Value = serde_json::from_slice(&refused.body).unwrap();
        assert_eq!((refused.status.as_u16(), problem["code"].as_str()), (403, Some("address_forged")), "{file}");
    }
}
