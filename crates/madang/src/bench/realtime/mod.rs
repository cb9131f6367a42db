//! Loads for realtime servers, a bare server to compare with, and the dialects of others. One thread each; what is
//! reported is the processor time of the servers.

mod arrival;
mod bare_server;
mod crowd;
mod dialects;
mod frames;
mod heart_batches;
mod payload;
mod room;
mod steady;

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use serde_json::Value;

use super::AnyError;
use crate::cli::{Against, CrowdLoad, DialectName};
use bare_server::Writes;
use crowd::Crowd;
use dialects::{Bare, Centrifuge, Dialect, Nats, Nchan, Redis};

/// Addresses that one load may need.
const ADDRESSES: u32 = 16;

/// The first address connections come from, another one for each process: where the connections of the last load have only just
/// ended, the kernel searches long for a free port.
fn first_address() -> Ipv4Addr {
    let first = u32::from(Ipv4Addr::new(127, 16, 0, 1));
    Ipv4Addr::from(first + std::process::id() % (1 << 16) * ADDRESSES)
}

/// Serves as the bare server.
pub(crate) fn serve_bare(address: SocketAddr, single: bool) -> Result<Value, AnyError> {
    bare_server::run(address, if single { Writes::Single } else { Writes::Batched })?;
    Ok(Value::Null)
}

/// Runs a load against a server.
pub(crate) fn run(against: &Against, load: &CrowdLoad) -> Result<Value, AnyError> {
    let Against { servers, room, token, payload_bytes, .. } = against;
    if let CrowdLoad::Hearts { sessions, taps, seconds } = load {
        let crowd = Crowd::new(Centrifuge::new(room, token.clone(), *payload_bytes), servers, first_address())?;
        return heart_batches::run(crowd, sessions, *taps, *seconds, &against.pids);
    }
    match against.dialect {
        DialectName::Madang => run_as(Centrifuge::new(room, token.clone(), *payload_bytes), servers, against, load),
        DialectName::Bare => run_as(Bare, servers, against, load),
        DialectName::Redis => run_as(Redis, servers, against, load),
        DialectName::Nats => run_as(Nats, servers, against, load),
        DialectName::Nchan => run_as(Nchan, servers, against, load),
    }
}

fn run_as<D: Dialect>(
    dialect: D,
    servers: &[SocketAddr],
    against: &Against,
    load: &CrowdLoad,
) -> Result<Value, AnyError> {
    let crowd = Crowd::new(dialect, servers, first_address())?;
    let Against { room, payload_bytes, pids, .. } = against.clone();
    match *load {
        CrowdLoad::Busy { viewers, senders, messages, window, resumes, until_told } => {
            let patience = Duration::from_secs(30);
            let shape =
                room::Shape { room, viewers, senders, messages, payload_bytes, window, resumes, until_told, patience };
            room::run(crowd, &shape, &pids)
        }
        CrowdLoad::Steady { rooms, viewers, rate, seconds } => {
            steady::run(crowd, &steady::Pace { room, rooms, viewers, rate, payload_bytes, seconds }, &pids)
        }
        CrowdLoad::AtOnce { viewers } => arrival::at_once(crowd, &room, viewers, &pids),
        CrowdLoad::Hearts { .. } => Err("hearts are counted by Madang alone".into()),
        CrowdLoad::Idle { viewers, seconds } => arrival::idle(crowd, &room, viewers, seconds, &pids),
    }
}
