//! Why a move ended before its end.

use std::path::PathBuf;

use ports::sql::SqlError;

use super::Compared;
use crate::sql::ConnectError;

/// Why a site was not moved. The files are as they were, whatever happened.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Source {
        /// The file.
        path: PathBuf,
        /// What the engine said.
        source: SqlError,
    },
    /// The file was last used by another version.
    #[error("{path} has the schema of {which} version; {what}", path = path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// `an older` or `a newer`.
        which: &'static str,
        /// What to do.
        what: &'static str,
    },
    /// The target cannot be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The target failed.
    #[error("the target failed: {0}")]
    Target(#[from] SqlError),
    /// The target could not keep all texts.
    #[error(
        "the target has the encoding {0}, and must have UTF8: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
    )]
    Encoding(String),
    /// Somebody's rows are there.
    #[error("the target is not empty: its table {0} holds rows; name an empty database")]
    NotEmpty(String),
    /// Half of another site is there.
    #[error("the target holds an unfinished move of another site; name an empty database")]
    OtherSite,
    /// It is done.
    #[error(
        "this site has been moved there already; nothing was done. Start the server on it, or name an empty database"
    )]
    Finished,
    /// The sides do not fit each other.
    #[error("the schemas do not fit: {0}")]
    Schema(String),
    /// A value that the target cannot hold.
    #[error("{table}.{column} has a value that cannot be moved: {reason}; the row is {row}")]
    Value {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Why not.
        reason: String,
        /// The row's key.
        row: String,
    },
    /// What arrived is not what was sent.
    #[error("these tables differ: {}", names(.0))]
    Different(Vec<Compared>),
}

fn names(tables: &[Compared]) -> String {
    tables.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
