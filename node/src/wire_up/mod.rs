//! The parts of the server, started in order: store → cluster → actors → api. Each step is one component.

pub mod backend;
mod membership;
mod settings;

use std::{sync::Arc, time::Duration};

use actors::{
    Services,
    call::Deadline,
    clock::{Clock, SystemClock},
    entropy::{Entropy, SystemEntropy},
    notifier::Carrier,
    operator::{Operator, Request, Response},
    vault::MasterKeys,
};
use api::{
    ApiState,
    mail::{Inbox, Writer},
    page::Pages,
};
use axum::Router;
use cluster::{Authority, Generation, NoCaller};
use schema::record::Channel;

pub use self::membership::Membership;
use self::{
    backend::Backend,
    membership::{Seat, SeatOptions},
    settings::Foundations,
};
use crate::{command::backup, config::Config, mail, management::Check, sms, socket, templates};

/// The name of a node that is alone.
const NODE: &str = "local";
/// How long actors may take to finish.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// What the parts are started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// To serve until told to stop.
    Serve,
    /// For one command of the command line.
    Command,
}

/// Everything that runs behind the listeners.
#[derive(Debug)]
pub struct Parts {
    backend: Backend,
    services: Services,
    operator: Operator,
    api: ApiState,
    membership: Option<Membership>,
}

impl Parts {
    /// Starts everything.
    pub async fn start(config: &Config, keys: MasterKeys, errand: Errand) -> anyhow::Result<Self> {
        let backend = Backend::open(&config.store.url, &config.store).await?;
        // Before anything is written: a store that was moved must not change any more.
        schema::standing::check(backend.store().as_ref()).await?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let (mut authority, mut peers, mut seat): (_, Arc<dyn cluster::Caller>, _) =
            (Arc::new(Authority::alone(NODE.parse()?, Generation(1), cluster::now())), Arc::new(NoCaller), None);
        if let Backend::Scylla(_) = backend {
            let options = SeatOptions { config, backend: &backend, clock: &clock, entropy: &entropy };
            if errand == Errand::Serve {
                backend.self_test().await?;
                let taken = Seat::take(&options).await?;
                (authority, peers) = (Arc::clone(&taken.authority), taken.peers());
                seat = Some(taken);
            } else {
                (authority, peers) = membership::visit(&options).await?;
            }
        }
        let serves = seat.as_ref().is_none_or(Seat::serves);
        let gossip_keys = keys.gossip_keys();
        let (pages, remarks) = templates::load(config)?;
        for remark in remarks {
            tracing::warn!(%remark, "a template can be used, and should be looked at");
        }
        let (carriers, inbox) = carriers(config, &pages, &clock)?;
        let base = Foundations {
            store: backend.store(),
            clock,
            entropy,
            master_keys: keys,
            authority,
            carriers,
            peers,
            serves,
        };
        let services = Box::pin(Services::start(settings::options(config, base)?)).await?;
        let membership = match seat {
            Some(seat) => Some(Box::pin(seat.join(config, &services, gossip_keys)).await?),
            None => None,
        };
        let operator = Operator::new(services.clone());
        let api = ApiState::new(services.clone(), pages, settings::surface(config)?).with_inbox(inbox);
        Ok(Self { backend, services, operator, api, membership })
    }

    /// The public routes.
    pub fn router(&self) -> Router {
        api::router(self.api.clone())
    }

    /// The services, for what only a server does.
    pub const fn services(&self) -> &Services {
        &self.services
    }

    /// This node's place among others, if there can be others.
    pub const fn membership(&self) -> Option<&Membership> {
        self.membership.as_ref()
    }

    /// Answers an operator's question, which came as JSON from this uid.
    pub fn desk(&self) -> Desk {
        Desk(self.operator.clone(), self.backend.clone())
    }

    /// What goes on beside serving. Ends only with a failure.
    pub fn background(&self) -> impl Future<Output = anyhow::Result<()>> + use<> {
        let (backend, clock) = (self.backend.clone(), Arc::clone(&self.services.clock));
        let membership = self.membership.clone().map(|membership| membership.run(backend.clone()));
        let level = self.services.level.clone();
        async move {
            let tidying = backend.housekeeping(move || clock.now());
            match membership {
                None => {
                    tidying.await;
                    Ok(())
                }
                Some(membership) => tokio::select! {
                    ended = membership => ended,
                    error = level.outgrown() => Err(error.into()),
                },
            }
        }
    }

    /// What readiness hangs on.
    pub fn checks(&self) -> Vec<Check> {
        let store = self.backend.store();
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
                let empty = keys.shown().list.is_empty();
                Box::pin(async move { if empty { Err("there is no signing key".to_owned()) } else { Ok(()) } })
            }),
        };
        let level = self.services.level.clone();
        let level = Check {
            name: "level",
            look: Box::new(move || {
                let known = level.is_known();
                Box::pin(async move {
                    if known { Ok(()) } else { Err("the level of the data is not known yet".to_owned()) }
                })
            }),
        };
        [store, keys, level].into_iter().chain(self.membership.iter().flat_map(Membership::checks)).collect()
    }

    /// Stops everything, in the reverse order.
    pub async fn stop(self) {
        self.services.stop(STOP_WITHIN).await;
        if let Some(membership) = self.membership {
            membership.leave().await;
        }
        self.backend.close().await;
    }
}

/// Providers, in the order in which they are asked.
type Carriers = Vec<Arc<dyn Carrier>>;

/// Who sends messages; in development mode, for the ways for which nobody is configured, an inbox that shows them.
fn carriers(
    config: &Config,
    pages: &Arc<Pages>,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<(Carriers, Option<Arc<Inbox>>)> {
    let writer = Writer { pages: Arc::clone(pages), origin: config.issuer.as_str().to_owned() };
    let mut carriers = mail::carriers(&config.mail, &writer)?;
    carriers.extend(sms::carriers(&config.sms, &writer, clock)?);
    let mut without = vec![Channel::Email, Channel::Sms];
    without.retain(|channel| !carriers.iter().any(|carrier| carrier.carries(*channel)));
    if without.is_empty() || !config.issuer.is_development() {
        return Ok((carriers, None));
    }
    let inbox = Arc::new(Inbox::new(writer, Arc::clone(clock), without));
    carriers.push(Arc::clone(&inbox) as Arc<dyn Carrier>);
    Ok((carriers, Some(inbox)))
}

/// Where operators' questions are answered, for the running server and for a command that opened the store itself.
#[derive(Clone, Debug)]
pub struct Desk(Operator, Backend);

impl Desk {
    /// Answers a question that came as JSON from this uid.
    pub async fn answer_json(&self, uid: u32, question: &[u8]) -> Vec<u8> {
        let response = match serde_json::from_slice(question) {
            Ok(request) => self.answer(uid, request).await,
            Err(_) => Response::Refused { message: "this server does not know the command; is it older?".to_owned() },
        };
        serde_json::to_vec(&response).unwrap_or_default()
    }

    /// Answers a question that came over the command socket from this uid: with a backup, if that is asked for.
    pub async fn answer_frame(&self, uid: u32, question: &[u8]) -> socket::Answer {
        if question != backup::QUESTION {
            return socket::Answer::Whole(self.answer_json(uid, question).await);
        }
        let Backend::Embedded(store) = &self.1 else { return socket::Answer::Whole(Vec::new()) };
        match backup::packing(store, uid).await {
            Ok(packing) => socket::Answer::Pieces(Box::new(backup::Frames(packing))),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "a backup could not begin");
                socket::Answer::Whole(Vec::new())
            }
        }
    }

    /// Answers a question from this uid.
    pub async fn answer(&self, uid: u32, request: Request) -> Response {
        self.0.run(format!("operator uid {uid}"), request, Deadline::after(socket::DEADLINE)).await
    }
}
