//! All settings of a process: each component owns its own, this sums them.
//!
//! Later wins: `madang.default.toml` (embedded), the file named by `--config`, `MADANG_…` variables, the command line.
//! Whatever is wrong stops the start with a sentence that names the setting.

mod addresses;
mod blobs;
mod company;
mod layers;
mod role;
#[cfg(test)]
mod tests;

use std::{net::SocketAddr, path::PathBuf};

use kernel::Adjustable;
use serde::Deserialize;

pub(crate) use layers::{ConfigError, DEFAULTS, load, load_to_look_after};
pub(crate) use role::{Part, Role};

use crate::tls::TlsSettings;

/// Every setting.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) data_dir: PathBuf,
    pub(crate) http: SocketAddr,
    pub(crate) rtmp: SocketAddr,
    #[serde(deserialize_with = "addresses::or_none")]
    pub(crate) rtmps: Option<SocketAddr>,
    pub(crate) role: Role,
    pub(crate) site_gateway: bool,
    pub(crate) burst_url: String,
    pub(crate) media_url: String,
    pub(crate) name: String,
    pub(crate) language: String,
    pub(crate) notice: Adjustable<String>,
    pub(crate) public_rtmp_url: String,
    pub(crate) tls: TlsSettings,
    pub(crate) log: Log,
    pub(crate) engines: Engines,
    pub(crate) api: api::Settings,
    pub(crate) people: people::Settings,
    pub(crate) live: live::Settings,
    pub(crate) chat: chat::Settings,
    pub(crate) gateway: gateway::Settings,
    pub(crate) media: media::MediaSettings,
    pub(crate) ingest: media::ingest::IngestSettings,
}

/// What is logged, and how.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    pub(crate) level: String,
    pub(crate) format: LogFormat,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// The engines that take over from the embedded ones. Empty: embedded.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Engines {
    pub(crate) sql: String,
    pub(crate) sql_connections: u32,
    pub(crate) redis: String,
    pub(crate) redis_names: String,
    pub(crate) kafka: String,
    #[cfg_attr(not(feature = "kafka"), expect(dead_code, reason = "only its client reads it"))]
    pub(crate) kafka_names: String,
    pub(crate) cassandra: String,
    pub(crate) blobs_folder: PathBuf,
    pub(crate) s3: String,
}

/// Whether it looks like the URL of a PostgreSQL database.
pub(crate) fn is_postgres_url(text: &str) -> bool {
    text.starts_with("postgres://") || text.starts_with("postgresql://")
}

/// Why an engine cannot be named in this binary.
#[cfg(not(all(feature = "cassandra", feature = "kafka", feature = "s3")))]
fn built_without(name: &str) -> String {
    format!("this binary was built without {name} client; leave it empty for the embedded engine")
}

#[cfg(feature = "cassandra")]
fn cassandra_trouble(address: &str) -> Option<String> {
    address.parse::<engines::cassandra::CassandraAddress>().err().map(|error| error.to_string())
}

#[cfg(not(feature = "cassandra"))]
fn cassandra_trouble(_: &str) -> Option<String> {
    Some(built_without("a Cassandra"))
}

#[cfg(feature = "kafka")]
fn kafka_trouble(engines: &Engines) -> Option<(&'static str, String)> {
    use engines::kafka::{KafkaAddress, KafkaAddressError};
    let error = KafkaAddress::parse(&engines.kafka, &engines.kafka_names).err()?;
    let setting = match error {
        KafkaAddressError::Servers => "engines.kafka",
        KafkaAddressError::Prefix => "engines.kafka_names",
    };
    Some((setting, error.to_string()))
}

#[cfg(not(feature = "kafka"))]
fn kafka_trouble(_: &Engines) -> Option<(&'static str, String)> {
    Some(("engines.kafka", built_without("a Kafka")))
}

impl Config {
    /// Refuses combinations that cannot work, with the reason.
    fn check(self) -> Result<Self, ConfigError> {
        let refuse =
            |setting: &str, reason: &str| Err(ConfigError::Refused { setting: setting.into(), reason: reason.into() });
        let Engines { sql, kafka, cassandra, .. } = &self.engines;
        if let (false, Some((setting, trouble))) = (kafka.is_empty(), kafka_trouble(&self.engines)) {
            return refuse(setting, &trouble);
        }
        if let (false, Some(trouble)) = (cassandra.is_empty(), cassandra_trouble(cassandra)) {
            return refuse("engines.cassandra", &trouble);
        }
        if let Some((setting, reason)) = self.blobs_trouble() {
            return refuse(setting, &reason);
        }
        if !(sql.is_empty() || is_postgres_url(sql)) {
            return refuse(
                "engines.sql",
                "a URL postgres://user@host/database is expected, or nothing for SQLite in the data folder",
            );
        }
        if let Some((setting, reason)) = self.company_trouble() {
            return refuse(&setting, reason);
        }
        if let Some((setting, reason)) = self.tls.trouble() {
            return refuse(setting, &reason);
        }
        if self.tls.acme.is_on() && !self.is_of_site() {
            return refuse(
                "tls.acme.domains",
                "a realtime server on its own has no place for certificates; name files in tls.certificate and tls.key",
            );
        }
        if self.rtmps.is_some() && !self.tls.is_on() {
            return refuse("rtmps", "it needs a certificate: tls.certificate and tls.key, or tls.acme");
        }
        if !["ko", "en"].contains(&self.language.as_str()) {
            return refuse("language", "ko or en is expected");
        }
        if let Err(error) = self.playback_origin() {
            return refuse("live.playback_base_url", &error.to_string());
        }
        Ok(self)
    }

    /// The settings of a gateway that listens on `http`. Which sites' pages may connect is set once, for all of HTTP.
    pub(crate) fn gateway(&self, http: SocketAddr) -> gateway::Settings {
        let listed = self.api.allowed_origins.iter().chain(self.api.public_url.origin());
        let allowed_origins = listed.map(ToString::to_string).collect();
        let (url, shares_bus, fingerprint) = (self.gateway_url(http), self.is_one_of_several(), self.fingerprint());
        // What another process has ended is not believed for long.
        let believed_ms = self.gateway.identity_believed_ms;
        let identity_believed_ms = if shares_bus { believed_ms.min(1_000) } else { believed_ms };
        gateway::Settings {
            allowed_origins,
            url,
            shares_bus,
            fingerprint,
            identity_believed_ms,
            ..self.gateway.clone()
        }
    }

    /// What the web UI is told about the site at the moment.
    pub(crate) fn site(&self) -> api::Site {
        api::Site {
            name: self.name.clone(),
            locale_default: self.language.clone(),
            registration_open: self.people.registration_open.get(),
            notice: self.notice.get(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}
