//! The certificate, the account, and what is being shown to the authority, in the records of the site.

use kernel::Timestamp;
use ports::{
    sql::{Database, Migration, Row, SqlError},
    sqlx,
};

/// The tables. A site has one certificate; its `version` counts up with each.
pub(crate) const MIGRATION: Migration = Migration {
    version: 2026_11_28_40,
    name: "certificates of an authority",
    sql: "CREATE TABLE tls_certificates (
            id BIGINT PRIMARY KEY CHECK (id = 1),
            version BIGINT NOT NULL,
            names TEXT NOT NULL,
            chain TEXT NOT NULL,
            private_key {bytes} NOT NULL
          );
          CREATE TABLE tls_accounts (
            directory TEXT PRIMARY KEY,
            credentials TEXT NOT NULL
          );
          CREATE TABLE tls_challenges (
            name TEXT PRIMARY KEY,
            digest {bytes} NOT NULL
          );
          CREATE TABLE tls_failures (
            id BIGINT PRIMARY KEY CHECK (id = 1),
            failures BIGINT NOT NULL,
            next_order_at_ms BIGINT NOT NULL
          );",
};

/// A certificate as it is kept.
pub(super) struct Kept {
    pub(super) version: i64,
    /// The names it was ordered for, joined by commas.
    pub(super) names: String,
    /// PEM.
    pub(super) chain: String,
    /// PKCS #8 as DER.
    pub(super) key: Vec<u8>,
}

/// The number of the certificate; 0: there is none.
pub(super) async fn version(records: &Database) -> Result<i64, SqlError> {
    let version = sqlx::query_scalar("SELECT version FROM tls_certificates WHERE id = 1");
    Ok(version.fetch_optional(records.reader()).await?.unwrap_or_default())
}

/// The certificate.
pub(super) async fn certificate(records: &Database) -> Result<Option<Kept>, SqlError> {
    let row = sqlx::query("SELECT version, names, chain, private_key FROM tls_certificates WHERE id = 1")
        .fetch_optional(records.reader())
        .await?;
    let read = |row: sqlx::any::AnyRow| {
        let (version, names) = (row.try_get(0)?, row.try_get(1)?);
        Ok(Kept { version, names, chain: row.try_get(2)?, key: row.try_get(3)? })
    };
    row.map(read).transpose()
}

/// Keeps a certificate in place of the one before; what failed before is forgotten, and nothing is to be shown any more.
pub(super) async fn keep(records: &Database, names: &str, chain: &str, key: &[u8]) -> Result<(), SqlError> {
    let mut tx = records.write().await?;
    sqlx::query(
        "INSERT INTO tls_certificates (id, version, names, chain, private_key) VALUES (1, 1, $1, $2, $3) \
         ON CONFLICT (id) DO UPDATE SET version = tls_certificates.version + 1, names = excluded.names, \
           chain = excluded.chain, private_key = excluded.private_key",
    )
    .bind(names)
    .bind(chain)
    .bind(key)
    .execute(tx.conn())
    .await?;
    sqlx::query("DELETE FROM tls_failures").execute(tx.conn()).await?;
    sqlx::query("DELETE FROM tls_challenges").execute(tx.conn()).await?;
    tx.commit().await
}

/// The account at this authority, as JSON.
pub(super) async fn account(records: &Database, directory: &str) -> Result<Option<String>, SqlError> {
    sqlx::query_scalar("SELECT credentials FROM tls_accounts WHERE directory = $1")
        .bind(directory)
        .fetch_optional(records.reader())
        .await
}

/// Keeps a new account.
pub(super) async fn keep_account(records: &Database, directory: &str, credentials: &str) -> Result<(), SqlError> {
    let mut tx = records.write().await?;
    sqlx::query(
        "INSERT INTO tls_accounts (directory, credentials) VALUES ($1, $2) \
         ON CONFLICT (directory) DO UPDATE SET credentials = excluded.credentials",
    )
    .bind(directory)
    .bind(credentials)
    .execute(tx.conn())
    .await?;
    tx.commit().await
}

/// What the authority is to be shown: by name the digest that proves who has it.
pub(super) async fn challenges(records: &Database) -> Result<Vec<(String, Vec<u8>)>, SqlError> {
    let rows = sqlx::query("SELECT name, digest FROM tls_challenges ORDER BY name").fetch_all(records.reader()).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// Has these shown, and no others.
pub(super) async fn put_challenges(records: &Database, challenges: &[(String, Vec<u8>)]) -> Result<(), SqlError> {
    let mut tx = records.write().await?;
    sqlx::query("DELETE FROM tls_challenges").execute(tx.conn()).await?;
    for (name, digest) in challenges {
        sqlx::query("INSERT INTO tls_challenges (name, digest) VALUES ($1, $2)")
            .bind(name)
            .bind(digest.as_slice())
            .execute(tx.conn())
            .await?;
    }
    tx.commit().await
}

/// How many orders have failed one after the other, and before when no other one is made.
pub(super) async fn failures(records: &Database) -> Result<(u32, Timestamp), SqlError> {
    let row = sqlx::query("SELECT failures, next_order_at_ms FROM tls_failures WHERE id = 1")
        .fetch_optional(records.reader())
        .await?;
    let Some(row) = row else { return Ok((0, Timestamp::from_millis(0))) };
    let failures: i64 = row.try_get(0)?;
    Ok((u32::try_from(failures).unwrap_or(u32::MAX), Timestamp::from_millis(row.try_get(1)?)))
}

/// Keeps that one more has failed; nothing is to be shown any more.
pub(super) async fn keep_failures(records: &Database, failures: u32, next_order_at: Timestamp) -> Result<(), SqlError> {
    let mut tx = records.write().await?;
    sqlx::query(
        "INSERT INTO tls_failures (id, failures, next_order_at_ms) VALUES (1, $1, $2) \
         ON CONFLICT (id) DO UPDATE SET failures = excluded.failures, next_order_at_ms = excluded.next_order_at_ms",
    )
    .bind(i64::from(failures))
    .bind(next_order_at.as_millis())
    .execute(tx.conn())
    .await?;
    sqlx::query("DELETE FROM tls_challenges").execute(tx.conn()).await?;
    tx.commit().await
}
