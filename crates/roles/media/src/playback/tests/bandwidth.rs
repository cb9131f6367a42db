//! The bandwidth that the multivariant playlist announces, against what the segments really take.

use super::{
    clips::clip,
    playlists::later,
    show::{BROADCAST, Show},
};
use crate::Stage;

/// Durations in a playlist have five decimals.
const ROUNDING: f64 = 1e-5;

/// What RFC 8216bis, section 4.4.6.2, calls the peak and the average, of segments as a player sees them: seconds and bits.
fn rates(segments: &[(f64, f64)], target_s: f64) -> (f64, f64) {
    let rate = |row: &[(f64, f64)]| {
        let seconds: f64 = row.iter().map(|(seconds, _)| seconds).sum();
        (seconds, row.iter().map(|(_, bits)| bits).sum::<f64>() / seconds)
    };
    let rows = (0..segments.len()).flat_map(|from| (from + 1..=segments.len()).map(move |to| &segments[from..to]));
    let long_enough = rows.map(rate).filter(|(seconds, _)| (0.5 * target_s..=1.5 * target_s).contains(seconds));
    (long_enough.map(|(_, bps)| bps).fold(0.0, f64::max), rate(segments).1)
}

async fn compare(show: &Show, when: &str) {
    let (mut segments, mut target_s, mut seconds) = (Vec::new(), 0.0, 0.0);
    for line in show.playlist().await.lines() {
        if let Some(target) = line.strip_prefix("#EXT-X-TARGETDURATION:") {
            target_s = target.parse().unwrap();
        } else if let Some(duration) = line.strip_prefix("#EXTINF:") {
            seconds = duration.trim_end_matches(',').parse().unwrap();
        } else if line.starts_with("seg-") {
            segments.push((seconds, 8.0 * show.fetch(line).await.len() as f64));
        }
    }
    assert_eq!(segments.len(), 6, "{when}: {segments:?}");
    let (peak, average) = rates(&segments, target_s);
    assert!(peak > 2.0 * average, "{when}: a clip whose peak stands out: {segments:?}");

    let index = show.get("index.m3u8").await;
    let attributes = index.text().lines().find_map(|line| line.strip_prefix("#EXT-X-STREAM-INF:")).unwrap();
    let announced = |name: &str| -> f64 {
        attributes.split(',').find_map(|attribute| attribute.strip_prefix(name)).unwrap().parse().unwrap()
    };
    let (bandwidth, mean) = (announced("BANDWIDTH="), announced("AVERAGE-BANDWIDTH="));
    assert!(bandwidth >= peak * (1.0 - ROUNDING), "{when}: {bandwidth} is an upper bound of {peak}");
    assert!(bandwidth <= peak * 1.01, "{when}: {bandwidth} is measured, not made up: {peak}");
    assert!((mean / average - 1.0).abs() < 1e-3, "{when}: {mean} is the average, {average}");
}

#[tokio::test(start_paused = true)]
async fn what_is_announced_is_what_the_segments_take() {
    let calm = clip(4.5, "-c:v libx264 -preset ultrafast -g 60 -b:v 60k", "");
    let wild = clip(4.9, "-vf noise=alls=90:allf=t -c:v libx264 -preset ultrafast -g 60 -crf 20", "");
    let mut show = Show::new();
    show.go_live();
    show.connect();
    show.send(&calm);
    show.disconnect();
    // A short segment ends the calm part, and one the wild part.
    show.connect();
    show.send(&later(&wild[..wild.len() / 6], 4_500));
    show.disconnect();
    show.connect();
    show.send(&later(&calm[..70], 6_000));
    show.disconnect();
    compare(&show, "live").await;

    show.stage(Stage::Ended);
    show.media.replay_complete(BROADCAST).await;
    tokio::time::sleep(std::time::Duration::from_secs(61)).await;
    compare(&show, "replay").await;
}
