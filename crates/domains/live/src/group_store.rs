//! Groups of counts, written exactly once.
//!
//! Promise: a group that is tried again after an error is not added twice, also when the error hid a commit that had
//! succeeded: each group has a number, and the transaction that keeps it moves the writer's mark to that number.

use kernel::Timestamp;
use ports::sql::{Database, Migration, SqlError, WriteTx};
use ports::sqlx;

/// The table of the writers' marks.
pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
    version: 2026_11_23_31,
    name: "marks of kept groups",
    sql: "CREATE TABLE kept_groups (
            writer BIGINT NOT NULL,
            lane TEXT NOT NULL,
            number BIGINT NOT NULL,
            at_ms BIGINT NOT NULL,
            PRIMARY KEY (writer, lane)
          );",
}];

/// Rows in one statement; 4 columns of them stay far below what both engines bind at once.
pub(crate) const ROWS_PER_STATEMENT: usize = 500;
/// A process that has written nothing for so long is gone, and its mark with it.
const MARK_KEPT_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// One writer's lane of groups. `writer` is never used again by another process.
#[derive(Debug)]
pub(crate) struct Groups {
    database: Database,
    writer: i64,
    lane: &'static str,
}

impl Groups {
    /// A fresh lane; the marks of writers that are gone are dropped.
    pub(crate) async fn open(
        database: Database,
        writer: i64,
        lane: &'static str,
        now: Timestamp,
    ) -> Result<Self, SqlError> {
        let mut tx = database.write().await?;
        sqlx::query("DELETE FROM kept_groups WHERE at_ms < $1")
            .bind(now.plus_millis(-MARK_KEPT_MS).as_millis())
            .execute(tx.conn())
            .await?;
        tx.commit().await?;
        Ok(Self { database, writer, lane })
    }

    /// Begins to write the group `number` (from 1, each larger than the one before). `None`: it is kept already.
    pub(crate) async fn begin(&self, number: i64, now: Timestamp) -> Result<Option<WriteTx>, SqlError> {
        let mut tx = self.database.write().await?;
        let marked = sqlx::query(
            "INSERT INTO kept_groups (writer, lane, number, at_ms) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (writer, lane) DO UPDATE SET number = excluded.number, at_ms = excluded.at_ms \
             WHERE kept_groups.number < excluded.number",
        )
        .bind(self.writer)
        .bind(self.lane)
        .bind(number)
        .bind(now.as_millis())
        .execute(tx.conn())
        .await?;
        Ok((marked.rows_affected() > 0).then_some(tx))
    }
}

/// `head VALUES ($1, $2), ($3, $4)… tail` for so many rows of so many columns.
pub(crate) fn rows_statement(head: &str, rows: usize, columns: usize, tail: &str) -> String {
    let mut text = String::with_capacity(head.len() + tail.len() + rows * (columns * 7 + 3) + 16);
    text.push_str(head);
    text.push_str(" VALUES ");
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 1..=columns {
            let separator = if column == 1 { "$" } else { ", $" };
            text.push_str(separator);
            text.push_str(&(row * columns + column).to_string());
        }
        text.push(')');
    }
    text.push(' ');
    text.push_str(tail);
    text
}

/// Runs [`rows_statement`] over all `rows`, some at a time; returns how many rows it touched.
pub(crate) async fn write_rows<const COLUMNS: usize>(
    tx: &mut WriteTx,
    head: &str,
    rows: &[[i64; COLUMNS]],
    tail: &str,
) -> Result<u64, SqlError> {
    let mut touched = 0;
    for some in rows.chunks(ROWS_PER_STATEMENT) {
        let text = rows_statement(head, some.len(), COLUMNS, tail);
        let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
        for value in some.as_flattened() {
            query = query.bind(*value);
        }
        touched += query.execute(tx.conn()).await?.rows_affected();
    }
    Ok(touched)
}

/// `head ($1, $2, …)` for so many ids.
pub(crate) fn ids_statement(head: &str, ids: usize) -> String {
    let places: Vec<String> = (1..=ids).map(|place| format!("${place}")).collect();
    format!("{head} ({})", places.join(", "))
}

#[cfg(test)]
mod tests {
    use engines::testing::databases;

    use super::*;

    #[tokio::test]
    async fn a_group_that_was_kept_is_not_begun_again() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        for db in databases(&[MIGRATIONS]).await {
            let groups = Groups::open(db.database.clone(), 7, "hearts", now).await.unwrap();
            groups.begin(1, now).await.unwrap().expect("the first try").commit().await.unwrap();
            assert!(groups.begin(1, now).await.unwrap().is_none(), "{}: the same group again", db.engine);
            drop(groups.begin(2, now).await.unwrap().expect("the next group"));
            assert!(groups.begin(2, now).await.unwrap().is_some(), "{}: it was rolled back", db.engine);
            let other = Groups::open(db.database.clone(), 7, "viewers", now).await.unwrap();
            assert!(other.begin(1, now).await.unwrap().is_some(), "{}: another lane", db.engine);
        }
    }

    #[test]
    fn statements_number_their_places() {
        assert_eq!(
            rows_statement("INSERT INTO t (a, b)", 2, 2, "x"),
            "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4) x"
        );
        assert_eq!(ids_statement("id IN", 3), "id IN ($1, $2, $3)");
    }
}
