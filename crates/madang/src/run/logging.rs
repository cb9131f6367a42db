//! The log: to standard error, as text for people or as JSON for machines.

use tracing_subscriber::EnvFilter;

use super::AnyError;
use crate::config::{Log, LogFormat};

/// Starts the log. Called once, before anything else happens.
pub(crate) fn start(settings: &Log) -> Result<(), AnyError> {
    let filter = EnvFilter::try_new(&settings.level)
        .map_err(|error| format!("log.level cannot be used: {error}; write for instance info or info,media=debug"))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match settings.format {
        LogFormat::Text => log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    }
}
