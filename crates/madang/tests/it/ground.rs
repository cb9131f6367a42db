//! What the sites of the tests stand on, as `MADANG_TEST_SITE` says:
//!
//! - `sqlite` (so it is without the variable): one process, everything in its data folder;
//! - `postgres`: one process, on PostgreSQL;
//! - `parts`: a process for each part behind an nginx (scripts/site-in-parts), on PostgreSQL, a Redis Cluster and a shared folder;
//! - `everything`: the same, with Kafka, Cassandra and S3.
//!
//! Each site has a database, a keyspace and names of its own on the servers that `MADANG_TEST_POSTGRES`, `MADANG_TEST_REDIS` and so on name.

use std::{
    io::Write,
    sync::atomic::{AtomicU64, Ordering},
};

/// The setting that names a PostgreSQL database.
pub(crate) const ENGINE: &str = "MADANG_ENGINES_SQL";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ground {
    Sqlite,
    Postgres,
    Parts,
    Everything,
}

/// The settings of a site that starts, its own and those of its ground.
pub(crate) async fn settings(own: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut all = owned(own);
    if chosen() >= Ground::Postgres && own.iter().all(|(name, _)| *name != ENGINE) {
        all.push((ENGINE.to_owned(), database().await));
    }
    let name = unused_name();
    if chosen() >= Ground::Parts {
        all.extend(of_several(&name));
    }
    if chosen() == Ground::Everything {
        all.extend(of_all_engines(&name));
    }
    all
}

fn of_several(name: &str) -> Vec<(String, String)> {
    owned(&[
        ("MADANG_ENGINES_REDIS", &server("MADANG_TEST_REDIS")),
        ("MADANG_ENGINES_REDIS_NAMES", &format!("test|{name}")),
    ])
}

fn of_all_engines(name: &str) -> Vec<(String, String)> {
    owned(&[
        ("MADANG_ENGINES_KAFKA", &format!("kafka://{}", server("MADANG_TEST_KAFKA"))),
        ("MADANG_ENGINES_KAFKA_NAMES", &format!("test.{name}")),
        ("MADANG_ENGINES_CASSANDRA", &format!("cassandra://{}/{name}?replication=1", server("MADANG_TEST_CASSANDRA"))),
        ("MADANG_ENGINES_S3", &server("MADANG_TEST_S3").replacen('?', &format!("/{name}?"), 1)),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ])
}

fn server(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| panic!("{variable} names a server, as `make test-full` does"))
}

/// A name that no other site has.
fn unused_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("site_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Whether a site is several processes.
pub(crate) fn is_in_parts() -> bool {
    chosen() >= Ground::Parts
}

/// Settings to be kept.
pub(crate) fn owned(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The URL of an empty PostgreSQL database.
pub(crate) async fn database() -> String {
    let database = engines::testing::empty_postgres_database().await;
    database.expect("MADANG_TEST_POSTGRES names a server, as `make test` does")
}

/// Says that a test stands on SQLite whatever is chosen, and why. Past the test runner, which shows nothing of tests that pass.
pub(crate) fn always_sqlite(why: &str) {
    if chosen() != Ground::Sqlite {
        let _ = writeln!(std::io::stderr(), "on SQLite, whatever is chosen: {why}");
    }
}

fn chosen() -> Ground {
    match std::env::var("MADANG_TEST_SITE").as_deref() {
        Err(_) | Ok("" | "sqlite") => Ground::Sqlite,
        Ok("postgres") => Ground::Postgres,
        Ok("parts") => Ground::Parts,
        Ok("everything") => Ground::Everything,
        Ok(other) => panic!("MADANG_TEST_SITE is sqlite, postgres, parts or everything, not {other}"),
    }
}
