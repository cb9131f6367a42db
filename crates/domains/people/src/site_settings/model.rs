//! What is told about settings and their changes.

use kernel::{AccountId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// What a setting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// How often something may happen: `20/30s`, `10/min`, `5/h`, `off`.
    Rate,
    /// On or off.
    Flag,
    /// A line of text; empty: none.
    Text,
}

/// A value: true or false for a flag, a text for everything else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum SettingValue {
    /// Of a flag.
    Flag(bool),
    /// Of a rate or a text.
    Text(String),
}

/// Who changed something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Administrator {
    /// The account.
    pub id: AccountId,
    /// Its unique name.
    pub handle: String,
    /// The name shown to others.
    pub display_name: String,
}

/// The change that a setting has its value from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Changed {
    /// Its place among all changes of the site.
    pub version: i64,
    /// By whom.
    pub by: Administrator,
    /// When.
    pub at: Timestamp,
}

/// A setting that administrators can change while the site runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SiteSetting {
    /// As in the settings file.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// The value that holds.
    pub value: SettingValue,
    /// What the settings file of the process that answers says: it holds where nothing else is set.
    pub default: SettingValue,
    /// Who set it; absent where the settings file holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<Changed>,
    /// Of a rate: so much has to be possible, at once and in the long run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<String>,
    /// Of a rate: so much may come at once, at the most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_once_max: Option<u32>,
    /// Of a text: its characters, at the most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chars_max: Option<usize>,
}

/// All settings that administrators can change while the site runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SiteSettings {
    /// How many changes there have been.
    pub version: i64,
    /// Each of them.
    pub items: Vec<SiteSetting>,
}

/// A value to be set.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct NewSiteSetting {
    /// The value.
    #[schema(value_type = SettingValue)]
    pub value: Value,
    /// The `changed.version` that the caller has seen, 0 for none: when somebody else was faster, nothing is changed.
    pub version: Option<i64>,
}

/// One line of the log of changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SiteSettingChange {
    /// Its place among all changes of the site.
    pub version: i64,
    /// Which setting.
    pub name: String,
    /// What was set before; `null`: nothing, the settings file held.
    pub from: Option<SettingValue>,
    /// What is set from then on; `null`: nothing, the settings file holds.
    pub to: Option<SettingValue>,
    /// By whom.
    pub by: Administrator,
    /// When.
    pub at: Timestamp,
}
