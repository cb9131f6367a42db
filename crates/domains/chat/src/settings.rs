//! The settings of chat.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What an operator can set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Messages an account may send: `20/30s` unless said otherwise; five times as many for the host in its own room;
    /// `off` for no limit. Each process counts for itself.
    pub rate: Rate,
    /// Seconds for which a room stays open after its broadcast ended; 0 unless said otherwise.
    pub after_end_s: u32,
}

/// So many per so long, e.g. `20/30s`; the text is how it is set and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Rate {
    /// No limit.
    Off,
    /// At most `count` in any window of `seconds`.
    Of {
        /// How many: 1 to 1,000.
        count: u32,
        /// The window: 1 second to a day.
        seconds: u32,
    },
}

/// A text that is no rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a rate: `off` or COUNT/TIME is expected, e.g. 20/30s, with 1 to 1000 per 1s to 86400s (or m, h)")]
pub struct InvalidRate(pub String);

const COUNT: std::ops::RangeInclusive<u32> = 1..=1_000;
const SECONDS: std::ops::RangeInclusive<u32> = 1..=86_400;

impl Default for Rate {
    fn default() -> Self {
        Self::Of { count: 20, seconds: 30 }
    }
}

impl FromStr for Rate {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        let parse = || {
            let (count, time) = text.split_once('/')?;
            let unit = time.chars().next_back()?;
            let amount: u32 = time.strip_suffix(unit)?.parse().ok()?;
            let seconds = match unit {
                's' => amount,
                'm' => amount.checked_mul(60)?,
                'h' => amount.checked_mul(3_600)?,
                _ => return None,
            };
            let count = count.parse().ok()?;
            (COUNT.contains(&count) && SECONDS.contains(&seconds)).then_some(Self::Of { count, seconds })
        };
        if text == "off" {
            return Ok(Self::Off);
        }
        parse().ok_or_else(|| InvalidRate(text.chars().take(32).collect()))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Of { count, seconds } => write!(f, "{count}/{seconds}s"),
        }
    }
}

impl TryFrom<String> for Rate {
    type Error = InvalidRate;
    fn try_from(text: String) -> Result<Self, InvalidRate> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_reads_as_it_is_written() {
        for (text, rate) in [
            ("off", Rate::Off),
            ("20/30s", Rate::default()),
            ("1/2m", Rate::Of { count: 1, seconds: 120 }),
            ("1000/24h", Rate::Of { count: 1_000, seconds: 86_400 }),
        ] {
            assert_eq!(text.parse(), Ok(rate), "{text}");
            assert_eq!(rate.to_string().parse(), Ok(rate), "{text}");
        }
        for wrong in ["", "20", "20/", "/30s", "0/30s", "20/0s", "20/30", "20/30d", "1001/1s", "1/25h", "-1/3s", "1/초"]
        {
            assert_eq!(wrong.parse::<Rate>(), Err(InvalidRate(wrong.into())), "{wrong}");
        }
    }
}
