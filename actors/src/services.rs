//! Everything that a node offers above its store, wired up in one place.

use std::{num::NonZero, sync::Arc, time::Duration};

use cluster::{Authority, Caller};
use schema::{AttemptId, Store, StoreError, Timestamp, record::Channel};
use thiserror::Error;

use crate::{
    account::{Accounts, AccountsOptions},
    clients::Clients,
    clock::{Clock, VouchedClock, certain},
    data_keys::{self, DataKeys, DataKeysError},
    domain::{
        assurance::Acr,
        context::{Attempt, Origin, Settings},
        factor::{passkey::attestation::AttestationDemand, password::Lengths},
        sms::SmsPolicy,
    },
    entropy::Entropy,
    feature_level::{FeatureLevel, LevelError},
    following::Following,
    generations::Generations,
    hasher::{Argon2Params, Hasher, HasherOptions},
    hashes::Hashes,
    ident::Idents,
    key_ring::{KeyRing, KeyRingError, KeyRingOptions, Rotation},
    notifier::{Carrier, Notifier, NotifierOptions},
    policies::Policies,
    recipients::Recipients,
    registration::Registration,
    reminders::Reminders,
    secret::Seed,
    shipper::{Shipper, ShipperOptions},
    sign_in::SignInService,
    sms_budget::SmsBudget,
    sms_fraud::{SmsFraud, SmsFraudOptions},
    stored_view::StoredView,
    tokens::TokenIssuer,
    vault::{MasterKeys, Purpose, Vault},
    watch,
};

/// The level of data from which on who vouched for a passkey is kept with it.
const ATTESTED_LEVEL: u32 = 4;

/// What services are built from.
pub struct ServicesOptions {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The random source.
    pub entropy: Arc<dyn Entropy>,
    /// The master key ring.
    pub master_keys: MasterKeys,
    /// What this node owns and may answer from memory.
    pub authority: Arc<Authority>,
    /// The way to other nodes.
    pub peers: Arc<dyn Caller>,
    /// Does this node run account actors? A member with that role does, and a command that opened the store itself.
    pub serves: bool,
    /// Who sends messages, in the order in which they are asked; none: no messages.
    pub carriers: Vec<Arc<dyn Carrier>>,
    /// Messages of one way that wait in memory to be sent, at most; the others wait in the store.
    pub messages_waiting: usize,
    /// Numbers of the rules.
    pub settings: Settings,
    /// Where text messages may go, and what they may cost.
    pub sms: SmsPolicy,
    /// How long passwords must be.
    pub password_lengths: Lengths,
    /// The cost of a password hash.
    pub argon2: Argon2Params,
    /// Hash threads; `None`: one per core.
    pub hash_threads: Option<NonZero<usize>>,
    /// Hashes that may wait.
    pub hash_queue: usize,
    /// The schedule of signing keys.
    pub rotation: Rotation,
    /// Calls to accounts in flight, at most.
    pub max_in_flight: usize,
    /// Memory for users without an actor, in bytes.
    pub cache_bytes: usize,
    /// An actor that was not used for this long is passivated.
    pub idle: Duration,
}

impl std::fmt::Debug for ServicesOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServicesOptions").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Why a node cannot offer its services.
#[derive(Debug, Error)]
pub enum ServicesError {
    /// The store is not there to be served from.
    #[error(transparent)]
    NotServing(#[from] schema::standing::NotServing),
    /// Master keys and store do not go together.
    #[error(transparent)]
    DataKeys(#[from] DataKeysError),
    /// The data is of a newer version.
    #[error(transparent)]
    Level(#[from] LevelError),
    /// Signing keys.
    #[error(transparent)]
    KeyRing(#[from] KeyRingError),
    /// The hash threads could not be started.
    #[error("the hash threads could not be started: {0}")]
    Threads(#[from] std::io::Error),
    /// An actor could not be started.
    #[error(transparent)]
    Spawn(#[from] ractor::SpawnErr),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// All services of a node. Cheap to clone.
#[derive(Clone)]
#[expect(missing_docs, reason = "each field is the service that it is named after")]
pub struct Services {
    pub accounts: Accounts,
    pub clients: Clients,
    pub policies: Policies,
    pub keys: KeyRing,
    pub tokens: TokenIssuer,
    pub sign_in: SignInService,
    pub registration: Registration,
    pub recipients: Recipients,
    pub sms_budget: SmsBudget,
    pub sms_fraud: SmsFraud,
    pub reminders: Reminders,
    pub shipper: Shipper,
    pub notifier: Notifier,
    pub hashes: Hashes,
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub vault: Arc<Vault>,
    pub settings: Arc<Settings>,
    pub generations: Generations,
    pub data_keys: DataKeys,
    pub level: FeatureLevel,
    following: Arc<Following>,
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Services").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Services {
    /// Asks the store whether it may be served from, then opens the vault and starts shipper, key ring, hash pool and
    /// accounts, in this order. Events that an earlier process left are shipped before anything is served.
    pub async fn start(mut options: ServicesOptions) -> Result<Self, ServicesError> {
        options.clock = Arc::new(VouchedClock::new(options.clock, Arc::clone(&options.authority)));
        let (store, clock, entropy) = (options.store.as_ref(), &options.clock, options.entropy.as_ref());
        let now = clock.now();
        schema::standing::check(store).await?;
        let level = open_level(&options).await?;
        let generations = generations(&options);
        let vault = Arc::new(data_keys::open_vault(store, &options.master_keys, entropy, now).await?);
        if !options.authority.is_alone() {
            data_keys::publish(store, &options.authority, &vault, entropy, now).await?;
        }
        let settings = Arc::new(settings(&options));
        let notifier = start_notifier(&options, &vault).await?;
        let shipper = Shipper::start(ShipperOptions {
            notifier: notifier.clone(),
            store: Arc::clone(&options.store),
            clock: Arc::clone(&options.clock),
            entropy: Arc::clone(&options.entropy),
            authority: Arc::clone(&options.authority),
            generations: generations.clone(),
        })
        .await?;
        watch::begin();
        shipper.begin().await?;
        let keys = KeyRing::start(KeyRingOptions {
            store: Arc::clone(&options.store),
            clock: Arc::clone(&options.clock),
            entropy: Arc::clone(&options.entropy),
            vault: Arc::clone(&vault),
            rotation: options.rotation,
            generations: generations.clone(),
        })
        .await?;
        let hashes = start_hashes(&options, &vault)?;
        let texts = start_texts(&options, (&vault, &shipper, &level)).await?;
        let accounts = Accounts::start(AccountsOptions {
            store: Arc::clone(&options.store),
            clock: Arc::clone(&options.clock),
            entropy: Arc::clone(&options.entropy),
            vault: Arc::clone(&vault),
            settings: Arc::clone(&settings),
            hashes: hashes.clone(),
            shipper: shipper.clone(),
            sms_fraud: texts.1.clone(),
            policies: policies(&options, &generations),
            authority: Arc::clone(&options.authority),
            peers: Arc::clone(&options.peers),
            views: Arc::new(stored_view(&options)),
            serves: options.serves,
            max_in_flight: options.max_in_flight,
            cache_bytes: options.cache_bytes,
            idle: options.idle,
        })
        .await?;
        notifier.report_to(accounts.clone(), texts.0.clone());
        Ok(Self::assemble(
            options,
            Started { vault, settings, shipper, notifier, keys, hashes, accounts, texts, generations, level },
        ))
    }

    /// What needs no start of its own, and everything together.
    fn assemble(options: ServicesOptions, started: Started) -> Self {
        let (store, clock, entropy) = (options.store, options.clock, options.entropy);
        let Started { vault, settings, shipper, notifier, keys, hashes, accounts, texts, generations, level } = started;
        let idents = Idents::new(Arc::clone(&store), Arc::clone(&clock), Arc::clone(&entropy), Arc::clone(&vault));
        let data_keys = DataKeys {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            vault: Arc::clone(&vault),
            authority: Arc::clone(&options.authority),
            generations: generations.clone(),
        };
        let reminders = Reminders::new(&store, &clock, &entropy, &settings, &accounts);
        Self {
            data_keys,
            clients: Clients::new(Arc::clone(&store), Arc::clone(&clock), Arc::clone(&entropy), generations.clone()),
            policies: accounts.policies().clone(),
            following: Arc::new(Following::start(&generations, &keys, &shipper, &level, &reminders)),
            generations,
            level,
            tokens: TokenIssuer {
                vault: Arc::clone(&vault),
                entropy: Arc::clone(&entropy),
                settings: Arc::clone(&settings),
            },
            sign_in: SignInService {
                accounts: accounts.clone(),
                store: Arc::clone(&store),
                clock: Arc::clone(&clock),
                hashes: hashes.clone(),
                idents,
                shipper: shipper.clone(),
            },
            sms_budget: texts.0,
            sms_fraud: texts.1,
            reminders,
            recipients: Recipients::new(&store, &clock, &entropy, &vault),
            registration: Registration {
                accounts: accounts.clone(),
                store: Arc::clone(&store),
                clock: Arc::clone(&clock),
                entropy: Arc::clone(&entropy),
                vault: Arc::clone(&vault),
                hashes: hashes.clone(),
                lengths: options.password_lengths,
            },
            accounts,
            keys,
            shipper,
            notifier,
            hashes,
            store,
            clock,
            entropy,
            vault,
            settings,
        }
    }

    /// Wall time to judge by what was issued with an end: an error while this node's clock is not known to be right
    /// (HAZARDS H3).
    pub fn certain_now(&self) -> Result<Timestamp, StoreError> {
        certain(self.clock.as_ref())
    }

    /// Draws an attempt for a request that came in here (HAZARDS H5).
    pub fn attempt(&self, origin: Origin) -> Attempt {
        Attempt {
            id: AttemptId::from_bytes(self.entropy.array()),
            seed: Seed::new(self.entropy.array()),
            origin,
            policies: Vec::new(),
        }
    }

    /// What is asked of the authenticators of new passkeys: nothing while a node could lose who vouched for them.
    pub fn attestation(&self) -> &AttestationDemand {
        let kept = self.level.current() >= ATTESTED_LEVEL;
        if kept { &self.settings.attestation } else { &AttestationDemand::None }
    }

    /// The highest rung that a sign-in can reach here.
    pub fn highest_acr(&self) -> Acr {
        let kept = self.level.current() >= ATTESTED_LEVEL;
        if kept { self.settings.highest_acr() } else { Acr::PhishingResistant }
    }

    /// Stops in the order in which work flows: messages under way are settled, accounts finish, what they told of
    /// counted messages is counted, then events are shipped.
    pub async fn stop(&self, within: Duration) {
        self.following.stop();
        self.notifier.stop(within).await;
        self.accounts.stop(within).await;
        self.sms_fraud.stop(within).await;
        self.shipper.stop(within).await;
        self.keys.stop();
    }
}

/// The parts that were started one after the other.
struct Started {
    vault: Arc<Vault>,
    settings: Arc<Settings>,
    shipper: Shipper,
    notifier: Notifier,
    keys: KeyRing,
    hashes: Hashes,
    accounts: Accounts,
    texts: (SmsBudget, SmsFraud),
    generations: Generations,
    level: FeatureLevel,
}

async fn open_level(options: &ServicesOptions) -> Result<FeatureLevel, LevelError> {
    let (store, clock, entropy) =
        (Arc::clone(&options.store), Arc::clone(&options.clock), Arc::clone(&options.entropy));
    FeatureLevel::open(store, clock, entropy, Arc::clone(&options.authority)).await
}

fn generations(options: &ServicesOptions) -> Generations {
    let (store, clock, entropy) =
        (Arc::clone(&options.store), Arc::clone(&options.clock), Arc::clone(&options.entropy));
    Generations::new(store, clock, entropy, Arc::clone(&options.authority))
}

fn policies(options: &ServicesOptions, generations: &Generations) -> Policies {
    let (store, clock, entropy) =
        (Arc::clone(&options.store), Arc::clone(&options.clock), Arc::clone(&options.entropy));
    Policies::new(store, clock, entropy, generations.clone())
}

/// What is configured, and what can be sent with it.
fn settings(options: &ServicesOptions) -> Settings {
    let sends = |channel| options.carriers.iter().any(|carrier| carrier.carries(channel));
    let (sends_mail, sends_text) = (sends(Channel::Email), sends(Channel::Sms));
    Settings { sends_mail, sends_text, ..options.settings.clone() }
}

fn stored_view(options: &ServicesOptions) -> StoredView {
    StoredView::new(Arc::clone(&options.store), Arc::clone(&options.clock), Arc::clone(&options.entropy))
}

async fn start_texts(
    options: &ServicesOptions,
    parts: (&Arc<Vault>, &Shipper, &FeatureLevel),
) -> Result<(SmsBudget, SmsFraud), ractor::SpawnErr> {
    let sms_fraud = SmsFraud::start(SmsFraudOptions::new(options, parts)).await?;
    Ok((SmsBudget::new(options, parts.1), sms_fraud))
}

async fn start_notifier(options: &ServicesOptions, vault: &Arc<Vault>) -> Result<Notifier, ractor::SpawnErr> {
    Notifier::start(NotifierOptions {
        carriers: options.carriers.clone(),
        max_waiting: options.messages_waiting,
        store: Arc::clone(&options.store),
        clock: Arc::clone(&options.clock),
        entropy: Arc::clone(&options.entropy),
        vault: Arc::clone(vault),
        authority: Arc::clone(&options.authority),
    })
    .await
}

fn start_hashes(options: &ServicesOptions, vault: &Vault) -> std::io::Result<Hashes> {
    let hasher = Hasher::new(HasherOptions {
        params: options.argon2,
        threads: options.hash_threads,
        queue: options.hash_queue,
        pepper: Some(vault.peppers(Purpose::PasswordPepper)),
        clock: Arc::clone(&options.clock),
    })?;
    Ok(Hashes::new(hasher, Arc::clone(&options.clock), Arc::clone(&options.entropy)))
}
