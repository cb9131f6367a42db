//! A show under test: a service of its own on a folder of its own, fed and watched as from outside.

use std::{
    collections::BTreeMap,
    ops::Range,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use axum::{
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use bytes::Bytes;
use http_body_util::BodyExt;
use kernel::{BroadcastId, Clock, Random, Timestamp, random::RandomError};
use ports::blobs::{BlobError, Blobs};
use tempfile::TempDir;
use tower::ServiceExt;

use crate::{
    MediaService, MediaSettings, SpoolFolder, Stage, Take,
    frame::Packet,
    needs::{Admission, NotAdmitted, PacketSink, Standing, Usher},
};

/// When every show under test starts.
pub(crate) const START_MS: i64 = 1_800_000_000_000;

/// The broadcast of a show under test.
pub(crate) const BROADCAST: BroadcastId = BroadcastId::from_raw(17);

/// An answer as a client sees it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A clock that is moved by hand.
pub(crate) struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// Blobs in memory.
#[derive(Default)]
pub(crate) struct MemoryBlobs {
    pub(crate) kept: Mutex<BTreeMap<String, Bytes>>,
}

#[async_trait]
impl Blobs for MemoryBlobs {
    async fn put(&self, key: &str, data: Bytes) -> Result<(), BlobError> {
        self.kept.lock().unwrap().insert(key.to_owned(), data);
        Ok(())
    }

    async fn put_file(&self, key: &str, path: &Path) -> Result<(), BlobError> {
        let engine = |source| BlobError::Engine { key: key.to_owned(), source };
        let data = std::fs::read(path).map_err(engine)?;
        self.put(key, data.into()).await?;
        std::fs::remove_file(path).map_err(engine)
    }

    async fn get(&self, key: &str, _: Option<Range<u64>>) -> Result<Bytes, BlobError> {
        self.kept.lock().unwrap().get(key).cloned().ok_or_else(|| BlobError::Missing(key.to_owned()))
    }

    async fn size(&self, key: &str) -> Result<u64, BlobError> {
        Ok(self.get(key, None).await?.len() as u64)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, BlobError> {
        Ok(self.kept.lock().unwrap().keys().filter(|key| key.starts_with(prefix)).cloned().collect())
    }

    async fn delete_prefix(&self, prefix: &str) -> Result<(), BlobError> {
        self.kept.lock().unwrap().retain(|key, _| !key.starts_with(prefix));
        Ok(())
    }

    async fn address(&self, key: &str, _: Duration) -> Result<Option<String>, BlobError> {
        Ok(Some(format!("https://store.test/{key}")))
    }

    async fn answers(&self) -> Result<(), BlobError> {
        Ok(())
    }
}

/// Lets whoever says `host` preview, and knows what the broadcast has come to.
struct Host(Arc<Mutex<Option<Standing>>>, Arc<HandClock>);

#[async_trait]
impl Usher for Host {
    async fn standing(&self, _: BroadcastId) -> Option<Standing> {
        *self.0.lock().unwrap()
    }
    fn admit(&self, token: Option<&str>, _: BroadcastId) -> Result<Admission, NotAdmitted> {
        let signed = |preview| Ok(Admission { preview, expires_at: Some(self.1.now().plus_millis(60_000)) });
        match token {
            None => Ok(Admission::everybody()),
            Some("watching") => signed(false),
            Some("preview") => signed(true),
            Some(_) => Err(NotAdmitted::Forged),
        }
    }
    fn own_token(&self, _: BroadcastId) -> Option<String> {
        None
    }
    async fn packaged_at(&self, _: BroadcastId) -> Option<String> {
        None
    }
    async fn may_preview(&self, session_token: Option<&str>, _: BroadcastId) -> bool {
        session_token == Some("host")
    }
}

struct Ones;

impl Random for Ones {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        bytes.fill(1);
        Ok(())
    }
}

/// The spool of a data folder.
pub(crate) fn claim(folder: &Path) -> SpoolFolder {
    SpoolFolder::claim(folder, &Ones).unwrap()
}

/// A service with one broadcast.
pub(crate) struct Show {
    pub(crate) media: Arc<MediaService>,
    pub(crate) blobs: Arc<MemoryBlobs>,
    pub(crate) clock: Arc<HandClock>,
    /// What the broadcast has come to, where its stream is not here.
    pub(crate) standing: Arc<Mutex<Option<Standing>>>,
    folder: Arc<TempDir>,
    sink: Option<Box<dyn PacketSink>>,
    publish_epoch: i64,
}

impl Show {
    /// A service on an empty folder; pictures are not taken.
    pub(crate) fn new() -> Self {
        Self::with(MediaSettings { ffmpeg: String::new(), ..MediaSettings::default() })
    }

    pub(crate) fn with(settings: MediaSettings) -> Self {
        let clock = Arc::new(HandClock(AtomicI64::new(START_MS)));
        Self::on(settings, clock, Arc::default(), Arc::new(tempfile::tempdir().unwrap()), 0)
    }

    fn on(
        settings: MediaSettings,
        clock: Arc<HandClock>,
        blobs: Arc<MemoryBlobs>,
        folder: Arc<TempDir>,
        publish_epoch: i64,
    ) -> Self {
        let standing = Arc::new(Mutex::new(Some(Standing::Over)));
        let (spool, host) = (claim(folder.path()), Arc::new(Host(standing.clone(), clock.clone())));
        let media = MediaService::new(settings, spool, clock.clone(), blobs.clone(), host, None).unwrap();
        Self { media, blobs, clock, standing, folder, sink: None, publish_epoch }
    }

    /// The process is killed, and another starts on the same folder. What the writer still had in its queue is written
    /// first, because the old thread cannot be killed.
    pub(crate) async fn kill_and_restart(self) -> Self {
        let (clock, blobs, folder, epoch) =
            (self.clock.clone(), self.blobs.clone(), self.folder.clone(), self.publish_epoch);
        self.media.abandon().await;
        drop(self);
        let settings = MediaSettings { ffmpeg: String::new(), ..MediaSettings::default() };
        Self::on(settings, clock, blobs, folder, epoch)
    }

    pub(crate) fn spool(&self) -> std::path::PathBuf {
        self.folder.path().join("spool").join(BROADCAST.to_string())
    }

    pub(crate) fn go_live(&self) {
        self.media.expect(BROADCAST, Take::default(), Stage::Live { timeline_start: self.clock.now() });
    }

    pub(crate) fn stage(&self, stage: Stage) {
        self.media.set_stage(BROADCAST, stage);
    }

    pub(crate) fn connect(&mut self) {
        self.publish_epoch += 1;
        self.sink = Some(self.media.packager().open(BROADCAST, self.publish_epoch));
    }

    pub(crate) fn disconnect(&mut self) {
        if let Some(sink) = self.sink.take() {
            sink.close(self.clock.now());
        }
    }

    /// Sends packets, the clock going along with their timestamps, the first of which is sent now.
    pub(crate) fn send(&mut self, packets: &[Packet]) {
        let base_ms = self.clock.now().as_millis();
        let mut first = None;
        for packet in packets {
            if let Packet::Video { timestamp_ms, .. } | Packet::Audio { timestamp_ms, .. } = packet {
                let first = *first.get_or_insert(*timestamp_ms);
                let at_ms = base_ms + i64::from(timestamp_ms.wrapping_sub(first).cast_signed()).max(0);
                self.clock.0.store(at_ms.max(self.clock.now().as_millis()), Ordering::Relaxed);
            }
            self.sink.as_mut().unwrap().push(packet.clone(), self.clock.now());
        }
    }

    pub(crate) fn wait_ms(&self, ms: i64) {
        self.clock.0.fetch_add(ms, Ordering::Relaxed);
    }

    pub(crate) async fn get(&self, file: &str) -> Answer {
        self.ask(file, &[]).await
    }

    pub(crate) async fn ask(&self, file: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(format!("/live/{BROADCAST}/{file}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.media.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn playlist(&self) -> String {
        let answer = self.get("media.m3u8").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text().to_owned()
    }

    /// Everything the playlist lists, in stretches that share an initialisation segment, each as one file.
    pub(crate) async fn files(&self) -> Vec<Bytes> {
        let playlist = self.playlist().await;
        let mut files: Vec<Vec<u8>> = Vec::new();
        for line in playlist.lines() {
            let map = line.strip_prefix("#EXT-X-MAP:URI=\"").and_then(|rest| rest.strip_suffix('"'));
            if let Some(map) = map {
                files.push(self.fetch(map).await.to_vec());
            } else if line.starts_with("seg-") {
                files.last_mut().expect("a map comes first").extend(self.fetch(line).await);
            }
        }
        files.into_iter().map(Bytes::from).collect()
    }

    pub(crate) async fn fetch(&self, file: &str) -> Bytes {
        let answer = self.get(file).await;
        assert_eq!(answer.status, 200, "{file}: {}", String::from_utf8_lossy(&answer.body));
        answer.body
    }
}
