//! Who the client is when proxies stand in between.
//!
//! Promise: only what a trusted proxy says is believed, and only in the one header it is known to write: of the addresses
//! it lists, the last that is not a trusted proxy's own is the client's. Anything before it could be made up.

use std::{net::IpAddr, str::FromStr};

use axum::http::{HeaderMap, header::HeaderName};
use serde::Deserialize;

use crate::Settings;

/// An address or a network, `192.0.2.7` or `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Network {
    address: IpAddr,
    prefix_bits: u32,
}

/// What is wrong with a text that should have been a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address or network: write for instance 192.0.2.7 or 10.0.0.0/8")]
pub struct InvalidNetwork(String);

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let invalid = || InvalidNetwork(text.chars().take(64).collect());
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = prefix.map_or(Ok(bits), str::parse).map_err(|_| invalid())?;
        if prefix_bits <= bits { Ok(Self { address, prefix_bits }) } else { Err(invalid()) }
    }
}

impl TryFrom<String> for Network {
    type Error = InvalidNetwork;

    fn try_from(text: String) -> Result<Self, InvalidNetwork> {
        text.parse()
    }
}

impl Network {
    /// Whether `address` lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.checked_shr(32 - self.prefix_bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.checked_shr(128 - self.prefix_bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// The header in which trusted proxies name the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`, and `X-Forwarded-Proto` for the scheme.
    #[serde(rename = "x-forwarded-for")]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    #[serde(rename = "forwarded")]
    Forwarded,
}

/// A client behind or without proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    pub(crate) https: bool,
}

/// The proxies that are trusted.
#[derive(Debug, Clone)]
pub(crate) struct Proxies {
    trusted: Vec<Network>,
    header: ForwardedHeader,
    public_https: bool,
}

impl Proxies {
    pub(crate) fn new(settings: &Settings) -> Self {
        let public_https = settings.public_url.is_https();
        Self { trusted: settings.trusted_proxies.clone(), header: settings.forwarded_header, public_https }
    }

    pub(crate) fn trust(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }

    /// The client of a request that `peer` sent, by TLS or not.
    pub(crate) fn client(&self, peer: IpAddr, is_tls: bool, headers: &HeaderMap) -> Client {
        let itself = Client { address: peer, https: self.public_https || is_tls };
        if !self.trust(peer) {
            return itself;
        }
        let said = match self.header {
            ForwardedHeader::XForwardedFor => x_forwarded(headers),
            ForwardedHeader::Forwarded => forwarded(headers),
        };
        if said.is_empty() {
            return itself;
        }
        // How the proxy came says nothing about how its client did.
        let mut client = Client { address: peer, https: self.public_https };
        for hop in said.into_iter().rev() {
            client.https |= hop.https;
            let Some(address) = hop.address else { break };
            client.address = address;
            if !self.trust(address) {
                break;
            }
        }
        client
    }

    /// The address alone.
    pub(crate) fn address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        self.client(peer, false, headers).address
    }
}

/// What one proxy said about whom it served.
struct Hop {
    address: Option<IpAddr>,
    https: bool,
}

fn x_forwarded(headers: &HeaderMap) -> Vec<Hop> {
    let protocols = HeaderName::from_static("x-forwarded-proto");
    let https = parts(headers, &protocols).last().is_some_and(|protocol| protocol.eq_ignore_ascii_case("https"));
    let addresses = HeaderName::from_static("x-forwarded-for");
    parts(headers, &addresses).map(|text| Hop { address: node(text), https }).collect()
}

fn forwarded(headers: &HeaderMap) -> Vec<Hop> {
    let name = HeaderName::from_static("forwarded");
    let hop = |element: &str| {
        let mut hop = Hop { address: None, https: false };
        for (key, value) in element.split(';').filter_map(|pair| pair.trim().split_once('=')) {
            let value = value.trim_matches('"');
            if key.eq_ignore_ascii_case("for") {
                hop.address = node(value);
            } else if key.eq_ignore_ascii_case("proto") {
                hop.https = value.eq_ignore_ascii_case("https");
            }
        }
        hop
    };
    parts(headers, &name).map(hop).collect()
}

fn parts<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// An address with or without a port (RFC 7239 section 6).
fn node(text: &str) -> Option<IpAddr> {
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once(']')?.0.parse().ok();
    }
    let address = text.parse().ok().or_else(|| text.rsplit_once(':')?.0.parse().ok());
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(header: ForwardedHeader, peer: &str, headers: &[(&'static str, &str)]) -> (String, bool) {
        client_by(false, header, peer, headers)
    }

    fn client_by(
        is_tls: bool,
        header: ForwardedHeader,
        peer: &str,
        headers: &[(&'static str, &str)],
    ) -> (String, bool) {
        let trusted = ["10.0.0.0/8", "2001:db8::/32"].map(|text| text.parse().unwrap()).to_vec();
        let proxies = Proxies { trusted, header, public_https: false };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let client = proxies.client(peer.parse().unwrap(), is_tls, &map);
        (client.address.to_string(), client.https)
    }

    #[test]
    fn only_what_trusted_proxies_say_is_believed() {
        use ForwardedHeader::{Forwarded, XForwardedFor};
        let spoofed: &[(&str, &str)] = &[("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", "https")];
        assert_eq!(client(XForwardedFor, "192.0.2.1", spoofed), ("192.0.2.1".into(), false));
        assert_eq!(client(XForwardedFor, "10.1.1.1", spoofed), ("203.0.113.9".into(), true));
        let chain: &[(&str, &str)] = &[("x-forwarded-for", "1.1.1.1, 203.0.113.9"), ("x-forwarded-for", "10.2.2.2")];
        assert_eq!(client(XForwardedFor, "::ffff:10.1.1.1", chain), ("203.0.113.9".into(), false));
        let broken: &[(&str, &str)] = &[("x-forwarded-for", "1.1.1.1, unknown, 10.2.2.2")];
        assert_eq!(client(XForwardedFor, "10.1.1.1", broken), ("10.2.2.2".into(), false));
        let standard: &[(&str, &str)] = &[
            ("forwarded", r#"for=1.1.1.1;by=x, For="[2001:dead::1]:4711";proto=https"#),
            ("x-forwarded-for", "6.6.6.6"),
        ];
        assert_eq!(client(Forwarded, "2001:db8::5", standard), ("2001:dead::1".into(), true));
        assert_eq!(client(Forwarded, "10.1.1.1", &[("x-forwarded-for", "6.6.6.6")]), ("10.1.1.1".into(), false));
    }

    #[test]
    fn tls_counts_unless_a_trusted_proxy_says_how_its_client_came() {
        use ForwardedHeader::XForwardedFor;
        let said: &[(&str, &str)] = &[("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", "http")];
        assert_eq!(client_by(true, XForwardedFor, "192.0.2.1", said), ("192.0.2.1".into(), true));
        assert_eq!(client_by(true, XForwardedFor, "10.1.1.1", said), ("203.0.113.9".into(), false));
        assert_eq!(client_by(true, XForwardedFor, "10.1.1.1", &[]), ("10.1.1.1".into(), true));
    }

    #[test]
    fn networks_hold_their_addresses() {
        let holds =
            |network: &str, address: &str| network.parse::<Network>().unwrap().contains(address.parse().unwrap());
        assert!(holds("0.0.0.0/0", "203.0.113.9") && holds("::/0", "2001:db8::1"));
        assert!(holds("192.0.2.7", "192.0.2.7") && !holds("192.0.2.7", "192.0.2.8"));
        assert!(holds("192.0.2.0/25", "192.0.2.127") && !holds("192.0.2.0/25", "192.0.2.128"));
        assert!(!holds("10.0.0.0/8", "2001:db8::1"));
        for bad in ["", "10.0.0.0/33", "::/129", "10.0.0.0/", "10/8", "a"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }
}
