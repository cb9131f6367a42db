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
        {
            let mut kept = self.kept();
            let tried = &mut kept.entry(stream.broadcast).or_default().tried;
            if tried.is_some_and(|at| now.millis_since(at) < REFRESH_MS) {
                return;
            }
            *tried = Some(now);
        }
        match ffmpeg::frame(&self.program, &init.bytes, &segment).await {
            Ok(picture) => self.kept().entry(stream.broadcast).or_default().picture = Some(picture),
            Err(FrameError::Absent(program)) => {
                self.absent.store(true, Ordering::Relaxed);
                tracing::warn!(program, "not installed: shows have a placeholder for a picture");
            }
            Err(error) => tracing::warn!(%error, broadcast = %stream.broadcast, "no picture this time"),
        }
    }

    /// The last picture of a show that is over; it is not kept here any more.
    pub(crate) fn take(&self, broadcast: BroadcastId) -> Option<Bytes> {
        self.kept().remove(&broadcast).and_then(|kept| kept.picture)
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<BroadcastId, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
