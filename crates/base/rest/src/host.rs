//! The name by which a client reached the site.

use std::{convert::Infallible, net::Ipv6Addr};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};

/// The host of the request's `Host` header (RFC 9110 section 7.2) without its port, IPv6 in brackets; `localhost` where
/// there is none that could stand in a URL. Only for what the same client is told: it can say whatever it likes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName(pub String);

impl HostName {
    /// Reads it out of the headers.
    pub fn of(headers: &HeaderMap) -> Self {
        let text = headers.get(header::HOST).and_then(|value| value.to_str().ok());
        Self(text.and_then(host).unwrap_or("localhost").to_owned())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for HostName {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

fn host(authority: &str) -> Option<&str> {
    if let Some(rest) = authority.strip_prefix('[') {
        let address = rest.split_once(']')?.0;
        return address.parse::<Ipv6Addr>().is_ok().then(|| &authority[..address.len() + 2]);
    }
    let name = authority.split_once(':').map_or(authority, |(name, _)| name);
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (!name.is_empty() && name.bytes().all(fits)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_told_apart_from_its_port() {
        let cases = [
            ("live.example.org", "live.example.org"),
            ("192.0.2.7:8080", "192.0.2.7"),
            ("[2001:db8::1]:8080", "[2001:db8::1]"),
            ("[::1]", "[::1]"),
            ("", "localhost"),
            (":8080", "localhost"),
            ("[live.example.org]", "localhost"),
            ("[::1", "localhost"),
            ("a/b", "localhost"),
            ("user@live.example.org", "localhost"),
        ];
        for (header, expected) in cases {
            let headers = HeaderMap::from_iter([(header::HOST, header.parse().unwrap())]);
            assert_eq!(HostName::of(&headers).0, expected, "{header}");
        }
        assert_eq!(HostName::of(&HeaderMap::new()).0, "localhost");
    }
}
