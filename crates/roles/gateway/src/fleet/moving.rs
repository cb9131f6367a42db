//! Moving a session from one gateway to another.
//!
//! The gateway that has it tells its connections to go, as when it drains: what they are at is finished, and they connect
//! again with offset and epoch. For a while it does not take them back, so they end up at another one.

use super::{Answer, Question, Unanswered};
use crate::{Gateway, hub::Order};

/// Why a session was not moved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotMoved {
    /// There is no such gateway, or it is gone.
    #[error("there is no such gateway")]
    NoSuchGateway,
    /// There is no other gateway to which it could go.
    #[error("there is no other gateway")]
    NowhereToGo,
    /// The gateway moves too many sessions at this moment.
    #[error("the gateway moves too many sessions")]
    TooMany,
    /// The gateway cannot be asked right now.
    #[error("the gateway does not answer: {0}")]
    Unanswered(String),
}

impl Gateway {
    /// Has the gateway with this id send the connections of a user's session to the others; how many were told to go.
    ///
    /// # Errors
    /// None of them was told, or, where it is not answered, some may have been: it can be ordered again.
    pub async fn move_session(&self, from: &str, user: &str, session: i64) -> Result<usize, NotMoved> {
        let answer = if from == self.shared().id() {
            Some(self.send_away(user, session))
        } else {
            let order = Question::Move { user: user.to_owned(), session };
            let answer = self.shared().fleet.ask_one(from, &order).await;
            answer.map_err(|error| NotMoved::Unanswered(error.to_string()))?
        };
        match answer {
            Some(Answer::Moved(connections)) => Ok(connections),
            Some(Answer::NowhereToGo) => Err(NotMoved::NowhereToGo),
            Some(Answer::TooMany) => Err(NotMoved::TooMany),
            // One of a version that cannot do it.
            Some(_) => Err(NotMoved::Unanswered(Unanswered::Missing(1).to_string())),
            None => Err(NotMoved::NoSuchGateway),
        }
    }

    /// Tells the connections of a session here to go.
    pub(super) fn send_away(&self, user: &str, session: i64) -> Answer {
        let shared = self.shared();
        if !shared.fleet.has_others() {
            return Answer::NowhereToGo;
        }
        // Before they go: they are fast.
        if !shared.sent_away.add(session) {
            return Answer::TooMany;
        }
        let members = self.registry().user(user).into_iter().filter(|member| {
            let identity = member.client().and_then(|client| client.caller.identity.clone());
            identity.is_some_and(|identity| identity.session.raw() == session)
        });
        Answer::Moved(members.filter(|member| member.order(Order::Leave)).count())
    }
}
