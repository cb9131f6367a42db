//! The media part of a site: encoders, packaging, playback.

use std::{net::SocketAddr, sync::Arc};

use media::{
    MediaService, SpoolFolder,
    ingest::{Ingest, IngestSettings},
};
use people::People;
use rustls::ServerConfig;

use super::{AnyError, machine::Machine, stores::Stores};
use crate::{config::Config, wire};

/// What takes streams and plays them.
pub(super) struct Media {
    pub(super) service: Arc<MediaService>,
    pub(super) ingest: Ingest,
    pub(super) gatekeeper: Arc<wire::StreamGatekeeper>,
    /// Where encoders publish.
    pub(super) rtmp: SocketAddr,
    /// The same over TLS, where that is spoken.
    pub(super) rtmps: Option<SocketAddr>,
}

impl Media {
    /// Opens the ports of encoders. They are answered once the gatekeeper has the broadcasts.
    pub(super) async fn open(
        machine: &Machine,
        stores: &Stores,
        config: &Config,
        people: &People,
        tls: Option<&Arc<ServerConfig>>,
    ) -> Result<Self, AnyError> {
        let gatekeeper = Arc::new(wire::StreamGatekeeper::new(people.clone(), machine.clock.clone()));
        let service = MediaService::new(
            config.media.clone(),
            SpoolFolder::claim(&config.data_dir, &*machine.random)?,
            machine.clock.clone(),
            stores.blobs.clone(),
            gatekeeper.clone(),
            match config.is_one_of_several() {
                true => Some(Arc::new(wire::MediaNodes::new()?) as _),
                false => None,
            },
        )?;
        let listening = IngestSettings { address: config.rtmp, ..config.ingest.clone() };
        let (rtmp, ingest) =
            Ingest::bind(listening, machine.clock.clone(), gatekeeper.clone(), service.packager()).await?;
        let rtmps = match config.rtmps.zip(tls) {
            Some((address, tls)) => Some(ingest.listen_over_tls(address, tls.clone())?),
            None => None,
        };
        Ok(Self { service, ingest, gatekeeper, rtmp, rtmps })
    }

    /// The streams of this process, for the live domain; others reach it at `address`.
    pub(super) fn streams(&self, address: String) -> Arc<wire::BroadcastStreams> {
        Arc::new(wire::BroadcastStreams { media: self.service.clone(), ingest: self.ingest.clone(), address })
    }
}
