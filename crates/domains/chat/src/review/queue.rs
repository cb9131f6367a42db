//! The queue as the messages slice uses it: a message goes in.

use kernel::{AccountId, BroadcastId, Timestamp};
use ports::sql::{Database, SqlError};

use super::model::{HeldMessage, HeldRow, State};
use super::store;

/// How holding a message ended.
#[derive(Debug)]
pub(crate) enum HoldOutcome {
    /// It waits; it may have been waiting before.
    Waits(HeldMessage, Fresh),
    /// It was approved before, and stands in the log or is about to.
    Approved,
    /// It was rejected before.
    Rejected,
    /// As many as fit are waiting.
    Full,
}

/// Whether the message went in just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fresh(pub(crate) bool);

/// The held messages of all channels.
pub(crate) struct Queue {
    database: Database,
}

impl Queue {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Lets a message wait for review. A resend finds what became of the first one.
    pub(crate) async fn hold(&self, row: HeldRow) -> Result<HoldOutcome, SqlError> {
        if store::insert(&self.database, &row).await? {
            metrics::counter!("madang_chat_held_total").increment(1);
            return Ok(HoldOutcome::Waits(row.shown(), Fresh(true)));
        }
        let Some(client_id) = &row.client_id else { return Ok(HoldOutcome::Full) };
        Ok(match store::by_client_id(&self.database, row.broadcast, row.account, client_id).await? {
            Some((before, State::Waiting)) => HoldOutcome::Waits(before.shown(), Fresh(false)),
            Some((_, State::Approving | State::Approved)) => HoldOutcome::Approved,
            Some((_, State::Rejected)) => HoldOutcome::Rejected,
            None => HoldOutcome::Full,
        })
    }

    /// What waits of an account in a room, oldest first.
    pub(crate) async fn of_account(
        &self,
        broadcast: BroadcastId,
        host: AccountId,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Vec<HeldMessage>, SqlError> {
        let rows = store::waiting_of(&self.database, broadcast, host, account, now).await?;
        Ok(rows.into_iter().map(HeldRow::shown).collect())
    }
}
