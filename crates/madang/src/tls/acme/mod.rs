//! A certificate from an authority that speaks ACME (RFC 8555), got and renewed by the site itself.
//!
//! Promise: one process of a site asks at a time (a schedule of the site), and all that speak TLS show what was got within two seconds. It is
//! renewed when two thirds of its life are over. An order that fails changes nothing: what is there is shown on, why it failed is
//! told in the log, and the next order is made after a pause, which grows and outlives the process.
//!
//! Who has a name is shown by TLS alone (TLS-ALPN-01, RFC 8737), on the port that speaks HTTPS: the authority has to find port 443 of
//! each name there, and nothing else has to be open. Wildcards cannot be shown in this way.
//!
//! Account, certificate and its key are in the records of the site: whoever can read the database can speak for the site.

mod client;
mod follower;
mod keeper;
mod order;
mod settings;
mod store;

pub(crate) use follower::Follower;
pub(crate) use keeper::{Keeper, Needs};
pub(crate) use settings::AcmeSettings;
pub(crate) use store::MIGRATION;

/// The protocol of clients that want to see who has a name, and nothing else (RFC 8737 §3).
pub(super) const ACME_TLS_1: &[u8] = b"acme-tls/1";

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AcmeError {
    #[error("tls.acme.directory_roots cannot be used: {path} {reason}")]
    Roots { path: String, reason: String },
    #[error("this machine's certificates cannot be read: {0}")]
    NativeRoots(std::io::Error),
    #[error(transparent)]
    Authority(#[from] instant_acme::Error),
    #[error("the authority refuses: {0}")]
    Refused(String),
    #[error("the authority does not take TLS-ALPN-01 for {0}")]
    NoChallenge(String),
    #[error("the certificate that was got cannot be used: {0}")]
    Unusable(String),
    #[error("it took longer than {} s", .0.as_secs())]
    TookTooLong(std::time::Duration),
    #[error(transparent)]
    Making(#[from] rcgen::Error),
    #[error(transparent)]
    Store(#[from] ports::sql::SqlError),
    #[error(transparent)]
    Credentials(#[from] serde_json::Error),
}
