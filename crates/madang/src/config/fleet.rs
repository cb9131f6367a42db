//! Several gateways on one Redis: which settings can be meant.

use kernel::random::mix;

use super::{Config, Role};

/// What is wrong with a setting.
type Trouble = (String, &'static str);

impl Config {
    /// Whether this process may be one of several gateways.
    pub(crate) fn has_other_gateways(&self) -> bool {
        !self.engines.redis.is_empty()
    }

    /// The addresses of Redis.
    pub(crate) fn redis_urls(&self) -> Vec<String> {
        self.engines.redis.split(',').map(|url| url.trim().to_owned()).collect()
    }

    /// The first two parts of the names in Redis.
    pub(crate) fn redis_names(&self) -> Option<(&str, &str)> {
        let (service, phase) = self.engines.redis_names.split_once('|')?;
        let fits = |part: &str| !part.is_empty() && !part.contains(['|', '{', '}']) && !part.contains(char::is_control);
        (fits(service) && fits(phase)).then_some((service, phase))
    }

    /// Tells apart what all gateways on one Redis have to share: their channels, their keys, their database.
    pub(super) fn fingerprint(&self) -> u64 {
        let gateway::Settings { client, without_namespace, namespaces, .. } = &self.gateway;
        let shared = format!("{client:?} {without_namespace:?} {namespaces:?} {}", self.engines.sql);
        shared.bytes().fold(0, |hash, byte| mix(hash ^ u64::from(byte)))
    }

    /// What cannot be meant where several gateways share a Redis.
    pub(super) fn fleet_trouble(&self) -> Option<Trouble> {
        let wrong = |setting: &str, reason| Some((setting.to_owned(), reason));
        if !self.has_other_gateways() {
            return None;
        }
        if self.role == Role::All {
            return wrong(
                "engines.redis",
                "with role = \"all\" one process is the whole site; Redis joins several processes with role = \"gateway\"",
            );
        }
        if self.redis_urls().iter().any(|url| !url.starts_with("redis://")) {
            return wrong("engines.redis", "URLs redis://[user:password@]host:port are expected, joined by commas");
        }
        if self.redis_names().is_none() {
            return wrong("engines.redis_names", "SERVICE|PHASE is expected");
        }
        if !self.gateway.url.is_empty()
            && !["ws://", "wss://"].iter().any(|scheme| self.gateway.url.starts_with(scheme))
        {
            return wrong("gateway.url", "the address of a WebSocket is expected: ws://… or wss://…");
        }
        if self.http.ip().is_unspecified() && self.gateway.url.is_empty() {
            return wrong(
                "gateway.url",
                "clients have to be told an address; the one in `http` stands for all of them",
            );
        }
        let named =
            self.gateway.namespaces.iter().map(|(name, options)| (format!("gateway.namespaces.{name}"), options));
        let without = ("gateway.without_namespace".to_owned(), &self.gateway.without_namespace);
        for (name, options) in named.chain([without]) {
            if options.durable && self.engines.sql.is_empty() {
                let reason = "several gateways keep publications in a database they share: name it in engines.sql";
                return Some((format!("{name}.durable"), reason));
            }
            if !options.durable && options.has_window() {
                let reason =
                    "a history in one gateway's memory is not that of the others: use durable with engines.redis";
                return Some((format!("{name}.history_size"), reason));
            }
        }
        None
    }
}
