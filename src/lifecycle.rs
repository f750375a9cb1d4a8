//! Start and stop of the process.

use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{Log, LogFormat};

/// Sends what is logged to stderr.
pub fn start_logging(settings: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&settings.filter)?;
    let registry = tracing_subscriber::registry().with(filter);
    match settings.format {
        LogFormat::Text => registry.with(fmt::layer().with_writer(std::io::stderr)).try_init()?,
        LogFormat::Json => {
            registry.with(fmt::layer().json().flatten_event(true).with_writer(std::io::stderr)).try_init()?;
        }
    }
    Ok(())
}

/// Waits for the word to stop: SIGTERM, or Ctrl-C. A second one ends the process at once.
pub async fn asked_to_stop() -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let second = async move |terminate: &mut tokio::signal::unix::Signal,
                             interrupt: &mut tokio::signal::unix::Signal| {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    };
    second(&mut terminate, &mut interrupt).await;
    // The task is not waited for: it only ever ends the process.
    let _impatient = tokio::task::spawn(async move {
        second(&mut terminate, &mut interrupt).await;
        tracing::warn!("asked to stop twice: ending now");
        std::process::exit(130);
    });
    Ok(())
}
