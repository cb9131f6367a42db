//! The layers of documented routes, one per file.

pub(crate) mod caller;
pub(crate) mod compress;
pub(crate) mod guard;
pub(crate) mod headers;
pub(crate) mod observe;
pub(crate) mod panics;
pub(crate) mod rate;
pub(crate) mod timeout;
