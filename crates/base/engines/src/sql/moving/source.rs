//! A SQLite file, opened for reading alone.

use std::{collections::BTreeMap, collections::BTreeSet, path::PathBuf};

use bytes::Bytes;
use futures_util::TryStreamExt;
use ports::sql::{Migration, SqlError};
use ports::sqlx::{
    self, AssertSqlSafe, ConnectOptions as _, Connection as _, Row,
    sqlite::{Sqlite, SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteRow},
};

use super::{
    MoveError, SourceFile, Sum,
    catalog::{self, Table, quote},
    row::{self, Kind},
};

pub(super) struct Source {
    path: PathBuf,
    connection: SqliteConnection,
}

type Query<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

impl Source {
    /// Opens the file, which must have exactly this schema.
    pub(super) async fn open(file: &SourceFile) -> Result<Self, MoveError> {
        let failed = |source| MoveError::Source { path: file.path.clone(), source };
        // Statements over whole tables are expected to take long.
        let options = SqliteConnectOptions::new().filename(&file.path).read_only(true).disable_statement_logging();
        let connection = SqliteConnection::connect_with(&options).await.map_err(failed)?;
        let mut source = Self { path: file.path.clone(), connection };
        source.check_version(&file.migrations).await?;
        Ok(source)
    }

    async fn check_version(&mut self, migrations: &[Migration]) -> Result<(), MoveError> {
        let query = sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success");
        let kept: BTreeSet<i64> =
            query.fetch_all(&mut self.connection).await.map_err(|e| self.failed(e))?.into_iter().collect();
        let known: BTreeSet<i64> = migrations.iter().map(|step| step.version).collect();
        let version = |which, what| Err(MoveError::Version { path: self.path.clone(), which, what });
        if !kept.is_subset(&known) {
            return version("a newer", "move it with that version");
        }
        if kept != known {
            return version("an older", "bring it up to date with `madang migrate` first");
        }
        Ok(())
    }

    /// What no other file has: when, and how fast, its first table was made.
    async fn birth(&mut self) -> Result<String, MoveError> {
        let query = sqlx::query(
            "SELECT version, CAST(installed_on AS TEXT), execution_time FROM _sqlx_migrations ORDER BY version LIMIT 1",
        );
        let row = query.fetch_one(&mut self.connection).await;
        let told = row.and_then(|row| {
            let (version, on, took): (i64, String, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            Ok(format!("{version} {on} {took}"))
        });
        told.map_err(|error| self.failed(error))
    }

    /// The tables, each with its columns.
    pub(super) async fn tables(&mut self) -> Result<BTreeMap<String, BTreeSet<String>>, MoveError> {
        let query = sqlx::query_as(
            "SELECT m.name, p.name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS p \
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
        );
        let rows: Vec<(String, String)> =
            query.fetch_all(&mut self.connection).await.map_err(|error| self.failed(error))?;
        let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (table, column) in rows.into_iter().filter(|(table, _)| !catalog::is_own(table)) {
            tables.entry(table).or_default().insert(column);
        }
        Ok(tables)
    }

    /// The highest number that was given to a row, also to one that is gone.
    pub(super) async fn last_identity(&mut self, table: &Table) -> Result<Option<i64>, MoveError> {
        if !table.columns.iter().any(|column| column.is_identity) {
            return Ok(None);
        }
        // SQLite's own table, which counts on when rows go. Without any row ever there is none, or a zero.
        sqlx::query_scalar("SELECT MAX(seq) FROM sqlite_sequence WHERE name = $1 AND seq > 0")
            .bind(&table.name)
            .fetch_one(&mut self.connection)
            .await
            .map_err(|error| self.failed(error))
    }

    pub(super) async fn count(&mut self, table: &Table) -> Result<u64, MoveError> {
        let query = AssertSqlSafe(format!("SELECT COUNT(*) FROM {}", quote(&table.name)));
        let count: i64 =
            sqlx::query_scalar(query).fetch_one(&mut self.connection).await.map_err(|error| self.failed(error))?;
        Ok(count.unsigned_abs())
    }

    /// The sum of all rows.
    pub(super) async fn sum(&mut self, table: &Table) -> Result<Sum, MoveError> {
        let text = format!("SELECT {} FROM {}", table.list(), quote(&table.name));
        let mut sum = Sum::default();
        let path = self.path.clone();
        let mut rows = sqlx::query(AssertSqlSafe(text)).fetch(&mut self.connection);
        let (kinds, mut form) = (table.kinds(), Vec::new());
        while let Some(row) =
            rows.try_next().await.map_err(|source| MoveError::Source { path: path.clone(), source })?
        {
            form.clear();
            encode(table, &kinds, &row, &mut form)?;
            sum.add(&form);
        }
        Ok(sum)
    }

    /// Gives every row behind `after` (the values of the key's columns) to `take`, in the order of the key.
    pub(super) async fn rows(
        &mut self,
        table: &Table,
        after: Option<Vec<Option<Bytes>>>,
        mut take: impl AsyncFnMut(Vec<u8>) -> Result<(), MoveError>,
    ) -> Result<(), MoveError> {
        let key = table.key();
        let names = key.iter().map(|column| quote(&column.name)).collect::<Vec<_>>().join(", ");
        let mut text = format!("SELECT {} FROM {}", table.list(), quote(&table.name));
        if after.is_some() {
            let places: Vec<String> = (1..=key.len()).map(|place| format!("${place}")).collect();
            text += &format!(" WHERE ({names}) > ({})", places.join(", "));
        }
        text += &format!(" ORDER BY {names}");
        let mut query = sqlx::query(AssertSqlSafe(text));
        for (column, value) in key.iter().zip(after.iter().flatten()) {
            query = bind(query, column.kind, value.as_ref()).ok_or_else(|| {
                MoveError::Schema(format!("the key {}.{} cannot be compared", table.name, column.name))
            })?;
        }
        let path = self.path.clone();
        let mut rows = query.fetch(&mut self.connection);
        let kinds = table.kinds();
        while let Some(row) =
            rows.try_next().await.map_err(|source| MoveError::Source { path: path.clone(), source })?
        {
            let mut form = Vec::new();
            encode(table, &kinds, &row, &mut form)?;
            take(form).await?;
        }
        Ok(())
    }

    fn failed(&self, source: SqlError) -> MoveError {
        MoveError::Source { path: self.path.clone(), source }
    }
}

/// What tells this site from others, also after its files were copied elsewhere.
pub(super) async fn site(sources: &mut [Source]) -> Result<String, MoveError> {
    let mut births = Vec::with_capacity(sources.len());
    for source in sources {
        births.push(source.birth().await?);
    }
    Ok(births.join(", "))
}

fn encode(table: &Table, kinds: &[Kind], row: &SqliteRow, form: &mut Vec<u8>) -> Result<(), MoveError> {
    row::encode(row, kinds, form).map_err(|(place, reason)| MoveError::Value {
        table: table.name.clone(),
        column: table.columns.get(place).map(|column| column.name.clone()).unwrap_or_default(),
        reason,
        row: named(table, row),
    })
}

/// A row by its key, for people.
fn named(table: &Table, row: &SqliteRow) -> String {
    let value = |name: &str| {
        let number = row.try_get_unchecked::<i64, _>(name).map(|number| number.to_string());
        match row.try_get::<String, _>(name) {
            Ok(text) => format!("{name} {text:?}"),
            Err(_) => format!("{name} {}", number.unwrap_or_default()),
        }
    };
    table.key().iter().map(|column| value(&column.name)).collect::<Vec<_>>().join(", ")
}

/// Binds a value that has PostgreSQL's binary form; none when it has not.
fn bind<'q>(query: Query<'q>, kind: Kind, value: Option<&Bytes>) -> Option<Query<'q>> {
    let value = value?;
    Some(match kind {
        Kind::Bool => query.bind(i64::from(*value.first()?)),
        Kind::Int2 => query.bind(i64::from(i16::from_be_bytes(value[..].try_into().ok()?))),
        Kind::Int4 => query.bind(i64::from(i32::from_be_bytes(value[..].try_into().ok()?))),
        Kind::Int8 => query.bind(i64::from_be_bytes(value[..].try_into().ok()?)),
        Kind::Float4 => query.bind(f64::from(f32::from_be_bytes(value[..].try_into().ok()?))),
        Kind::Float8 => query.bind(f64::from_be_bytes(value[..].try_into().ok()?)),
        Kind::Text => query.bind(std::str::from_utf8(value).ok()?.to_owned()),
        Kind::Bytes => query.bind(value.to_vec()),
    })
}
