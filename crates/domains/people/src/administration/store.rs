//! The first administrator's link in SQL: one row.

use kernel::{AccountId, Timestamp};
use ports::{
    sql::{AnyConnection, Migration, SqlError},
    sqlx,
};

use crate::{
    accounts::{self, Account, Handle},
    tokens::TokenHash,
};

/// The link: at most one row; `claimed_by` says that there is an administrator.
pub const MIGRATION: Migration = Migration {
    version: 2026_11_23_12,
    name: "administrator link",
    sql: "CREATE TABLE administrator_link (
        id BIGINT PRIMARY KEY CHECK (id = 1),
        token_hash {bytes} NOT NULL,
        claimed_by BIGINT REFERENCES accounts (id),
        claimed_at_ms BIGINT
    )",
};

/// Replaces the link's token; `false` when it has been claimed.
pub(super) async fn replace_token(conn: &mut AnyConnection, token: &TokenHash) -> Result<bool, SqlError> {
    let replaced = sqlx::query(
        "INSERT INTO administrator_link (id, token_hash) VALUES (1, $1) \
         ON CONFLICT (id) DO UPDATE SET token_hash = excluded.token_hash WHERE administrator_link.claimed_by IS NULL",
    )
    .bind(token.bytes())
    .execute(conn)
    .await?;
    Ok(replaced.rows_affected() == 1)
}

/// Claims the link; `false` when the token is not its own or it has been claimed.
pub(super) async fn claim(
    conn: &mut AnyConnection,
    token: &TokenHash,
    account: AccountId,
    now: Timestamp,
) -> Result<bool, SqlError> {
    let claimed = sqlx::query(
        "UPDATE administrator_link SET claimed_by = $1, claimed_at_ms = $2 \
         WHERE id = 1 AND token_hash = $3 AND claimed_by IS NULL",
    )
    .bind(account.raw())
    .bind(now.as_millis())
    .bind(token.bytes())
    .execute(conn)
    .await?;
    Ok(claimed.rows_affected() == 1)
}

/// Ends the link without its token, because `account` became administrator another way.
pub(super) async fn close(conn: &mut AnyConnection, account: AccountId, now: Timestamp) -> Result<(), SqlError> {
    sqlx::query(
        "INSERT INTO administrator_link (id, token_hash, claimed_by, claimed_at_ms) VALUES (1, $1, $2, $3) \
         ON CONFLICT (id) DO UPDATE SET claimed_by = excluded.claimed_by, claimed_at_ms = excluded.claimed_at_ms \
         WHERE administrator_link.claimed_by IS NULL",
    )
    .bind(Vec::<u8>::new())
    .bind(account.raw())
    .bind(now.as_millis())
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives an account the administrator's grant; none when there is no such account.
pub(super) async fn grant(conn: &mut AnyConnection, account: AccountId) -> Result<Option<Account>, SqlError> {
    let row = sqlx::query(
        "UPDATE accounts SET admin = 1 WHERE id = $1 RETURNING id, handle, display_name, bio, admin, created_at_ms",
    )
    .bind(account.raw())
    .fetch_optional(conn)
    .await?;
    row.as_ref().map(accounts::store::account).transpose()
}

/// The same by handle.
pub(super) async fn grant_by_handle(conn: &mut AnyConnection, handle: &Handle) -> Result<Option<Account>, SqlError> {
    let row = sqlx::query(
        "UPDATE accounts SET admin = 1 WHERE handle = $1 RETURNING id, handle, display_name, bio, admin, created_at_ms",
    )
    .bind(handle.as_str())
    .fetch_optional(conn)
    .await?;
    row.as_ref().map(accounts::store::account).transpose()
}
