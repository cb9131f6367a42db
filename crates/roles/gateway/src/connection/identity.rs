//! Who a client is, and whether it still is: its session may end while its connection stays open.

use std::sync::Arc;

use kernel::{Caller, Timestamp};
use tokio::time::Instant;

use super::{Connection, Phase, commands::Done};
use crate::{
    needs::{Client, Proof, Refused},
    protocol::{
        Command,
        codes::{self, Disconnect},
    },
};

/// A client that was let in.
pub(super) struct Identified {
    pub(super) client: Arc<Client>,
    /// None for whom nothing could end.
    proof: Option<Arc<Proof>>,
    checked_at: Timestamp,
    /// When the connection ends unless it is refreshed.
    pub(super) over_at: Option<Instant>,
}

impl Identified {
    pub(super) fn new(
        client: Arc<Client>,
        proof: Option<Arc<Proof>>,
        checked_at: Timestamp,
        over_at: Option<Instant>,
    ) -> Self {
        Self { client, proof, checked_at, over_at }
    }

    /// Whether it has to be found out again before the client acts: it is believed for so many milliseconds.
    pub(super) fn is_outdated(&self, now: Timestamp, believed_ms: i64) -> bool {
        // A clock that was set back makes it outdated too.
        self.proof.is_some() && !(0..believed_ms).contains(&now.millis_since(self.checked_at))
    }
}

impl Connection {
    /// Begins to find out again who the client is, and then to do what it asks for. Begins nothing for a visitor.
    pub(super) fn identify_again(&mut self, then: Option<Box<Command>>) {
        let Phase::Open(Identified { proof: Some(proof), .. }) = &self.phase else { return };
        let (shared, proof, address) = (self.shared.clone(), proof.clone(), self.peer.address);
        // Not when the answer came: the session may have ended in between.
        let asked_at = shared.clock.now();
        self.work = Some(Box::pin(async move {
            let outcome = shared.connector.still(&proof, address).await;
            Done::IdentifiedAgain { outcome: outcome.map(Box::new), asked_at, then }
        }));
    }

    /// Takes what was found out again: the connection is the same client's, or it ends.
    pub(super) fn identified_again(
        &mut self,
        outcome: Result<Box<Caller>, Refused>,
        asked_at: Timestamp,
        then: Option<Box<Command>>,
    ) -> Result<(), Disconnect> {
        let Phase::Open(identified) = &mut self.phase else { return Ok(()) };
        match (outcome, then) {
            (Ok(caller), then) if caller.account() == identified.client.caller.account() => {
                if *caller != identified.client.caller {
                    identified.client = Arc::new(Client { caller: *caller, ..Client::clone(&identified.client) });
                    self.member.identify(identified.client.clone());
                }
                identified.checked_at = asked_at;
                let client = identified.client.clone();
                then.map_or(Ok(()), |command| self.start(client, command.id, command.request))
            }
            (Err(Refused::Unavailable), Some(command)) => {
                if command.id > 0 {
                    self.fail(command.id, codes::INTERNAL);
                }
                Ok(())
            }
            (Err(Refused::Unavailable), None) => Ok(()),
            (Err(Refused::Disconnect(why)), _) => Err(why),
            (Ok(_) | Err(Refused::InvalidToken | Refused::TokenExpired | Refused::Error(_)), _) => {
                Err(codes::INVALID_TOKEN)
            }
        }
    }
}
