//! What a failure of the database means to whoever asked.

use kernel::Problem;
use sqlx::error::DatabaseError;

use super::SqlError;

/// Seconds after which trying again may help.
const RETRY_AFTER_S: u64 = 2;

/// What a caller is told. Not logged here.
pub fn problem(error: &SqlError) -> Problem {
    if matches!(error, SqlError::PoolTimedOut) {
        let detail = "The database is busy; try again in a moment.";
        return Problem::unavailable("database_busy", detail).retry_after(RETRY_AFTER_S);
    }
    if is_temporary(error) {
        let detail = "The database cannot be reached or has no room right now; try again in a moment.";
        return Problem::unavailable("database_unavailable", detail).retry_after(RETRY_AFTER_S);
    }
    Problem::internal()
}

/// Whether the same may go well a moment later: the server is away or starts, has no room, or let others go first.
fn is_temporary(error: &SqlError) -> bool {
    match error {
        SqlError::Io(_) | SqlError::PoolTimedOut | SqlError::PoolClosed | SqlError::WorkerCrashed => true,
        SqlError::Database(cause) => is_temporary_code(&**cause),
        _ => false,
    }
}

fn is_temporary_code(cause: &dyn DatabaseError) -> bool {
    /// Connections, rolled back for others, no room, not in the needed state, intervention by an operator (PostgreSQL
    /// documentation, appendix A).
    const POSTGRES: [&str; 5] = ["08", "40", "53", "55", "57"];
    /// Busy, locked, the disk fails, the disk is full (SQLite documentation, "Result and Error Codes").
    const SQLITE: [u32; 4] = [5, 6, 10, 13];
    let Some(code) = cause.code() else { return false };
    // SQLite's codes are numbers of up to four digits, PostgreSQL's have five characters.
    match code.parse::<u32>() {
        Ok(number) if code.len() < 5 => SQLITE.contains(&(number & 0xff)),
        _ => POSTGRES.iter().any(|class| code.starts_with(class)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Told(&'static str);

    impl DatabaseError for Told {
        fn message(&self) -> &str {
            self.0
        }
        fn code(&self) -> Option<std::borrow::Cow<'_, str>> {
            Some(self.0.into())
        }
        fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
            self
        }
        fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
            self
        }
        fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
            self
        }
        fn kind(&self) -> sqlx::error::ErrorKind {
            sqlx::error::ErrorKind::Other
        }
    }

    #[test]
    fn who_may_try_again_is_told_so() {
        let told = |code| SqlError::Database(Box::new(Told(code)));
        for error in [
            SqlError::Io(std::io::ErrorKind::UnexpectedEof.into()),
            SqlError::PoolTimedOut,
            told("57P01"),
            told("57P03"),
            told("08006"),
            told("53300"),
            told("40001"),
            told("5"),
            told("13"),
            told("778"),
        ] {
            let answer = problem(&error);
            assert_eq!((answer.status, answer.retry_after_s), (503, Some(RETRY_AFTER_S)), "{error}");
        }
        for error in [SqlError::RowNotFound, told("23505"), told("42P01"), told("42601"), told("2067"), told("1")] {
            assert_eq!(problem(&error).status, 500, "{error}");
        }
    }
}
