//! Moving a site's rows from SQLite files to a PostgreSQL database.
//!
//! Promise: when [`Move::run`] returns, every table of the files is in the database with the same rows, which was seen by
//! reading both sides again: the number of rows, and a sum over all columns of all rows. The files are opened for reading
//! alone. Nobody lists the tables: they are those of both catalogs, and a table or column that one side lacks ends the
//! move. Tables whose name begins with an underscore are an engine's own and stay where they are.
//!
//! A target that holds rows is refused, unless they come from an earlier move of the same site that was not finished:
//! then the copy goes on behind the last row of each table, and what turns out to differ in the end is copied anew. Until
//! the end the database says that it holds half a site (see [`unfinished`]).
//!
//! Memory is bounded: a batch of rows at a time ([`copying`]). Rows travel and are compared in PostgreSQL's own binary form
//! ([`row`]), whose types are those of the target's columns.
//!
//! May lose: nothing. A move that is killed leaves the target half full, and is run again.

mod catalog;
mod comparing;
mod copying;
mod error;
mod marker;
mod row;
mod source;
mod target;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use kernel::Timestamp;
use ports::sql::{Migration, migrate};

use super::Ownership;
use catalog::Table;
pub use comparing::{Compared, Sum};
pub use error::MoveError;
pub use marker::unfinished;
use source::Source;
use target::Target;

/// One of the files a site's rows are in.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its schema: a file that is behind or ahead of it is refused.
    pub migrations: Vec<Migration>,
}

/// What is told while it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told<'a> {
    /// An earlier move of this site was not finished; this one goes on.
    GoesOn,
    /// What an earlier move copied is not what the files hold now; all of it is copied anew.
    BeginsAgain,
    /// Rows of a table are in the target.
    Copied {
        /// The table.
        table: &'a str,
        /// How many.
        rows: u64,
        /// How many there will be.
        of: u64,
    },
    /// Both sides of a table were read again.
    Compared(&'a Compared),
}

/// Who is told.
pub type Tell<'a> = &'a mut (dyn FnMut(Told<'_>) + Send);

/// A move. The files and the target are this process's own: nobody else writes to either.
#[derive(Debug)]
pub struct Move<'a> {
    /// The files.
    pub files: &'a [SourceFile],
    /// The database.
    pub target: &'a Ownership,
    /// Its schema.
    pub migrations: &'a [Migration],
    /// When this is.
    pub now: Timestamp,
}

impl Move<'_> {
    /// Does it; answers how each table compares, all of them alike.
    pub async fn run(&self, tell: Tell<'_>) -> Result<Vec<Compared>, MoveError> {
        let mut sources = Vec::with_capacity(self.files.len());
        for file in self.files {
            sources.push(Source::open(file).await?);
        }
        let site = source::site(&mut sources).await?;
        let mut target = Target::open(self.target).await?;
        let goes_on = marker::begin(&mut target, &site, self.now).await?;
        self.migrate().await?;
        let tables = catalog::shared(&mut sources, &mut target).await?;
        if goes_on {
            tell(Told::GoesOn);
        } else {
            target.empty(&tables).await?;
        }
        let mut compared = carry(&mut sources, &mut target, &tables, tell).await?;
        if goes_on && compared.iter().any(|table| !table.is_alike()) {
            tell(Told::BeginsAgain);
            target.empty(&tables).await?;
            compared = carry(&mut sources, &mut target, &tables, tell).await?;
        }
        let different: Vec<Compared> = compared.iter().filter(|table| !table.is_alike()).cloned().collect();
        if !different.is_empty() {
            return Err(MoveError::Different(different));
        }
        target.analyze().await?;
        marker::finish(&mut target, self.now).await?;
        Ok(compared)
    }

    async fn migrate(&self) -> Result<(), MoveError> {
        let database = self.target.database(1).await?;
        let migrated = migrate(&database, self.migrations).await;
        database.close().await;
        Ok(migrated?)
    }
}

/// Copies what is missing, and compares everything.
async fn carry(
    sources: &mut [Source],
    target: &mut Target,
    tables: &[(usize, Table)],
    tell: Tell<'_>,
) -> Result<Vec<Compared>, MoveError> {
    for (file, table) in tables {
        let source = source_of(sources, *file)?;
        copying::copy(source, target, table, tell).await?;
        target.count_on(table, source.last_identity(table).await?).await?;
    }
    let mut compared = Vec::with_capacity(tables.len());
    for (file, table) in tables {
        let source = source_of(sources, *file)?;
        let one =
            Compared { table: table.name.clone(), source: source.sum(table).await?, target: target.sum(table).await? };
        tell(Told::Compared(&one));
        compared.push(one);
    }
    Ok(compared)
}

fn source_of(sources: &mut [Source], file: usize) -> Result<&mut Source, MoveError> {
    sources.get_mut(file).ok_or_else(|| MoveError::Schema("a table of no file".into()))
}
