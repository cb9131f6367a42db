//! What tokens say.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use kernel::Timestamp;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::value::RawValue;

use crate::protocol::bytes_as_text;

/// What a connection token says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConnectionClaims {
    /// Whom the client stands for; empty for an anonymous visitor.
    pub user: String,
    /// What others see of it: one JSON value.
    pub info: Option<Bytes>,
    /// When the connection has to be refreshed; none: never.
    pub expires_at: Option<Timestamp>,
    /// Channels the client is subscribed to without asking.
    pub subscriptions: BTreeMap<String, SubscriptionOptions>,
}

/// What a subscription token says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SubscriptionClaims {
    /// Whom it is for.
    pub user: String,
    /// The one connection it is for; empty: any of the user's. Older backends say this instead of the user.
    pub client: String,
    /// The channel it is for.
    pub channel: String,
    /// When the subscription has to be refreshed; none: never.
    pub expires_at: Option<Timestamp>,
    /// What the subscription is given.
    pub options: SubscriptionOptions,
}

/// What a subscription is given besides what its channel offers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SubscriptionOptions {
    /// What others see of it: one JSON value.
    #[serde(with = "bytes_as_text")]
    pub info: Option<Bytes>,
    /// A value that greets the subscriber.
    #[serde(with = "bytes_as_text")]
    pub data: Option<Bytes>,
    /// Options of the channel that are otherwise for this subscriber.
    pub overrides: Override,
}

/// Options of a channel, as they are for one subscriber; none: as the namespace says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs, reason = "they are called as the options of a namespace")]
pub struct Override {
    pub presence: Option<bool>,
    pub join_leave: Option<bool>,
    pub force_push_join_leave: Option<bool>,
    pub force_recovery: Option<bool>,
    pub force_positioning: Option<bool>,
}

/// What every token may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Common {
    pub(super) exp: Option<Seconds>,
    pub(super) nbf: Option<Seconds>,
    pub(super) expire_at: Option<Seconds>,
    pub(super) aud: Option<Audience>,
    pub(super) iss: Option<String>,
}

/// A moment as JSON tells it (RFC 7519 §2, NumericDate).
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Seconds(f64);

impl Seconds {
    pub(super) fn moment(self) -> Timestamp {
        // What does not fit stands at the end of time.
        Timestamp::from_millis((self.0 * 1_000.0) as i64)
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    pub(super) fn contains(&self, wanted: &str) -> bool {
        match self {
            Self::One(audience) => audience == wanted,
            Self::Several(audiences) => audiences.iter().any(|audience| audience == wanted),
        }
    }
}

impl Common {
    /// When what the token opened has to be refreshed: `expire_at` if it says so (0: never), or else when it runs out.
    pub(super) fn expires_at(&self) -> Option<Timestamp> {
        match self.expire_at {
            Some(at) => Some(at.moment()).filter(|at| at.as_millis() > 0),
            None => self.exp.map(Seconds::moment),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawConnection {
    sub: String,
    info: Option<Box<RawValue>>,
    b64info: String,
    channels: Vec<String>,
    subs: BTreeMap<String, RawOptions>,
    #[serde(rename = "meta")]
    _meta: Option<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawSubscription {
    sub: String,
    client: String,
    channel: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawOptions {
    info: Option<Box<RawValue>>,
    b64info: String,
    data: Option<Box<RawValue>>,
    b64data: String,
    #[serde(rename = "override")]
    overrides: RawOverride,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawOverride {
    presence: Option<Flag>,
    join_leave: Option<Flag>,
    force_push_join_leave: Option<Flag>,
    force_recovery: Option<Flag>,
    force_positioning: Option<Flag>,
}

#[derive(Debug, Deserialize)]
struct Flag {
    value: bool,
}

impl RawConnection {
    /// None: a value in it cannot be read.
    pub(super) fn claims(self, common: &Common) -> Option<ConnectionClaims> {
        let mut subscriptions: BTreeMap<_, _> =
            self.channels.into_iter().map(|channel| (channel, SubscriptionOptions::default())).collect();
        for (channel, options) in self.subs {
            subscriptions.insert(channel, options.options()?);
        }
        let info = value(self.info, &self.b64info)?;
        Some(ConnectionClaims { user: self.sub, info, expires_at: common.expires_at(), subscriptions })
    }
}

impl RawSubscription {
    pub(super) fn claims(self, payload: &[u8], common: &Common) -> Option<SubscriptionClaims> {
        // The same fields stand beside the others here.
        let options: RawOptions = serde_json::from_slice(payload).ok()?;
        Some(SubscriptionClaims {
            user: self.sub,
            client: self.client,
            channel: self.channel,
            expires_at: common.expires_at(),
            options: options.options()?,
        })
    }
}

impl RawOptions {
    fn options(self) -> Option<SubscriptionOptions> {
        let flag = |flag: Option<Flag>| flag.map(|flag| flag.value);
        let RawOverride { presence, join_leave, force_push_join_leave, force_recovery, force_positioning } =
            self.overrides;
        Some(SubscriptionOptions {
            info: value(self.info, &self.b64info)?,
            data: value(self.data, &self.b64data)?,
            overrides: Override {
                presence: flag(presence),
                join_leave: flag(join_leave),
                force_push_join_leave: flag(force_push_join_leave),
                force_recovery: flag(force_recovery),
                force_positioning: flag(force_positioning),
            },
        })
    }
}

/// A value that stands there as JSON, or else as bytes in base64. `Some(None)`: there is none; none: it cannot be read.
#[allow(clippy::option_option, reason = "a value that is missing is no error")]
fn value(json: Option<Box<RawValue>>, encoded: &str) -> Option<Option<Bytes>> {
    match json {
        _ if !encoded.is_empty() => STANDARD.decode(encoded).ok().map(|bytes| Some(bytes.into())),
        Some(json) => Some(Some(Box::<str>::from(json).into_string().into())),
        None => Some(None),
    }
}
