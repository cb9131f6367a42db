//! What an operator can set about HTTP.

use std::time::Duration;

use kernel::{Adjustable, Rate};
use serde::Deserialize;

use crate::{
    origin::{InvalidOrigin, Origin},
    proxies::{ForwardedHeader, Network},
};

/// The settings of the HTTP shell; each has a default.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where browsers find the site, `https://live.example.org`; empty: wherever they say they found it.
    pub public_url: PublicUrl,
    /// Other sites whose pages may use the API and the realtime connection, with their user's cookie too.
    pub allowed_origins: Vec<Origin>,
    /// Addresses or networks of proxies in front of this server; what they say about the client is believed.
    pub trusted_proxies: Vec<Network>,
    /// The header in which those proxies name the client: `x-forwarded-for` or `forwarded`.
    pub forwarded_header: ForwardedHeader,
    /// Connections held at once, realtime ones included; more are answered with 503.
    pub max_connections: u32,
    /// Connections held at once from one address (of IPv6: one /64). Loopback and trusted proxies are not limited.
    pub max_connections_per_address: u32,
    /// Bytes of a request's head.
    pub max_header_bytes: u32,
    /// How long a connection may take to send a request's head, idle time before it included.
    pub header_timeout_ms: u64,
    /// How long a connection may take to send a request's body.
    pub body_timeout_ms: u64,
    /// How long a connection may refuse to take any byte of an answer.
    pub write_timeout_ms: u64,
    /// How long a documented route may take.
    pub request_timeout_ms: u64,
    /// How long requests may go on when the server stops.
    pub drain_timeout_ms: u64,
    /// Requests of documented routes from one address.
    pub request_rate: Adjustable<Rate>,
}

impl Default for Settings {
    fn default() -> Self {
        let request_rate = std::num::NonZeroU32::new(6_000);
        Self {
            public_url: PublicUrl::default(),
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            forwarded_header: ForwardedHeader::XForwardedFor,
            max_connections: 15_000,
            max_connections_per_address: 1_000,
            max_header_bytes: 16 * 1024,
            header_timeout_ms: 20_000,
            body_timeout_ms: 20_000,
            write_timeout_ms: 60_000,
            request_timeout_ms: 30_000,
            drain_timeout_ms: 10_000,
            request_rate: request_rate.map_or(Rate::Off, |count| Rate::AtMost { count, period_ms: 60_000 }).into(),
        }
    }
}

impl Settings {
    pub(crate) fn header_timeout(&self) -> Duration {
        Duration::from_millis(self.header_timeout_ms.max(1))
    }

    pub(crate) fn body_timeout(&self) -> Duration {
        Duration::from_millis(self.body_timeout_ms.max(1))
    }

    pub(crate) fn write_timeout(&self) -> Duration {
        Duration::from_millis(self.write_timeout_ms.max(1))
    }

    pub(crate) fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms.max(1))
    }

    pub(crate) fn drain_timeout(&self) -> Duration {
        Duration::from_millis(self.drain_timeout_ms)
    }
}

/// Where browsers find the site; may be unknown (an empty text).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PublicUrl(Option<Origin>);

impl PublicUrl {
    /// The URL without a slash at its end.
    pub fn origin(&self) -> Option<&Origin> {
        self.0.as_ref()
    }

    /// Whether browsers come by https.
    pub fn is_https(&self) -> bool {
        self.0.as_ref().is_some_and(|origin| origin.as_str().starts_with("https://"))
    }
}

impl TryFrom<String> for PublicUrl {
    type Error = InvalidOrigin;

    fn try_from(text: String) -> Result<Self, InvalidOrigin> {
        if text.is_empty() { Ok(Self(None)) } else { Ok(Self(Some(text.parse()?))) }
    }
}
