//! Logs on stderr, and the recorder of metrics. Neither ever carries a secret: nothing here formats requests.

use std::{io::IsTerminal as _, time::Duration};

use anyhow::Context as _;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::config::operation::{Log, LogFormat};

/// Upper bounds, in seconds, of everything that is measured in seconds.
const SECONDS: [f64; 15] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// How often the recorder tidies its histograms.
pub const UPKEEP: Duration = Duration::from_secs(5);

/// Starts logging, for a server. Once per process.
pub fn install_logs(log: &Log) -> anyhow::Result<()> {
    install(log.level.parse().context("log.level")?, log.format)
}

/// Starts logging, for a command that ends soon: warnings alone. Once per process.
pub fn install_command_logs() -> anyhow::Result<()> {
    install(Targets::new().with_default(tracing::Level::WARN), LogFormat::Text)
}

fn install(targets: Targets, format: LogFormat) -> anyhow::Result<()> {
    let registry = tracing_subscriber::registry().with(targets);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
        LogFormat::Text => registry.with(lines.with_ansi(std::io::stderr().is_terminal())).try_init(),
    }
    .context("logging was started twice")?;
    std::panic::set_hook(Box::new(|panic| {
        // Not the message: it may hold what was being handled.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current().name().unwrap_or_default().to_owned();
        tracing::error!(place, thread, "a part of the program panicked");
    }));
    Ok(())
}

/// Starts recording metrics. Once per process.
pub fn install_metrics() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .context("buckets")?
        .install_recorder()
        .context("metrics were started twice")?;
    metrics::describe_gauge!("doorward_build_info", "Always 1; the labels say what is running.");
    metrics::gauge!("doorward_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    metrics::describe_gauge!("process_resident_memory_bytes", metrics::Unit::Bytes, "Resident memory.");
    Ok(handle)
}

/// Looks at the process itself; called before metrics are shown.
pub fn observe_process() {
    if let Some(bytes) = resident_memory() {
        #[expect(clippy::cast_precision_loss, reason = "exact up to 8 PiB")]
        metrics::gauge!("process_resident_memory_bytes").set(bytes as f64);
    }
}

/// Resident memory in bytes, as the kernel counts it.
fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}
