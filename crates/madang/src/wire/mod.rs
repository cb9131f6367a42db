//! Where slices and roles meet: each file implements what one of them needs with what another one offers.

mod burst;
mod crowd;
mod gatekeeper;
mod gateways;
mod key_source;
mod media_nodes;
mod people;
mod reactions;
mod realtime;
mod retention;
mod rooms;
mod shared_clock;
mod show_words;
mod signed_in;
mod site_realtime;
mod site_settings;
mod streams;
mod trimming;

pub(crate) use burst::CrowdAtBurst;
pub(crate) use crowd::{CrowdTaker, crowd_taker};
pub(crate) use gatekeeper::StreamGatekeeper;
pub(crate) use gateways::gateways;
pub(crate) use key_source::HttpKeySource;
pub(crate) use media_nodes::MediaNodes;
pub(crate) use people::{AccountNames, SessionAccounts, SessionAuthenticator, TalkerNames, people};
pub(crate) use reactions::REACTIONS;
pub(crate) use realtime::{RealtimeChannels, RealtimeConnector};
pub(crate) use retention::Retention;
pub(crate) use rooms::{BroadcastRooms, RoomTotals};
pub(crate) use shared_clock::SharedClock;
pub(crate) use show_words::{ShowWords, ToldOverBus};
pub(crate) use signed_in::{GatewayConnections, signed_in};
pub(crate) use site_realtime::{SITE_NAMESPACES, SiteChannels, SiteConnector};
pub(crate) use streams::{BroadcastStreams, SiteRecordings};
pub(crate) use trimming::trimming;
