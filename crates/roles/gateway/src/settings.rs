//! Settings of the gateway.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{
    namespaces::{ChannelOptions, ClientSettings},
    server_api::ServerApiSettings,
};

/// A client's message, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// Subscriptions of one connection.
pub const SUBSCRIPTIONS_MAX: usize = 128;
/// Publications in one reply, and in one read of the room log.
pub const PAGE_PUBLICATIONS_MAX: usize = 300;
/// Bytes of publications in one reply.
pub const PAGE_BYTES_MAX: usize = 512 << 10;
/// Clients listed in one presence reply.
pub const PRESENCE_CLIENTS_MAX: usize = 1_000;

/// What can be set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Origins (`https://example.com`) whose pages may connect, besides the site itself; `*` is any. Not a key of this
    /// section: the site's list for all of HTTP sets it.
    #[serde(skip)]
    pub allowed_origins: Vec<String>,
    /// Whether there can be other gateways on the same bus. Not a key of this section: the engines decide it.
    #[serde(skip)]
    pub shares_bus: bool,
    /// Tells settings apart that all gateways on a bus have to share. No key of this section either.
    #[serde(skip)]
    pub fingerprint: u64,
    /// How long it is believed who a client is, in milliseconds, before it acts again. No key of this section either: it depends
    /// on how many processes the site has.
    #[serde(skip)]
    pub identity_believed_ms: i64,
    /// Where clients find this gateway's WebSockets; empty: where they found its API.
    pub url: String,
    /// Who may connect besides those the site knows.
    pub client: ClientSettings,
    /// Who may use the server API.
    pub server_api: ServerApiSettings,
    /// What channels without a namespace offer.
    pub without_namespace: ChannelOptions,
    /// What the channels of each namespace offer.
    pub namespaces: BTreeMap<String, ChannelOptions>,
    /// Connections of this process. They are HTTP connections first: the shell's bound holds too, and has to leave room for
    /// requests.
    pub connections_max: usize,
    /// Connections from one address. Loopback addresses are not held to it: a proxy on the same machine has one for all.
    pub connections_per_address_max: usize,
    /// Commands a connection may send per second on average, and at once. Above it they fail; twice above it the
    /// connection ends.
    pub commands_per_second_max: u32,
    /// No more commands are read from a client while this many bytes wait to be sent to it.
    pub buffered_bytes_max: usize,
    /// A connection for which more bytes wait ends (3008), and its client connects again. Answers and other messages to
    /// this client alone count; publications wait in their channels, not here.
    pub unsent_bytes_max: usize,
    /// Milliseconds between pings.
    pub ping_interval_ms: u64,
    /// Milliseconds a client has to answer a ping when nothing else is on its way to it.
    pub pong_timeout_ms: u64,
    /// Milliseconds a client that does not answer a ping has to take at least one byte of what is on its way to it.
    pub stalled_timeout_ms: u64,
    /// Milliseconds beyond the expiry of a connection or a subscription in which it can still be refreshed.
    pub refresh_grace_ms: u64,
    /// Milliseconds a client has to send its connect command.
    pub connect_timeout_ms: u64,
    /// Milliseconds between two wakes of a crowded channel's subscribers at the most; what is published in between goes
    /// out together. The fewer subscribers, the shorter; a small channel's are woken at once.
    pub flush_interval_max_ms: u64,
    /// Publications each channel keeps in memory.
    pub ring_publications: usize,
    /// Bytes of publications each channel keeps in memory.
    pub ring_bytes: usize,
    /// Bytes of publications each channel keeps in memory for a few seconds when so much is published, and of what it has
    /// read from the room log for readers who are behind.
    pub ring_burst_bytes: usize,
    /// When all channels together keep so many bytes of publications in memory, none keeps more than at rest.
    pub ring_bursts_bytes: usize,
    /// Reads of the room log at the same time.
    pub log_reads_max: usize,
    /// Milliseconds between two looks whether a channel has missed the newest publication of its room.
    pub position_check_ms: u64,
    /// Milliseconds a channel without subscribers is kept in memory.
    pub channel_idle_ms: u64,
    /// Milliseconds that commands under way have to finish at shutdown.
    pub drain_ms: u64,
    /// Milliseconds over which clients are sent to other gateways at shutdown, where there are any.
    pub move_over_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allowed_origins: Vec::new(),
            shares_bus: false,
            fingerprint: 0,
            identity_believed_ms: 5_000,
            url: String::new(),
            client: ClientSettings::default(),
            server_api: ServerApiSettings::default(),
            without_namespace: ChannelOptions::default(),
            namespaces: BTreeMap::new(),
            connections_max: 12_000,
            connections_per_address_max: 1_000,
            commands_per_second_max: 5_000,
            buffered_bytes_max: 1 << 20,
            unsent_bytes_max: 8 << 20,
            ping_interval_ms: 25_000,
            pong_timeout_ms: 10_000,
            stalled_timeout_ms: 120_000,
            refresh_grace_ms: 25_000,
            connect_timeout_ms: 15_000,
            flush_interval_max_ms: 50,
            ring_publications: 4_096,
            ring_bytes: 1 << 20,
            ring_burst_bytes: 32 << 20,
            ring_bursts_bytes: 512 << 20,
            log_reads_max: 32,
            position_check_ms: 40_000,
            channel_idle_ms: 30_000,
            drain_ms: 3_000,
            move_over_ms: 5_000,
        }
    }
}
