//! The key ring: signing keys, parsed once, renewed on schedule ([`plan`]) and by command.
//!
//! An actor keeps them: it loads, makes what is due, commits, and only then shows the new set. Readers take the current
//! set from a watch, without a message.
//!
//! Several nodes keep the one schedule: of two that make the same key one gives way, and both show what is stored. Whoever
//! changed something moves the generation of the keys (HAZARDS H4), on which every node loads them anew at once, and tries
//! until it has. A set carries the generation that was known before its load; who asks for the keys while that is not known
//! to be the newest waits for another load. So a key that begins to sign was published everywhere long before.
//!
//! A clock that is not known to be right plans nothing (HAZARDS H3): it would drop keys that are needed.

mod change;
mod plan;
mod set;

use std::{sync::Arc, time::Duration};

use change::{asked_for, change};
use ractor::{Actor, ActorProcessingErr, ActorRef, SpawnErr};
use schema::{
    EVENT_PREFIX, KeyId, Kind, PartitionKey, Store, StoreError, Timestamp,
    record::{SigningAlg, SigningKey, SigningKeyState, Unknown},
};
use thiserror::Error;
use tokio::sync::{oneshot, watch};

pub use plan::Rotation;
use plan::{ALGS, Step, due};
pub use set::{KeySet, KeyView};

use crate::{
    clock::{Clock, certain},
    data_keys,
    entropy::Entropy,
    generations::{Generations, Moves, Unannounced},
    shared_load::SharedLoads,
    signer::{SignerError, SigningKeyPair},
    transact::{Transaction, transact},
    vault::{Purpose, Vault},
};

const PREFIX: &str = "key/";
/// How often the plan is looked at.
const TICK: Duration = Duration::from_mins(1);
/// When to try again to load the keys after they were changed: at first, and at last.
const RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(5);
/// Who asks for the keys waits for a load at most this long.
const LOOK_WITHIN: Duration = Duration::from_secs(2);
/// Among several nodes a key is published for this long at least before it signs: all have looked twice by then.
const SHORTEST_LEAD: Duration = Duration::from_mins(2);

/// Why there are no keys.
#[derive(Debug, Error)]
pub enum KeyRingError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Keys were made, and not every node knows them yet.
    #[error(transparent)]
    Unannounced(#[from] Unannounced),
    /// A key cannot be made, opened or parsed.
    #[error("signing key: {0}")]
    Signer(#[from] SignerError),
    /// A sealed key does not open with this master key ring.
    #[error("signing key {0} does not open with the master keys that are configured")]
    Sealed(KeyId),
    /// The ring has stopped.
    #[error("the key ring has stopped")]
    Stopped,
    /// The actor.
    #[error(transparent)]
    Spawn(#[from] SpawnErr),
}

/// A handle on the ring. Cheap to clone.
#[derive(Clone)]
pub struct KeyRing {
    actor: ActorRef<Message>,
    current: watch::Receiver<Arc<KeySet>>,
    generations: Generations,
    loads: Arc<SharedLoads<Arc<KeySet>>>,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing").field("keys", &self.current.borrow().list.len()).finish_non_exhaustive()
    }
}

enum Message {
    /// Look at the plan, and at what others have changed.
    Tick,
    /// The same, and say whether everything was taken over.
    Follow(oneshot::Sender<bool>),
    /// Load the keys.
    Look(oneshot::Sender<Result<(), KeyRingError>>),
    Rotate(Option<SigningAlg>, oneshot::Sender<Result<Vec<KeyView>, KeyRingError>>),
}

/// What the ring is built from.
pub struct KeyRingOptions {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Random bits for nonces.
    pub entropy: Arc<dyn Entropy>,
    /// Keys that seal keys.
    pub vault: Arc<Vault>,
    /// The schedule.
    pub rotation: Rotation,
    /// How other nodes are told, and tell.
    pub generations: Generations,
}

impl std::fmt::Debug for KeyRingOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRingOptions").field("rotation", &self.rotation).finish_non_exhaustive()
    }
}

impl KeyRing {
    /// Loads the keys, makes those that are missing, and starts the schedule.
    pub async fn start(mut options: KeyRingOptions) -> Result<Self, KeyRingError> {
        let generations = options.generations.clone();
        if !generations.is_alone() {
            options.rotation.lead = options.rotation.lead.max(SHORTEST_LEAD);
        }
        let keeper = Keeper { options };
        let (show, current) = watch::channel(Arc::new(KeySet::default()));
        keeper.bring_up_to_date(&show, None).await?;
        let (actor, _) = Actor::spawn(None, keeper, show).await?;
        actor.send_interval(TICK, || Message::Tick);
        Ok(Self { actor, current, generations, loads: Arc::new(SharedLoads::new()) })
    }

    /// The keys in force. If others may have changed them since they were loaded, they are loaded anew, for all who ask.
    pub async fn current(&self) -> Result<Arc<KeySet>, StoreError> {
        let shown = self.shown();
        let holds = |generation| self.generations.holds(Kind::Keyring, generation);
        if self.generations.is_alone() || shown.generation.is_some_and(holds) {
            return Ok(shown);
        }
        // While the generations cannot be read, nobody waits in line.
        self.loads.since("signing", cluster::now(), self.generations.is_fresh(), self.look()).await
    }

    /// The keys that were loaded last, whatever others may have made of them. Not to sign, verify or publish by.
    pub fn shown(&self) -> Arc<KeySet> {
        Arc::clone(&self.current.borrow())
    }

    async fn look(&self) -> Result<Arc<KeySet>, StoreError> {
        let failed = |error: KeyRingError| StoreError::Unavailable(format!("the signing keys: {error}"));
        let (reply, answer) = oneshot::channel();
        self.actor.send_message(Message::Look(reply)).map_err(|_| failed(KeyRingError::Stopped))?;
        let late = |_| StoreError::Unavailable("the signing keys were not loaded in time".to_owned());
        let looked = tokio::time::timeout(LOOK_WITHIN, answer).await.map_err(late)?;
        looked.map_err(|_| failed(KeyRingError::Stopped))?.map_err(failed)?;
        Ok(self.shown())
    }

    /// Makes the next key of one or of every algorithm; it is published now and signs when the lead is over. Returns when
    /// every node publishes it.
    pub async fn rotate(&self, alg: Option<SigningAlg>) -> Result<Vec<KeyView>, KeyRingError> {
        let change = self.generations.change(&Keeper::partition());
        let (reply, answer) = oneshot::channel();
        self.actor.send_message(Message::Rotate(alg, reply)).map_err(|_| KeyRingError::Stopped)?;
        let keys = answer.await.map_err(|_| KeyRingError::Stopped)??;
        change.announce().await?;
        Ok(keys)
    }

    /// Takes over what another node changed, whenever that is, for as long as it is polled. Ends with the ring.
    pub(crate) async fn follow(&self, mut moves: Moves) {
        loop {
            let mut pause = RETRY;
            loop {
                let (reply, answer) = oneshot::channel();
                if self.actor.send_message(Message::Follow(reply)).is_err() {
                    return;
                }
                // Without an answer the ring has stopped.
                let Ok(done) = answer.await else { return };
                if done {
                    break;
                }
                tokio::time::sleep(pause + self.generations.jitter(pause)).await;
                pause = (pause * 2).min(LONGEST_RETRY);
            }
            if !moves.next().await {
                return;
            }
        }
    }

    /// Stops the schedule.
    pub fn stop(&self) {
        self.actor.stop(None);
    }
}

struct Keeper {
    options: KeyRingOptions,
}

impl Actor for Keeper {
    type Msg = Message;
    type State = watch::Sender<Arc<KeySet>>;
    type Arguments = watch::Sender<Arc<KeySet>>;

    async fn pre_start(&self, _: ActorRef<Message>, show: Self::Arguments) -> Result<Self::State, ActorProcessingErr> {
        Ok(show)
    }

    async fn handle(
        &self,
        _: ActorRef<Message>,
        message: Message,
        show: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Tick => drop(self.tick(show).await),
            Message::Follow(reply) => {
                let done = self.tick(show).await;
                // Here and below: who asked may have gone.
                let _ = reply.send(done);
            }
            Message::Look(reply) => drop(reply.send(self.load(show).await.map(drop))),
            Message::Rotate(alg, reply) => {
                let algs = alg.map_or_else(|| ALGS.to_vec(), |alg| vec![alg]);
                let result = self.bring_up_to_date(show, Some(&algs)).await;
                // The keys are made all the same.
                drop(reply.send(result.map(|_| show.borrow().list.clone())));
            }
        }
        Ok(())
    }
}

impl Keeper {
    fn partition() -> PartitionKey {
        PartitionKey::new(Kind::Keyring, "signing")
    }

    /// Looks at what others changed and at what is due; says whether all of it could be done.
    async fn tick(&self, show: &watch::Sender<Arc<KeySet>>) -> bool {
        match self.bring_up_to_date(show, None).await {
            Ok(complete) => complete,
            Err(error) => {
                tracing::error!(%error, "the signing keys could not be brought up to date; the old ones go on");
                false
            }
        }
    }

    /// Loads the keys and shows them.
    async fn load(&self, show: &watch::Sender<Arc<KeySet>>) -> Result<Vec<SigningKey>, KeyRingError> {
        let (o, key) = (&self.options, Self::partition());
        let generation = o.generations.before_load(key.kind);
        let stored = o.store.load(&key, &[PREFIX, EVENT_PREFIX]).await?;
        tell(o.generations.deliver_left(&key, &stored).await);
        let keys: Vec<SigningKey> = stored.list(&key, PREFIX)?.into_iter().map(|(_, key)| key).collect();
        self.show(show, keys.clone(), generation)?;
        Ok(keys)
    }

    /// Loads and shows the keys, commits what is due, and shows what comes of it. `rotate` asks for the next key of these
    /// algorithms. `false`: what others changed beside the keys could not be taken over.
    async fn bring_up_to_date(
        &self,
        show: &watch::Sender<Arc<KeySet>>,
        rotate: Option<&[SigningAlg]>,
    ) -> Result<bool, KeyRingError> {
        let (o, key) = (&self.options, Self::partition());
        let complete = self.take_over_master_key().await;
        let keys = self.load(show).await?;
        let now = match (certain(o.clock.as_ref()), rotate) {
            (Ok(now), _) => now,
            // What is due is still due when the clock is right.
            (Err(_), None) => return Ok(complete),
            (Err(error), Some(_)) => return Err(error.into()),
        };
        let wanted: Vec<Step> = [due(&keys, o.rotation, now), asked_for(&keys, rotate, o.rotation, now)].concat();
        if wanted.is_empty() {
            return Ok(complete);
        }
        // Keys are made before the commit and off the reactor: RSA takes a good part of a second.
        let mut made = Vec::new();
        for step in &wanted {
            if let Step::Make { alg, from } = step {
                made.push(self.make(*alg, *from, now).await?);
            }
        }
        let generation = o.generations.before_load(key.kind);
        let begun = o.generations.change(&key);
        let keys = transact(o.store.as_ref(), o.entropy.as_ref(), &key, now, |partition| {
            let keys = partition.list::<SigningKey>(&key, PREFIX)?.into_iter().map(|(_, key)| key);
            let change = change(&keys.collect::<Vec<_>>(), &wanted, &made, now);
            Ok(Transaction { config: !change.is_empty() && !o.generations.is_alone(), ..change })
        })
        .await?;
        drop(begun);
        if !o.generations.is_alone() {
            tell(o.generations.deliver(&key).await);
        }
        self.show(show, keys, generation)?;
        Ok(complete)
    }

    /// The active master key may have been changed with the keys.
    async fn take_over_master_key(&self) -> bool {
        let o = &self.options;
        if o.generations.is_alone() {
            return true;
        }
        let followed = data_keys::follow(o.store.as_ref(), &o.vault).await;
        if let Err(error) = &followed {
            tracing::error!(%error, "the active master key cannot be taken over; the old one seals on");
        }
        followed.is_ok()
    }

    fn show(
        &self,
        show: &watch::Sender<Arc<KeySet>>,
        keys: Vec<SigningKey>,
        generation: Option<u64>,
    ) -> Result<(), KeyRingError> {
        show.send_replace(Arc::new(KeySet::parse(keys, &self.options.vault, generation)?));
        Ok(())
    }

    async fn make(&self, alg: SigningAlg, from: Timestamp, now: Timestamp) -> Result<SigningKey, KeyRingError> {
        let pair = tokio::task::spawn_blocking(move || SigningKeyPair::generate(alg))
            .await
            .map_err(|_| KeyRingError::Stopped)??;
        let o = &self.options;
        let private = o.vault.seal(Purpose::SigningKey, &[pair.kid.as_str()], pair.pkcs8.expose(), o.entropy.as_ref());
        let state =
            if from <= now { SigningKeyState::Active { since: now } } else { SigningKeyState::Pending { from } };
        Ok(SigningKey {
            kid: pair.kid,
            alg,
            state,
            private,
            public_jwk: pair.public_jwk.to_string(),
            created_at: now,
            unknown: Unknown::default(),
        })
    }
}

/// What was not delivered is found with the next look.
fn tell(delivered: Result<(), StoreError>) {
    if let Err(error) = delivered {
        tracing::warn!(%error, "a change of the signing keys is not known everywhere yet");
    }
}
