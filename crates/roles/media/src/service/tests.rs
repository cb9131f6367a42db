//! The picture of a show that ends, or whose recording is removed, while it is under way.

use std::path::Path;

use async_trait::async_trait;

use super::*;
use crate::{
    needs::{Admission, NotAdmitted, Standing, Usher},
    playback::tests::{
        clips::{clip, ffmpeg},
        show::{BROADCAST, MemoryBlobs, START_MS, claim},
    },
    recording::tests::gated::Gated,
};

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(START_MS)
    }
}

struct Anyone;

#[async_trait]
impl Usher for Anyone {
    async fn standing(&self, _: BroadcastId) -> Option<Standing> {
        Some(Standing::Over)
    }
    fn admit(&self, token: Option<&str>, _: BroadcastId) -> Result<Admission, NotAdmitted> {
        match token {
            None => Ok(Admission::everybody()),
            Some(_) => Err(NotAdmitted::Forged),
        }
    }
    fn own_token(&self, _: BroadcastId) -> Option<String> {
        None
    }
    async fn packaged_at(&self, _: BroadcastId) -> Option<String> {
        None
    }
    async fn may_preview(&self, _: Option<&str>, _: BroadcastId) -> bool {
        false
    }
}

/// A show on air whose pictures are taken, fed with five seconds.
fn on_air(folder: &Path, blobs: Arc<dyn Blobs>) -> Arc<MediaService> {
    let settings = MediaSettings { ffmpeg: ffmpeg().to_str().unwrap().into(), ..MediaSettings::default() };
    let media = MediaService::new(settings, claim(folder), Arc::new(Noon), blobs, Arc::new(Anyone), None).unwrap();
    media.expect(BROADCAST, Take::default(), Stage::Live { timeline_start: Noon.now() });
    let mut sink = media.packager().open(BROADCAST, 1);
    for packet in clip(5.0, "-c:v libx264 -preset ultrafast -g 60", "") {
        sink.push(packet, Noon.now());
    }
    media
}

#[tokio::test]
async fn a_picture_that_is_just_being_kept_goes_with_its_recording() {
    let (folder, kept) = (tempfile::tempdir().unwrap(), Arc::new(MemoryBlobs::default()));
    let blobs = Gated::holding_files(&kept, "/thumbnail.jpg");
    let media = on_air(folder.path(), blobs.clone());
    media.round().await;
    assert!(matches!(media.thumbnail(BROADCAST), Picture::Jpeg(_)));
    media.set_stage(BROADCAST, Stage::Ended);
    blobs.one_waits().await;
    let mut removal = tokio::spawn({
        let media = media.clone();
        async move { media.delete_recording(BROADCAST).await }
    });
    let early = tokio::time::timeout(Duration::from_millis(200), &mut removal).await;
    assert!(early.is_err(), "it waits for the picture");
    blobs.open();
    removal.await.unwrap().unwrap();
    assert_eq!(kept.list("recordings/").await.unwrap(), Vec::<String>::new());
    assert!(!media.replays().has(BROADCAST).await.unwrap());
    assert!(!folder.path().join("spool").join(BROADCAST.to_string()).exists());
}

#[tokio::test]
async fn a_picture_that_is_taken_while_the_show_ends_is_not_kept_for_ever() {
    let (folder, kept) = (tempfile::tempdir().unwrap(), Arc::new(MemoryBlobs::default()));
    let media = on_air(folder.path(), kept);
    let end = async {
        media.set_stage(BROADCAST, Stage::Ended);
        media.replay_complete(BROADCAST).await;
    };
    // The first is polled first: the picture is under way when the show ends.
    tokio::join!(biased; media.round(), end);
    assert!(matches!(media.thumbnail(BROADCAST), Picture::Placeholder(_)));
}
