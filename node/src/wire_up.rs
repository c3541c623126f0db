//! The parts of the server, started in order: store → cluster → actors → api. Each step is one component.

use std::{num::NonZero, path::Path, sync::Arc, time::Duration};

use actors::{
    Services, ServicesOptions,
    call::Deadline,
    clock::SystemClock,
    domain::{
        context::Settings,
        factor::{password::Policy, totp::Window},
    },
    entropy::SystemEntropy,
    hasher::Argon2Params,
    key_ring::Rotation,
    operator::{Operator, Request, Response},
};
use anyhow::Context as _;
use api::{
    ApiSettings, ApiState, Network,
    limits::{LimitSettings, Rate},
    page::{Branding, Pages},
};
use axum::Router;
use cluster::{Generation, View};
use schema::{
    Cursor, GRACE, Store, Stream, Timestamp,
    embedded::{EmbeddedStore, Options},
};

use crate::{
    config::{Config, totp::TotpWindow, value::Cidr},
    data_folder::Ring,
    management::Check,
    socket,
};

/// The name of a node that is alone.
const NODE: &str = "local";
/// An account's actor lives this long after its last use; then its record goes into the warm cache.
const ACTOR_IDLE: Duration = Duration::from_secs(20);
/// How long actors may take to finish.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Everything that runs behind the listeners.
#[derive(Debug)]
pub struct Parts {
    store: Arc<EmbeddedStore>,
    services: Services,
    operator: Operator,
    api: ApiState,
}

impl Parts {
    /// Starts everything.
    pub async fn start(config: &Config, path: &Path, ring: &Ring) -> anyhow::Result<Self> {
        let store = open_store(path).await?;
        let me: cluster::NodeId = NODE.parse()?;
        let router = Arc::new(cluster::Router::new(me.clone(), View::alone(me, Generation(1))));
        let services = Box::pin(Services::start(options(config, Arc::clone(&store), ring, router))).await?;
        let operator = Operator::new(services.clone());
        let api = ApiState::new(services.clone(), Pages::new(branding()), surface(config)?);
        Ok(Self { store, services, operator, api })
    }

    /// The public routes.
    pub fn router(&self) -> Router {
        api::router(self.api.clone())
    }

    /// The services, for what only a server does.
    pub const fn services(&self) -> &Services {
        &self.services
    }

    /// Answers an operator's question, which came as JSON from this uid.
    pub fn desk(&self) -> Desk {
        Desk(self.operator.clone())
    }

    /// Removes from time to time what has expired. Ends never.
    pub fn housekeeping(&self) -> impl Future<Output = ()> + use<> {
        let (store, services) = (Arc::clone(&self.store), self.services.clone());
        async move {
            loop {
                tokio::time::sleep(HOUSEKEEPING).await;
                if let Err(error) = tidy(&store, services.clock.now()).await {
                    tracing::warn!(%error, "what has expired could not be removed");
                }
            }
        }
    }

    /// What readiness hangs on.
    pub fn checks(&self) -> Vec<Check> {
        let store = Arc::clone(&self.store);
        let keys = self.services.keys.clone();
        let store = Check {
            name: "store",
            look: Box::new(move || {
                let store = Arc::clone(&store);
                Box::pin(async move { store.ping().await.map_err(|error| error.to_string()) })
            }),
        };
        let keys = Check {
            name: "keys",
            look: Box::new(move || {
                let empty = keys.current().list.is_empty();
                Box::pin(async move { if empty { Err("there is no signing key".to_owned()) } else { Ok(()) } })
            }),
        };
        vec![store, keys]
    }

    /// Stops everything, in the reverse order.
    pub async fn stop(self) {
        self.services.stop(STOP_WITHIN).await;
        let store = self.store;
        if tokio::task::spawn_blocking(move || store.close()).await.is_err() {
            tracing::error!("the store could not be closed");
        }
    }
}

/// Where operators' questions are answered, for the running server and for a command that opened the store itself.
#[derive(Clone, Debug)]
pub struct Desk(Operator);

impl Desk {
    /// Answers a question that came as JSON from this uid.
    pub async fn answer_json(&self, uid: u32, question: &[u8]) -> Vec<u8> {
        let response = match serde_json::from_slice(question) {
            Ok(request) => self.answer(uid, request).await,
            Err(_) => Response::Refused { message: "this server does not know the command; is it older?".to_owned() },
        };
        serde_json::to_vec(&response).unwrap_or_default()
    }

    /// Answers a question from this uid.
    pub async fn answer(&self, uid: u32, request: Request) -> Response {
        self.0.run(format!("operator uid {uid}"), request, Deadline::after(socket::DEADLINE)).await
    }
}

/// How often expired things are looked for.
const HOUSEKEEPING: Duration = Duration::from_mins(1);

async fn tidy(store: &EmbeddedStore, now: Timestamp) -> Result<(), schema::StoreError> {
    while store.collect(now).await? > 0 {}
    // Notes of partitions with undelivered events are read back for the length of GRACE at a start.
    let old = Cursor { at: now.before(2 * GRACE), id: "".into() };
    while store.trim(Stream::Dirty, &old).await? > 0 {}
    Ok(())
}

/// Opening reads the journal, so it runs beside the runtime.
async fn open_store(path: &Path) -> anyhow::Result<Arc<EmbeddedStore>> {
    let path = path.to_owned();
    let open = move || EmbeddedStore::open(&path, &Options::default());
    let store = tokio::task::spawn_blocking(open).await.context("opening the store")??;
    Ok(Arc::new(store))
}

fn options(config: &Config, store: Arc<EmbeddedStore>, ring: &Ring, router: Arc<cluster::Router>) -> ServicesOptions {
    let password = &config.password;
    ServicesOptions {
        store,
        clock: Arc::new(SystemClock::new()),
        entropy: Arc::new(SystemEntropy),
        master_keys: ring.keys.clone(),
        router,
        settings: settings(config),
        password_policy: Policy { min_len: password.min_length_single_factor.into(), ..Policy::default() },
        argon2: Argon2Params { m_kib: password.argon2.m_kib, t: password.argon2.t, p: password.argon2.p },
        hash_threads: password.threads.and_then(|threads| NonZero::new(threads.into())),
        hash_queue: password.queue as usize,
        rotation: Rotation {
            every: config.keys.rotate_every.get(),
            lead: config.keys.publish_ahead.get(),
            retain: config.keys.retire_after.get(),
        },
        max_in_flight: config.http.max_in_flight as usize,
        cache_bytes: config.limits.warm_cache_mib as usize * 1024 * 1024,
        idle: ACTOR_IDLE,
    }
}

fn branding() -> Branding {
    Branding { product_name: "Doorward".to_owned() }
}

fn surface(config: &Config) -> anyhow::Result<ApiSettings> {
    let network = |range: &Cidr| Network { address: range.address, bits: range.bits };
    let rate = |burst| Rate { burst, window: config.limits.window.get() };
    let defaults = ApiSettings::new(config.issuer.as_str().parse().context("issuer")?);
    Ok(ApiSettings {
        trusted_proxies: config.http.trusted_proxies.iter().map(network).collect(),
        json_token_requests: config.oauth.json_token_requests,
        failure_floor: Duration::from_millis(config.password.failure_floor_ms.into()),
        request_deadline: config.http.request_timeout.get(),
        max_in_flight: config.http.max_in_flight as usize,
        limits: LimitSettings {
            failures: rate(config.limits.failures_per_address),
            registrations: rate(config.limits.registrations_per_address),
            ..defaults.limits.clone()
        },
        ..defaults
    })
}

fn settings(config: &Config) -> Settings {
    Settings {
        issuer: config.issuer.as_str().to_owned(),
        totp_window: match config.totp.window {
            TotpWindow::Both => Window::Both,
            TotpWindow::Back => Window::Back,
            TotpWindow::Strict => Window::Strict,
        },
        session_absolute: config.session.absolute.get(),
        session_idle: config.session.idle.get(),
        code_lifetime: config.token.code.get(),
        access_token_lifetime: config.token.access.get(),
        id_token_lifetime: config.token.id.get(),
        refresh_absolute: config.token.refresh_absolute.get(),
        refresh_idle: config.token.refresh_idle.get(),
    }
}
