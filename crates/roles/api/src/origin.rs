//! Which web pages may make a browser change things here with its user's cookie.
//!
//! A browser names the page's origin (RFC 6454) in `Origin`, and newer ones whether it is our own in `Sec-Fetch-Site`
//! (W3C Fetch Metadata). A client that names neither is not a browser, and cannot be misled by a page.

use std::{fmt, str::FromStr};

use axum::http::{HeaderMap, header};
use serde::Deserialize;

/// Scheme, host and port of a site, `https://live.example.org`, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Origin(String);

/// What is wrong with a text that should have been an origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a site's address: write for instance https://live.example.org, without a path")]
pub struct InvalidOrigin(String);

impl Origin {
    /// The origin as a browser writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its host alone, without the port; IPv6 in brackets.
    pub fn host(&self) -> &str {
        let authority = self.0.split_once("://").map_or(self.0.as_str(), |(_, authority)| authority);
        match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        }
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let invalid = || InvalidOrigin(text.chars().take(100).collect());
        let lower = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
        let (scheme, authority) = lower.split_once("://").ok_or_else(invalid)?;
        let host = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte);
        let valid = matches!(scheme, "http" | "https") && !authority.is_empty() && authority.bytes().all(host);
        if valid { Ok(Self(lower)) } else { Err(invalid()) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Origin {
    type Error = InvalidOrigin;

    fn try_from(text: String) -> Result<Self, InvalidOrigin> {
        text.parse()
    }
}

/// The sites whose pages are trusted: our own, and those the operator allows.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    allowed: Vec<Origin>,
}

impl Origins {
    /// Trusts `allowed`, besides the host the request itself names.
    pub fn new(allowed: impl IntoIterator<Item = Origin>) -> Self {
        Self { allowed: allowed.into_iter().collect() }
    }

    /// Whether a request with these headers comes from a trusted page, or from no page at all.
    pub fn permit(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("null"));
        let origin = text(header::ORIGIN);
        match (text(header::HeaderName::from_static("sec-fetch-site")), origin) {
            (Some("same-origin" | "none"), _) | (None, None) => true,
            (Some(_), None) => false,
            (_, Some(origin)) if self.allowed.iter().any(|allowed| allowed.as_str().eq_ignore_ascii_case(origin)) => {
                true
            }
            (Some(_), Some(_)) => false,
            (None, Some(origin)) => {
                let page_host = origin.split_once("://").map(|(_, authority)| authority);
                page_host.zip(text(header::HOST)).is_some_and(|(page, host)| page.eq_ignore_ascii_case(host))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_and_allowed_pages_and_no_pages_are_trusted() {
        let origins = Origins::new(["https://Friend.example/".parse().unwrap()]);
        let cases = [
            ("", "", true),
            ("http://madang.example:8080", "", true),
            ("HTTP://MADANG.example:8080", "", true),
            ("https://friend.example", "", true),
            ("https://friend.example", "cross-site", true),
            ("https://changed-by-a-proxy.example", "same-origin", true),
            ("", "none", true),
            ("http://madang.example", "", false),
            ("https://evil.example", "", false),
            ("https://evil.example", "cross-site", false),
            ("http://madang.example:8080", "same-site", false),
            ("", "cross-site", false),
            ("null", "", false),
            ("https://friend.example.evil.example", "", false),
        ];
        for (origin, fetch_site, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert("host", "madang.example:8080".parse().unwrap());
            for (name, value) in [("origin", origin), ("sec-fetch-site", fetch_site)] {
                if !value.is_empty() {
                    headers.insert(name, value.parse().unwrap());
                }
            }
            assert_eq!(origins.permit(&headers), expected, "{origin:?} {fetch_site:?}");
        }
    }

    #[test]
    fn an_origin_has_no_path() {
        for bad in ["", "live.example.org", "ftp://a", "https://", "https://a/b", "https://a b", "https://a?b"] {
            assert!(bad.parse::<Origin>().is_err(), "{bad}");
        }
        assert_eq!("https://[::1]:8080".parse::<Origin>().unwrap().as_str(), "https://[::1]:8080");
        for (origin, host) in
            [("https://a.b", "a.b"), ("https://a:8443", "a"), ("http://[::1]", "[::1]"), ("http://[::1]:80", "[::1]")]
        {
            assert_eq!(origin.parse::<Origin>().unwrap().host(), host);
        }
    }
}
