//! Sessions in SQL.

use kernel::{AccountId, Identity, SessionId, Timestamp};
use ports::{
    sql::{AnyConnection, AnyPool, Migration, Row, SqlError},
    sqlx,
};

use super::model::Session;
use crate::{
    accounts::{self, Account, Handle},
    tokens::TokenHash,
};

/// The table of sessions.
pub const MIGRATION: Migration = Migration {
    version: 2026_11_23_11,
    name: "sessions",
    sql: "CREATE TABLE sessions (
        id BIGINT PRIMARY KEY,
        account_id BIGINT NOT NULL REFERENCES accounts (id),
        token_hash {bytes} NOT NULL UNIQUE,
        used_at_ms BIGINT NOT NULL,
        expires_at_ms BIGINT NOT NULL
    );
    CREATE INDEX sessions_of_account ON sessions (account_id, used_at_ms);
    CREATE INDEX sessions_by_expiry ON sessions (expires_at_ms)",
};

pub(super) async fn insert(conn: &mut AnyConnection, session: &Session, token: &TokenHash) -> Result<(), SqlError> {
    sqlx::query(
        "INSERT INTO sessions (id, account_id, token_hash, used_at_ms, expires_at_ms) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(session.id.raw())
    .bind(session.account.raw())
    .bind(token.bytes())
    .bind(session.used_at.as_millis())
    .bind(session.expires_at.as_millis())
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends the sessions of an account but the `keep` that were used last.
pub(super) async fn delete_surplus(conn: &mut AnyConnection, account: AccountId, keep: u32) -> Result<(), SqlError> {
    sqlx::query(
        "DELETE FROM sessions WHERE account_id = $1 AND id NOT IN \
         (SELECT id FROM sessions WHERE account_id = $1 ORDER BY used_at_ms DESC, id DESC LIMIT $2)",
    )
    .bind(account.raw())
    .bind(i64::from(keep))
    .execute(conn)
    .await?;
    Ok(())
}

/// The session and its owner, unless it is over.
pub(super) async fn find(
    pool: &AnyPool,
    token: &TokenHash,
    now: Timestamp,
) -> Result<Option<(Session, Identity)>, SqlError> {
    let row = sqlx::query(
        "SELECT s.id, s.account_id, s.used_at_ms, s.expires_at_ms, a.handle, a.display_name, a.admin \
         FROM sessions s JOIN accounts a ON a.id = s.account_id WHERE s.token_hash = $1 AND s.expires_at_ms > $2",
    )
    .bind(token.bytes())
    .bind(now.as_millis())
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let session = Session {
        id: SessionId::from_raw(row.try_get(0)?),
        account: AccountId::from_raw(row.try_get(1)?),
        used_at: Timestamp::from_millis(row.try_get(2)?),
        expires_at: Timestamp::from_millis(row.try_get(3)?),
    };
    let identity = Identity {
        account: session.account,
        session: session.id,
        handle: row.try_get(4)?,
        display_name: row.try_get(5)?,
        admin: row.try_get::<i64, _>(6)? != 0,
    };
    Ok(Some((session, identity)))
}

/// Writes down that a session is in use; of several at once, one does it.
pub(super) async fn touch(
    conn: &mut AnyConnection,
    session: &Session,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), SqlError> {
    sqlx::query("UPDATE sessions SET used_at_ms = $1, expires_at_ms = $2 WHERE id = $3 AND used_at_ms = $4")
        .bind(now.as_millis())
        .bind(expires_at.as_millis())
        .bind(session.id.raw())
        .bind(session.used_at.as_millis())
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn delete(conn: &mut AnyConnection, token: &TokenHash) -> Result<(), SqlError> {
    sqlx::query("DELETE FROM sessions WHERE token_hash = $1").bind(token.bytes()).execute(conn).await?;
    Ok(())
}

pub(super) async fn delete_others(
    conn: &mut AnyConnection,
    account: AccountId,
    kept: SessionId,
) -> Result<(), SqlError> {
    sqlx::query("DELETE FROM sessions WHERE account_id = $1 AND id <> $2")
        .bind(account.raw())
        .bind(kept.raw())
        .execute(conn)
        .await?;
    Ok(())
}

/// Ends up to `limit` sessions that are over; how many there were.
pub(super) async fn delete_expired(conn: &mut AnyConnection, now: Timestamp, limit: u32) -> Result<u64, SqlError> {
    let deleted = sqlx::query(
        "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at_ms <= $1 ORDER BY expires_at_ms LIMIT $2)",
    )
    .bind(now.as_millis())
    .bind(i64::from(limit))
    .execute(conn)
    .await?;
    Ok(deleted.rows_affected())
}

/// The account with this handle and its password's hash.
pub(super) async fn credentials(pool: &AnyPool, handle: &Handle) -> Result<Option<(Account, String)>, SqlError> {
    let row = sqlx::query(
        "SELECT id, handle, display_name, bio, admin, created_at_ms, password_hash FROM accounts WHERE handle = $1",
    )
    .bind(handle.as_str())
    .fetch_optional(pool)
    .await?;
    row.map(|row| Ok((accounts::store::account(&row)?, row.try_get(6)?))).transpose()
}

pub(super) async fn password_hash(pool: &AnyPool, account: AccountId) -> Result<Option<String>, SqlError> {
    let row = sqlx::query("SELECT password_hash FROM accounts WHERE id = $1")
        .bind(account.raw())
        .fetch_optional(pool)
        .await?;
    row.map(|row| row.try_get(0)).transpose()
}

/// Marks that somebody signed in with the password of `hash`; `false` when it is not the password any more. It locks the
/// account's row, so a change of password comes wholly before or after.
pub(super) async fn sign_in(
    conn: &mut AnyConnection,
    account: AccountId,
    hash: &str,
    now: Timestamp,
) -> Result<bool, SqlError> {
    let marked = sqlx::query("UPDATE accounts SET signed_in_at_ms = $1 WHERE id = $2 AND password_hash = $3")
        .bind(now.as_millis())
        .bind(account.raw())
        .bind(hash)
        .execute(conn)
        .await?;
    Ok(marked.rows_affected() == 1)
}

/// Changes the password; `false` when `old` is not its hash any more.
pub(super) async fn change_password(
    conn: &mut AnyConnection,
    account: AccountId,
    old: &str,
    new: &str,
) -> Result<bool, SqlError> {
    let changed = sqlx::query("UPDATE accounts SET password_hash = $1 WHERE id = $2 AND password_hash = $3")
        .bind(new)
        .bind(account.raw())
        .bind(old)
        .execute(conn)
        .await?;
    Ok(changed.rows_affected() == 1)
}
