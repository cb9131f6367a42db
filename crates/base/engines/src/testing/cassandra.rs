//! Cassandra for tests: the one that `MADANG_TEST_CASSANDRA` names (host:port; the test command starts it), with a keyspace
//! for each test, or a server of a test's own, which may be killed.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot have its server must fail loudly")]

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
};

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
pub struct CassandraProcess {
    folder: PathBuf,
    server: String,
}

impl CassandraProcess {
    /// One that answers; none when no server was named for the tests.
    pub fn start(purpose: &str) -> Option<Self> {
        std::env::var_os("MADANG_TEST_CASSANDRA")?;
        let folder = std::env::temp_dir().join(format!("madang-test-cassandra-{purpose}-{}", std::process::id()));
        let mut process = Self { folder, server: String::new() };
        let told = process.run("start");
        process.server = told.split_once('=').expect("it tells where it is").1.trim().to_owned();
        Some(process)
    }

    /// The address of a keyspace that is not there yet.
    pub fn keyspace(&self) -> String {
        keyspace_on(&self.server)
    }

    /// Ends it at once, as a crash would.
    pub fn crash(&self) {
        self.run("crash");
    }

    /// Starts it again with its data; returns when it answers.
    pub fn resume(&self) {
        self.run("resume");
    }

    /// Lets it stand still, so that nothing is answered.
    pub fn hang(&self) {
        self.run("hang");
    }

    /// Lets it go on.
    pub fn wake(&self) {
        self.run("wake");
    }

    fn command(&self, word: &str) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../scripts/cassandra-for-tests");
        let mut command = Command::new(script);
        command.arg(word).env("MADANG_TEST_CASSANDRA_DIR", &self.folder);
        command
    }

    /// What the script said.
    fn run(&self, word: &str) -> String {
        let output = self.command(word).output().expect("the script runs");
        assert!(output.status.success(), "{word}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for CassandraProcess {
    fn drop(&mut self) {
        // Not `run`, whose complaints would end the other tests too.
        let _ = self.command("stop").output();
    }
}
