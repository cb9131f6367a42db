//! Who a client is, and whether it still is: its session may end while its connection stays open.

use std::sync::Arc;

use kernel::{Caller, Timestamp};

use super::{
    Connection, Phase,
    commands::{Done, Work},
};
use crate::{
    gateway::Shared,
    needs::Refused,
    protocol::{
        Command,
        codes::{self, Disconnect},
    },
};

/// How long it is believed who a client is, in milliseconds, before it acts again.
const BELIEVED_MS: i64 = 5_000;

/// What a client shows to say who it is.
pub(super) struct Proof {
    token: Option<String>,
    cookie: Option<String>,
}

/// A client that was let in.
pub(super) struct Identified {
    pub(super) caller: Arc<Caller>,
    /// None for an anonymous visitor, who has nothing that could end.
    proof: Option<Arc<Proof>>,
    checked_at: Timestamp,
}

impl Proof {
    pub(super) fn new(token: Option<String>, cookie: Option<String>) -> Arc<Self> {
        Arc::new(Self { token, cookie })
    }
}

impl Identified {
    pub(super) fn new(caller: Caller, proof: Arc<Proof>, checked_at: Timestamp) -> Self {
        let proof = caller.identity.is_some().then_some(proof);
        Self { caller: Arc::new(caller), proof, checked_at }
    }

    /// Whether it has to be found out again before the client acts.
    pub(super) fn is_outdated(&self, now: Timestamp) -> bool {
        // A clock that was set back makes it outdated too.
        self.proof.is_some() && !(0..BELIEVED_MS).contains(&now.millis_since(self.checked_at))
    }
}

impl Connection {
    /// Finds out who the client is.
    pub(super) fn identify(
        &self,
        proof: Arc<Proof>,
        done: impl FnOnce(Identification) -> Done + Send + 'static,
    ) -> Work {
        let (shared, address): (Arc<Shared>, _) = (self.shared.clone(), self.peer.address);
        // Not when the answer came: the session may have ended in between.
        let asked_at = shared.clock.now();
        Box::pin(async move {
            let outcome = shared.connector.authenticate(proof.token.as_deref(), proof.cookie.as_deref(), address).await;
            done(Identification { outcome, proof, asked_at })
        })
    }

    /// Begins to find out again who the client is, and then to do what it asks for. Begins nothing for a visitor.
    pub(super) fn identify_again(&mut self, then: Option<Box<Command>>) {
        let Phase::Open(Identified { proof: Some(proof), .. }) = &self.phase else { return };
        self.work = Some(self.identify(proof.clone(), |found| Done::IdentifiedAgain { found, then }));
    }

    /// Takes what was found out again: the connection is the same client's, or it ends.
    pub(super) fn identified_again(
        &mut self,
        found: Identification,
        then: Option<Box<Command>>,
    ) -> Result<(), Disconnect> {
        let Phase::Open(identified) = &mut self.phase else { return Ok(()) };
        match (found.outcome, then) {
            (Ok(caller), then) if caller.account() == identified.caller.account() => {
                *identified = Identified::new(caller, found.proof, found.asked_at);
                let caller = identified.caller.clone();
                then.map_or(Ok(()), |command| self.start(caller, command.id, command.request))
            }
            (Err(Refused::Unavailable), Some(command)) => {
                self.fail(command.id, codes::INTERNAL);
                Ok(())
            }
            (Err(Refused::Unavailable), None) => Ok(()),
            (Ok(_) | Err(Refused::InvalidToken | Refused::TokenExpired), _) => Err(codes::INVALID_TOKEN),
        }
    }
}

/// What was found out about a client.
pub(super) struct Identification {
    pub(super) outcome: Result<Caller, Refused>,
    pub(super) proof: Arc<Proof>,
    /// When it was asked for.
    pub(super) asked_at: Timestamp,
}
