//! What people and encoders are told to connect to.
//!
//! A server that listens on every address (`0.0.0.0`, `[::]`) has no address of its own to tell: this machine is told
//! `localhost`, a host the name by which its browser came.

use std::net::SocketAddr;

use live::HOST_PLACEHOLDER;
use serde::{Deserialize, Deserializer, de::Error};

use super::Config;

/// The name of this machine for itself.
const LOCAL_HOST: &str = "localhost";

/// An address, or nothing.
pub(super) fn or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = |_| Error::custom(format!("{text:?} is no address: write for instance 0.0.0.0:1936, or nothing"));
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(wrong) }
}

impl Config {
    /// The base URL people reach the web UI by, without a slash at its end.
    pub(crate) fn public_url(&self, http: SocketAddr) -> String {
        match self.api.public_url.origin() {
            Some(origin) => origin.as_str().to_owned(),
            None if http.ip().is_unspecified() => format!("{}://{LOCAL_HOST}:{}", self.scheme(), http.port()),
            None => format!("{}://{http}", self.scheme()),
        }
    }

    /// What this process's HTTP addresses begin with.
    fn scheme(&self) -> &'static str {
        if self.tls.is_on() { "https" } else { "http" }
    }

    /// The address of a realtime server on its own.
    pub(crate) fn realtime_url(&self, http: SocketAddr) -> String {
        format!("{}://{http}/connection/websocket", self.scheme().replacen("http", "ws", 1))
    }

    /// Where clients of the realtime connection find it; empty: where they found the site.
    pub(crate) fn gateway_url(&self, http: SocketAddr) -> String {
        if !self.gateway.url.is_empty() {
            return self.gateway.url.clone();
        }
        if http.ip().is_unspecified() && self.api.public_url.origin().is_none() {
            return String::new();
        }
        format!("{}/connection/websocket", self.public_url(http).replacen("http", "ws", 1))
    }

    /// Where other processes of the site ask this one for what it packages, without a slash at its end.
    pub(crate) fn media_url(&self, http: SocketAddr) -> String {
        match self.media_url.as_str() {
            "" => format!("{}://{http}", self.scheme()),
            url => url.trim_end_matches('/').to_owned(),
        }
    }

    /// The sites that media is played from besides this one.
    pub(crate) fn media_origins(&self) -> Result<Vec<api::Origin>, api::InvalidOrigin> {
        let store = self.store_origin().map(|origin| origin.parse()).transpose()?;
        Ok(self.playback_origin()?.into_iter().chain(store).collect())
    }

    /// The one that streams' addresses name, when it is not this one.
    pub(super) fn playback_origin(&self) -> Result<Option<api::Origin>, api::InvalidOrigin> {
        let url = self.live.playback_base_url.as_str();
        // A path or a trailing slash may follow; the origin ends before it.
        let path = url.find("://").and_then(|scheme| url[scheme + 3..].find('/').map(|path| scheme + 3 + path));
        let origin = path.map_or(url, |path| &url[..path]);
        if url.is_empty() { Ok(None) } else { origin.parse().map(Some) }
    }

    /// The URL hosts are told to publish to; may hold [`HOST_PLACEHOLDER`].
    pub(crate) fn ingest_url(&self, rtmp: SocketAddr) -> String {
        if !self.public_rtmp_url.is_empty() {
            return self.public_rtmp_url.clone();
        }
        if !rtmp.ip().is_unspecified() {
            return format!("rtmp://{rtmp}/live");
        }
        let host = self.api.public_url.origin().map_or(HOST_PLACEHOLDER, api::Origin::host);
        format!("rtmp://{host}:{}/live", rtmp.port())
    }

    /// The same for an encoder on this machine.
    pub(crate) fn local_ingest_url(&self, rtmp: SocketAddr) -> String {
        self.ingest_url(rtmp).replace(HOST_PLACEHOLDER, LOCAL_HOST)
    }

    /// Where encoders publish over TLS: by the name that the certificate is for, if it is known.
    pub(crate) fn rtmps_url(&self, rtmps: SocketAddr) -> String {
        match self.api.public_url.origin() {
            Some(origin) => format!("rtmps://{}:{}/live", origin.host(), rtmps.port()),
            None if rtmps.ip().is_unspecified() => format!("rtmps://{LOCAL_HOST}:{}/live", rtmps.port()),
            None => format!("rtmps://{rtmps}/live"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::with;

    /// Bound HTTP and RTMP addresses, `api.public_url`, `public_rtmp_url`, and what is told of each.
    const CASES: [([&str; 4], [&str; 3]); 6] = [
        (
            ["127.0.0.1:8080", "127.0.0.1:1935", "", ""],
            ["http://127.0.0.1:8080", "rtmp://127.0.0.1:1935/live", "rtmp://127.0.0.1:1935/live"],
        ),
        (
            ["192.0.2.7:80", "[2001:db8::1]:1935", "", ""],
            ["http://192.0.2.7:80", "rtmp://[2001:db8::1]:1935/live", "rtmp://[2001:db8::1]:1935/live"],
        ),
        (
            ["0.0.0.0:8080", "0.0.0.0:1935", "", ""],
            ["http://localhost:8080", "rtmp://{host}:1935/live", "rtmp://localhost:1935/live"],
        ),
        (
            ["[::]:8080", "[::]:1936", "", ""],
            ["http://localhost:8080", "rtmp://{host}:1936/live", "rtmp://localhost:1936/live"],
        ),
        (
            ["0.0.0.0:8080", "0.0.0.0:1935", "https://live.example.org:8443", ""],
            ["https://live.example.org:8443", "rtmp://live.example.org:1935/live", "rtmp://live.example.org:1935/live"],
        ),
        (
            ["0.0.0.0:8080", "0.0.0.0:1935", "", "rtmp://in.example.org/live"],
            ["http://localhost:8080", "rtmp://in.example.org/live", "rtmp://in.example.org/live"],
        ),
    ];

    #[test]
    fn the_media_origin_is_that_of_the_playback_base_url() {
        let origin =
            |url| with(&[("MADANG_LIVE_PLAYBACK_BASE_URL", url)]).map(|config| config.playback_origin().unwrap());
        assert_eq!(origin("").unwrap(), None);
        for url in ["https://CDN.example", "https://cdn.example/", "https://cdn.example/madang/"] {
            assert_eq!(origin(url).unwrap().unwrap().as_str(), "https://cdn.example", "{url}");
        }
        for url in ["cdn.example", "//cdn.example", "/media", "https://"] {
            let error = origin(url).unwrap_err().to_string();
            assert!(error.contains("live.playback_base_url"), "{error}");
        }
    }

    #[test]
    fn encoders_are_told_the_name_of_the_certificate_where_it_is_known() {
        for (rtmps, public_url, told) in [
            ("192.0.2.7:1936", "", "rtmps://192.0.2.7:1936/live"),
            ("0.0.0.0:1936", "", "rtmps://localhost:1936/live"),
            ("192.0.2.7:1936", "https://live.example.org:8443", "rtmps://live.example.org:1936/live"),
        ] {
            let config = with(&[("MADANG_API_PUBLIC_URL", public_url)]).unwrap();
            assert_eq!(config.rtmps_url(rtmps.parse().unwrap()), told);
        }
    }

    #[test]
    fn every_address_that_is_told_can_be_connected_to() {
        for ([http, rtmp, public_url, public_rtmp_url], expected) in CASES {
            let config =
                with(&[("MADANG_API_PUBLIC_URL", public_url), ("MADANG_PUBLIC_RTMP_URL", public_rtmp_url)]).unwrap();
            let (http, rtmp) = (http.parse().unwrap(), rtmp.parse().unwrap());
            let told = [config.public_url(http), config.ingest_url(rtmp), config.local_ingest_url(rtmp)];
            assert_eq!(told, expected);
        }
    }
}
