//! The random source that is passed in.

/// The random source failed; nothing secret may be made without it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the random source failed: {0}")]
pub struct RandomError(pub String);

/// Where secrets come from. The binary passes the system's; a test may pass its own.
pub trait Random: Send + Sync + 'static {
    /// Fills `bytes` with bytes nobody can guess.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError>;
}
