//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

/// A yard for shows: live streaming with its crowd, in one binary.
#[derive(Debug, Parser)]
#[command(name = "madang", version, about, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server.
    Serve(ServeArguments),
    /// Run the server on a throwaway data folder with sample people, looping shows and a small crowd.
    Demo(DemoArguments),
    /// Bring the database's schema up to date and exit.
    Migrate(StoreArguments),
    /// Move a stopped site from SQLite in its data folder to an empty PostgreSQL database, and compare both sides.
    Move(MoveArguments),
    /// Administer a site from the shell.
    Admin(AdminArguments),
    /// Look after the facts that a Kafka carries to workers.
    Events(EventsArguments),
    /// Generate load against a server, and report what it cost.
    Bench(BenchArguments),
    /// Print the OpenAPI document.
    Openapi,
    /// Print every setting with its default and its meaning.
    DefaultConfig,
}

/// Where the settings and the data are.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct StoreArguments {
    /// A file of settings (TOML); see `madang default-config`.
    #[arg(long, env = "MADANG_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The folder that holds all data [default: ./data].
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data_dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    pub(crate) store: StoreArguments,
    /// The address of the web UI and the API [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) http: Option<SocketAddr>,
    /// The address where encoders publish [default: 127.0.0.1:1935].
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) rtmp: Option<SocketAddr>,
    /// What this process does [default: all].
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct DemoArguments {
    /// The address of the web UI and the API.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) http: SocketAddr,
    /// The address where encoders publish.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:1935")]
    pub(crate) rtmp: SocketAddr,
    /// Start no site: the people come to the one that runs at this address, and its encoders publish to --rtmp.
    #[arg(long, value_name = "ADDRESS:PORT", conflicts_with = "http")]
    pub(crate) at: Option<SocketAddr>,
    /// How many people watch.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(0..=2000))]
    pub(crate) crowd: u16,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct MoveArguments {
    #[command(flatten)]
    pub(crate) store: StoreArguments,
    /// The database, e.g. postgres://user:password@host/database [default: the setting engines.sql].
    #[arg(long, value_name = "URL")]
    pub(crate) to: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AdminArguments {
    #[command(subcommand)]
    pub(crate) action: AdminAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminAction {
    /// Make an account an administrator.
    Grant {
        /// The account's handle.
        handle: String,
        #[command(flatten)]
        store: StoreArguments,
    },
}

#[derive(Debug, Args)]
pub(crate) struct EventsArguments {
    #[command(subcommand)]
    pub(crate) action: EventsAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EventsAction {
    /// Make the topics that are not there yet, with three copies where there are as many servers.
    Topics {
        /// Partitions of each: so many workers can share a reaction.
        #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=1000))]
        partitions: u16,
        #[command(flatten)]
        store: StoreArguments,
    },
    /// Print the newest facts that a reaction has given up, as JSON lines with the reason.
    Dead {
        /// The reaction's name, e.g. chat-count-messages.
        reaction: String,
        /// How many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
        #[command(flatten)]
        store: StoreArguments,
    },
    /// Have a reaction try the facts again that it has given up.
    Replay {
        /// The reaction's name, e.g. chat-count-messages.
        reaction: String,
        #[command(flatten)]
        store: StoreArguments,
    },
}

#[derive(Debug, Args)]
pub(crate) struct BenchArguments {
    #[command(subcommand)]
    pub(crate) load: Load,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Load {
    /// Publish streams over RTMP to any server, in real time.
    Publish {
        /// Where to publish, e.g. rtmp://127.0.0.1:1935/live
        #[arg(long)]
        url: String,
        /// The stream keys, joined by commas.
        #[arg(long, value_delimiter = ',', required = true)]
        keys: Vec<String>,
        /// The FLV file to loop.
        #[arg(long)]
        flv: PathBuf,
        /// For how long, in seconds.
        #[arg(long, default_value_t = 30)]
        seconds: u64,
        /// The server's processes, whose processor time is read, joined by commas.
        #[arg(long, value_delimiter = ',')]
        pids: Vec<u32>,
    },
    /// Send requests over keep-alive connections.
    Http {
        /// The server's address.
        #[arg(long)]
        server: SocketAddr,
        /// The server's processes, whose processor time is read, joined by commas.
        #[arg(long, value_delimiter = ',', required = true)]
        pids: Vec<u32>,
        /// What to send: a file of lines `METHOD PATH [BODY]`, used in turn by each connection.
        #[arg(long)]
        requests: PathBuf,
        /// A file with a session token on each line; connections send as their bearers, in turn. None: as nobody.
        #[arg(long)]
        tokens: Option<PathBuf>,
        /// Requests a second of all connections together. None: as fast as they are answered.
        #[arg(long)]
        rate: Option<f64>,
        /// How many connections.
        #[arg(long, default_value_t = 64)]
        connections: usize,
        /// For how long, in seconds.
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
    /// Send batches of hearts over keep-alive connections, one session each.
    Hearts {
        /// The server's address.
        #[arg(long)]
        server: SocketAddr,
        /// The server's processes, whose processor time is read, joined by commas.
        #[arg(long, value_delimiter = ',', required = true)]
        pids: Vec<u32>,
        /// The live broadcast.
        #[arg(long)]
        broadcast: String,
        /// How many connections.
        #[arg(long, default_value_t = 64)]
        connections: usize,
        /// For how long, in seconds.
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
    /// Be the bare WebSocket server that realtime servers are compared with: every message to everybody, nothing else.
    Bare {
        /// Where to listen.
        #[arg(long, default_value = "127.0.0.1:0")]
        http: SocketAddr,
        /// Write each message by itself.
        #[arg(long)]
        single: bool,
    },
    /// Bring a crowd to a realtime server.
    Crowd {
        #[command(flatten)]
        against: Against,
        #[command(subcommand)]
        load: CrowdLoad,
    },
}

/// Which server, and how it is spoken to.
#[derive(Debug, Clone, Args)]
pub(crate) struct Against {
    /// The server's address. Several, joined by commas: connections are spread over them, and come back to the next one.
    #[arg(long = "server", value_delimiter = ',', required = true)]
    pub(crate) servers: Vec<SocketAddr>,
    /// What it speaks.
    #[arg(long, value_enum, default_value = "madang")]
    pub(crate) dialect: DialectName,
    /// The room: a channel, subject or topic.
    #[arg(long, default_value = "bench")]
    pub(crate) room: String,
    /// The token of the connect command.
    #[arg(long)]
    pub(crate) token: Option<String>,
    /// Bytes of a message.
    #[arg(long, default_value_t = 146)]
    pub(crate) payload_bytes: usize,
    /// The server's processes, whose processor time is read, joined by commas. None: it is not read.
    #[arg(long, value_delimiter = ',')]
    pub(crate) pids: Vec<u32>,
}

/// A protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DialectName {
    /// The Centrifuge client protocol as JSON.
    Madang,
    /// That of `madang bench bare`.
    Bare,
    /// Redis's publish and subscribe, over TCP.
    Redis,
    /// NATS over WebSocket.
    Nats,
    /// nginx with nchan: viewers over WebSocket, senders over HTTP/1.1.
    Nchan,
}

/// What the crowd does.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum CrowdLoad {
    /// Send as fast as messages arrive, and check that every viewer gets each one once and in order.
    Busy {
        #[arg(long, default_value_t = 500)]
        viewers: usize,
        #[arg(long, default_value_t = 10)]
        senders: usize,
        /// Messages of all senders together.
        #[arg(long, default_value_t = 100_000)]
        messages: usize,
        /// Messages each sender may have on their way.
        #[arg(long, default_value_t = 256)]
        window: usize,
        /// Let connections that end come back: viewers to where they were, senders with what was not acknowledged. What is sent
        /// again may come again, and is counted apart from what comes doubled. Says "half way" on standard error when it is.
        /// A server that is ended in between has no processor time to read: give no processes.
        #[arg(long)]
        resumes: bool,
        /// Go on sending after that many messages, until the standard input ends.
        #[arg(long)]
        until_told: bool,
    },
    /// Send at a steady pace, and measure how long messages take.
    Steady {
        #[arg(long, default_value_t = 1)]
        rooms: usize,
        /// Viewers of each room.
        #[arg(long, default_value_t = 3_000)]
        viewers: usize,
        /// Messages a second in each room.
        #[arg(long, default_value_t = 40.0)]
        rate: f64,
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
    /// Come all at one instant.
    AtOnce {
        #[arg(long, default_value_t = 2_000)]
        viewers: usize,
    },
    /// Send batches of hearts, each as soon as the one before is answered (Madang only).
    Hearts {
        /// A file with a playback session on each line; each gets a connection. It is subscribed to the channel that follows behind a
        /// space, if one does.
        #[arg(long)]
        sessions: PathBuf,
        /// Taps in a batch.
        #[arg(long, default_value_t = 12)]
        taps: usize,
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
    /// Come, stay, and answer pings.
    Idle {
        #[arg(long, default_value_t = 18_000)]
        viewers: usize,
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
}
