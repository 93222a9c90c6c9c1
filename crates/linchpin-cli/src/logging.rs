//! Log lines on standard error.
//!
//! Log fields hold ids, counts and durations, never values of records, tokens or e-mail addresses.

use std::io;

use tracing_subscriber::EnvFilter;

use crate::args::{Global, LogFormat};
use crate::console;

/// Starts logging; a filter that cannot be read is told and replaced by `warn`.
pub(crate) fn start(global: &Global) {
    let filter = EnvFilter::try_new(&global.log).unwrap_or_else(|error| {
        console::note(&format!("--log {}: {error}; logging warnings only", global.log));
        EnvFilter::new("warn")
    });
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let started = match global.log_format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    if let Err(error) = started {
        console::note(&format!("logging is off: {error}"));
    }
}
