//! What the sites of the tests stand on: `MADANG_TEST_SITE` is `sqlite` (so it is without the variable) or `postgres`. On
//! PostgreSQL each site has a database of its own on the server that `MADANG_TEST_POSTGRES` names.

use std::{
    io::Write,
    sync::atomic::{AtomicU64, Ordering},
};

/// The setting that names a PostgreSQL database.
pub(crate) const ENGINE: &str = "MADANG_ENGINES_SQL";

/// The settings of a site that starts, its own and those of its ground.
pub(crate) async fn settings(own: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut all: Vec<_> = own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    if is_postgres() && own.iter().all(|(name, _)| *name != ENGINE) {
        all.push((ENGINE.to_owned(), database().await));
    }
    all
}

/// The URL of an empty PostgreSQL database.
pub(crate) async fn database() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let server =
        std::env::var("MADANG_TEST_POSTGRES").expect("MADANG_TEST_POSTGRES names a server, as `make test` does");
    let name = format!("site_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    engines::testing::create_postgres_database(&server, &name).await
}

/// Says that a test stands on SQLite whatever is chosen, and why. Past the test runner, which shows nothing of tests that pass.
pub(crate) fn always_sqlite(why: &str) {
    if is_postgres() {
        let _ = writeln!(std::io::stderr(), "on SQLite, not on PostgreSQL: {why}");
    }
}

fn is_postgres() -> bool {
    match std::env::var("MADANG_TEST_SITE").as_deref() {
        Err(_) | Ok("" | "sqlite") => false,
        Ok("postgres") => true,
        Ok(other) => panic!("MADANG_TEST_SITE is sqlite or postgres, not {other}"),
    }
}
