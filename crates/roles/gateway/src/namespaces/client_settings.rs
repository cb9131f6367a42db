//! Who may connect.

use serde::Deserialize;

use crate::tokens::TokenSettings;

/// Who may connect, and how they say who they are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientSettings {
    /// Anybody connects without a token and may do everything. For development and tests alone.
    pub insecure: bool,
    /// Whoever has no token connects as an anonymous visitor.
    pub allow_anonymous_connect_without_token: bool,
    /// Which tokens are believed.
    pub token: TokenSettings,
    /// The channel every user is subscribed to without asking.
    pub subscribe_to_user_personal_channel: PersonalChannel,
}

/// A channel of a user's own: `#USER`, or `NAMESPACE:#USER`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PersonalChannel {
    /// Whether there is one.
    pub enabled: bool,
    /// Its namespace; empty: without.
    pub personal_channel_namespace: String,
}

impl PersonalChannel {
    /// The channel of this user, if users have one.
    pub(super) fn of(&self, user: &str) -> Option<String> {
        match self.personal_channel_namespace.as_str() {
            _ if !self.enabled || user.is_empty() => None,
            "" => Some(format!("#{user}")),
            namespace => Some(format!("{namespace}:#{user}")),
        }
    }
}
