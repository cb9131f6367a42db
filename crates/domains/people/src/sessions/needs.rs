//! What sessions need of others.

use kernel::AccountId;

/// The connections of this process.
pub trait Connections: Send + Sync + 'static {
    /// Has those of an account prove again who they are, each in its turn: whose session is over ends.
    fn prove_again(&self, account: AccountId);
}
