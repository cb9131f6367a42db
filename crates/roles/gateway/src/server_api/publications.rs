//! Publishing: into one channel, into many.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use kernel::{Timestamp, recent::Recent};
use ports::{
    about::{ABOUT_BYTES_MAX, About},
    room_log::Head,
};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::{
    ServerApi,
    answer::{self, Answer, bad_request, checked, object},
    versions::Version,
};
use crate::{
    namespaces::{ToPublish, told},
    needs::{ClientError, Room},
    protocol::codes,
};

/// Channels of one broadcast at the most.
const CHANNELS_MAX: usize = 1_000;
/// An idempotency key, in bytes.
const KEY_BYTES_MAX: usize = 128;
/// The name of a history of versions, in bytes.
const EPOCH_BYTES_MAX: usize = 128;
/// For how long a key is remembered where no log does it.
const REMEMBERED_MS: i64 = 300_000;
/// Keys that are remembered so at the most; beyond, those that were used least are forgotten.
const REMEMBERED_MAX: usize = 100_000;

/// What `publish` and `broadcast` take.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Publish {
    channel: String,
    channels: Vec<String>,
    data: Option<Box<RawValue>>,
    b64data: String,
    tags: BTreeMap<String, String>,
    skip_history: bool,
    idempotency_key: String,
    version: u64,
    version_epoch: String,
    /// Differences are made for whoever wants them, here and without it.
    #[serde(rename = "delta")]
    _delta: bool,
}

/// The keys of publications that no log keeps.
pub(super) struct Recently(Mutex<Recent<(String, String), Timestamp>>);

impl Default for Recently {
    fn default() -> Self {
        Self(Mutex::new(Recent::new(REMEMBERED_MAX)))
    }
}

impl Recently {
    /// Whether the key was not there before; it is from now on.
    fn is_new(&self, channel: &str, key: &str, now: Timestamp) -> bool {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (channel.to_owned(), key.to_owned());
        if recent.get(&key).is_some_and(|since| (0..REMEMBERED_MS).contains(&now.millis_since(*since))) {
            return false;
        }
        recent.insert(key, now);
        true
    }

    fn forget(&self, channel: &str, key: &str) {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recent.remove(&(channel.to_owned(), key.to_owned()));
    }
}

impl ServerApi {
    pub(super) async fn publish(&self, publish: Publish) -> Answer {
        let channel = publish.channel.clone();
        let wanted = publish.wanted()?;
        self.publish_into(&channel, wanted).await
    }

    pub(super) async fn broadcast(&self, mut publish: Publish) -> Answer {
        let channels = std::mem::take(&mut publish.channels);
        if channels.is_empty() || channels.len() > CHANNELS_MAX {
            return Err(bad_request(&format!("channels are 1 to {CHANNELS_MAX}")));
        }
        let wanted = publish.wanted()?;
        // Side by side: those that are durable then share one sync.
        let publishing = channels.iter().map(|channel| self.publish_into(channel, wanted.clone()));
        let responses: Vec<Value> = futures_util::future::join_all(publishing).await.into_iter().map(object).collect();
        Ok(json!({ "responses": responses }))
    }

    async fn publish_into(&self, channel: &str, wanted: Wanted) -> Answer {
        let room = self.publishing.room(checked(channel)?)?;
        let Some(version) = wanted.version.clone() else {
            return self.publish_now(channel, room, wanted).await;
        };
        if self.publishing.is_durable(channel) {
            let why = "not available: version is of no use where publications are durable, for it would not be";
            return Err(ClientError::because(codes::NOT_AVAILABLE, why));
        }
        let _turn = self.versions.turn(channel).await;
        if !self.versions.is_newer(channel, &version) {
            return match room {
                Some(room) => self.newest(channel, &room).await,
                None => Ok(json!({})),
            };
        }
        let answer = self.publish_now(channel, room, wanted).await?;
        self.versions.published(channel, version);
        Ok(answer)
    }

    async fn publish_now(&self, channel: &str, room: Option<Room>, wanted: Wanted) -> Answer {
        let Wanted { publication, key, skip_history, .. } = wanted;
        let room = room.filter(|_| !skip_history);
        if room.is_none() && !key.is_empty() && !self.recently.is_new(channel, &key, self.clock.now()) {
            return Ok(json!({}));
        }
        let Some(room) = room else {
            let published = self.publishing.publish_passing(channel, vec![publication]).await;
            if published.is_err() && !key.is_empty() {
                // Not made: its resend is to be.
                self.recently.forget(channel, &key);
            }
            return published.map(|()| json!({})).map_err(told);
        };
        let resend_key = (!key.is_empty()).then(|| format!("i:{key}"));
        let publication = ToPublish { resend_key, ..publication };
        let answers = self.publishing.publish(channel, vec![publication]).await.ok_or(codes::UNKNOWN_CHANNEL)?;
        let placed = answers.into_iter().next().ok_or(codes::INTERNAL)?.map_err(told)?;
        let offset = placed.map_or(0, |placed| placed.offset());
        Ok(json!({ "offset": offset, "epoch": self.head(channel, &room).await?.epoch }))
    }

    /// The answer to what was not published: where the channel stands.
    async fn newest(&self, channel: &str, room: &Room) -> Answer {
        let head = self.head(channel, room).await?;
        Ok(json!({ "offset": head.next - 1, "epoch": head.epoch }))
    }

    async fn head(&self, channel: &str, room: &Room) -> Result<Head, ClientError> {
        room.log.head(&room.name).await.map_err(|error| {
            tracing::error!(channel, %error, "a log did not say where it stands");
            codes::INTERNAL.into()
        })
    }
}

/// A publication to be made, and how.
#[derive(Clone)]
struct Wanted {
    publication: ToPublish,
    key: String,
    skip_history: bool,
    version: Option<Version>,
}

impl Publish {
    fn wanted(self) -> Result<Wanted, ClientError> {
        let data = answer::value("data", self.data, &self.b64data)?.ok_or_else(|| bad_request("data is missing"))?;
        if self.idempotency_key.len() > KEY_BYTES_MAX || self.idempotency_key.contains(char::is_control) {
            let why = format!("idempotency_key has {KEY_BYTES_MAX} bytes at the most, and no control characters");
            return Err(bad_request(&why));
        }
        if self.version_epoch.len() > EPOCH_BYTES_MAX {
            return Err(bad_request(&format!("version_epoch has {EPOCH_BYTES_MAX} bytes at the most")));
        }
        let version = (self.version > 0).then_some(Version { number: self.version, epoch: self.version_epoch });
        let about = About { info: None, tags: self.tags.into_iter().collect() };
        if about.size() > ABOUT_BYTES_MAX {
            return Err(bad_request(&format!("tags have {ABOUT_BYTES_MAX} bytes at the most")));
        }
        let about = (!about.tags.is_empty()).then(|| Arc::new(about));
        let publication = ToPublish { data, about, resend_key: None };
        Ok(Wanted { publication, key: self.idempotency_key, skip_history: self.skip_history, version })
    }
}
