//! What the shell wants from others; wired in the binary.

use async_trait::async_trait;
use kernel::Identity;

/// Knows whose session a token is.
#[async_trait]
pub trait Authenticator: Send + Sync + 'static {
    /// The holder of `token`; none when it is unknown or over. An error says why that cannot be found out now.
    async fn identify(&self, token: &str) -> Result<Option<Identity>, String>;
}

/// Knows whether this process can do its work.
#[async_trait]
pub trait Readiness: Send + Sync + 'static {
    /// One check for each thing it stands on.
    async fn checks(&self) -> Vec<Check>;
}

/// Whether one thing works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name, for instance `database`.
    pub name: &'static str,
    /// Nothing, or the reason why it does not.
    pub result: Result<(), String>,
}
