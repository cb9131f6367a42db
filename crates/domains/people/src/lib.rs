//! People: accounts, the sessions they sign in with, who administers the site, and what administrators set while it runs.
//!
//! Promise: a handle belongs to one account for ever (a unique key holds it); a password is kept only as an argon2id
//! hash, a token only as its SHA-256; at most one visitor becomes administrator by the first start's link. Sign-up and
//! its fact are kept together. What may be lost: the rate limits and cached identities of a process, when it stops.

pub mod accounts;
pub mod administration;
mod failure;
mod passwords;
mod people;
pub mod sessions;
mod settings;
pub mod site_settings;
#[cfg(test)]
mod testing;
mod tokens;

use ports::sql::Migration;
use utoipa_axum::router::OpenApiRouter;

pub use failure::Failure;
pub use people::{IDENTITY_BELIEVED_MS, Parts, People};
pub use settings::Settings;
pub use tokens::Token;

/// The schema of all slices.
pub const MIGRATIONS: &[Migration] = &[
    accounts::MIGRATION,
    sessions::MIGRATION,
    sessions::ENDS_MIGRATION,
    administration::MIGRATION,
    site_settings::MIGRATION,
];

/// The routes of all slices.
pub fn router(people: &People) -> OpenApiRouter {
    accounts::router(people.accounts.clone())
        .merge(sessions::router(people.sessions.clone()))
        .merge(administration::router(people.administration.clone()))
        .merge(site_settings::router(people.site_settings.clone()))
}
