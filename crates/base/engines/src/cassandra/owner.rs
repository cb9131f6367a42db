//! Whose a keyspace is. Two sites in one would write into each other's rooms: their broadcasts may have the same numbers.

use ports::room_log::RoomLogError;

use super::{CassandraRoomLog, failed, head::Condition};

/// Why a site may not use a keyspace.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// It is another's.
    #[error(
        "the keyspace {keyspace} belongs to another site ({owner}): name one of its own. If that site is gone for good and this \
         one ({site}) takes its rooms over, hand it on: UPDATE {keyspace}.keyspace_owner SET site = '{site}' WHERE one = 1"
    )]
    Taken {
        /// The keyspace.
        keyspace: String,
        /// Whose it is.
        owner: String,
        /// Who asked.
        site: String,
    },
    /// It cannot be found out.
    #[error(transparent)]
    Engine(#[from] RoomLogError),
}

impl CassandraRoomLog {
    /// Makes the keyspace that of this site for good, unless it is another's. The name is a plain word.
    pub async fn claim(&self, site: &str) -> Result<(), ClaimError> {
        let keyspace = &self.keyspace;
        let text = format!("INSERT INTO {keyspace}.keyspace_owner (one, site) VALUES (1, ?) IF NOT EXISTS");
        let result = self.store.session.query_unpaged(text, (site,)).await.map_err(failed)?;
        let claimed = Condition::of(result)?;
        match claimed.text("site") {
            Some(owner) if !claimed.applied && owner != site => {
                Err(ClaimError::Taken { keyspace: keyspace.clone(), owner: owner.to_owned(), site: site.to_owned() })
            }
            _ => Ok(()),
        }
    }
}
