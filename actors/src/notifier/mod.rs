//! The notifier: sends what decisions have left to be sent.
//!
//! 1. A message is an item of its user, committed with what it is about ([`letter`](crate::domain::letter)). `settle` hands
//!    it over after that commit ([`Notifier::send`]).
//! 2. The letter is opened and offered to the providers of its way, those first that did not fail lately: to the next one when the one
//!    before said no, or nothing for [`NEXT_AFTER`]; each has [`CARRIED_WITHIN`], and the first that takes it counts. If none
//!    does, it is offered again after a pause that doubles, until it is worth nothing.
//! 3. What became of it is committed, which removes the item. Until then the message is *owed*, and the cursor of the
//!    [shipper](crate::shipper) stays before its commit.
//!
//! So none is lost: a message that is found in a partition, at a load or by the recovery of a node that has gone, is sent as
//! well ([`Notifier::found`]). Where several nodes share a store only one of them sends it: the one that committed it, for
//! [`TAKEN_OVER_AFTER`](limits::TAKEN_OVER_AFTER), then whoever holds the lease on it ([`TakeMessage`]).
//!
//! No more than [`MAX_WAITING`] messages of a way are kept in memory. Others are owed as well, but *deferred*: they are read out of their
//! partitions when half of that room is free again. The ways share nothing, so a provider of text messages that hangs holds up no mail.
//!
//! A text message that somebody asked for was paid before it was decided on, and is paid back in step 3 if nobody took it. A notice is
//! paid in step 2, each time that it is offered, and paid back if nobody takes it.
//!
//! A message is sent twice if the process dies, or the store does not answer, between 2 and 3, and if a provider takes it that
//! was not waited for; a code is good once all the same. A process without providers of its way takes no message: it leaves
//! it to others.

mod deferred;
mod offer;

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use cluster::Authority;
use futures_util::FutureExt as _;
use parking_lot::Mutex;
use ractor::{Actor, ActorProcessingErr, ActorRef, SpawnErr};
use schema::{
    MessageId, Store, Timestamp, UserId,
    record::{Channel, Message},
};
use tokio::{
    sync::{Notify, Semaphore},
    task::JoinSet,
    time::Instant,
};

use crate::{
    account::Accounts,
    call::Deadline,
    clock::Clock,
    domain::{letter::Letter, limits},
    entropy::Entropy,
    sms_budget::SmsBudget,
    vault::Vault,
};

/// How long one provider may take.
pub const CARRIED_WITHIN: Duration = Duration::from_secs(30);
/// How long the first one may say nothing before the next is asked as well.
pub const NEXT_AFTER: Duration = Duration::from_secs(4);
/// How long a provider that does not work, or did not answer within [`NEXT_AFTER`], comes after the others.
pub const AVOIDED_FOR: Duration = Duration::from_secs(30);
/// The pause after the first round in which no provider took a message; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between two rounds.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Messages of one way that are offered at the same time.
const AT_ONCE: usize = 64;
/// Messages of one way that are kept in memory.
pub const MAX_WAITING: usize = 10_000;

/// Why a provider did not take a letter. In words, without address or content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotCarried {
    /// The provider does not work now: another one comes before it for a while.
    Down(String),
    /// It takes this letter later, perhaps.
    Later(String),
    /// It never takes this letter, as for an address that does not exist. If no provider does, it is given up.
    Never(String),
}

/// A provider.
#[async_trait]
pub trait Carrier: Send + Sync {
    /// Its name in the configuration.
    fn name(&self) -> &str;
    /// Does it take letters that go this way?
    fn carries(&self, channel: Channel) -> bool;
    /// Takes a letter, or says why not. Whoever asks waits no longer than [`CARRIED_WITHIN`], and may stop before.
    async fn carry(&self, letter: &Letter) -> Result<(), NotCarried>;
}

/// What a notifier is built from.
pub struct NotifierOptions {
    /// Providers, in the order in which they are asked.
    pub carriers: Vec<Arc<dyn Carrier>>,
    /// Messages of one way that are kept in memory, usually [`MAX_WAITING`].
    pub max_waiting: usize,
    /// Holds what there is no room for.
    pub store: Arc<dyn Store>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// For the attempts of its commits.
    pub entropy: Arc<dyn Entropy>,
    /// Opens letters.
    pub vault: Arc<Vault>,
    /// Who this node is.
    pub authority: Arc<Authority>,
}

impl std::fmt::Debug for NotifierOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NotifierOptions").field("carriers", &self.carriers.len()).finish_non_exhaustive()
    }
}

/// A handle on the notifier. Cheap to clone.
#[derive(Clone)]
pub struct Notifier {
    actor: ActorRef<Order>,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Notifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notifier").field("owed", &self.owed()).finish_non_exhaustive()
    }
}

struct Shared {
    options: NotifierOptions,
    accounts: OnceLock<Accounts>,
    /// What text messages are paid out of that nobody has asked for.
    budget: OnceLock<SmsBudget>,
    /// Each message that this process was handed and that is not settled.
    owed: Mutex<HashMap<MessageId, Debt>>,
    /// Told whenever one of them is.
    settled: Notify,
    /// Who holds one offers a message.
    permits: Ways<Semaphore>,
    /// By carrier: until when it comes after the others.
    avoided: Mutex<Vec<Option<Instant>>>,
}

/// One of these for each way.
#[derive(Default)]
struct Ways<T> {
    email: T,
    sms: T,
}

impl<T> Ways<T> {
    const fn of(&self, channel: Channel) -> &T {
        match channel {
            Channel::Email => &self.email,
            Channel::Sms => &self.sms,
        }
    }

    const fn of_mut(&mut self, channel: Channel) -> &mut T {
        match channel {
            Channel::Email => &mut self.email,
            Channel::Sms => &mut self.sms,
        }
    }
}

/// What is remembered of every message that is owed, whether there is room for its content or not.
#[derive(Clone, Copy)]
struct Debt {
    user: UserId,
    channel: Channel,
    found: bool,
    created_at: Timestamp,
    expires_at: Timestamp,
}

/// A message on its way.
#[derive(Clone)]
struct Owed {
    user: UserId,
    message: Message,
    /// Was it found, so that another node may be sending it?
    found: bool,
}

enum Order {
    Take(Owed),
    Offer(MessageId),
    Offered(MessageId, Offered),
    /// There may be room for deferred messages that go this way.
    Recall(Channel),
    /// A deferred message was read, unless it is settled.
    Recalled(MessageId, Option<Message>),
}

/// What came of offering a message.
enum Offered {
    /// It is settled.
    Settled,
    /// It is another node's until then.
    Another(Timestamp),
    /// Nobody took it.
    Later(String),
}

/// Where a message stands.
struct Standing {
    owed: Owed,
    rounds: u32,
}

impl Notifier {
    /// Starts the notifier.
    pub async fn start(options: NotifierOptions) -> Result<Self, SpawnErr> {
        let shared = Arc::new(Shared {
            avoided: Mutex::new(vec![None; options.carriers.len()]),
            options,
            accounts: OnceLock::new(),
            budget: OnceLock::new(),
            owed: Mutex::default(),
            settled: Notify::new(),
            permits: Ways { email: Semaphore::new(AT_ONCE), sms: Semaphore::new(AT_ONCE) },
        });
        let (actor, _) = Actor::spawn(None, Worker { shared: Arc::clone(&shared) }, ()).await?;
        Ok(Self { actor, shared })
    }

    /// Where what became of a message is committed, and what notices by text message are paid out of.
    pub(crate) fn report_to(&self, accounts: Accounts, budget: SmsBudget) {
        // Each is set once, at start.
        let _ = self.shared.budget.set(budget);
        let _ = self.shared.accounts.set(accounts);
    }

    /// Can messages be sent this way?
    pub fn can_send(&self, channel: Channel) -> bool {
        self.shared.options.carriers.iter().any(|carrier| carrier.carries(channel))
    }

    /// Messages that this process was handed and that are neither settled nor over.
    pub fn owed(&self) -> usize {
        self.shared.living_owed().len()
    }

    /// When the oldest of them was decided on.
    pub(crate) fn oldest_owed(&self) -> Option<Timestamp> {
        self.shared.living_owed().values().map(|debt| debt.created_at).min()
    }

    /// Takes a message that was just committed here.
    pub(crate) fn send(&self, user: UserId, message: Message) {
        self.take(Owed { user, message, found: false });
    }

    /// Takes a message that was found in a partition. Where other nodes share the store one of them may be sending it, so it
    /// is left to them for some time, and the store is asked before it is sent from here.
    pub(crate) fn found(&self, user: UserId, message: Message) {
        self.take(Owed { user, message, found: true });
    }

    fn take(&self, owed: Owed) {
        if !self.can_send(owed.message.channel) {
            return;
        }
        let Message { channel, created_at, expires_at, .. } = owed.message;
        let debt = Debt { user: owed.user, channel, found: owed.found, created_at, expires_at };
        self.shared.owed.lock().entry(owed.message.message).or_insert(debt);
        // If the notifier has stopped the message stays owed, so that nobody takes it for settled.
        let _ = self.actor.send_message(Order::Take(owed));
    }

    /// Gives what is under way this long to be settled, then stops. What is left waits in its partition.
    pub async fn stop(&self, within: Duration) {
        let deadline = Deadline::after(within);
        loop {
            let settled = self.shared.settled.notified();
            if self.owed() == 0 || tokio::time::timeout_at(deadline.instant(), settled).await.is_err() {
                break;
            }
        }
        let _ = self.actor.stop_and_wait(None, Some(within)).await;
    }
}

struct Worker {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct State {
    standing: HashMap<MessageId, Standing>,
    /// How much of that goes each way.
    lanes: Ways<Lane>,
    /// What is under way; it ends with the notifier.
    offers: JoinSet<()>,
}

/// The messages that go one way.
#[derive(Default)]
struct Lane {
    /// Those in memory.
    standing: usize,
    /// May there be others that are owed?
    deferred: bool,
}

impl Actor for Worker {
    type Msg = Order;
    type State = State;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Order>, (): ()) -> Result<State, ActorProcessingErr> {
        Ok(State::default())
    }

    async fn handle(&self, myself: ActorRef<Order>, order: Order, state: &mut State) -> Result<(), ActorProcessingErr> {
        while state.offers.try_join_next().is_some() {}
        match order {
            Order::Take(owed) => self.stand(&myself, state, owed),
            Order::Offer(id) => {
                if let Some(standing) = state.standing.get(&id) {
                    let (shared, owed) = (Arc::clone(&self.shared), standing.owed.clone());
                    state.offers.spawn(async move {
                        let offered = AssertUnwindSafe(shared.offer(owed)).catch_unwind().await;
                        let offered = offered.unwrap_or_else(|_| Offered::Later("a provider panicked".to_owned()));
                        // A notifier that has stopped settles nothing more.
                        let _ = myself.send_message(Order::Offered(id, offered));
                    });
                }
            }
            Order::Offered(id, Offered::Settled) => {
                self.shared.is_settled(id);
                if let Some(standing) = state.standing.remove(&id) {
                    let channel = standing.owed.message.channel;
                    state.lanes.of_mut(channel).standing -= 1;
                    self.recall(&myself, state, channel);
                }
            }
            Order::Offered(id, Offered::Another(until)) => {
                let pause = until.since(self.shared.options.clock.now()).max(FIRST_PAUSE);
                myself.send_after(pause, move || Order::Offer(id));
            }
            Order::Offered(id, Offered::Later(reason)) => {
                if let Some(standing) = state.standing.get_mut(&id) {
                    standing.rounds += 1;
                    tracing::warn!(%id, reason, rounds = standing.rounds, "no provider took a message; it is offered again");
                    let pause = (FIRST_PAUSE * 2u32.saturating_pow(standing.rounds - 1)).min(LONGEST_PAUSE);
                    myself.send_after(pause, move || Order::Offer(id));
                }
            }
            Order::Recall(channel) => {
                state.lanes.of_mut(channel).deferred = true;
                self.recall(&myself, state, channel);
            }
            Order::Recalled(id, message) => self.recalled(&myself, state, id, message),
        }
        Ok(())
    }
}

impl Shared {
    /// Messages that are neither settled nor over, in the lock that guards them.
    fn living_owed(&self) -> parking_lot::MutexGuard<'_, HashMap<MessageId, Debt>> {
        let now = self.options.clock.now();
        let mut owed = self.owed.lock();
        owed.retain(|_, debt| now < debt.expires_at.after(limits::TAKEN_FOR));
        owed
    }

    /// Nothing is to be done about a message any more.
    fn is_settled(&self, id: MessageId) {
        self.owed.lock().remove(&id);
        self.settled.notify_waiters();
    }

    /// How long a message is left to another node that may be sending it.
    fn pause_before(&self, owed: &Owed) -> Duration {
        if !owed.found || self.options.authority.is_alone() {
            return Duration::ZERO;
        }
        let due = match &owed.message.taken_over {
            Some(taken) => taken.at.after(limits::TAKEN_FOR),
            None => owed.message.created_at.after(limits::TAKEN_OVER_AFTER),
        };
        due.since(self.options.clock.now())
    }
}
