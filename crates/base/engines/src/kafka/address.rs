//! `kafka://host:port,host:port`, and what our names there begin with.

/// Where a Kafka is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaAddress {
    /// Some of its servers, joined by commas.
    pub(super) servers: String,
    /// What our topics and groups begin with.
    pub(super) prefix: String,
}

/// What is wrong with an address.
#[derive(Debug, thiserror::Error)]
pub enum KafkaAddressError {
    /// It is no `kafka://host:port,…`.
    #[error("kafka://host:port is expected, of several servers some joined by commas")]
    Servers,
    /// The prefix cannot be the beginning of a topic's name.
    #[error("letters, digits, dots, hyphens and underscores are expected, 100 at the most")]
    Prefix,
}

/// A prefix, in bytes: a topic's name has 249 at the most.
const PREFIX_BYTES_MAX: usize = 100;

impl KafkaAddress {
    /// The Kafka at `url`, in which our names begin with `prefix`.
    pub fn parse(url: &str, prefix: &str) -> Result<Self, KafkaAddressError> {
        let servers = url.strip_prefix("kafka://").ok_or(KafkaAddressError::Servers)?;
        let is_server = |server: &str| {
            server.rsplit_once(':').is_some_and(|(host, port)| {
                let is_host = !host.is_empty() && !host.contains(['/', '@', ' ']);
                is_host && port.parse::<u16>().is_ok_and(|port| port > 0)
            })
        };
        if !servers.split(',').all(is_server) {
            return Err(KafkaAddressError::Servers);
        }
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if prefix.is_empty() || prefix.len() > PREFIX_BYTES_MAX || !prefix.bytes().all(is_part) {
            return Err(KafkaAddressError::Prefix);
        }
        Ok(Self { servers: servers.into(), prefix: prefix.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_hosts_with_ports_and_prefixes_begin_names() {
        let address = KafkaAddress::parse("kafka://a:9092,[::1]:9093", "madang.live").unwrap();
        assert_eq!(address.servers, "a:9092,[::1]:9093");
        for url in [
            "a:9092",
            "kafka://",
            "kafka://a",
            "kafka://a:0",
            "kafka://a:9092,",
            "kafka://me@a:9092",
            "kafka://a:9092/x",
        ] {
            assert!(matches!(KafkaAddress::parse(url, "m"), Err(KafkaAddressError::Servers)), "{url}");
        }
        for prefix in ["", "a|b", "마당", &"a".repeat(101)] {
            assert!(matches!(KafkaAddress::parse("kafka://a:1", prefix), Err(KafkaAddressError::Prefix)), "{prefix}");
        }
    }
}
