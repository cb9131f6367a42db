//! The PostgreSQL database that is filled.

use bytes::Bytes;
use futures_util::TryStreamExt;
use ports::sqlx::{self, AssertSqlSafe, PgConnection, Row};

use super::{
    MoveError, Sum,
    catalog::{self, Column, Table, quote},
    row::{self, Kind, Rows},
};
use crate::sql::Ownership;

pub(super) struct Target {
    pub(super) connection: PgConnection,
}

/// Columns of all tables: their types, their places in the primary key, and whether the engine counts them.
const COLUMNS: &str = "SELECT CAST(c.relname AS TEXT), CAST(a.attname AS TEXT), format_type(a.atttypid, NULL), \
       CAST(array_position(CAST(i.indkey AS int2[]), a.attnum) AS int4), \
       pg_get_serial_sequence(quote_ident(n.nspname) || '.' || quote_ident(c.relname), a.attname) IS NOT NULL \
     FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace \
     JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
     LEFT JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisprimary \
     WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') ORDER BY c.relname, a.attnum";
const REFERENCES: &str = "SELECT CAST(w.relname AS TEXT), CAST(t.relname AS TEXT) FROM pg_constraint AS f \
     JOIN pg_class AS w ON w.oid = f.conrelid JOIN pg_class AS t ON t.oid = f.confrelid \
     JOIN pg_namespace AS n ON n.oid = w.relnamespace WHERE f.contype = 'f' AND n.nspname = current_schema()";

impl Target {
    /// Opens it. Long statements are expected, whatever the server's own limit is; and batches need not wait for the disk,
    /// because the word that ends the move does, and everything before it.
    pub(super) async fn open(ownership: &Ownership) -> Result<Self, MoveError> {
        let mut connection = ownership.connection().await?;
        let encoding: String = sqlx::query_scalar("SHOW server_encoding").fetch_one(&mut connection).await?;
        if encoding != "UTF8" {
            return Err(MoveError::Encoding(encoding));
        }
        sqlx::raw_sql("SET statement_timeout TO 0; SET synchronous_commit TO off").execute(&mut connection).await?;
        Ok(Self { connection })
    }

    /// Its tables, but for the engine's own.
    pub(super) async fn tables(&mut self) -> Result<Vec<Table>, MoveError> {
        let mut tables: Vec<Table> = Vec::new();
        for row in sqlx::query(COLUMNS).fetch_all(&mut self.connection).await? {
            let (table, name, kind): (String, String, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            if catalog::is_own(&table) {
                continue;
            }
            let kind = Kind::of(&kind).ok_or_else(|| {
                MoveError::Schema(format!("nobody has said how SQLite keeps the type {kind} of {table}.{name}"))
            })?;
            let column = Column { name, kind, in_key: row.try_get(3)?, is_identity: row.try_get(4)? };
            match tables.last_mut().filter(|last| last.name == table) {
                Some(last) => last.columns.push(column),
                None => tables.push(Table { name: table, columns: vec![column] }),
            }
        }
        Ok(tables)
    }

    /// Who refers to whom.
    pub(super) async fn references(&mut self) -> Result<Vec<(String, String)>, MoveError> {
        Ok(sqlx::query_as(REFERENCES).fetch_all(&mut self.connection).await?)
    }

    /// A table that holds rows, whoever made it.
    pub(super) async fn occupied(&mut self) -> Result<Option<String>, MoveError> {
        let names: Vec<String> = sqlx::query_scalar(
            "SELECT CAST(relname AS TEXT) FROM pg_class WHERE relnamespace = CAST(current_schema() AS regnamespace) \
             AND relkind IN ('r', 'p') ORDER BY relname",
        )
        .fetch_all(&mut self.connection)
        .await?;
        for name in names.into_iter().filter(|name| !catalog::is_own(name)) {
            let query = AssertSqlSafe(format!("SELECT EXISTS (SELECT 1 FROM {})", quote(&name)));
            if sqlx::query_scalar(query).fetch_one(&mut self.connection).await? {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// Removes the rows of these tables.
    pub(super) async fn empty(&mut self, tables: &[(usize, Table)]) -> Result<(), MoveError> {
        let names: Vec<String> = tables.iter().map(|(_, table)| quote(&table.name)).collect();
        let text = AssertSqlSafe(format!("TRUNCATE {}", names.join(", ")));
        sqlx::raw_sql(text).execute(&mut self.connection).await?;
        Ok(())
    }

    /// Keeps these rows, in their binary form, or none of them.
    pub(super) async fn take(&mut self, table: &Table, rows: &[u8]) -> Result<(), MoveError> {
        let text = format!("COPY {} ({}) FROM STDIN (FORMAT binary)", quote(&table.name), table.list());
        let mut copy = self.connection.copy_in_raw(&text).await?;
        for part in [row::HEAD, rows, row::END] {
            copy.send(part).await?;
        }
        copy.finish().await?;
        Ok(())
    }

    /// The key of the last row there is, in the order in which SQLite compares.
    pub(super) async fn last_key(&mut self, table: &Table) -> Result<Option<Vec<Option<Bytes>>>, MoveError> {
        let key = table.key();
        let names = key.iter().map(|column| quote(&column.name)).collect::<Vec<_>>().join(", ");
        let falling = key.iter().map(|column| match column.kind {
            Kind::Text => format!("{} COLLATE \"C\" DESC", quote(&column.name)),
            _ => format!("{} DESC", quote(&column.name)),
        });
        let order = falling.collect::<Vec<_>>().join(", ");
        let from = format!("(SELECT {names} FROM {} ORDER BY {order} LIMIT 1)", quote(&table.name));
        let mut last = None;
        self.read(&from, |row| last = row::fields(row)).await?;
        Ok(last)
    }

    /// The sum of all rows.
    pub(super) async fn sum(&mut self, table: &Table) -> Result<Sum, MoveError> {
        let mut sum = Sum::default();
        self.read(&format!("{} ({})", quote(&table.name), table.list()), |row| sum.add(&row)).await?;
        Ok(sum)
    }

    /// Lets the engine count on behind `last`, where it counts a column of the table.
    pub(super) async fn count_on(&mut self, table: &Table, last: Option<i64>) -> Result<(), MoveError> {
        let counted = table.columns.iter().find(|column| column.is_identity);
        let (Some(column), Some(last)) = (counted, last) else { return Ok(()) };
        sqlx::query("SELECT setval(pg_get_serial_sequence($1, $2), $3)")
            .bind(quote(&table.name))
            .bind(&column.name)
            .bind(last)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// Lets the engine know what it holds, so that its first plans are good ones.
    pub(super) async fn analyze(&mut self) -> Result<(), MoveError> {
        sqlx::raw_sql("ANALYZE").execute(&mut self.connection).await?;
        Ok(())
    }

    async fn read(&mut self, from: &str, mut take: impl FnMut(Bytes)) -> Result<(), MoveError> {
        let text = format!("COPY {from} TO STDOUT (FORMAT binary)");
        let broken = |_| MoveError::Schema(format!("what the target tells of {from} cannot be read"));
        let mut stream = self.connection.copy_out_raw(&text).await?;
        let mut rows = Rows::default();
        while let Some(piece) = stream.try_next().await? {
            rows.push(&piece);
            while let Some(row) = rows.next().map_err(broken)? {
                take(row);
            }
        }
        if rows.has_ended() { Ok(()) } else { Err(MoveError::Schema(format!("the target stopped telling of {from}"))) }
    }
}
