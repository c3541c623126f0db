//! Everything that a node offers above its store, wired up in one place.

use std::{num::NonZero, sync::Arc, time::Duration};

use cluster::Router;
use schema::{AttemptId, Store};
use thiserror::Error;

use crate::{
    account::{Accounts, AccountsOptions},
    clients::Clients,
    clock::Clock,
    data_keys::{self, DataKeysError},
    domain::{
        context::{Attempt, Origin, Settings},
        factor::password::Policy,
    },
    entropy::Entropy,
    hasher::{Argon2Params, Hasher, HasherOptions},
    hashes::Hashes,
    ident::Idents,
    key_ring::{KeyRing, KeyRingError, KeyRingOptions, Rotation},
    registration::Registration,
    secret::Seed,
    shipper::Shipper,
    sign_in::SignInService,
    tokens::TokenIssuer,
    vault::{MasterKeys, Purpose, Vault},
};

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
    /// Where owners are.
    pub router: Arc<Router>,
    /// Numbers of the rules.
    pub settings: Settings,
    /// What a password must be.
    pub password_policy: Policy,
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
    /// Master keys and store do not go together.
    #[error(transparent)]
    DataKeys(#[from] DataKeysError),
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
    Store(#[from] schema::StoreError),
}

/// All services of a node. Cheap to clone.
#[derive(Clone)]
#[expect(missing_docs, reason = "each field is the service that it is named after")]
pub struct Services {
    pub accounts: Accounts,
    pub clients: Clients,
    pub keys: KeyRing,
    pub tokens: TokenIssuer,
    pub sign_in: SignInService,
    pub registration: Registration,
    pub shipper: Shipper,
    pub hashes: Hashes,
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub vault: Arc<Vault>,
    pub settings: Arc<Settings>,
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Services").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Services {
    /// Opens the vault, then starts shipper, key ring, hash pool and accounts, in this order. Events that an earlier
    /// process left are shipped before anything is served.
    pub async fn start(options: ServicesOptions) -> Result<Self, ServicesError> {
        let (store, clock, entropy) = (options.store.as_ref(), &options.clock, options.entropy.as_ref());
        let now = clock.now();
        let vault = Arc::new(data_keys::open_vault(store, &options.master_keys, entropy, now).await?);
        let settings = Arc::new(options.settings.clone());
        let shipper =
            Shipper::start(Arc::clone(&options.store), Arc::clone(&options.clock), Arc::clone(&options.entropy))
                .await?;
        shipper.recover().await?;
        let keys = KeyRing::start(KeyRingOptions {
            store: Arc::clone(&options.store),
            clock: Arc::clone(&options.clock),
            entropy: Arc::clone(&options.entropy),
            vault: Arc::clone(&vault),
            rotation: options.rotation,
        })
        .await?;
        let hashes = start_hashes(&options, &vault)?;
        let accounts = Accounts::start(AccountsOptions {
            store: Arc::clone(&options.store),
            clock: Arc::clone(&options.clock),
            entropy: Arc::clone(&options.entropy),
            vault: Arc::clone(&vault),
            settings: Arc::clone(&settings),
            hashes: hashes.clone(),
            shipper: shipper.clone(),
            router: Arc::clone(&options.router),
            max_in_flight: options.max_in_flight,
            cache_bytes: options.cache_bytes,
            idle: options.idle,
        })
        .await?;
        Ok(Self::assemble(options, Started { vault, settings, shipper, keys, hashes, accounts }))
    }

    /// What needs no start of its own, and everything together.
    fn assemble(options: ServicesOptions, started: Started) -> Self {
        let (store, clock, entropy) = (options.store, options.clock, options.entropy);
        let Started { vault, settings, shipper, keys, hashes, accounts } = started;
        let idents = Idents::new(Arc::clone(&store), Arc::clone(&clock), Arc::clone(&entropy), Arc::clone(&vault));
        Self {
            clients: Clients::new(Arc::clone(&store), Arc::clone(&clock), Arc::clone(&entropy)),
            tokens: TokenIssuer {
                keys: keys.clone(),
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
            registration: Registration {
                accounts: accounts.clone(),
                store: Arc::clone(&store),
                clock: Arc::clone(&clock),
                entropy: Arc::clone(&entropy),
                vault: Arc::clone(&vault),
                hashes: hashes.clone(),
                policy: options.password_policy,
            },
            accounts,
            keys,
            shipper,
            hashes,
            store,
            clock,
            entropy,
            vault,
            settings,
        }
    }

    /// Draws an attempt for a request that came in here (HAZARDS H5).
    pub fn attempt(&self, origin: Origin) -> Attempt {
        Attempt { id: AttemptId::from_bytes(self.entropy.array()), seed: Seed::new(self.entropy.array()), origin }
    }

    /// Stops in the order in which work flows: accounts finish, then events are shipped.
    pub async fn stop(&self, within: Duration) {
        self.accounts.stop(within).await;
        self.shipper.stop(within).await;
        self.keys.stop();
    }
}

/// The parts that were started one after the other.
struct Started {
    vault: Arc<Vault>,
    settings: Arc<Settings>,
    shipper: Shipper,
    keys: KeyRing,
    hashes: Hashes,
    accounts: Accounts,
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
