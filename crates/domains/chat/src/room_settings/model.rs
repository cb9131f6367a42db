//! The modes, and what each of them lets through.

use kernel::{AccountId, Timestamp, ids::snowflake_time, limits};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::Error;

/// The modes of a channel's chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct RoomSettings {
    /// Seconds between two messages of an account; 0: no slow mode.
    pub slow_mode_s: u32,
    /// Whether only members write: accounts that were approved, or are `member_after_minutes` old.
    pub members_only: bool,
    /// How old an account is to be a member without approval, in minutes; `null`: only approved ones are members.
    pub member_after_minutes: Option<u32>,
    /// Whether messages may have emoji and the site's emote codes alone.
    pub emote_only: bool,
    /// Whether nobody but the streamer, moderators and administrators writes.
    pub read_only: bool,
}

impl RoomSettings {
    /// Whether an account is a member by its age alone.
    pub(crate) fn member_by_age(&self, account: AccountId, now: Timestamp) -> bool {
        let old_enough = |minutes: u32| now.millis_since(snowflake_time(account.raw())) >= i64::from(minutes) * 60_000;
        self.member_after_minutes.is_some_and(old_enough)
    }

    /// The settings with the change in them.
    pub(super) fn with(self, change: &RoomSettingsChange) -> Result<Self, Error> {
        let slow_mode_s = change.slow_mode_s.unwrap_or(self.slow_mode_s);
        if !limits::SLOW_MODE_SECONDS.contains(&slow_mode_s) {
            let rule = format!("Slow mode takes 0 (off) to {} seconds.", limits::SLOW_MODE_SECONDS.end());
            return Err(Error::Value { field: "slow_mode_s", rule });
        }
        let member_after_minutes = change.member_after_minutes.unwrap_or(self.member_after_minutes);
        if member_after_minutes.is_some_and(|minutes| !limits::MEMBER_AFTER_MINUTES.contains(&minutes)) {
            let most = limits::MEMBER_AFTER_MINUTES.end();
            let rule = format!("An account is a member after 1 to {most} minutes, or null: by approval alone.");
            return Err(Error::Value { field: "member_after_minutes", rule });
        }
        Ok(Self {
            slow_mode_s,
            members_only: change.members_only.unwrap_or(self.members_only),
            member_after_minutes,
            emote_only: change.emote_only.unwrap_or(self.emote_only),
            read_only: change.read_only.unwrap_or(self.read_only),
        })
    }

    /// What is different in `now`, for the moderation log.
    pub(super) fn changes_to(&self, now: &Self) -> String {
        let minutes = |minutes: Option<u32>| minutes.map_or("null".to_owned(), |minutes| minutes.to_string());
        let all = [
            ("slow_mode_s", self.slow_mode_s.to_string(), now.slow_mode_s.to_string()),
            ("members_only", self.members_only.to_string(), now.members_only.to_string()),
            ("member_after_minutes", minutes(self.member_after_minutes), minutes(now.member_after_minutes)),
            ("emote_only", self.emote_only.to_string(), now.emote_only.to_string()),
            ("read_only", self.read_only.to_string(), now.read_only.to_string()),
        ];
        let changed = all.into_iter().filter(|(_, before, after)| before != after);
        changed.map(|(name, _, after)| format!("{name}={after}")).collect::<Vec<_>>().join(" ")
    }
}

/// What to change; what is absent stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomSettingsChange {
    /// 0 to 3,600 seconds between two messages of an account; 0: no slow mode.
    #[schema(maximum = 3_600)]
    pub slow_mode_s: Option<u32>,
    /// Whether only members write.
    pub members_only: Option<bool>,
    /// 1 to 129,600 minutes (90 days), or `null`: only approved accounts are members.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 129_600)]
    pub member_after_minutes: Option<Option<u32>>,
    /// Whether only emoji and emote codes may be written.
    pub emote_only: Option<bool>,
    /// Whether only the streamer, moderators and administrators write.
    pub read_only: Option<bool>,
}

/// Tells `null` from what is absent.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u32>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_keeps_what_it_does_not_name() {
        let settings = RoomSettings { slow_mode_s: 5, member_after_minutes: Some(10), ..RoomSettings::default() };
        let change: RoomSettingsChange = serde_json::from_str(r#"{"members_only": true}"#).unwrap();
        let changed = settings.with(&change).unwrap();
        assert_eq!(changed, RoomSettings { members_only: true, ..settings });
        assert_eq!(settings.changes_to(&changed), "members_only=true");
        let change: RoomSettingsChange = serde_json::from_str(r#"{"member_after_minutes": null}"#).unwrap();
        assert_eq!(settings.with(&change).unwrap().member_after_minutes, None);
        for bad in [r#"{"slow_mode_s": 3601}"#, r#"{"member_after_minutes": 0}"#] {
            assert!(settings.with(&serde_json::from_str(bad).unwrap()).is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<RoomSettingsChange>(r#"{"slow": 3}"#).is_err());
    }

    #[test]
    fn an_account_grows_into_membership() {
        let made = Timestamp::from_millis(kernel::ids::SNOWFLAKE_EPOCH_MS + 1_000_000);
        let account = AccountId::from_raw(kernel::Snowflake::new(0).next(made));
        let settings = RoomSettings { member_after_minutes: Some(10), ..RoomSettings::default() };
        assert!(!settings.member_by_age(account, made.plus_millis(599_999)));
        assert!(settings.member_by_age(account, made.plus_millis(600_000)));
        assert!(!RoomSettings::default().member_by_age(account, made.plus_millis(i64::MAX / 2)));
    }
}
