//! Log lines: text for people, JSON for machines, always on stderr.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What libraries may say. These two also log each error that they return, and we tell it in our own words.
const LIBRARIES: &str = "error,kube_client=off,kube_lease_manager=off";

/// Starts logging at a level (`warn`, `info`, …); the variable `TIDEGATE_LOG` says more, in tracing's filter form.
pub fn start_logging(format: LogFormat, level: &str, colours: bool) {
    let filter = EnvFilter::try_from_env("TIDEGATE_LOG")
        .unwrap_or_else(|_| EnvFilter::new(format!("{LIBRARIES},tidegate={level}")));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        .with_target(false);
    // A second start, as in tests, changes nothing.
    let started = match format {
        LogFormat::Text => builder.finish().try_init(),
        LogFormat::Json => builder.json().finish().try_init(),
    };
    started.unwrap_or_default();
}
