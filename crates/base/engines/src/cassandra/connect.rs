//! The session, and the tables it needs.

use std::{sync::Arc, time::Duration};

use futures_util::TryStreamExt as _;
use ports::room_log::RoomLogError;
use scylla::{
    client::{execution_profile::ExecutionProfile, session::Session, session_builder::SessionBuilder},
    policies::{load_balancing::DefaultPolicy, retry::FallthroughRetryPolicy},
    statement::{Consistency, SerialConsistency},
};

use super::{
    CassandraAddress, Store, failed,
    statements::{Statements, TABLES},
};

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(2);
const CONNECTION_PATIENCE: Duration = Duration::from_secs(2);
/// Fewer copies of a message cannot lose a server without losing messages.
const REPLICATION_SAFE: usize = 3;

pub(super) async fn connect(address: &CassandraAddress) -> Result<Store, RoomLogError> {
    let session = session(address).await?;
    make_keyspace(&session, address).await?;
    make_tables(&session, &address.keyspace).await?;
    let statements = Statements::prepare(&session, &address.keyspace).await.map_err(|error| {
        failed(format!("the tables of the keyspace {} are not those of this version: {error}", address.keyspace))
    })?;
    Ok(Store { session, statements })
}

async fn session(address: &CassandraAddress) -> Result<Session, RoomLogError> {
    let mut balancing = DefaultPolicy::builder().token_aware(true);
    if let Some(name) = &address.datacenter {
        balancing = balancing.prefer_datacenter(name.clone()).permit_dc_failover(true);
    }
    // The driver tries nothing again: whoever asked knows what that would mean.
    let profile = ExecutionProfile::builder()
        .consistency(Consistency::Quorum)
        .serial_consistency(Some(SerialConsistency::Serial))
        .request_timeout(Some(PATIENCE))
        .retry_policy(Arc::new(FallthroughRetryPolicy::new()))
        .load_balancing_policy(balancing.build())
        .build();
    let mut builder = SessionBuilder::new()
        .known_nodes(&address.hosts)
        .connection_timeout(CONNECTION_PATIENCE)
        .default_execution_profile_handle(profile.into_handle());
    if let Some((user, password)) = &address.user {
        builder = builder.user(user, password);
    }
    builder.build().await.map_err(failed)
}

async fn make_keyspace(session: &Session, address: &CassandraAddress) -> Result<(), RoomLogError> {
    let name = &address.keyspace;
    let known = session.get_cluster_state();
    let replication = match known.get_keyspace(name) {
        Some(keyspace) => copies(&keyspace.strategy),
        None => {
            let text = format!(
                "CREATE KEYSPACE IF NOT EXISTS {name} WITH replication = \
                 {{'class': 'NetworkTopologyStrategy', 'replication_factor': {}}}",
                address.replication
            );
            session.query_unpaged(text, ()).await.map_err(|error| {
                failed(format!(
                    "the keyspace {name} is not there, and this user may not make it ({error}); have it made, and \
                     grant CREATE, SELECT and MODIFY on it"
                ))
            })?;
            usize::from(address.replication)
        }
    };
    if replication < REPLICATION_SAFE {
        tracing::warn!(keyspace = name, replication, "fewer than three replicas: messages can be lost with one server");
    }
    Ok(())
}

/// Copies of each row, in the datacenter that has the fewest.
fn copies(strategy: &scylla::cluster::metadata::Strategy) -> usize {
    use scylla::cluster::metadata::Strategy;
    match strategy {
        Strategy::SimpleStrategy { replication_factor } => *replication_factor,
        Strategy::NetworkTopologyStrategy { datacenter_repfactors } => {
            datacenter_repfactors.values().copied().min().unwrap_or(0)
        }
        _ => 1,
    }
}

/// Makes those that are missing: a user who may only read and write can use what somebody else has made.
async fn make_tables(session: &Session, keyspace: &str) -> Result<(), RoomLogError> {
    let text = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?";
    let there: Vec<(String,)> = session
        .query_iter(text, (keyspace,))
        .await
        .map_err(failed)?
        .rows_stream::<(String,)>()
        .map_err(failed)?
        .try_collect()
        .await
        .map_err(failed)?;
    for (table, columns) in TABLES {
        if there.iter().any(|(name,)| name == table) {
            continue;
        }
        let text = format!("CREATE TABLE IF NOT EXISTS {keyspace}.{table} ({columns})");
        session.query_unpaged(text, ()).await.map_err(|error| {
            failed(format!("the table {keyspace}.{table} is not there, and cannot be made: {error}"))
        })?;
    }
    Ok(())
}
