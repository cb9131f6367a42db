//! Who gives hearts.

use kernel::AccountId;

use super::Error;
use crate::playbacks::Session;

/// A session whose viewer is signed in: hearts count for a person, so those of nobody in particular count nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Giver {
    pub(super) account: AccountId,
    pub(super) session: Session,
}

impl Giver {
    /// # Errors
    /// [`Error::SignInRequired`] when the session was issued to a browser without an account.
    pub(super) fn of(session: Session) -> Result<Self, Error> {
        let account = session.viewer.as_account().ok_or(Error::SignInRequired)?;
        Ok(Self { account, session })
    }
}
