//! What the sites of the tests stand on: `MADANG_TEST_SITE` is `sqlite` (so it is without the variable) or `postgres`. On
//! PostgreSQL each site has a database of its own on the server that `MADANG_TEST_POSTGRES` names.

use std::io::Write;

/// The setting that names a PostgreSQL database.
pub(crate) const ENGINE: &str = "MADANG_ENGINES_SQL";

/// The settings of a site that starts, its own and those of its ground.
pub(crate) async fn settings(own: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut all = owned(own);
    if is_postgres() && own.iter().all(|(name, _)| *name != ENGINE) {
        all.push((ENGINE.to_owned(), database().await));
    }
    all
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
