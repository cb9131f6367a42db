//! Blocked words in SQL.

use kernel::{AccountId, BlockedWordId, Timestamp, limits};
use ports::sql::{Database, Migration, SqlError, WriteTx};
use ports::sqlx::{self, Row as _, any::AnyRow};

use super::model::{BlockedWord, Consequence};

/// The table of words. Those of the site have the host 0.
pub const MIGRATION: Migration = Migration {
    version: 2026_11_26_75,
    name: "chat blocked words",
    sql: "CREATE TABLE chat_blocked_words (
            id BIGINT PRIMARY KEY,
            host BIGINT NOT NULL,
            word TEXT NOT NULL,
            folded TEXT NOT NULL,
            consequence TEXT NOT NULL,
            by_account BIGINT NOT NULL,
            at_ms BIGINT NOT NULL,
            UNIQUE (host, folded)
          );",
};

/// Whose words: a channel's, or the site's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Channel(AccountId),
    Site,
}

impl Scope {
    fn raw(self) -> i64 {
        match self {
            Self::Channel(host) => host.raw(),
            Self::Site => 0,
        }
    }
}

/// Blocks a word, or gives one that matches the same texts another consequence; `None` when as many as fit are there.
pub(super) async fn put(
    tx: &mut WriteTx,
    scope: Scope,
    word: &BlockedWord,
    folded: &str,
    by: AccountId,
) -> Result<Option<BlockedWord>, SqlError> {
    let row = sqlx::query(
        "INSERT INTO chat_blocked_words (id, host, word, folded, consequence, by_account, at_ms) \
         SELECT $1, $2, $3, $4, $5, $6, $7 \
         WHERE (SELECT COUNT(*) FROM chat_blocked_words WHERE host = $2 AND folded <> $4) < $8 \
         ON CONFLICT (host, folded) DO UPDATE SET word = excluded.word, consequence = excluded.consequence, \
           by_account = excluded.by_account, at_ms = excluded.at_ms \
         RETURNING id, word, consequence, at_ms",
    )
    .bind(word.id.raw())
    .bind(scope.raw())
    .bind(&word.word)
    .bind(folded)
    .bind(word.consequence.word())
    .bind(by.raw())
    .bind(word.at.as_millis())
    .bind(limits::BLOCKED_WORDS as i64)
    .fetch_optional(tx.conn())
    .await?;
    row.as_ref().map(blocked).transpose()
}

/// Unblocks a word, and tells which it was.
pub(super) async fn delete(tx: &mut WriteTx, scope: Scope, id: BlockedWordId) -> Result<Option<String>, SqlError> {
    let row = sqlx::query("DELETE FROM chat_blocked_words WHERE host = $1 AND id = $2 RETURNING word")
        .bind(scope.raw())
        .bind(id.raw())
        .fetch_optional(tx.conn())
        .await?;
    row.map(|row| row.try_get(0)).transpose()
}

/// The words behind the id `after`.
pub(super) async fn page(
    database: &Database,
    scope: Scope,
    after: Option<BlockedWordId>,
    limit: u32,
) -> Result<Vec<BlockedWord>, SqlError> {
    let rows = sqlx::query(
        "SELECT id, word, consequence, at_ms FROM chat_blocked_words WHERE host = $1 AND id > $2 ORDER BY id LIMIT $3",
    )
    .bind(scope.raw())
    .bind(after.map_or(0, BlockedWordId::raw))
    .bind(i64::from(limit))
    .fetch_all(database.reader())
    .await?;
    rows.iter().map(blocked).collect()
}

/// All words that hold in a channel: its own and those of the site.
pub(crate) async fn matching(database: &Database, host: AccountId) -> Result<Vec<(String, Consequence)>, SqlError> {
    let rows = sqlx::query(
        "SELECT id, word, consequence, at_ms FROM chat_blocked_words WHERE host = $1 OR host = 0 ORDER BY id",
    )
    .bind(host.raw())
    .fetch_all(database.reader())
    .await?;
    rows.iter().map(|row| blocked(row).map(|word| (word.word, word.consequence))).collect()
}

fn blocked(row: &AnyRow) -> Result<BlockedWord, SqlError> {
    let consequence: String = row.try_get(2)?;
    let unknown = || SqlError::Decode(format!("{consequence:?} is no consequence").into());
    Ok(BlockedWord {
        id: BlockedWordId::from_raw(row.try_get(0)?),
        word: row.try_get(1)?,
        consequence: Consequence::of(&consequence).ok_or_else(unknown)?,
        at: Timestamp::from_millis(row.try_get(3)?),
    })
}
