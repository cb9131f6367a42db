//! Several processes that are one site, or one realtime server: which settings can be meant.

use kernel::random::mix;

use super::{Config, Role};

/// What is wrong with a setting.
type Trouble = (String, &'static str);

impl Config {
    /// Whether this process is of a site, and not a realtime server for itself.
    pub(crate) fn is_of_site(&self) -> bool {
        self.role != Role::Gateway || self.site_gateway
    }

    /// Whether this process may be one of several.
    pub(crate) fn is_one_of_several(&self) -> bool {
        !self.engines.redis.is_empty()
    }

    /// Whether rooms are kept in an engine of their own, not in SQL.
    pub(crate) fn keeps_rooms_elsewhere(&self) -> bool {
        !self.engines.cassandra.is_empty()
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
        let shared =
            format!("{client:?} {without_namespace:?} {namespaces:?} {} {}", self.engines.sql, self.engines.cassandra);
        shared.bytes().fold(0, |hash, byte| mix(hash ^ u64::from(byte)))
    }

    /// What is right for a command that looks after a site of several processes, and cannot be meant for a process of it.
    pub(super) fn serving_trouble(&self) -> Option<Trouble> {
        let is_wrong = self.is_one_of_several() && self.role == Role::All;
        let reason = "with role = \"all\" one process is the whole site; Redis joins several processes of other roles";
        is_wrong.then(|| ("engines.redis".to_owned(), reason))
    }

    /// What cannot be meant where several processes belong together.
    pub(super) fn company_trouble(&self) -> Option<Trouble> {
        let wrong = |setting: &str, reason| Some((setting.to_owned(), reason));
        if self.role != Role::All && self.is_of_site() {
            if self.engines.redis.is_empty() {
                return wrong("role", "the processes of a site are joined by a Redis: name it in engines.redis");
            }
            if self.engines.sql.is_empty() {
                return wrong("role", "the processes of a site share a PostgreSQL: name it in engines.sql");
            }
            if self.engines.s3.is_empty() && self.engines.blobs_folder.as_os_str().is_empty() {
                return wrong(
                    "role",
                    "the processes of a site share their recordings: name an S3 in engines.s3, or a shared folder in \
                     engines.blobs_folder",
                );
            }
            if self.role == Role::Api && self.public_rtmp_url.is_empty() {
                return wrong(
                    "public_rtmp_url",
                    "streamers have to be told where the processes with role = \"media\" are",
                );
            }
        }
        if !self.is_one_of_several() {
            return None;
        }
        if self.redis_urls().iter().any(|url| !url.starts_with("redis://")) {
            return wrong("engines.redis", "URLs redis://[user:password@]host:port are expected, joined by commas");
        }
        if self.redis_names().is_none() {
            return wrong("engines.redis_names", "SERVICE|PHASE is expected");
        }
        if !self.media_url.is_empty()
            && !["http://", "https://"].iter().any(|scheme| self.media_url.starts_with(scheme))
        {
            return wrong("media_url", "an address is expected: http://… or https://…");
        }
        let is_unsaid = self.http.ip().is_unspecified() || self.tls.is_on();
        if self.role == Role::Media && is_unsaid && self.media_url.is_empty() {
            return wrong(
                "media_url",
                "other processes have to be told an address of this one, over TLS by the name in its certificate; `http` does not say it",
            );
        }
        if !self.gateway.url.is_empty()
            && !["ws://", "wss://"].iter().any(|scheme| self.gateway.url.starts_with(scheme))
        {
            return wrong("gateway.url", "the address of a WebSocket is expected: ws://… or wss://…");
        }
        if self.role == Role::Gateway && self.http.ip().is_unspecified() && self.gateway.url.is_empty() {
            return wrong(
                "gateway.url",
                "clients have to be told an address; the one in `http` stands for all of them",
            );
        }
        let named =
            self.gateway.namespaces.iter().map(|(name, options)| (format!("gateway.namespaces.{name}"), options));
        let without = ("gateway.without_namespace".to_owned(), &self.gateway.without_namespace);
        for (name, options) in named.chain([without]) {
            if options.durable && self.engines.sql.is_empty() && !self.keeps_rooms_elsewhere() {
                let reason = "several gateways keep publications in a database they share: name it in engines.sql, or engines.cassandra";
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
