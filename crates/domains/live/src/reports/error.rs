//! Why there is no report.

use kernel::Problem;
use ports::sql::SqlError;

use crate::needs::NeedError;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such broadcast.
    #[error("there is no such broadcast")]
    NoBroadcast,
    /// Only the host may see it.
    #[error("only the host may see the report")]
    NotHost,
    /// The series would be longer than fits.
    #[error("the series would have {points} points, {limit} fit")]
    TooLong {
        /// How many it would have.
        points: i64,
        /// How many fit.
        limit: i64,
    },
    /// The times are the wrong way round.
    #[error("from is not before to")]
    WrongOrder,
    /// A channel's series has no such resolution.
    #[error("the resolution of a channel's report is hour or day")]
    TooFine,
    /// A need could not answer.
    #[error(transparent)]
    Need(#[from] NeedError),
    /// The database could not answer.
    #[error("reports: {0}")]
    Sql(#[from] SqlError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match &error {
            Error::NoBroadcast => Problem::not_found("no_broadcast", "There is no such broadcast."),
            Error::NotHost => Problem::forbidden("not_host", "Only the host may see the report of a broadcast."),
            Error::TooLong { .. } => {
                Problem::invalid("range_too_long", format!("Ask for less: {error}.")).field("from")
            }
            Error::WrongOrder => Problem::invalid("invalid_range", "`from` must be before `to`.").field("from"),
            Error::TooFine => {
                Problem::invalid("invalid_resolution", "The resolution of a channel's report is hour or day.")
                    .field("resolution")
            }
            Error::Need(_) | Error::Sql(_) => {
                tracing::warn!(cause = %error, "a report could not be made");
                Problem::unavailable("try_again", "The report cannot be made right now; try again.").retry_after(1)
            }
        }
    }
}
