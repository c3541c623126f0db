//! `doorward serve`: start in order, say when ready, stop in the reverse order.
//!
//! 1. What needs a process without threads: the data folder, its key ring, the command socket under its own name.
//! 2. The listeners are bound, so that an address in use is told before anything else happens; management answers.
//! 3. The [parts](Parts) start. Now the store's lock is held, so the command socket takes its public name.
//!    A node among others comes into the view.
//! 4. The public listener serves; readiness is what the checks say.
//! 5. A signal, or a listener that failed, ends it: see [`shutdown`]. Management answers to the end: alive, not ready.

use std::sync::Arc;

use actors::vault::MasterKeys;
use anyhow::{Context as _, bail};
use axum_server::{Control, tls_rustls::RustlsConfig};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::task::JoinSet;

use crate::{
    config::Config,
    data_folder::{DataFolder, KEY_FILE, Ring, parse_ring},
    first_admin,
    listen::{self, Endpoint, MANAGEMENT_HEADER_TIMEOUT},
    management::{self, Health},
    shutdown::{self, Signals, Told},
    socket, telemetry,
    wire_up::{Errand, Parts},
};

/// Runs the server until it is told to stop.
pub fn run(config: &Config) -> anyhow::Result<()> {
    telemetry::install_logs(&config.log)?;
    let metrics = telemetry::install_metrics()?;
    listen::install_tls_provider();
    warn_of_weakness(config);
    let (folder, keys) = master_keys(config)?;
    let socket = folder.as_ref().map(socket::Bound::new).transpose()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime")?;
    runtime.block_on(async move {
        let (mut process, public) = Process::bind(config, metrics).await?;
        let parts = tokio::select! {
            parts = Box::pin(Parts::start(config, keys, Errand::Serve)) => parts?,
            name = process.signals.stop() => {
                tracing::info!(signal = name, "stopped before everything had started");
                return Ok(());
            }
        };
        process.open(public, &parts, socket)?;
        let ended = process.wait(&parts).await;
        process.stop(parts).await;
        ended
    })
}

/// The master keys: the configured ring, or for an embedded store the ring in its folder, which is opened as well.
pub fn master_keys(config: &Config) -> anyhow::Result<(Option<Arc<DataFolder>>, MasterKeys)> {
    if config.store.url.folder().is_some() {
        let (folder, ring) = data_folder(config)?;
        return Ok((Some(folder), ring.keys));
    }
    let text = config.secrets.ring().map_err(anyhow::Error::msg)?;
    Ok((None, parse_ring(&text.context("secrets.master_keys is unset")?, &"secrets.master_keys")?))
}

/// The data folder of the embedded store, and the key ring: the configured one, or the folder's own.
pub fn data_folder(config: &Config) -> anyhow::Result<(Arc<DataFolder>, Ring)> {
    let path = config.store.url.folder().context("this store has no data folder")?;
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
    tls: Option<RustlsConfig>,
    signals: Signals,
    tasks: JoinSet<anyhow::Result<()>>,
    /// Management, which answers for longer than everything else: a process that takes long to stop is still alive.
    management: JoinSet<anyhow::Result<()>>,
}

impl<'a> Process<'a> {
    /// Binds both listeners; management answers from now on. Also gives the public one, which waits for the parts; a node
    /// that serves nobody outside has none.
    async fn bind(config: &'a Config, metrics: PrometheusHandle) -> anyhow::Result<(Self, Option<Endpoint>)> {
        let tls = match config.http.tls.files() {
            Some((cert, key)) => Some(listen::tls(cert, key).await?),
            None => None,
        };
        let mut process = Self {
            config,
            health: Arc::new(Health::default()),
            public: Control::new(),
            tls,
            signals: Signals::new()?,
            tasks: JoinSet::new(),
            management: JoinSet::new(),
        };
        let public = if config.cluster.serves_http() { Some(process.public()?) } else { None };
        let management = Endpoint {
            listener: listen::bind(config.management.listen.0, "management.listen")?,
            tls: None,
            header_timeout: MANAGEMENT_HEADER_TIMEOUT,
            control: Control::new(),
        };
        tracing::info!(address = %management.listener.local_addr()?, "management listens");
        process.management.spawn(management.serve(management::router(Arc::clone(&process.health), metrics.clone())));
        process.management.spawn(async move {
            loop {
                tokio::time::sleep(telemetry::UPKEEP).await;
                metrics.run_upkeep();
            }
        });
        Ok((process, public))
    }

    fn public(&self) -> anyhow::Result<Endpoint> {
        Ok(Endpoint {
            listener: listen::bind(self.config.http.listen.0, "http.listen")?,
            tls: self.tls.clone(),
            header_timeout: self.config.http.header_timeout.get(),
            control: self.public.clone(),
        })
    }

    /// Opens the public listener and the command socket to the parts.
    fn open(&mut self, public: Option<Endpoint>, parts: &Parts, socket: Option<socket::Bound>) -> anyhow::Result<()> {
        let address = public.as_ref().map(|public| public.listener.local_addr()).transpose()?;
        if let Some(public) = public {
            self.tasks.spawn(public.serve(parts.router()));
        }
        if let Some(socket) = socket {
            let (socket, desk) = (socket.publish()?, parts.desk());
            self.tasks.spawn(async move {
                let answer = move |uid, question: Vec<u8>| {
                    let desk = desk.clone();
                    async move { desk.answer_frame(uid, &question).await }
                };
                socket::serve(socket, answer).await;
                Ok(())
            });
        }
        self.tasks.spawn(parts.background());
        self.health.started(parts.checks());
        let issuer = self.config.issuer.as_str();
        if let Some(address) = address {
            tracing::info!(issuer, %address, "ready");
        } else {
            tracing::info!(issuer, "ready; this node serves other nodes only");
        }
        let invitation = first_admin::invite(parts.services().clone());
        self.tasks.spawn(async move {
            invitation.await;
            // Done once there is an administrator; but the end of a task means that the server failed.
            std::future::pending().await
        });
        Ok(())
    }

    /// Waits for a signal, or for a task that ended though none should. SIGHUP reads certificates again.
    async fn wait(&mut self, parts: &Parts) -> anyhow::Result<()> {
        loop {
            let ended = async {
                tokio::select! {
                    ended = self.tasks.join_next() => ended,
                    ended = self.management.join_next() => ended,
                }
            };
            tokio::select! {
                told = self.signals.next() => match told {
                    Told::Reload => reload(self.config, self.tls.as_ref(), parts).await,
                    Told::Stop(name) => {
                        self.health.drain();
                        tracing::info!(signal = name, "stopping");
                        return Ok(());
                    }
                },
                ended = ended => return match ended {
                    Some(Ok(Err(error))) => Err(error),
                    Some(Err(error)) => bail!("a part of the server ended: {error}"),
                    Some(Ok(Ok(()))) | None => bail!("a part of the server ended"),
                },
            }
        }
    }

    /// The reverse of the start. A second signal ends the process at once.
    async fn stop(self, parts: Parts) {
        let Self { config, health, public, mut signals, mut tasks, mut management, .. } = self;
        let orderly = async {
            shutdown::drain(&health, &public, parts.membership(), &config.shutdown).await;
            // The command socket goes with its task.
            tasks.shutdown().await;
            parts.stop().await;
            // Until now it said: alive, and not ready. Whoever watches does not kill a node that is about to leave.
            management.shutdown().await;
        };
        tokio::select! {
            () = orderly => tracing::info!("stopped"),
            name = signals.stop() => {
                tracing::warn!(signal = name, "a second signal: ending at once");
                std::process::exit(1);
            }
        }
    }
}

/// Reads certificates and keys again; what cannot be used leaves the old ones in place.
async fn reload(config: &Config, tls: Option<&RustlsConfig>, parts: &Parts) {
    if let Some((tls, (cert, key))) = tls.zip(config.http.tls.files()) {
        match tls.reload_from_pem_file(cert, key).await {
            Ok(()) => tracing::info!("the certificate of http.tls was read again"),
            Err(error) => tracing::error!(%error, "http.tls stays as it was"),
        }
    }
    if let Some(membership) = parts.membership() {
        membership.reload();
    }
}
