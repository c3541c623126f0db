//! How the process ends: SIGTERM or SIGINT → not ready → wait → stop accepting → finish what is in flight → stop the parts
//! in the reverse order of their start. A second signal ends the process at once.

use std::time::Duration;

use anyhow::Context as _;
use axum_server::Control;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{config::operation::Shutdown, management::Health};

/// SIGTERM and SIGINT. Made before the server says that it is ready, so that no signal is lost.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Takes the signals over from their default, which would end the process at once.
    pub fn new() -> anyhow::Result<Self> {
        let signals = signal(SignalKind::terminate())
            .and_then(|terminate| signal(SignalKind::interrupt()).map(|interrupt| Self { terminate, interrupt }));
        signals.context("cannot listen to signals")
    }

    /// Waits for the next one and names it.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Stops accepting and waits for what is in flight. The caller then stops the parts behind.
pub async fn drain(health: &Health, public: &Control, times: &Shutdown) {
    health.drain();
    tokio::time::sleep(times.delay.get()).await;
    public.graceful_shutdown(Some(times.drain.get()));
    let ended = async {
        while public.connection_count() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    // The listener cuts connections off by itself when the time is over; this only waits for it.
    if tokio::time::timeout(times.drain.get() + Duration::from_secs(1), ended).await.is_err() {
        tracing::warn!("some connections were cut off");
    }
}
