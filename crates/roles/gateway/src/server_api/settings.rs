//! Who may use the server API.

use serde::Deserialize;

/// Settings of the server API.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerApiSettings {
    /// The key that opens it. Empty: there is no server API.
    pub key: String,
}
