//! One process's hold of a show's stream.

/// What a process goes on from that is given a show's stream: nobody, or another process, had it before.
///
/// A show whose stream moves from one process to another is recorded in several takes. Numbers of takes grow, and each has
/// file names of its own, so that two processes that both believe to have the stream never write the same file; where
/// their takes overlap, the later one is the show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Take {
    /// 0 for the first; else the publish epoch with which it began.
    pub number: u64,
    /// Its first media sequence number, beyond all that viewers can have seen.
    pub sequence: u64,
    /// The discontinuities before it, at least.
    pub discontinuities: u64,
}
