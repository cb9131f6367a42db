//! Who may do what in a channel's chat.

use kernel::{AccountId, Clock, ModLogId, Snowflake, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::mod_log::{Act, Record};
use crate::person::Person;

/// What an account is in a channel's chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Anybody else.
    Viewer,
    /// Appointed by the streamer: deletes, times out, bans, reviews, pins, and sets the room's rules.
    Moderator,
    /// An administrator of the site: a moderator everywhere, who also appoints.
    Administrator,
    /// The streamer: the same in their own channel.
    Host,
}

impl Role {
    /// Deletes, times out, bans, reviews, pins, sets the room's rules; is held to no mode, rate of the room or blocked word.
    pub fn moderates(self) -> bool {
        self >= Self::Moderator
    }

    /// Appoints and dismisses moderators.
    pub fn appoints(self) -> bool {
        self >= Self::Administrator
    }

    /// Whether it may time out and ban an account of the role `other`, and delete its messages.
    pub fn silences(self, other: Self) -> bool {
        self.moderates() && (other == Self::Viewer || (other == Self::Moderator && self.appoints()))
    }
}

/// A moderator of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Moderator {
    /// Who.
    pub account: Person,
    /// Since when.
    pub at: Timestamp,
}

/// Somebody who may moderate, in the channel where they are about to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Acting {
    pub(crate) by: AccountId,
    pub(crate) role: Role,
    pub(crate) host: AccountId,
}

impl Acting {
    /// The log's entry of what they do now.
    pub(crate) fn record(&self, ids: &Snowflake, clock: &dyn Clock, act: Act) -> Record {
        let at = clock.now();
        Record {
            id: ModLogId::from_raw(ids.next(at)),
            host: self.host,
            moderator: self.by,
            at,
            act,
            account: None,
            broadcast: None,
            message: None,
            detail: None,
            reason: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Role::{Administrator, Host, Moderator, Viewer};

    #[test]
    fn nobody_silences_those_above_or_beside_them() {
        for (role, silenced) in [
            (Viewer, &[][..]),
            (Moderator, &[Viewer][..]),
            (Administrator, &[Viewer, Moderator][..]),
            (Host, &[Viewer, Moderator][..]),
        ] {
            for other in [Viewer, Moderator, Administrator, Host] {
                assert_eq!(role.silences(other), silenced.contains(&other), "{role:?} {other:?}");
            }
        }
    }
}
