//! `doorward serve`: start in order, say when ready, stop in the reverse order.
//!
//! 1. What needs a process without threads: the data folder, its key ring, the command socket under its own name.
//! 2. The listeners are bound, so that an address in use is told before anything else happens; management answers.
//! 3. The [parts](Parts) start. Now the store's lock is held, so the command socket takes its public name.
//! 4. The public listener serves; readiness is what the checks say.
//! 5. A signal, or a listener that failed, ends it: see [`shutdown`].

use std::sync::Arc;

use anyhow::{Context as _, bail};
use axum_server::Control;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::task::JoinSet;

use crate::{
    config::{Config, store::StoreUrl},
    data_folder::{DataFolder, KEY_FILE, Ring, parse_ring},
    first_admin,
    listen::{self, Endpoint, MANAGEMENT_HEADER_TIMEOUT},
    management::{self, Health},
    shutdown::{self, Signals},
    socket, telemetry,
    wire_up::Parts,
};

/// Runs the server until it is told to stop.
pub fn run(config: &Config) -> anyhow::Result<()> {
    telemetry::install_logs(&config.log)?;
    let metrics = telemetry::install_metrics()?;
    listen::install_tls_provider();
    warn_of_weakness(config);
    let (folder, ring) = data_folder(config)?;
    let socket = socket::Bound::new(&folder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime")?;
    runtime.block_on(async move {
        let (mut process, public) = Process::bind(config, metrics).await?;
        let parts = Box::pin(Parts::start(config, folder.path(), &ring)).await?;
        process.open(public, &parts, socket)?;
        let ended = process.wait().await;
        process.stop(parts).await;
        ended
    })
}

/// The data folder of the embedded store, and the key ring: the configured one, or the folder's own.
pub fn data_folder(config: &Config) -> anyhow::Result<(Arc<DataFolder>, Ring)> {
    let StoreUrl::Embedded(path) = &config.store.url;
    let folder = Arc::new(DataFolder::prepare(path)?);
    let ring = match config.secrets.ring().map_err(anyhow::Error::msg)? {
        Some(text) => Ring { keys: parse_ring(&text, &"secrets.master_keys")?, generated: false },
        None => folder.ring(&actors::entropy::SystemEntropy)?,
    };
    if ring.generated {
        tracing::warn!(
            file = %path.join(KEY_FILE).display(),
            "GENERATED A MASTER KEY RING. Without this file everything sealed in the store is lost: keep a copy of it \
             apart from backups of the store, or configure a ring of your own with DOORWARD_MASTER_KEYS_FILE"
        );
    }
    Ok((folder, ring))
}

fn warn_of_weakness(config: &Config) {
    if config.issuer.is_development() {
        tracing::warn!(
            issuer = config.issuer.as_str(),
            "development mode: http, cookies without `__Host-` and `Secure`"
        );
    }
    if config.password.is_weak() {
        tracing::warn!("password.argon2.m_kib is below 7168: hashes are cheaper than OWASP recommends");
    }
}

/// A running server.
struct Process<'a> {
    config: &'a Config,
    health: Arc<Health>,
    public: Control,
    signals: Signals,
    tasks: JoinSet<anyhow::Result<()>>,
}

impl<'a> Process<'a> {
    /// Binds both listeners; management answers from now on. Also gives the public one, which waits for the parts.
    async fn bind(config: &'a Config, metrics: PrometheusHandle) -> anyhow::Result<(Self, Endpoint)> {
        let mut process = Self {
            config,
            health: Arc::new(Health::default()),
            public: Control::new(),
            signals: Signals::new()?,
            tasks: JoinSet::new(),
        };
        let tls = match config.http.tls.files() {
            Some((cert, key)) => Some(listen::tls(cert, key).await?),
            None => None,
        };
        let public = Endpoint {
            listener: listen::bind(config.http.listen.0, "http.listen")?,
            tls,
            header_timeout: config.http.header_timeout.get(),
            control: process.public.clone(),
        };
        let management = Endpoint {
            listener: listen::bind(config.management.listen.0, "management.listen")?,
            tls: None,
            header_timeout: MANAGEMENT_HEADER_TIMEOUT,
            control: Control::new(),
        };
        tracing::info!(address = %management.listener.local_addr()?, "management listens");
        process.tasks.spawn(management.serve(management::router(Arc::clone(&process.health), metrics.clone())));
        process.tasks.spawn(async move {
            loop {
                tokio::time::sleep(telemetry::UPKEEP).await;
                metrics.run_upkeep();
            }
        });
        Ok((process, public))
    }

    /// Opens the public listener and the command socket to the parts.
    fn open(&mut self, public: Endpoint, parts: &Parts, socket: socket::Bound) -> anyhow::Result<()> {
        let address = public.listener.local_addr()?;
        self.tasks.spawn(public.serve(parts.router()));
        let socket = socket.publish()?;
        let desk = parts.desk();
        self.tasks.spawn(async move {
            let answer = move |uid, question: Vec<u8>| {
                let desk = desk.clone();
                async move { desk.answer_json(uid, &question).await }
            };
            socket::serve(socket, answer).await;
            Ok(())
        });
        let housekeeping = parts.housekeeping();
        self.tasks.spawn(async move {
            housekeeping.await;
            Ok(())
        });
        self.health.started(parts.checks());
        tracing::info!(issuer = self.config.issuer.as_str(), %address, "ready");
        let invitation = first_admin::invite(parts.services().clone());
        self.tasks.spawn(async move {
            invitation.await;
            // Done once there is an administrator; but the end of a task means that the server failed.
            std::future::pending().await
        });
        Ok(())
    }

    /// Waits for a signal, or for a task that ended though none should.
    async fn wait(&mut self) -> anyhow::Result<()> {
        tokio::select! {
            name = self.signals.next() => {
                self.health.drain();
                tracing::info!(signal = name, "stopping");
                Ok(())
            }
            ended = self.tasks.join_next() => match ended {
                Some(Ok(Err(error))) => Err(error),
                Some(Err(error)) => bail!("a part of the server ended: {error}"),
                Some(Ok(Ok(()))) | None => bail!("a part of the server ended"),
            },
        }
    }

    /// The reverse of the start. A second signal ends the process at once.
    async fn stop(self, parts: Parts) {
        let Self { config, health, public, mut signals, mut tasks } = self;
        let orderly = async {
            shutdown::drain(&health, &public, &config.shutdown).await;
            // The command socket and management go with their tasks.
            tasks.shutdown().await;
            parts.stop().await;
        };
        tokio::select! {
            () = orderly => tracing::info!("stopped"),
            name = signals.next() => {
                tracing::warn!(signal = name, "a second signal: ending at once");
                std::process::exit(1);
            }
        }
    }
}
