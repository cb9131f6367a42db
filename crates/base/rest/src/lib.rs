//! The HTTP manners every slice's `http.rs` shares: error answers, bodies, queries, path ids, the caller.
//!
//! Promise: whatever a client sends, the answer is the slice's own or an `application/problem+json` that names what is
//! wrong. It knows no domain.

mod address;
mod answer;
mod body;
mod browser;
mod caller;
mod direct;
mod host;
mod path;
mod query;
mod takeover;

pub use address::ClientAddress;
pub use answer::{ApiError, ApiResult, problem_response};
pub use body::Body;
pub use browser::{CookieToken, Https, session_cookie};
pub use caller::{Credentials, SESSION_COOKIE, SignedIn, Visitor, require_account};
pub use direct::{Answering, Direct, DirectAnswer};
pub use host::HostName;
pub use path::{PathId, PathIds};
pub use query::{PageQuery, Query};
pub use takeover::{Duplex, Opened, Serve, Serving, Takeover, UpgradeRequest, Wire};
