//! How many files and sockets the process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Takes as many as the system lets it have: shells hand out a soft limit of 1,024 for old programs' sake, and every
/// connection is a file.
pub(crate) fn raise_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => tracing::debug!(from = current, to = maximum, "the limit of open files was raised"),
        Err(error) => tracing::warn!(%error, limit = current, "the limit of open files could not be raised"),
    }
}
