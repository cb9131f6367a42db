//! Sessions in SQL.

use kernel::{AccountId, Identity, SessionId, Timestamp, ids::snowflake_time};
use ports::{
    sql::{AnyConnection, AnyPool, Dialect, Migration, Row, SqlError},
    sqlx::{self, AssertSqlSafe, any::AnyRow},
};

use super::{Device, OpenSession, model::Session};
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

/// What sessions were begun with; and that some of an account's have ended, for those who have connections of it.
pub const ENDS_MIGRATION: Migration = Migration {
    version: 2026_11_28_50,
    name: "devices of sessions, and ends of sessions",
    sql: "ALTER TABLE sessions ADD COLUMN device TEXT NOT NULL DEFAULT '';
    CREATE TABLE session_ends (
        id {identity},
        account_id BIGINT NOT NULL,
        at_ms BIGINT NOT NULL
    );
    CREATE INDEX session_ends_by_time ON session_ends (at_ms)",
};

pub(super) async fn insert(
    conn: &mut AnyConnection,
    session: &Session,
    device: &Device,
    token: &TokenHash,
) -> Result<(), SqlError> {
    sqlx::query(
        "INSERT INTO sessions (id, account_id, token_hash, used_at_ms, expires_at_ms, device) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(session.id.raw())
    .bind(session.account.raw())
    .bind(token.bytes())
    .bind(session.used_at.as_millis())
    .bind(session.expires_at.as_millis())
    .bind(device.as_str())
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends the sessions of an account but the `keep` that were used last; how many ended.
pub(super) async fn delete_surplus(conn: &mut AnyConnection, account: AccountId, keep: u32) -> Result<u64, SqlError> {
    let ended = sqlx::query(
        "DELETE FROM sessions WHERE account_id = $1 AND id NOT IN \
         (SELECT id FROM sessions WHERE account_id = $1 ORDER BY used_at_ms DESC, id DESC LIMIT $2)",
    )
    .bind(account.raw())
    .bind(i64::from(keep))
    .execute(conn)
    .await?;
    Ok(ended.rows_affected())
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

/// Ends a session; whose it was.
pub(super) async fn delete(conn: &mut AnyConnection, token: &TokenHash) -> Result<Option<AccountId>, SqlError> {
    let account: Option<i64> = sqlx::query_scalar("DELETE FROM sessions WHERE token_hash = $1 RETURNING account_id")
        .bind(token.bytes())
        .fetch_optional(conn)
        .await?;
    Ok(account.map(AccountId::from_raw))
}

/// Ends one session of an account, or all; how many there were.
pub(super) async fn end(
    conn: &mut AnyConnection,
    account: AccountId,
    session: Option<SessionId>,
) -> Result<u64, SqlError> {
    let ended = match session {
        Some(session) => {
            let one = sqlx::query("DELETE FROM sessions WHERE account_id = $1 AND id = $2");
            one.bind(account.raw()).bind(session.raw()).execute(conn).await?
        }
        None => sqlx::query("DELETE FROM sessions WHERE account_id = $1").bind(account.raw()).execute(conn).await?,
    };
    Ok(ended.rows_affected())
}

/// Lets other processes know that sessions of an account have ended, by the database's clock.
pub(super) async fn tell_of_end(
    conn: &mut AnyConnection,
    dialect: Dialect,
    account: AccountId,
) -> Result<(), SqlError> {
    let text = format!("INSERT INTO session_ends (account_id, at_ms) VALUES ($1, {})", dialect.now_ms());
    sqlx::query(AssertSqlSafe(text)).bind(account.raw()).execute(conn).await?;
    Ok(())
}

/// Accounts of which sessions ended in the last so many milliseconds.
pub(super) async fn ended_lately(pool: &AnyPool, dialect: Dialect, within_ms: i64) -> Result<Vec<AccountId>, SqlError> {
    let text = format!("SELECT DISTINCT account_id FROM session_ends WHERE at_ms > {} - $1", dialect.now_ms());
    let accounts: Vec<i64> = sqlx::query_scalar(AssertSqlSafe(text)).bind(within_ms).fetch_all(pool).await?;
    Ok(accounts.into_iter().map(AccountId::from_raw).collect())
}

/// Forgets the ends before the last so many milliseconds.
pub(super) async fn forget_ends(conn: &mut AnyConnection, dialect: Dialect, within_ms: i64) -> Result<(), SqlError> {
    let text = format!("DELETE FROM session_ends WHERE at_ms <= {} - $1", dialect.now_ms());
    sqlx::query(AssertSqlSafe(text)).bind(within_ms).execute(conn).await?;
    Ok(())
}

/// The sessions of an account that are not over, the one used last first.
pub(super) async fn of_account(
    pool: &AnyPool,
    account: AccountId,
    now: Timestamp,
) -> Result<Vec<OpenSession>, SqlError> {
    let rows = sqlx::query(
        "SELECT id, device, used_at_ms FROM sessions WHERE account_id = $1 AND expires_at_ms > $2 \
         ORDER BY used_at_ms DESC, id DESC",
    )
    .bind(account.raw())
    .bind(now.as_millis())
    .fetch_all(pool)
    .await?;
    let read = |row: &AnyRow| {
        let id: i64 = row.try_get(0)?;
        Ok(OpenSession {
            id: SessionId::from_raw(id),
            device: row.try_get(1)?,
            began_at: snowflake_time(id),
            used_at: Timestamp::from_millis(row.try_get(2)?),
        })
    };
    rows.iter().map(read).collect()
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
