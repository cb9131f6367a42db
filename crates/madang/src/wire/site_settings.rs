//! What administrators can change while the site runs: settings of several domains and roles, under the names of the
//! settings file. Each is an `Adjustable` of that component, so it takes effect wherever the component has it.

use std::num::NonZeroU32;

use kernel::{Rate, limits};
use people::site_settings::{Entry, RateBounds};

use crate::config::Config;

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 3_600_000;

/// The settings of this process that can be changed.
pub(super) fn site_settings(config: &Config) -> Vec<Entry> {
    let hearts = &config.live.crowd.hearts;
    vec![
        Entry::text("notice", &config.notice, limits::NOTICE_CHARS),
        Entry::flag("people.registration_open", &config.people.registration_open),
        Entry::rate("people.sign_up_rate", &config.people.sign_up_rate, bounds(1, HOUR_MS, 100_000)),
        Entry::flag("live.new_broadcasts", &config.live.new_broadcasts),
        Entry::rate("live.broadcast_rate", &config.live.broadcast_rate, bounds(1, HOUR_MS, 10_000)),
        // So many moments are remembered of each account.
        Entry::rate("chat.rate", &config.chat.rate, bounds(1, MINUTE_MS, 10_000)),
        Entry::rate("chat.room_rate", &config.chat.room_rate, bounds(10, 10 * SECOND_MS, 10_000_000)),
        // Administrators have to come back here.
        Entry::rate("api.request_rate", &config.api.request_rate, bounds(120, MINUTE_MS, 100_000_000)),
        Entry::rate("live.crowd.hearts.taps_per_session", &hearts.taps_per_session, bounds(1, SECOND_MS, 100_000)),
        Entry::rate("live.crowd.hearts.taps_per_viewer", &hearts.taps_per_viewer, bounds(1, SECOND_MS, 100_000)),
        Entry::rate("live.crowd.hearts.taps_per_address", &hearts.taps_per_address, bounds(10, SECOND_MS, 100_000_000)),
    ]
}

fn bounds(at_least: u32, in_ms: u64, at_once_max: u32) -> RateBounds {
    let count = NonZeroU32::new(at_least).unwrap_or(NonZeroU32::MIN);
    RateBounds { at_least: Rate::AtMost { count, period_ms: in_ms }, at_once_max }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::ServeArguments,
        config::{DEFAULTS, load},
    };

    #[test]
    fn each_is_called_as_in_the_settings_file_and_the_file_says_that_it_can_be_changed() {
        let file: toml::Table = DEFAULTS.parse().unwrap();
        let config = load(&ServeArguments::default(), std::iter::empty()).unwrap();
        for entry in site_settings(&config) {
            let mut path = entry.name().split('.');
            let first = path.next().and_then(|key| file.get(key));
            assert!(path.try_fold(first, |at, key| Some(at?.get(key))).flatten().is_some(), "{}", entry.name());
            let key = entry.name().rsplit('.').next().unwrap();
            let place = DEFAULTS.lines().position(|line| line.starts_with(&format!("{key} = "))).unwrap();
            let before = DEFAULTS.lines().nth(place - 1).unwrap();
            assert!(before.contains("(at run time)"), "{}: {before}", entry.name());
        }
    }
}
