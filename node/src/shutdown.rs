//! How the process ends: SIGTERM or SIGINT → not ready → wait → stop accepting → finish what is in flight → stop the parts
//! in the reverse order of their start; management answers until all of them have. A second signal ends the process at once.

use std::time::Duration;

use anyhow::Context as _;
use axum_server::Control;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{config::operation::Shutdown, management::Health, wire_up::Membership};

/// SIGTERM, SIGINT and SIGHUP. Made before the server says that it is ready, so that no signal is lost.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Takes the signals over from their default, which would end the process at once.
    pub fn new() -> anyhow::Result<Self> {
        let take = |kind| signal(kind).context("cannot listen to signals");
        Ok(Self {
            terminate: take(SignalKind::terminate())?,
            interrupt: take(SignalKind::interrupt())?,
            hangup: take(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Told::Stop("SIGINT"),
            _ = self.hangup.recv() => Told::Reload,
        }
    }

    /// Waits for the next one that ends the process, and names it.
    pub async fn stop(&mut self) -> &'static str {
        loop {
            if let Told::Stop(name) = self.next().await {
                return name;
            }
        }
    }
}

/// What a signal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// End; the signal's name.
    Stop(&'static str),
    /// Read certificates again.
    Reload,
}

/// Gives this node's users to others, stops accepting and waits for what is in flight. The caller then stops the parts
/// behind.
pub async fn drain(health: &Health, public: &Control, membership: Option<&Membership>, times: &Shutdown) {
    health.drain();
    let given_away = async {
        if let Some(membership) = membership {
            membership.drain(times.drain.get()).await;
        }
    };
    tokio::join!(given_away, tokio::time::sleep(times.delay.get()));
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
