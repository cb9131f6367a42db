//! Public keys that are fetched: a JSON Web Key Set (RFC 7517), kept for an hour.
//!
//! A key that is not in the set is looked for again, once in ten seconds at the most, so that neither new keys have to wait nor
//! tokens with invented keys make us fetch. While the set cannot be fetched, the last one is good for a day. Who names a key of a
//! set that is still good never waits for a fetch; who names another one waits for the fetch under way, and for no longer than it may take.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use kernel::{Clock, Timestamp};
use serde::Deserialize;
use tokio::sync::watch;

use super::{
    TokenError,
    public_key::{PublicKey, WebKey},
};

/// How long a set is good before it is fetched again.
const FRESH_MS: i64 = 3_600_000;
/// How long it is good while it cannot be fetched.
const STALE_MS: i64 = 86_400_000;
/// Time between two fetches at the least.
const PAUSE_MS: i64 = 10_000;
/// How long a fetch may take, and thus a token wait for it.
const PATIENCE: Duration = Duration::from_secs(6);
/// Keys of a set at the most.
const KEYS_MAX: usize = 64;

/// Fetches the set, within its own time and size limits.
#[async_trait]
pub trait KeySource: Send + Sync + 'static {
    /// The set as JSON; the error tells people what failed.
    async fn fetch(&self) -> Result<Bytes, String>;
}

/// The keys of a source.
pub(super) struct KeySet {
    source: Arc<dyn KeySource>,
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

type Keys = Arc<Vec<(String, PublicKey)>>;

#[derive(Default)]
struct State {
    keys: Keys,
    fetched_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
    /// Closed when the last fetch has ended.
    fetch: Option<watch::Receiver<()>>,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<WebKey>,
}

impl KeySet {
    pub(super) fn new(source: Arc<dyn KeySource>, clock: Arc<dyn Clock>) -> Self {
        Self { source, clock, state: Arc::default() }
    }

    /// The keys called `name`; all of them for a token that names none.
    pub(super) async fn find(&self, name: &str) -> Result<Vec<PublicKey>, TokenError> {
        let keys = self.keys(name).await?;
        Ok(keys.iter().filter(|(own, _)| name.is_empty() || own == name).map(|(_, key)| key.clone()).collect())
    }

    async fn keys(&self, name: &str) -> Result<Keys, TokenError> {
        let fetch = {
            let mut state = lock(&self.state);
            let now = self.clock.now();
            let known = name.is_empty() || state.keys.iter().any(|(own, _)| own == name);
            let wanted = !(known && within(state.fetched_at, FRESH_MS, now));
            if wanted && !within(state.tried_at, PAUSE_MS, now) && !state.is_fetching() {
                state.tried_at = Some(now);
                state.fetch = Some(self.begin_fetch(now));
            }
            if known && let Some(keys) = state.good(now) {
                return Ok(keys);
            }
            state.fetch.clone()
        };
        if let Some(mut fetch) = fetch {
            let _closed_at_its_end = fetch.changed().await;
        }
        lock(&self.state).good(self.clock.now()).ok_or(TokenError::Unavailable)
    }

    /// Fetches apart from whoever wants it first: that one may be gone before it ends, and others want the same.
    fn begin_fetch(&self, now: Timestamp) -> watch::Receiver<()> {
        let (ended, fetch) = watch::channel(());
        let (source, state) = (self.source.clone(), self.state.clone());
        tokio::spawn(async move {
            let fetched = tokio::time::timeout(PATIENCE, source.fetch()).await;
            let fetched = fetched.unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())));
            match fetched.and_then(|document| parse(&document)) {
                Ok(keys) => {
                    let mut state = lock(&state);
                    (state.keys, state.fetched_at) = (Arc::new(keys), Some(now));
                }
                Err(error) => tracing::warn!(error, "the keys that sign tokens cannot be fetched"),
            }
            drop(ended);
        });
        fetch
    }
}

impl State {
    fn is_fetching(&self) -> bool {
        self.fetch.as_ref().is_some_and(|fetch| fetch.has_changed().is_ok())
    }

    /// The keys while they may be used.
    fn good(&self, now: Timestamp) -> Option<Keys> {
        within(self.fetched_at, STALE_MS, now).then(|| self.keys.clone())
    }
}

fn within(since: Option<Timestamp>, ms: i64, now: Timestamp) -> bool {
    since.is_some_and(|since| (0..ms).contains(&now.millis_since(since)))
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn parse(document: &[u8]) -> Result<Vec<(String, PublicKey)>, String> {
    let Document { keys } = serde_json::from_slice(document).map_err(|error| format!("it is no key set: {error}"))?;
    if keys.len() > KEYS_MAX {
        return Err(format!("the key set has {} keys; the limit is {KEYS_MAX}", keys.len()));
    }
    Ok(keys.into_iter().filter_map(|key| Some((key.kid.clone(), PublicKey::from_web_key(&key)?))).collect())
}
