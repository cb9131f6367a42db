//! Two processes that want one database, as two owners in one.

use std::time::Duration;

use ports::sql::{Database, Migration, SqlError, migrate};
use ports::sqlx::{AnyConnection, AssertSqlSafe};

use super::*;
use crate::testing::empty_postgres_database;

const NOTES: &[Migration] =
    &[Migration { version: 1, name: "notes", sql: "CREATE TABLE notes (text TEXT PRIMARY KEY)" }];
const PATIENCE: Duration = Duration::from_secs(60);

async fn note(database: &Database, text: &str) -> Result<(), SqlError> {
    let mut tx = database.write().await?;
    sqlx::query("INSERT INTO notes (text) VALUES ($1)").bind(text).execute(tx.conn()).await?;
    tx.commit().await
}

async fn notes(database: &Database) -> Vec<String> {
    sqlx::query_scalar("SELECT text FROM notes ORDER BY text").fetch_all(database.reader()).await.unwrap()
}

async fn end_watch(onlooker: &mut AnyConnection) {
    let end = format!("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE {}", watch::held(watch::OWNER));
    let ended = sqlx::query(AssertSqlSafe(end)).fetch_all(onlooker).await.unwrap();
    assert_eq!(ended.len(), 1, "somebody is the owner");
}

#[tokio::test]
async fn who_has_lost_the_lock_and_does_not_know_it_can_neither_commit_nor_connect() {
    let Some(url) = empty_postgres_database().await else { return };
    let before = Ownership::take(&url).await.unwrap();
    let old = before.database(2).await.unwrap();
    migrate(&old, NOTES).await.unwrap();
    note(&old, "kept").await.unwrap();
    let refused = Ownership::take(&url).await.map(|_| ());
    assert!(matches!(refused, Err(OwnershipError::Taken)), "{refused:?}");

    let mut open = old.write().await.unwrap();
    sqlx::query("INSERT INTO notes (text) VALUES ('open')").execute(open.conn()).await.unwrap();
    // Its watch is cut, and it does not look after it.
    before.keeper.abort();
    let after = Ownership::take(&url).await.unwrap();
    let new = after.database(2).await.unwrap();
    assert!(open.commit().await.is_err());
    assert!(note(&old, "late").await.is_err());
    assert!(sqlx::query("SELECT 1").execute(old.reader()).await.is_err());
    assert!(before.connection().await.is_err());
    note(&new, "new").await.unwrap();
    assert_eq!(notes(&new).await, ["kept", "new"]);
}

#[tokio::test]
async fn a_lost_watch_is_replaced_and_members_go_on() {
    let Some(url) = empty_postgres_database().await else { return };
    let owner = Ownership::take(&url).await.unwrap();
    let database = owner.database(2).await.unwrap();
    migrate(&database, NOTES).await.unwrap();
    let mut onlooker = connect::postgres_connection(&url).await.unwrap();
    for round in ["one", "two"] {
        end_watch(&mut onlooker).await;
        note(&database, round).await.unwrap();
        let admitted = async {
            while owner.connection().await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, admitted).await.expect("the lock is held again");
    }
    assert_eq!(notes(&database).await, ["one", "two"]);
    assert!(tokio::time::timeout(Duration::ZERO, owner.lost()).await.is_err());
}

#[tokio::test]
async fn who_was_not_the_owner_for_a_while_does_not_go_on() {
    let Some(url) = empty_postgres_database().await else { return };
    let owner = Ownership::take(&url).await.unwrap();
    let mut other = connect::postgres_connection(&url).await.unwrap();
    let mut onlooker = connect::postgres_connection(&url).await.unwrap();
    let taking = tokio::spawn(async move {
        sqlx::query("SELECT pg_advisory_lock($1)").bind(watch::OWNER).execute(&mut other).await.unwrap();
        watch::sign(&mut other, "another").await.unwrap();
    });
    let waits = "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    while sqlx::query_scalar::<_, i64>(waits).fetch_one(&mut onlooker).await.unwrap() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    end_watch(&mut onlooker).await;
    taking.await.unwrap();
    tokio::time::timeout(PATIENCE, owner.lost()).await.expect("the owner finds another one's name");
}

#[tokio::test]
async fn a_watch_that_lives_on_for_the_server_alone_is_replaced() {
    let Some(url) = empty_postgres_database().await else { return };
    let owner = Ownership::take(&url).await.unwrap();
    let name = owner.members.name().to_owned();
    // Another session of the same process: the server holds its lock for it.
    let next = tokio::time::timeout(PATIENCE, watch::open(&url, &name, Hold::Alone)).await.unwrap().unwrap();
    assert!(next.is_some());
    let text = AssertSqlSafe(format!("SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = '{name}'"));
    let mut next = next.unwrap();
    let sessions: i64 = sqlx::query_scalar(text).fetch_one(&mut next).await.unwrap();
    assert_eq!(sessions, 1, "the one before has ended");
}

#[tokio::test]
async fn several_may_own_it_together_and_nobody_alone_besides() {
    let Some(url) = empty_postgres_database().await else { return };
    // All of them are the first.
    let all = tokio::join!(Ownership::share(&url), Ownership::share(&url), Ownership::share(&url));
    let (one, two, three) = (all.0.unwrap(), all.1.unwrap(), all.2.unwrap());
    let (first, second) = (one.database(2).await.unwrap(), two.database(2).await.unwrap());
    let migrated = tokio::join!(migrate(&first, NOTES), migrate(&second, NOTES));
    assert!(migrated.0.is_ok() && migrated.1.is_ok(), "{migrated:?}");
    note(&first, "one").await.unwrap();
    note(&second, "two").await.unwrap();
    let refused = Ownership::take(&url).await.map(|_| ());
    assert!(matches!(refused, Err(OwnershipError::Taken)), "{refused:?}");

    // Their watches are cut, and none looks after its own: whoever takes it alone ends their members.
    for ownership in [&one, &two, &three] {
        ownership.keeper.abort();
    }
    let alone = Ownership::take(&url).await.unwrap();
    let database = alone.database(2).await.unwrap();
    assert!(note(&first, "late").await.is_err());
    note(&database, "alone").await.unwrap();
    let refused = Ownership::share(&url).await.map(|_| ());
    assert!(matches!(refused, Err(OwnershipError::Taken)), "{refused:?}");
    assert_eq!(notes(&database).await, ["alone", "one", "two"]);
}

#[tokio::test]
async fn one_of_several_goes_on_when_its_watch_is_cut_and_ends_when_the_database_was_anothers() {
    let Some(url) = empty_postgres_database().await else { return };
    let (one, two) = (Ownership::share(&url).await.unwrap(), Ownership::share(&url).await.unwrap());
    let database = one.database(2).await.unwrap();
    migrate(&database, NOTES).await.unwrap();
    let mut onlooker = connect::postgres_connection(&url).await.unwrap();
    let end = format!("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE {}", watch::held(watch::OWNER));
    sqlx::query(AssertSqlSafe(end)).fetch_all(&mut onlooker).await.unwrap();
    let admitted = async {
        while one.connection().await.is_err() || two.connection().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, admitted).await.expect("both hold the lock again");

    // Others that own it together since then are others, too.
    watch::sign(&mut onlooker, "several since another").await.unwrap();
    let end = format!("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE {}", watch::held(watch::OWNER));
    sqlx::query(AssertSqlSafe(end)).fetch_all(&mut onlooker).await.unwrap();
    tokio::time::timeout(PATIENCE, async { tokio::join!(one.lost(), two.lost()) })
        .await
        .expect("another's name is found");
}
