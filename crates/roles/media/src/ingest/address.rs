//! `rtmp://host[:port]/live/KEY`, taken apart.

use crate::codec::rtmp::PublishTarget;

const PORT: u16 = 1_935;

/// Where to connect, and what to ask for there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RtmpAddress {
    /// Host and port.
    pub(super) authority: String,
    pub(super) target: PublishTarget,
}

impl RtmpAddress {
    /// Parses an address; `None` when a part is missing.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (host, path) = text.strip_prefix("rtmp://")?.split_once('/')?;
        let (app, stream_key) = path.rsplit_once('/')?;
        if host.is_empty() || app.is_empty() || stream_key.is_empty() {
            return None;
        }
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let authority = if has_port { host.to_owned() } else { format!("{host}:{PORT}") };
        let target = PublishTarget {
            app: app.to_owned(),
            address: format!("rtmp://{authority}/{app}"),
            stream_key: stream_key.to_owned(),
        };
        Some(Self { authority, target })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_a_host_an_application_and_a_key() {
        let address = RtmpAddress::parse("rtmp://localhost/live/key").unwrap();
        assert_eq!(address.authority, "localhost:1935");
        assert_eq!((address.target.app.as_str(), address.target.stream_key.as_str()), ("live", "key"));
        assert_eq!(RtmpAddress::parse("rtmp://[::1]:19/live/key").unwrap().authority, "[::1]:19");
        for wrong in ["http://localhost/live/key", "rtmp://localhost/live", "rtmp://localhost/live/", "rtmp:///a/b"] {
            assert_eq!(RtmpAddress::parse(wrong), None, "{wrong}");
        }
    }
}
