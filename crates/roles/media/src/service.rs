//! The media role's playback half as the binary sees it: stages in, playback and health out.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use kernel::{BroadcastId, Clock, Timestamp};
use ports::blobs::{BlobError, Blobs};
use tokio::task::JoinHandle;

use crate::{
    needs::{Nodes, Packager, PacketSink, Usher},
    packager::{WindowLimits, health::StreamHealth},
    playback::{self, ByteCache, Flights},
    recording::{Follower, Recorder, Replays, Restored, ShowTake, SpoolFolder, thumbnail_key},
    settings::MediaSettings,
    stream::{Sink, Stage, Stream},
    streams::Streams,
    take::Take,
    thumbnails::{Picture, Thumbnails},
};

/// How long a show that is over keeps its live playlist, now with its end, for those who were watching.
const FAREWELL: Duration = Duration::from_secs(60);
/// How often pictures and forgotten previews are looked after.
const ROUND: Duration = Duration::from_secs(5);
/// A preview without a publisher is forgotten after this long, in milliseconds.
const PREVIEW_IDLE_MS: i64 = 5 * 60_000;

/// Packages, records and plays all streams of this process.
pub struct MediaService {
    settings: MediaSettings,
    clock: Arc<dyn Clock>,
    blobs: Arc<dyn Blobs>,
    usher: Arc<dyn Usher>,
    /// The other processes that package streams, where there may be any.
    nodes: Option<Arc<dyn Nodes>>,
    flights: Flights,
    streams: Streams,
    owner: String,
    /// No other process uses it until this one has ended.
    folder: Mutex<Option<SpoolFolder>>,
    recorder: Recorder,
    replays: Replays,
    cache: ByteCache,
    thumbnails: Thumbnails,
    /// Taken while a show's last picture is put among its blobs.
    farewell: tokio::sync::Mutex<()>,
    rounds: Mutex<Option<JoinHandle<()>>>,
}

impl MediaService {
    /// Starts the service with its spool, and goes on with the shows that were on air when the process before ended.
    /// Call within a runtime.
    ///
    /// # Errors
    /// When the thread that writes recordings cannot be started.
    pub fn new(
        settings: MediaSettings,
        spool: SpoolFolder,
        clock: Arc<dyn Clock>,
        blobs: Arc<dyn Blobs>,
        usher: Arc<dyn Usher>,
        nodes: Option<Arc<dyn Nodes>>,
    ) -> std::io::Result<Arc<Self>> {
        let recorder = Recorder::start(spool.path.clone(), blobs.clone())?;
        let media = Arc::new(Self {
            owner: spool.owner().to_owned(),
            folder: Mutex::new(Some(spool)),
            recorder,
            replays: Replays::new(blobs.clone()),
            cache: ByteCache::new(settings.cache_megabytes as usize * 1024 * 1024),
            thumbnails: Thumbnails::new(settings.ffmpeg.clone()),
            streams: Streams::default(),
            farewell: tokio::sync::Mutex::default(),
            rounds: Mutex::default(),
            settings,
            clock,
            blobs,
            usher,
            nodes,
            flights: Flights::default(),
        });
        media.restore();
        let rounds = tokio::spawn(go_round(Arc::downgrade(&media)));
        *media.rounds.lock().unwrap_or_else(PoisonError::into_inner) = Some(rounds);
        Ok(media)
    }

    /// The routes of playback, `/live/{broadcast}/…`.
    pub fn router(self: &Arc<Self>) -> axum::Router {
        playback::router(self.clone())
    }

    /// Where publishers' packets go.
    pub fn packager(self: &Arc<Self>) -> Arc<dyn Packager> {
        Arc::new(Intakes(self.clone()))
    }

    /// Whose streams these are: the name of the spool.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// This process is given the broadcast's publisher: its stream is here from now on, at this stage. One of an earlier take
    /// is let go of.
    pub fn expect(self: &Arc<Self>, broadcast: BroadcastId, take: Take, stage: Stage) {
        if let Some(earlier) = self.streams.get(broadcast).filter(|stream| stream.take.number != take.number) {
            self.let_go(broadcast, earlier.take.number);
        }
        if stage != Stage::Ended {
            let (length_ms, now) = (self.window_length_ms(), self.clock.now());
            self.streams.get_or_add(broadcast, || Stream::new(broadcast, take, length_ms, now));
        }
        self.set_stage(broadcast, stage);
    }

    /// Another process has the stream of this take by now: nothing more is packaged here, what was recorded is sealed, and
    /// whoever watches is served from there.
    pub fn let_go(&self, broadcast: BroadcastId, take: u64) {
        let Some(stream) = self.streams.get(broadcast).filter(|stream| stream.take.number == take) else { return };
        tracing::info!(%broadcast, take, "another process has the stream");
        self.streams.remove(broadcast);
        drop(self.thumbnails.take(broadcast));
        stream.let_go(self.clock.now());
    }

    /// The take of a stream that is here, as far as it has come: what another process would go on from.
    pub fn take(&self, broadcast: BroadcastId) -> Option<Take> {
        let stream = self.streams.get(broadcast)?;
        let (sequence, discontinuities) = stream.window().edge_numbers();
        Some(Take { number: stream.take.number, sequence, discontinuities })
    }

    /// The stage of a stream that is here.
    pub fn stage(&self, broadcast: BroadcastId) -> Option<Stage> {
        self.streams.get(broadcast).map(|stream| stream.stage())
    }

    /// The broadcasts of which something is here: a stream, or a recording on its way to the blobs.
    pub fn held(&self) -> Vec<BroadcastId> {
        let mut held = self.recorder.sealing();
        held.extend(self.streams.all().iter().map(|stream| stream.broadcast));
        held.sort_unstable();
        held.dedup();
        held
    }

    /// Whether the recording of a show that is over is on its way to the blobs.
    pub fn is_sealing(&self, broadcast: BroadcastId) -> bool {
        self.recorder.is_sealing(broadcast)
    }

    /// Moves a stream that is here to a stage. The same stage again does nothing.
    pub fn set_stage(self: &Arc<Self>, broadcast: BroadcastId, stage: Stage) {
        let now = self.clock.now();
        let Some(stream) = self.streams.get(broadcast) else { return };
        let was = stream.stage();
        let follower: Arc<dyn Follower> = stream.clone();
        stream.set_stage(stage, now, |timeline_start| {
            self.recorder.begin(broadcast, stream.take, timeline_start, Arc::downgrade(&follower))
        });
        if stage == Stage::Ended && was != Stage::Ended {
            tokio::spawn(self.clone().see_off(broadcast));
        }
    }

    /// What the broadcast's publisher sends, as measured.
    pub fn health(&self, broadcast: BroadcastId) -> Option<StreamHealth> {
        self.streams.get(broadcast).map(|stream| stream.health(self.clock.now()))
    }

    /// Returns once the replay of a show that has just ended is complete.
    pub async fn replay_complete(&self, broadcast: BroadcastId) {
        self.recorder.sealed(broadcast).await;
    }

    /// Removes everything that was recorded of a broadcast.
    ///
    /// # Errors
    /// When something cannot be removed, in the spool or among the blobs; what is left is removed by the next call, and may
    /// be found again until then.
    pub async fn delete_recording(&self, broadcast: BroadcastId) -> Result<(), BlobError> {
        self.streams.remove(broadcast);
        // A picture that is on its way would come back; one that is not yet finds its stream gone.
        let farewell = self.farewell.lock().await;
        let removed = self.recorder.remove(broadcast, &self.replays).await;
        drop(farewell);
        self.cache.forget(broadcast);
        removed
    }

    /// Completes what is open and writes it to the disk; shows that are on air go on after the next start.
    pub async fn shutdown(&self) {
        if let Some(rounds) = self.rounds.lock().unwrap_or_else(PoisonError::into_inner).take() {
            rounds.abort();
        }
        for stream in self.streams.all() {
            stream.flush(self.clock.now());
        }
        self.recorder.shutdown().await;
        self.leave_folder();
    }

    /// Ends as a killed process does, except that nothing goes on writing in the background.
    #[cfg(test)]
    pub(crate) async fn abandon(&self) {
        if let Some(rounds) = self.rounds.lock().unwrap_or_else(PoisonError::into_inner).take() {
            rounds.abort();
        }
        self.recorder.abandon().await;
        self.leave_folder();
    }

    /// Returns once the recording has written what was queued.
    #[cfg(test)]
    pub(crate) async fn settled(&self) {
        self.recorder.settled().await;
    }

    pub(crate) fn stream(&self, broadcast: BroadcastId) -> Option<Arc<Stream>> {
        self.streams.get(broadcast)
    }

    pub(crate) fn usher(&self) -> &dyn Usher {
        &*self.usher
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn nodes(&self) -> Option<&Arc<dyn Nodes>> {
        self.nodes.as_ref()
    }

    pub(crate) fn flights(&self) -> &Flights {
        &self.flights
    }

    pub(crate) fn cache(&self) -> &ByteCache {
        &self.cache
    }

    pub(crate) fn replays(&self) -> &Replays {
        &self.replays
    }

    /// Whether viewers of replays are sent to the store.
    pub(crate) fn sends_to_store(&self) -> bool {
        self.settings.replays_from_store
    }

    pub(crate) fn blobs(&self) -> &dyn Blobs {
        &*self.blobs
    }

    pub(crate) fn spool(&self) -> &PathBuf {
        self.recorder.spool()
    }

    pub(crate) fn thumbnail(&self, broadcast: BroadcastId) -> Picture {
        self.thumbnails.get(broadcast)
    }

    /// Refreshes the pictures of shows on air, one after the other, and forgets previews that nobody feeds any more.
    pub(crate) async fn round(&self) {
        let streams = self.streams.all();
        let in_memory: usize = streams.iter().map(|stream| stream.window().bytes_in_memory()).sum();
        metrics::gauge!("madang_media_window_bytes").set(in_memory as f64);
        for stream in streams {
            let now = self.clock.now();
            match stream.stage() {
                Stage::Live { .. } if stream.is_fed() => self.thumbnails.refresh(&stream, now).await,
                Stage::Preview if stream.idle_ms(now) > PREVIEW_IDLE_MS => {
                    self.streams.remove(stream.broadcast);
                }
                _ => {}
            }
        }
    }

    fn leave_folder(&self) {
        self.folder.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn window_length_ms(&self) -> i64 {
        i64::from(self.settings.window_minutes.max(1)) * 60_000
    }

    fn stream_of(&self, broadcast: BroadcastId, now: Timestamp) -> Arc<Stream> {
        self.streams.get_or_add(broadcast, || Stream::new(broadcast, Take::default(), self.window_length_ms(), now))
    }

    fn restore(self: &Arc<Self>) {
        let length_ms = self.window_length_ms();
        let limits = WindowLimits { length_ms, recorded: true };
        for Restored { broadcast, take, window, spooled } in self.recorder.restore(limits) {
            let stream = self.streams.get_or_add(broadcast, || Stream::restored(broadcast, take, length_ms, window));
            let follower: Arc<dyn Follower> = stream.clone();
            let show = ShowTake { broadcast, take: take.number };
            stream.go_on_recording(self.recorder.resume(show, spooled, Arc::downgrade(&follower)));
        }
    }

    /// Keeps the last picture, and the end of the live playlist for those who were watching; then the replay takes over.
    async fn see_off(self: Arc<Self>, broadcast: BroadcastId) {
        let farewell = tokio::time::Instant::now() + FAREWELL;
        self.keep_picture(broadcast).await;
        self.recorder.sealed(broadcast).await;
        tokio::time::sleep_until(farewell).await;
        self.streams.remove(broadcast);
    }

    async fn keep_picture(&self, broadcast: BroadcastId) {
        let Some(picture) = self.thumbnails.take(broadcast) else { return };
        let _farewell = self.farewell.lock().await;
        if self.streams.get(broadcast).is_none() {
            // Its recording was removed meanwhile.
            return;
        }
        if let Err(error) = self.blobs.put(&thumbnail_key(broadcast), picture).await {
            tracing::warn!(%error, %broadcast, "the picture is not kept with the recording");
        }
    }
}

/// Looks after the service while it lives.
async fn go_round(media: Weak<MediaService>) {
    let mut ticks = tokio::time::interval(ROUND);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(media) = media.upgrade() else { return };
        media.round().await;
    }
}

struct Intakes(Arc<MediaService>);

impl Packager for Intakes {
    fn open(&self, broadcast: BroadcastId, publish_epoch: i64) -> Box<dyn PacketSink> {
        let now = self.0.clock.now();
        Box::new(Sink::open(self.0.stream_of(broadcast, now), publish_epoch, now))
    }
}

#[cfg(test)]
mod tests;
