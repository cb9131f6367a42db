//! The pictures of the shows that are on air.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use kernel::{BroadcastId, Timestamp};

use super::{
    Picture,
    ffmpeg::{self, FrameError},
};
use crate::stream::Stream;

/// A picture is refreshed no sooner, in milliseconds.
const REFRESH_MS: i64 = 30_000;

#[derive(Debug, Default)]
struct Kept {
    picture: Option<Bytes>,
    tried: Option<Timestamp>,
    /// Whether it was said that there is no picture of this show.
    warned: bool,
}

/// Makes and keeps them.
#[derive(Debug)]
pub(crate) struct Thumbnails {
    program: String,
    absent: AtomicBool,
    kept: Mutex<HashMap<BroadcastId, Kept>>,
}

impl Thumbnails {
    /// Pictures made by this program; an empty name: none are made.
    pub(crate) fn new(program: String) -> Self {
        let absent = AtomicBool::new(program.is_empty());
        Self { program, absent, kept: Mutex::default() }
    }

    /// The picture of a show on air.
    pub(crate) fn get(&self, broadcast: BroadcastId) -> Picture {
        let picture = self.kept().get(&broadcast).and_then(|kept| kept.picture.clone());
        picture.map_or_else(Picture::placeholder, Picture::Jpeg)
    }

    /// Takes a new picture of the stream, if its time has come.
    pub(crate) async fn refresh(&self, stream: &Stream, now: Timestamp) {
        if self.absent.load(Ordering::Relaxed) {
            return;
        }
        let newest = stream.window().newest_picture();
        let Some((init, segment)) = newest else { return };
        if !self.is_due(stream, now) {
            return;
        }
        let made = ffmpeg::frame(&self.program, &init.bytes, &segment).await;
        if let Err(FrameError::Absent(program)) = &made
            && !self.absent.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(program, "not installed: shows have a placeholder for a picture");
        }
        let mut all = self.kept();
        // The show may have ended meanwhile, and its last picture have been taken from here.
        let Some(kept) = all.get_mut(&stream.broadcast) else { return };
        match made {
            Ok(picture) => (kept.picture, kept.warned) = (Some(picture), false),
            Err(FrameError::Absent(_)) => {}
            Err(error) if kept.warned => tracing::debug!(%error, broadcast = %stream.broadcast, "still no picture"),
            Err(error) => {
                kept.warned = true;
                tracing::warn!(%error, broadcast = %stream.broadcast, "no picture; it is tried again");
            }
        }
    }

    /// Whether the time has come to try again; from now on it is counted anew.
    fn is_due(&self, stream: &Stream, now: Timestamp) -> bool {
        let mut all = self.kept();
        // Looked at under the lock: once a show is over its picture is taken from here, for good.
        if !stream.is_fed() {
            return false;
        }
        let tried = &mut all.entry(stream.broadcast).or_default().tried;
        let due = tried.is_none_or(|at| now.millis_since(at) >= REFRESH_MS);
        if due {
            *tried = Some(now);
        }
        due
    }

    /// The last picture of a show that is over; it is not kept here any more.
    pub(crate) fn take(&self, broadcast: BroadcastId) -> Option<Bytes> {
        self.kept().remove(&broadcast).and_then(|kept| kept.picture)
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<BroadcastId, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
