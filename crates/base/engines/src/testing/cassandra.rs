//! Cassandra for tests: the one that `MADANG_TEST_CASSANDRA` names (host:port; the test command starts it), with a keyspace
//! for each test, or a server of a test's own, which may be killed.

use std::sync::atomic::{AtomicU64, Ordering};

use super::java_server::JavaServer;

/// The address of a keyspace that is not there yet, on the server that all tests share; none when none was named.
pub fn cassandra_keyspace() -> Option<String> {
    Some(keyspace_on(&std::env::var("MADANG_TEST_CASSANDRA").ok()?))
}

fn keyspace_on(server: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("cassandra://{server}/test_{}_{number}?replication=1", std::process::id())
}

/// A server of one test alone, which ends with the value.
#[derive(Debug)]
pub struct CassandraProcess(JavaServer);

impl CassandraProcess {
    /// One that answers; none when no server was named for the tests.
    pub fn start(purpose: &str) -> Option<Self> {
        JavaServer::start("cassandra", purpose).map(Self)
    }

    /// The address of a keyspace that is not there yet.
    pub fn keyspace(&self) -> String {
        keyspace_on(&self.0.address)
    }

    /// Ends it at once, as a crash would.
    pub fn crash(&self) {
        self.0.tell("crash");
    }

    /// Starts it again with its data; returns when it answers.
    pub fn resume(&self) {
        self.0.tell("resume");
    }

    /// Lets it stand still, so that nothing is answered.
    pub fn hang(&self) {
        self.0.tell("hang");
    }

    /// Lets it go on.
    pub fn wake(&self) {
        self.0.tell("wake");
    }
}
