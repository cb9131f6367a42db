//! Site settings: what administrators change while the site runs, such as limits, switches and the notice to everybody.
//!
//! Promise: the binary names what can be changed ([`Entry`]), each with its kind and bounds; whatever the settings file
//! says holds until an administrator sets something else, and again when that is removed. A change and its line in the
//! log (who, when, from, to) are kept together, in one order that all processes see. It holds at once in the process that
//! took it, and within two seconds in every other one, which looks at one row every second. While the database is away
//! the last values stay.
//!
//! Limits: [`kernel::limits::NOTICE_CHARS`], and the bounds of each entry; the error names them. What does not fit (a row
//! of another version) is told in the log, and the file's value holds.

mod entry;
mod error;
mod http;
mod jobs;
mod model;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use entry::{Entry, RateBounds};
pub use error::Error;
pub use http::router;
pub use jobs::FollowSiteSettings;
pub use model::{
    Administrator, Changed, Kind, NewSiteSetting, SettingValue, SiteSetting, SiteSettingChange, SiteSettings,
};
pub use service::SettingsDesk;
pub use store::MIGRATION;
