//! The actor that writes the counts: one write under way for each partition, which takes with it what came during the one before.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt as _;
use ractor::{Actor, ActorProcessingErr, ActorRef, SpawnErr};
use schema::{
    Kind, PartitionKey, Put, StoreError,
    record::{SmsCounts, Unknown},
};
use tokio::{sync::oneshot, task::JoinSet};

use super::SmsFraudOptions;
use crate::{
    clock::certain,
    domain::{
        phone::Country,
        sms_fraud::{self, Fate, Judged, Scope},
    },
    transact::{Transaction, transact_at},
};

const ITEM: &str = "counts";
/// Counts of a country are forgotten this long after the last change: by then the best day is too old.
const COUNTRY_LIFETIME: Duration = Duration::from_hours(15 * 24);
/// Counts of an address are.
const ADDRESS_LIFETIME: Duration = Duration::from_hours(24);
/// Asks that may wait, over all partitions; beyond that they fail.
const MAX_WAITING: usize = 10_000;

/// What the handle and the actor share.
pub(super) struct Shared {
    pub(super) options: SmsFraudOptions,
}

/// Which partition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// Of a country.
    Country(Country),
    /// Of an address, by its keyed hash.
    Address(Box<str>),
}

impl Place {
    const fn scope(&self) -> Scope {
        match self {
            Self::Country(_) => Scope::Country,
            Self::Address(_) => Scope::Address,
        }
    }

    const fn lifetime(&self) -> Duration {
        match self {
            Self::Country(_) => COUNTRY_LIFETIME,
            Self::Address(_) => ADDRESS_LIFETIME,
        }
    }

    fn partition(&self) -> PartitionKey {
        match self {
            Self::Country(country) => PartitionKey::new(Kind::Handle, format_args!("sms-fraud-country-{country}")),
            Self::Address(key) => PartitionKey::new(Kind::Handle, format_args!("sms-fraud-address-{key}")),
        }
    }
}

/// What is asked of a partition.
pub(super) enum Ask {
    /// Judge one more message, and count it.
    Count { country: Country, reply: oneshot::Sender<Result<Judged, StoreError>> },
    /// Note what became of one.
    Settle { country: String, counted_in: i64, fate: Fate },
}

/// A message to the actor.
pub(super) enum Order {
    Ask(Place, Ask),
    /// The write of this partition has ended.
    Written(Place),
    /// To be answered when nothing is under way.
    Settled(oneshot::Sender<()>),
}

/// Starts the actor.
pub(super) async fn start(shared: Arc<Shared>) -> Result<ActorRef<Order>, SpawnErr> {
    let (actor, _) = Actor::spawn(None, Worker { shared }, ()).await?;
    Ok(actor)
}

struct Worker {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct State {
    /// By partition with a write under way: what came meanwhile.
    waiting: HashMap<Place, Vec<Ask>>,
    /// How many of them.
    asks: usize,
    /// What is under way; it ends with the actor.
    writes: JoinSet<()>,
    /// Who waits until nothing is.
    settling: Vec<oneshot::Sender<()>>,
}

impl State {
    fn begin(&mut self, (worker, myself): (&Worker, ActorRef<Order>), place: Place, asks: Vec<Ask>) {
        let shared = Arc::clone(&worker.shared);
        self.writes.spawn(async move {
            // One that panics has dropped its replies, which says that it failed.
            let _ = AssertUnwindSafe(shared.write(&place, asks)).catch_unwind().await;
            // An actor that has stopped begins nothing more.
            let _ = myself.send_message(Order::Written(place));
        });
    }
}

impl Actor for Worker {
    type Msg = Order;
    type State = State;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Order>, (): ()) -> Result<State, ActorProcessingErr> {
        Ok(State::default())
    }

    async fn handle(&self, myself: ActorRef<Order>, order: Order, state: &mut State) -> Result<(), ActorProcessingErr> {
        while state.writes.try_join_next().is_some() {}
        match order {
            Order::Ask(_, ask) if state.asks >= MAX_WAITING => ask.fail(),
            Order::Ask(place, ask) => match state.waiting.entry(place.clone()) {
                Entry::Occupied(mut waiting) => {
                    waiting.get_mut().push(ask);
                    state.asks += 1;
                }
                Entry::Vacant(free) => {
                    free.insert(Vec::new());
                    state.begin((self, myself), place, vec![ask]);
                }
            },
            Order::Written(place) => {
                let asks = state.waiting.insert(place.clone(), Vec::new()).unwrap_or_default();
                state.asks -= asks.len();
                if asks.is_empty() {
                    state.waiting.remove(&place);
                } else {
                    state.begin((self, myself), place, asks);
                }
            }
            Order::Settled(reply) => state.settling.push(reply),
        }
        if state.waiting.is_empty() {
            for reply in state.settling.drain(..) {
                // Who asked may have gone.
                let _ = reply.send(());
            }
        }
        Ok(())
    }
}

impl Ask {
    fn fail(self) {
        if let Self::Count { reply, .. } = self {
            // Who asked may have gone.
            let _ = reply.send(Err(StoreError::Unavailable("too many text messages wait to be counted".to_owned())));
        }
    }
}

impl Shared {
    /// Carries out all of them in one commit, and answers. What could not be told is not told again: it stays unverified.
    async fn write(&self, place: &Place, asks: Vec<Ask>) {
        match self.commit(place, &asks).await {
            Ok(judged) => {
                let replies = asks.into_iter().filter_map(|ask| match ask {
                    Ask::Count { reply, .. } => Some(reply),
                    Ask::Settle { .. } => None,
                });
                // Who asked may have gone: then the message stays unverified.
                replies.zip(judged).for_each(|(reply, judged)| drop(reply.send(Ok(judged))));
            }
            Err(error) => {
                tracing::warn!(%error, "text messages could not be counted");
                for ask in asks {
                    if let Ask::Count { reply, .. } = ask {
                        let _ = reply.send(Err(StoreError::Unavailable(error.to_string())));
                    }
                }
            }
        }
    }

    /// What is thought of each message that is to be counted, in their order.
    async fn commit(&self, place: &Place, asks: &[Ask]) -> Result<Vec<Judged>, StoreError> {
        let options = &self.options;
        let (key, now) = (place.partition(), certain(options.clock.as_ref())?);
        transact_at(options.store.as_ref(), options.entropy.as_ref(), &key, now, |partition, now| {
            let mut counts = partition.get::<SmsCounts>(&key, ITEM)?.unwrap_or_else(nothing);
            let (mut judged, mut changed) = (Vec::new(), false);
            for ask in asks {
                match ask {
                    Ask::Count { country, .. } => {
                        let one = options.policy.judge(&mut counts, (place.scope(), *country), now);
                        changed |= one.counted_in.is_some() || one.tell;
                        judged.push(one);
                    }
                    Ask::Settle { country, counted_in, fate } => {
                        sms_fraud::settle(&mut counts, (place.scope(), country), (*counted_in, *fate), now);
                        changed = true;
                    }
                }
            }
            if !changed {
                return Ok(Transaction::answer(judged));
            }
            // Whole hours, so that the end moves once an hour and not with each message.
            let end = sms_fraud::end_of_hour(now).after(place.lifetime());
            let mut transaction = Transaction::put(Put::record(ITEM, &counts, Some(end)), judged);
            transaction.partition_expires_at = Some(end);
            Ok(transaction)
        })
        .await
    }
}

fn nothing() -> SmsCounts {
    SmsCounts {
        hours: Vec::new(),
        days: Vec::new(),
        reached: Vec::new(),
        blocked_on: None,
        told: BTreeMap::new(),
        unknown: Unknown::default(),
    }
}
