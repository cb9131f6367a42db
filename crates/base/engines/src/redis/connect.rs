//! Finding the servers, and speaking to them.

use std::time::Duration;

use redis::{
    Client, Cmd, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, Pipeline, ProtocolVersion, RedisError,
    RedisFuture, RedisResult, Value,
    aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig},
    cluster::ClusterClientBuilder,
    cluster_async::ClusterConnection,
    io::tcp::{TcpSettings, socket2},
};

/// How long a server may take to be reached, and to answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// A peer that has gone without a word is noticed within twice this.
const ALIVE: Duration = Duration::from_secs(2);
/// Sharded publish and subscribe came with this version.
const MAJOR_VERSION_MIN: u32 = 7;

/// How keys and channels are named.
#[derive(Debug, Clone)]
pub struct Names {
    prefix: String,
}

impl Names {
    /// Those of one service in one phase (for instance `madang` in `live`).
    pub fn new(service: &str, phase: &str) -> Self {
        Self { prefix: format!("{service}|{phase}|") }
    }

    /// The `key` of whatever `tag` names.
    pub(super) fn of(&self, key: &str, tag: &str) -> String {
        format!("{}{key}:{{{tag}}}", self.prefix)
    }

    /// What `tag` was in [`Self::of`].
    pub(super) fn tag<'a>(&self, key: &str, name: &'a str) -> Option<&'a str> {
        name.strip_prefix(&self.prefix)?.strip_prefix(key)?.strip_prefix(":{")?.strip_suffix('}')
    }
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

/// One server, or the servers of a cluster.
#[derive(Debug, Clone)]
pub struct RedisServers {
    nodes: Vec<ConnectionInfo>,
    is_cluster: bool,
    names: Names,
}

impl RedisServers {
    /// Finds out what stands at these URLs (`redis://[user:password@]host:port`): several of them are nodes of a cluster, one
    /// may be. An error: a URL is none, none of them answers, or a server is too old.
    pub async fn find(urls: &[String], names: Names) -> Result<Self, RedisError> {
        let nodes: Vec<ConnectionInfo> = urls.iter().map(|url| open(url)).collect::<Result<_, _>>()?;
        let mut failure = wrong("no URL is given");
        for node in &nodes {
            let one = Self { nodes: vec![node.clone()], is_cluster: false, names: names.clone() };
            match one.asks_what_it_is().await {
                Ok((major, _)) if major < MAJOR_VERSION_MIN => {
                    return Err(wrong("the server is older than Redis 7.0, which is needed"));
                }
                Ok((_, false)) if nodes.len() > 1 => {
                    return Err(wrong("several URLs are given, but they are not those of a cluster"));
                }
                Ok((_, is_cluster)) => return Ok(Self { nodes, is_cluster, names }),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Its major version (of the protocol's making, which Valkey states too), and whether it is one of a cluster.
    async fn asks_what_it_is(&self) -> RedisResult<(u32, bool)> {
        let info: String = redis::cmd("INFO").query_async(&mut self.link().await?).await?;
        let version = info.lines().find_map(|line| line.strip_prefix("redis_version:"));
        let major = version.and_then(|version| version.split('.').next()?.trim().parse().ok());
        Ok((major.unwrap_or(0), info.contains("cluster_enabled:1")))
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    /// Where the server is, if there is no cluster.
    pub(super) fn single(&self) -> Option<Address> {
        self.addresses().next().filter(|_| !self.is_cluster)
    }

    /// Those of the URLs.
    pub(super) fn addresses(&self) -> impl Iterator<Item = Address> {
        self.nodes.iter().filter_map(|node| match node.addr() {
            ConnectionAddr::Tcp(host, port) => Some(Address { host: host.clone(), port: *port }),
            _ => None,
        })
    }

    /// How to connect to another server of the cluster: as to the first.
    pub(super) fn at(&self, address: &Address) -> RedisResult<ConnectionInfo> {
        let first = self.nodes.first().cloned().ok_or_else(|| wrong("no URL is given"))?;
        Ok(first.set_addr(ConnectionAddr::Tcp(address.host.clone(), address.port)))
    }

    /// A connection for commands to all of them. It connects again by itself.
    pub(super) async fn link(&self) -> RedisResult<Link> {
        if self.is_cluster {
            let client = ClusterClientBuilder::new(self.nodes.clone())
                .use_protocol(ProtocolVersion::RESP3)
                .connection_timeout(PATIENCE)
                .response_timeout(PATIENCE)
                .tcp_settings(tcp_settings());
            return Ok(Link::Cluster(client.build()?.get_async_connection().await?));
        }
        let node = self.nodes.first().cloned().ok_or_else(|| wrong("no URL is given"))?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            .set_number_of_retries(1);
        Ok(Link::One(ConnectionManager::new_with_config(Client::open(node)?, config).await?))
    }
}

fn wrong(what: &'static str) -> RedisError {
    (redis::ErrorKind::InvalidClientConfig, what).into()
}

fn open(url: &str) -> RedisResult<ConnectionInfo> {
    let info = url.into_connection_info()?;
    if !matches!(info.addr(), ConnectionAddr::Tcp(..)) {
        return Err(wrong("only redis:// URLs can be used; a TLS proxy can stand before an encrypted server"));
    }
    if info.redis_settings().db() != 0 {
        return Err(wrong("a Redis URL has no database number: what is published reaches all databases"));
    }
    let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Ok(info.set_redis_settings(redis).set_tcp_settings(tcp_settings()))
}

fn tcp_settings() -> TcpSettings {
    let keepalive = socket2::TcpKeepalive::new().with_time(ALIVE).with_interval(ALIVE / 2).with_retries(2);
    TcpSettings::default().set_nodelay(true).set_keepalive(keepalive)
}

/// A connection that many may use at once.
#[derive(Clone)]
pub(super) enum Link {
    One(ConnectionManager),
    Cluster(ClusterConnection),
}

impl ConnectionLike for Link {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::One(link) => link.req_packed_command(command),
            Self::Cluster(link) => link.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::One(link) => link.req_packed_commands(pipeline, offset, count),
            Self::Cluster(link) => link.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::One(link) => link.get_db(),
            Self::Cluster(link) => link.get_db(),
        }
    }
}
