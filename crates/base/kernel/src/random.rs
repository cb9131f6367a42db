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

/// A generator that adds this to its state and [`mix`]es what was there gives numbers that look random.
pub const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A bijection that looks random (SplitMix64, Steele, Lea and Flood 2014).
pub fn mix(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(STEP);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
