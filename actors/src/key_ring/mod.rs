//! The key ring: signing keys, parsed once, renewed on schedule ([`plan`]) and by command.
//!
//! An actor keeps them: it loads, makes what is due, commits, and only then shows the new set. Readers take the current
//! set from a watch, without a message.

mod plan;

use std::{sync::Arc, time::Duration};

use ractor::{Actor, ActorProcessingErr, ActorRef, SpawnErr};
use schema::{
    KeyId, Kind, PartitionKey, Put, Store, StoreError, Timestamp,
    record::{SigningAlg, SigningKey, SigningKeyState, Unknown},
};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::sync::{oneshot, watch};

pub use plan::Rotation;
use plan::{ALGS, Step, due};

use crate::{
    clock::Clock,
    entropy::Entropy,
    signer::{ParsedKey, PublicKey, PublicKeys, SignerError, SigningKeyPair},
    transact::{Transaction, transact},
    vault::{Purpose, Vault},
};

const PREFIX: &str = "key/";
/// How often the plan is looked at.
const TICK: Duration = Duration::from_mins(1);

/// Why there are no keys.
#[derive(Debug, Error)]
pub enum KeyRingError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
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

/// The keys as of one moment.
#[derive(Debug, Default)]
pub struct KeySet {
    active: Vec<(SigningAlg, Arc<ParsedKey>)>,
    /// For verification: active, pending and retiring.
    pub public: PublicKeys,
    /// The JWKS document (RFC 7517), as it is served.
    pub jwks: Arc<str>,
    /// What operators see.
    pub list: Vec<KeyView>,
}

/// A key, as operators see it.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct KeyView {
    /// `kid`.
    pub kid: KeyId,
    /// What it signs.
    pub alg: SigningAlg,
    /// Where it stands.
    pub state: SigningKeyState,
    /// When it was made.
    pub created_at: Timestamp,
}

impl KeySet {
    /// The key that signs this algorithm.
    pub fn signer(&self, alg: SigningAlg) -> Option<&Arc<ParsedKey>> {
        self.active.iter().find(|(known, _)| *known == alg).map(|(_, key)| key)
    }
}

/// A handle on the ring. Cheap to clone.
#[derive(Clone)]
pub struct KeyRing {
    actor: ActorRef<Message>,
    current: watch::Receiver<Arc<KeySet>>,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing").field("keys", &self.current.borrow().list.len()).finish_non_exhaustive()
    }
}

enum Message {
    Tick,
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
}

impl std::fmt::Debug for KeyRingOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRingOptions").field("rotation", &self.rotation).finish_non_exhaustive()
    }
}

impl KeyRing {
    /// Loads the keys, makes those that are missing, and starts the schedule.
    pub async fn start(options: KeyRingOptions) -> Result<Self, KeyRingError> {
        let keeper = Keeper { options };
        let (show, current) = watch::channel(Arc::new(KeySet::default()));
        keeper.bring_up_to_date(&show, None).await?;
        let (actor, _) = Actor::spawn(None, keeper, show).await?;
        actor.send_interval(TICK, || Message::Tick);
        Ok(Self { actor, current })
    }

    /// The keys in force.
    pub fn current(&self) -> Arc<KeySet> {
        Arc::clone(&self.current.borrow())
    }

    /// Makes the next key of one or of every algorithm; it is published now and signs when the lead is over.
    pub async fn rotate(&self, alg: Option<SigningAlg>) -> Result<Vec<KeyView>, KeyRingError> {
        let (reply, answer) = oneshot::channel();
        self.actor.send_message(Message::Rotate(alg, reply)).map_err(|_| KeyRingError::Stopped)?;
        answer.await.map_err(|_| KeyRingError::Stopped)?
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
            Message::Tick => {
                if let Err(error) = self.bring_up_to_date(show, None).await {
                    tracing::error!(%error, "the signing keys could not be brought up to date; the old ones go on");
                }
            }
            Message::Rotate(alg, reply) => {
                let algs = alg.map_or_else(|| ALGS.to_vec(), |alg| vec![alg]);
                let result = self.bring_up_to_date(show, Some(&algs)).await;
                // Who asked may have gone; the keys are made all the same.
                drop(reply.send(result.map(|()| show.borrow().list.clone())));
            }
        }
        Ok(())
    }
}

impl Keeper {
    fn partition() -> PartitionKey {
        PartitionKey::new(Kind::Keyring, "signing")
    }

    /// Commits what is due, then shows the keys as they are stored. `rotate` asks for the next key of these algorithms.
    async fn bring_up_to_date(
        &self,
        show: &watch::Sender<Arc<KeySet>>,
        rotate: Option<&[SigningAlg]>,
    ) -> Result<(), KeyRingError> {
        let o = &self.options;
        let key = Self::partition();
        let now = o.clock.now();
        let stored = o.store.load(&key, &[PREFIX]).await?;
        let keys: Vec<SigningKey> = stored.list(&key, PREFIX)?.into_iter().map(|(_, key)| key).collect();
        let wanted: Vec<Step> = [due(&keys, o.rotation, now), asked_for(&keys, rotate, o.rotation, now)].concat();
        // Keys are made before the commit and off the reactor: RSA takes a good part of a second.
        let mut made = Vec::new();
        for step in &wanted {
            if let Step::Make { alg, from } = step {
                made.push(self.make(*alg, *from, now).await?);
            }
        }
        let keys = if wanted.is_empty() {
            keys
        } else {
            transact(o.store.as_ref(), o.entropy.as_ref(), &key, now, |partition| {
                let keys = partition.list::<SigningKey>(&key, PREFIX)?.into_iter().map(|(_, key)| key);
                Ok(change(&keys.collect::<Vec<_>>(), &wanted, &made, now))
            })
            .await?
        };
        show.send_replace(Arc::new(self.parse(keys)?));
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

    fn parse(&self, mut keys: Vec<SigningKey>) -> Result<KeySet, KeyRingError> {
        // In the order of the store, so that every node and every start publishes the same document.
        keys.sort_by(|a, b| a.kid.as_str().cmp(b.kid.as_str()));
        let mut set = KeySet::default();
        let mut public = Vec::new();
        let mut jwks = Vec::new();
        for key in keys {
            if matches!(key.state, SigningKeyState::Active { .. }) {
                let opened = self.options.vault.open(Purpose::SigningKey, &[key.kid.as_str()], &key.private);
                let pkcs8 = opened.map_err(|_| KeyRingError::Sealed(key.kid.clone()))?;
                let parsed = ParsedKey::from_pkcs8(key.kid.clone(), key.alg, &pkcs8)?;
                set.active.push((key.alg, Arc::new(parsed)));
            }
            public.push(PublicKey::from_jwk(&key.public_jwk)?);
            jwks.push(serde_json::from_str::<Value>(&key.public_jwk).map_err(|_| SignerError::PublicKey)?);
            set.list.push(KeyView { kid: key.kid, alg: key.alg, state: key.state, created_at: key.created_at });
        }
        set.public = public.into_iter().collect();
        set.jwks = json!({ "keys": jwks }).to_string().into();
        Ok(set)
    }
}

/// A key of each algorithm asked for, unless its next one is pending already.
fn asked_for(keys: &[SigningKey], algs: Option<&[SigningAlg]>, rotation: Rotation, now: Timestamp) -> Vec<Step> {
    let pending = |alg| keys.iter().any(|k| k.alg == alg && matches!(k.state, SigningKeyState::Pending { .. }));
    let algs = algs.unwrap_or_default().iter().filter(|alg| !pending(**alg));
    algs.map(|alg| Step::Make { alg: *alg, from: now.after(rotation.lead) }).collect()
}

/// The steps on the keys as they are in the store now; two keepers that make the same key at once end up with one.
fn change(keys: &[SigningKey], steps: &[Step], made: &[SigningKey], now: Timestamp) -> Transaction<Vec<SigningKey>> {
    let mut after = keys.to_vec();
    for key in made {
        let same = |other: &SigningKey| {
            other.alg == key.alg && std::mem::discriminant(&other.state) == std::mem::discriminant(&key.state)
        };
        if !after.iter().any(same) {
            after.push(key.clone());
        }
    }
    for step in steps {
        match step {
            Step::Make { .. } => {}
            Step::Activate { kid } => set_state(&mut after, kid, SigningKeyState::Active { since: now }),
            Step::Retire { kid, until } => set_state(&mut after, kid, SigningKeyState::Retiring { until: *until }),
            Step::Drop { kid } => after.retain(|key| key.kid != *kid),
        }
    }
    let item = |key: &SigningKey| format!("{PREFIX}{}", key.kid);
    let gone = keys.iter().filter(|old| !after.iter().any(|key| key.kid == old.kid));
    let changed = after.iter().filter(|key| !keys.iter().any(|old| old.kid == key.kid && old.state == key.state));
    Transaction {
        puts: changed.map(|key| Put::record(item(key), key, None)).collect(),
        deletes: gone.map(|key| item(key).into_boxed_str()).collect(),
        ..Transaction::answer(after.clone())
    }
}

fn set_state(keys: &mut [SigningKey], kid: &KeyId, state: SigningKeyState) {
    if let Some(key) = keys.iter_mut().find(|key| key.kid == *kid) {
        key.state = state;
    }
}
