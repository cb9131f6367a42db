//! Kafka for tests: the one that `MADANG_TEST_KAFKA` names (host:port; the test command starts it), with topics of its own for each
//! test, or a server of a test's own, which may be killed.

use std::sync::atomic::{AtomicU64, Ordering};

use super::java_server::JavaServer;

/// The URL of the server that all tests share, and what the names of a test begin with; none when no server was named.
pub fn kafka_names() -> Option<(String, String)> {
    let server = std::env::var("MADANG_TEST_KAFKA").ok()?;
    Some((format!("kafka://{server}"), prefix()))
}

fn prefix() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("test.{}.{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A server of one test alone, which ends with the value.
#[derive(Debug)]
pub struct KafkaProcess(JavaServer);

impl KafkaProcess {
    /// One that answers; none when no server was named for the tests.
    pub fn start(purpose: &str) -> Option<Self> {
        JavaServer::start("kafka", purpose).map(Self)
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("kafka://{}", self.0.address)
    }

    /// Ends it at once, as a crash would.
    pub fn crash(&self) {
        self.0.tell("crash");
    }

    /// Starts it again with its data; returns when it answers.
    pub fn resume(&self) {
        self.0.tell("resume");
    }
}
