//! What can be set: its name, its kind with its bounds, and the place where it takes effect.

use kernel::{Adjustable, Rate};
use serde_json::Value;

use super::model::{Kind, SettingValue};

/// One setting that administrators can change. It takes effect wherever clones of its [`Adjustable`] are.
#[derive(Debug, Clone)]
pub struct Entry {
    name: &'static str,
    /// What the settings file says.
    pub(super) default: SettingValue,
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    Rate(Adjustable<Rate>, RateBounds),
    Flag(Adjustable<bool>),
    Text(Adjustable<String>, usize),
}

/// How far a rate may be changed; `off` always fits. The settings file is not held to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateBounds {
    /// So much has to be possible, at once and in the long run: nobody should lock the site, or themselves.
    pub at_least: Rate,
    /// So much may come at once, at the most.
    pub at_once_max: u32,
}

impl Entry {
    /// A rate.
    pub fn rate(name: &'static str, setting: &Adjustable<Rate>, bounds: RateBounds) -> Self {
        let default = SettingValue::Text(setting.get().to_string());
        Self { name, default, place: Place::Rate(setting.clone(), bounds) }
    }

    /// Something that is on or off.
    pub fn flag(name: &'static str, setting: &Adjustable<bool>) -> Self {
        Self { name, default: SettingValue::Flag(setting.get()), place: Place::Flag(setting.clone()) }
    }

    /// A line of text of up to `chars_max` characters; empty: none.
    pub fn text(name: &'static str, setting: &Adjustable<String>, chars_max: usize) -> Self {
        Self { name, default: SettingValue::Text(setting.get()), place: Place::Text(setting.clone(), chars_max) }
    }

    /// What it is called.
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn kind(&self) -> Kind {
        match &self.place {
            Place::Rate(..) => Kind::Rate,
            Place::Flag(_) => Kind::Flag,
            Place::Text(..) => Kind::Text,
        }
    }

    /// The bounds of a rate.
    pub(super) fn rate_bounds(&self) -> Option<RateBounds> {
        if let Place::Rate(_, bounds) = &self.place { Some(*bounds) } else { None }
    }

    /// The characters of a text.
    pub(super) fn chars_max(&self) -> Option<usize> {
        if let Place::Text(_, chars_max) = &self.place { Some(*chars_max) } else { None }
    }

    /// The value in its one way of writing it, or the rule that it breaks.
    pub(super) fn read(&self, given: &Value) -> Result<SettingValue, String> {
        match (&self.place, given) {
            (Place::Flag(_), Value::Bool(on)) => Ok(SettingValue::Flag(*on)),
            (Place::Flag(_), _) => Err(format!("{} is true or false.", self.name)),
            (Place::Rate(_, bounds), Value::String(text)) => {
                let rate: Rate = text.parse().map_err(|error| format!("{}: {error}.", self.name))?;
                bounds.check(self.name, rate)?;
                Ok(SettingValue::Text(rate.to_string()))
            }
            (Place::Rate(..), _) => Err(format!(
                "{} is a rate, as a text: for instance \"20/30s\", \"10/min\", \"5/h\", or \"off\".",
                self.name
            )),
            (Place::Text(_, chars_max), Value::String(text)) => {
                let text = text.trim();
                let fits = text.chars().count() <= *chars_max && !text.chars().any(char::is_control);
                let rule = || format!("{} is a line of up to {chars_max} characters.", self.name);
                if fits { Ok(SettingValue::Text(text.to_owned())) } else { Err(rule()) }
            }
            (Place::Text(..), _) => Err(format!("{} is a text.", self.name)),
        }
    }

    /// Lets a value that was read take effect.
    pub(super) fn put(&self, value: &SettingValue) {
        match (&self.place, value) {
            (Place::Flag(setting), SettingValue::Flag(on)) => setting.set(*on),
            (Place::Text(setting, _), SettingValue::Text(text)) => setting.set(text.clone()),
            (Place::Rate(setting, _), SettingValue::Text(text)) => {
                if let Ok(rate) = text.parse() {
                    setting.set(rate);
                }
            }
            _ => (),
        }
    }
}

impl RateBounds {
    fn check(self, name: &str, rate: Rate) -> Result<(), String> {
        let Rate::AtMost { count, period_ms } = rate else { return Ok(()) };
        if count.get() > self.at_once_max {
            return Err(format!("{name} lets at most {} come at once.", self.at_once_max));
        }
        let Rate::AtMost { count: least, period_ms: least_period_ms } = self.at_least else { return Ok(()) };
        let in_the_long_run = u128::from(count.get()) * u128::from(least_period_ms);
        let at_least = u128::from(least.get()) * u128::from(period_ms);
        if count < least || in_the_long_run < at_least {
            return Err(format!("{name} is {} at least, at once and in the long run.", self.at_least));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rate() -> Entry {
        let bounds = RateBounds { at_least: "10/min".parse().unwrap(), at_once_max: 1_000 };
        Entry::rate("chat.rate", &"20/30s".parse().unwrap(), bounds)
    }

    #[test]
    fn a_rate_keeps_to_its_bounds_and_has_one_way_to_be_written() {
        for (given, read) in [("10/min", "10/min"), ("1000/60s", "1000/min"), (" off ", "off"), ("60/120s", "60/120s")]
        {
            assert_eq!(rate().read(&json!(given)), Ok(SettingValue::Text(read.into())), "{given}");
        }
        for (given, told) in [
            (json!("9/min"), "10/min at least"),
            (json!("100/h"), "10/min at least"),
            (json!("5/s"), "10/min at least"),
            (json!("1001/s"), "at most 1000"),
            (json!("fast"), "is not a rate"),
            (json!(20), "is a rate, as a text"),
        ] {
            let rule = rate().read(&given).unwrap_err();
            assert!(rule.contains(told) && rule.contains("chat.rate"), "{given}: {rule}");
        }
    }

    #[test]
    fn flags_and_texts_are_what_they_are() {
        let (open, notice) = (Adjustable::from(true), Adjustable::from(String::new()));
        let (flag, text) = (Entry::flag("open", &open), Entry::text("notice", &notice, 5));
        assert!(flag.read(&json!("true")).is_err() && text.read(&json!(false)).is_err());
        assert!(text.read(&json!("123456")).is_err() && text.read(&json!("a\nb")).is_err());
        flag.put(&flag.read(&json!(false)).unwrap());
        text.put(&text.read(&json!(" 점검 중 ")).unwrap());
        assert_eq!((open.get(), notice.get().as_str()), (false, "점검 중"));
    }
}
