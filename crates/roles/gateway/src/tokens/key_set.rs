//! Public keys that are fetched: a JSON Web Key Set (RFC 7517), kept for an hour.
//!
//! A key that is not in the set is looked for again, once in ten seconds at the most, so that neither new keys have to wait nor
//! tokens with invented keys make us fetch. While the set cannot be fetched, the last one is good for a day.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use kernel::{Clock, Timestamp};
use serde::Deserialize;
use tokio::sync::Mutex;

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
/// How long a token may wait for the set.
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
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    keys: Arc<Vec<(String, PublicKey)>>,
    fetched_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<WebKey>,
}

impl KeySet {
    pub(super) fn new(source: Arc<dyn KeySource>, clock: Arc<dyn Clock>) -> Self {
        Self { source, clock, state: Mutex::default() }
    }

    /// The keys called `name`; all of them for a token that names none.
    pub(super) async fn find(&self, name: &str) -> Result<Vec<PublicKey>, TokenError> {
        let keys = tokio::time::timeout(PATIENCE, self.keys(name)).await.map_err(|_| TokenError::Unavailable)??;
        Ok(keys.iter().filter(|(own, _)| name.is_empty() || own == name).map(|(_, key)| key.clone()).collect())
    }

    async fn keys(&self, name: &str) -> Result<Arc<Vec<(String, PublicKey)>>, TokenError> {
        // Held while fetching: whoever comes meanwhile wants the same.
        let mut state = self.state.lock().await;
        let now = self.clock.now();
        let within =
            |since: Option<Timestamp>, ms| since.is_some_and(|since| (0..ms).contains(&now.millis_since(since)));
        let known = name.is_empty() || state.keys.iter().any(|(own, _)| own == name);
        let wanted = !(known && within(state.fetched_at, FRESH_MS));
        if wanted && !within(state.tried_at, PAUSE_MS) {
            state.tried_at = Some(now);
            match self.source.fetch().await.and_then(|document| parse(&document)) {
                Ok(keys) => (state.keys, state.fetched_at) = (Arc::new(keys), Some(now)),
                Err(error) => tracing::warn!(error, "the keys that sign tokens cannot be fetched"),
            }
        }
        if within(state.fetched_at, STALE_MS) { Ok(state.keys.clone()) } else { Err(TokenError::Unavailable) }
    }
}

fn parse(document: &[u8]) -> Result<Vec<(String, PublicKey)>, String> {
    let Document { keys } = serde_json::from_slice(document).map_err(|error| format!("it is no key set: {error}"))?;
    if keys.len() > KEYS_MAX {
        return Err(format!("the key set has {} keys; the limit is {KEYS_MAX}", keys.len()));
    }
    Ok(keys.into_iter().filter_map(|key| Some((key.kid.clone(), PublicKey::from_web_key(&key)?))).collect())
}
