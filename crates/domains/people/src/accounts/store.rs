//! Accounts in SQL.

use std::collections::HashMap;

use kernel::{AccountId, Timestamp};
use ports::{
    sql::{AnyConnection, AnyPool, Migration, Row, SqlError},
    sqlx::{self, AssertSqlSafe, any::AnyRow},
};

use super::{Account, Bio, DisplayName, Handle, Name};

/// The table of accounts.
pub const MIGRATION: Migration = Migration {
    version: 2026_11_23_10,
    name: "accounts",
    sql: "CREATE TABLE accounts (
        id BIGINT PRIMARY KEY,
        handle TEXT NOT NULL UNIQUE CHECK (handle = LOWER(handle)),
        display_name TEXT NOT NULL,
        bio TEXT NOT NULL,
        password_hash TEXT NOT NULL,
        admin BIGINT NOT NULL CHECK (admin IN (0, 1)),
        created_at_ms BIGINT NOT NULL,
        signed_in_at_ms BIGINT NOT NULL
    )",
};

/// Names looked up in one statement; PostgreSQL takes 65,535 parameters, SQLite 32,766.
const NAMES_AT_ONCE: usize = 500;

/// Puts a new account in; `false` when its handle is taken.
pub(crate) async fn insert(conn: &mut AnyConnection, account: &Account, password_hash: &str) -> Result<bool, SqlError> {
    let inserted = sqlx::query(
        "INSERT INTO accounts (id, handle, display_name, bio, password_hash, admin, created_at_ms, signed_in_at_ms) \
         VALUES ($1, $2, $3, $4, $5, 0, $6, $6) ON CONFLICT (handle) DO NOTHING",
    )
    .bind(account.id.raw())
    .bind(&account.handle)
    .bind(&account.display_name)
    .bind(&account.bio)
    .bind(password_hash)
    .bind(account.created_at.as_millis())
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected() > 0)
}

pub(crate) async fn by_id(pool: &AnyPool, id: AccountId) -> Result<Option<Account>, SqlError> {
    let row = sqlx::query("SELECT id, handle, display_name, bio, admin, created_at_ms FROM accounts WHERE id = $1")
        .bind(id.raw())
        .fetch_optional(pool)
        .await?;
    row.as_ref().map(account).transpose()
}

pub(crate) async fn by_handle(pool: &AnyPool, handle: &Handle) -> Result<Option<Account>, SqlError> {
    let row = sqlx::query("SELECT id, handle, display_name, bio, admin, created_at_ms FROM accounts WHERE handle = $1")
        .bind(handle.as_str())
        .fetch_optional(pool)
        .await?;
    row.as_ref().map(account).transpose()
}

/// Changes what is given; none when there is no such account.
pub(crate) async fn update(
    conn: &mut AnyConnection,
    id: AccountId,
    display_name: Option<DisplayName>,
    bio: Option<Bio>,
) -> Result<Option<Account>, SqlError> {
    let row = sqlx::query(
        "UPDATE accounts SET display_name = COALESCE($2, display_name), bio = COALESCE($3, bio) WHERE id = $1 \
         RETURNING id, handle, display_name, bio, admin, created_at_ms",
    )
    .bind(id.raw())
    .bind(display_name.map(DisplayName::into_string))
    .bind(bio.map(Bio::into_string))
    .fetch_optional(conn)
    .await?;
    row.as_ref().map(account).transpose()
}

pub(crate) async fn names(pool: &AnyPool, ids: &[AccountId]) -> Result<HashMap<AccountId, Name>, SqlError> {
    let mut names = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(NAMES_AT_ONCE) {
        let places: Vec<String> = (1..=ids.len()).map(|place| format!("${place}")).collect();
        let select = format!("SELECT id, handle, display_name FROM accounts WHERE id IN ({})", places.join(", "));
        let mut query = sqlx::query(AssertSqlSafe(select));
        for id in ids {
            query = query.bind(id.raw());
        }
        for row in query.fetch_all(pool).await? {
            let name = Name { handle: row.try_get(1)?, display_name: row.try_get(2)? };
            names.insert(AccountId::from_raw(row.try_get(0)?), name);
        }
    }
    Ok(names)
}

/// Reads `id, handle, display_name, bio, admin, created_at_ms`.
pub(crate) fn account(row: &AnyRow) -> Result<Account, SqlError> {
    Ok(Account {
        id: AccountId::from_raw(row.try_get(0)?),
        handle: row.try_get(1)?,
        display_name: row.try_get(2)?,
        bio: row.try_get(3)?,
        admin: row.try_get::<i64, _>(4)? != 0,
        created_at: Timestamp::from_millis(row.try_get(5)?),
    })
}
