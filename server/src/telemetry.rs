//! Where log lines go: to standard error, as text for people or as JSON for machines. Standard
//! output belongs to the commands' answers.
//!
//! A line may name a student's or a person's id, never a name or anything that somebody wrote. A
//! panic's message can hold either, so that only the place of a panic is logged, and the message
//! is not.

use std::io::stderr;
use std::panic::{PanicHookInfo, set_hook};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

/// What is logged unless said otherwise.
pub const FILTER_DEFAULT: &str = "info";

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// One readable line per event.
    #[default]
    Text,
    /// One JSON object per event.
    Json,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter does not parse; see the syntax of `tracing_subscriber::EnvFilter`.
    #[error("the log filter cannot be read")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    /// It was set up before.
    #[error("logging is set up already")]
    Twice(#[source] TryInitError),
}

/// Sets up logging for the process, with a `filter` such as `info` or `warn,server=debug`.
pub fn init(format: LogFormat, filter: &str) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(filter).map_err(TelemetryError::Filter)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).with_ansi(false);
    match format {
        LogFormat::Text => lines.finish().try_init(),
        LogFormat::Json => lines.json().flatten_event(true).finish().try_init(),
    }
    .map_err(TelemetryError::Twice)?;
    set_hook(Box::new(log_panic));
    Ok(())
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    tracing::error!(place, "panic");
}

#[cfg(test)]
mod tests {
    use super::*;

    // One test, since what it sets up is the whole process's.
    #[test]
    fn logging_is_set_up_once_and_not_by_a_filter_that_cannot_be_read() {
        let refused = init(LogFormat::Json, "info,server=loudly");
        assert!(matches!(refused, Err(TelemetryError::Filter(_))));
        assert!(!tracing::dispatcher::has_been_set());
        assert!(init(LogFormat::Text, FILTER_DEFAULT).is_ok());
        assert!(matches!(init(LogFormat::Text, FILTER_DEFAULT), Err(TelemetryError::Twice(_))));
    }
}
