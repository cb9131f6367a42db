//! Laying the sources of settings over each other.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use super::Config;
use crate::cli::{ServeArguments, StoreArguments};

/// Every setting, its default and its meaning.
pub(crate) const DEFAULTS: &str = include_str!("../../../../madang.default.toml");

/// Variables with these beginnings are not settings.
const OTHER_VARIABLES: [&str; 4] = ["MADANG_TEST_", "MADANG_FUZZ_", "MADANG_BENCH_", "MADANG_CONFIG"];

/// Tables whose keys are names that people give; each of these tables is read by its component alone.
const NAMED_TABLES: [&str; 1] = ["gateway.namespaces."];

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the config file {path}: {source}", path = path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{origin} is not TOML: {source}")]
    Syntax { origin: String, source: toml::de::Error },
    #[error("{origin} names no setting: {name}{hint}")]
    Unknown { origin: String, name: String, hint: String },
    #[error("{origin} must be {expected}, not {found:?}")]
    Type { origin: String, expected: &'static str, found: String },
    #[error("a setting is wrong: {0}")]
    Value(String),
    #[error("{setting} cannot be used: {reason}")]
    Refused { setting: String, reason: String },
}

/// The settings of a process that serves.
pub(crate) fn load(
    arguments: &ServeArguments,
    variables: impl Iterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let config = read(arguments, variables)?;
    match config.serving_trouble() {
        None => Ok(config),
        Some((setting, reason)) => Err(ConfigError::Refused { setting, reason: reason.into() }),
    }
}

/// The settings of a command that looks after a site. Those that all processes of a site share do.
pub(crate) fn load_to_look_after(
    store: StoreArguments,
    variables: impl Iterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    read(&ServeArguments { store, ..ServeArguments::default() }, variables)
}

fn read(arguments: &ServeArguments, variables: impl Iterator<Item = (String, String)>) -> Result<Config, ConfigError> {
    let mut settings: Table =
        DEFAULTS.parse().map_err(|source| ConfigError::Syntax { origin: "madang.default.toml".into(), source })?;
    if let Some(path) = &arguments.store.config {
        lay_file(&mut settings, path)?;
    }
    lay_variables(&mut settings, variables)?;
    lay_arguments(&mut settings, arguments);
    let config: Config = Value::Table(settings)
        .try_into()
        .map_err(|error: toml::de::Error| ConfigError::Value(error.message().to_owned() + &at(&error)))?;
    config.check()
}

fn at(error: &toml::de::Error) -> String {
    let text = error.to_string();
    text.lines()
        .find_map(|line| line.trim().strip_prefix("in "))
        .map(|place| format!(" (in {place})"))
        .unwrap_or_default()
}

fn lay_file(settings: &mut Table, path: &Path) -> Result<(), ConfigError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    let origin = format!("the config file {}", path.display());
    let file: Table = text.parse().map_err(|source| ConfigError::Syntax { origin: origin.clone(), source })?;
    lay_table(settings, file, &origin, "")
}

fn lay_table(settings: &mut Table, over: Table, origin: &str, prefix: &str) -> Result<(), ConfigError> {
    for (key, value) in over {
        let name = format!("{prefix}{key}");
        match (settings.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(value)) => lay_table(inner, value, origin, &format!("{name}."))?,
            (Some(slot), value) if slot.type_str() == value.type_str() => *slot = value,
            (Some(slot), value) => {
                let origin = format!("{name} in {origin}");
                return Err(ConfigError::Type { origin, expected: expected(slot), found: format!("{value:?}") });
            }
            (None, value) if NAMED_TABLES.contains(&prefix) => {
                settings.insert(key, value);
            }
            (None, _) => {
                let hint = nearest(settings, &key);
                return Err(ConfigError::Unknown { origin: origin.into(), name, hint });
            }
        }
    }
    Ok(())
}

fn lay_variables(settings: &mut Table, variables: impl Iterator<Item = (String, String)>) -> Result<(), ConfigError> {
    for (name, text) in variables {
        let Some(path) = name.strip_prefix("MADANG_") else { continue };
        if OTHER_VARIABLES.iter().any(|other| name.starts_with(other)) {
            continue;
        }
        let origin = format!("the variable {name}");
        let Some(slot) = find(settings, &path.to_ascii_lowercase()) else {
            return Err(ConfigError::Unknown { origin, name, hint: String::new() });
        };
        let parsed = match slot {
            Value::String(_) => Some(Value::String(text.clone())),
            Value::Integer(_) => text.parse().ok().map(Value::Integer),
            Value::Float(_) => text.parse().ok().map(Value::Float),
            Value::Boolean(_) => text.parse().ok().map(Value::Boolean),
            Value::Array(_) => Some(Value::Array(
                text.split(',').filter(|part| !part.is_empty()).map(|part| Value::String(part.trim().into())).collect(),
            )),
            _ => None,
        };
        *slot = parsed.ok_or_else(|| ConfigError::Type { origin, expected: expected(slot), found: text })?;
    }
    Ok(())
}

/// The setting whose path, joined by underscores, is `path`: `chat_rate` is `chat.rate`.
fn find<'a>(settings: &'a mut Table, path: &str) -> Option<&'a mut Value> {
    for (key, value) in settings {
        match value {
            Value::Table(inner) => {
                let found = path
                    .strip_prefix(key.as_str())
                    .and_then(|rest| rest.strip_prefix('_'))
                    .and_then(|rest| find(inner, rest));
                if found.is_some() {
                    return found;
                }
            }
            value if key == path => return Some(value),
            _ => (),
        }
    }
    None
}

fn lay_arguments(settings: &mut Table, arguments: &ServeArguments) {
    let ServeArguments { store: StoreArguments { data_dir, .. }, http, rtmp, role } = arguments;
    let given = [
        ("data_dir", data_dir.as_ref().map(|path| path.to_string_lossy().into_owned())),
        ("http", http.map(|address| address.to_string())),
        ("rtmp", rtmp.map(|address| address.to_string())),
        ("role", role.clone()),
    ];
    for (key, value) in given {
        if let Some(value) = value {
            settings.insert(key.into(), Value::String(value));
        }
    }
}

fn expected(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Array(_) => "a list",
        _ => "a table",
    }
}

fn nearest(settings: &Table, key: &str) -> String {
    let mut hint = String::new();
    let common = |name: &str| name.bytes().filter(|byte| key.bytes().any(|other| other == *byte)).count();
    if let Some((name, _)) = settings.iter().max_by_key(|(name, _)| common(name)) {
        let _ = write!(hint, " (there is {name})");
    }
    hint
}
