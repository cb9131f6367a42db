//! The key of the server API.

use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};

use super::ServerApiSettings;

/// The key, as its hash: what is compared has always the same length.
pub(super) struct ApiKey([u8; 32]);

impl ApiKey {
    pub(super) fn new(settings: &ServerApiSettings) -> Option<Self> {
        (!settings.key.is_empty()).then(|| Self(hash(&settings.key)))
    }

    /// Whether a request with these headers brings it. Takes as long for any wrong key.
    pub(super) fn opens_for(&self, headers: &HeaderMap) -> bool {
        let given = headers.get("x-api-key").and_then(|value| value.to_str().ok());
        let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let scheme = authorization.and_then(|value| value.split_once(' '));
        let authorized = scheme.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("apikey")).map(|(_, key)| key.trim());
        let Some(given) = given.or(authorized) else { return false };
        let differences = hash(given).iter().zip(self.0).fold(0, |found, (one, other)| found | (one ^ other));
        std::hint::black_box(differences) == 0
    }
}

fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn the_right_key_opens_in_either_header() {
        let key = ApiKey::new(&ServerApiSettings { key: "secret".into() }).unwrap();
        let opens = |name: &'static str, value: &'static str| {
            key.opens_for(&HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))]))
        };
        assert!(opens("x-api-key", "secret"));
        assert!(opens("authorization", "apikey secret"));
        assert!(opens("authorization", "ApiKey  secret"));
        for wrong in ["", "secre", "secrets", "Secret"] {
            assert!(!opens("x-api-key", wrong), "{wrong}");
        }
        assert!(!opens("authorization", "Bearer secret"));
        assert!(!opens("authorization", "secret"));
        assert!(!key.opens_for(&HeaderMap::new()));
        assert!(ApiKey::new(&ServerApiSettings::default()).is_none());
    }
}
