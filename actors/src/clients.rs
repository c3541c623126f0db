//! The client registry: registrations, cached once looked up, and written by operators. Absence is never cached.
//!
//! A change goes through here, so the copy in memory goes in the same step. What other nodes keep is bounded by the
//! generation of the clients (HAZARDS H4): who changed something is answered when no node answers from before it. A copy
//! that is not known to be of the newest generation is validated; many who ask for one client share a load, and a node
//! that cannot read the generations validates only so many at once.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::RwLock;
use schema::{
    ClientId, EVENT_PREFIX, Kind, PartitionKey, Put, Store, StoreError,
    record::{Client, ClientAuth, ClientSecret, SigningAlg, Unknown},
};
use thiserror::Error;

use crate::{
    clock::{Clock, certain},
    domain::client::{self, RegistrationError},
    entropy::Entropy,
    generations::{Change, Generations, Unannounced},
    secret::{Secret, sha256_b64},
    shared_load::SharedLoads,
    transact::{Transaction, transact, transact_at},
};

/// Registrations kept in memory, at most.
const MAX_CACHED: usize = 10_000;
const ITEM: &str = "registration";

/// A client to be registered.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct NewClient {
    /// What people read on the consent page.
    pub name: String,
    /// Where codes may be sent.
    pub redirect_uris: Vec<String>,
    /// Where a browser may be sent after logout.
    pub post_logout_redirect_uris: Vec<String>,
    /// Scopes that it may ask for, separated by spaces.
    pub scope: String,
    /// Without a secret; PKCE is then required.
    pub public: bool,
    /// The operator's own: no consent is asked.
    pub trusted: bool,
    /// Is PKCE required of it though it has a secret?
    pub require_pkce: bool,
    /// How its ID tokens are signed.
    pub id_token_alg: SigningAlg,
}

/// Why a registration was not made or changed.
#[derive(Debug, Error)]
pub enum ClientError {
    /// It breaks a rule.
    #[error(transparent)]
    Refused(#[from] RegistrationError),
    /// There is none of that id.
    #[error("there is no client {0}")]
    Unknown(ClientId),
    /// A public client has no secret to rotate.
    #[error("client {0} is public and has no secret")]
    Public(ClientId),
    /// Its registration says more than this version can judge (HAZARDS H15).
    #[error("client {0} was registered by a newer version of the program, which alone can change it")]
    Newer(ClientId),
    /// It was changed, and not every node knows it yet.
    #[error(transparent)]
    Unannounced(#[from] Unannounced),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A handle on the registry. Cheap to clone.
#[derive(Clone)]
pub struct Clients {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    generations: Generations,
    cache: Arc<RwLock<HashMap<ClientId, Kept>>>,
    loads: Arc<SharedLoads<Option<Arc<Client>>>>,
    /// Counts changes and deletions made here.
    changes: Arc<AtomicU64>,
}

/// A registration in memory.
struct Kept {
    client: Arc<Client>,
    /// The generation of the clients that was known before it was loaded.
    generation: u64,
}

impl std::fmt::Debug for Clients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clients").field("cached", &self.cache.read().len()).finish_non_exhaustive()
    }
}

impl Clients {
    /// A registry with nothing in memory.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        generations: Generations,
    ) -> Self {
        let loads = Arc::new(SharedLoads::new());
        Self { store, clock, entropy, generations, cache: Arc::default(), loads, changes: Arc::default() }
    }

    /// The registration of a client; none, if it says more than this version can judge.
    pub async fn get(&self, id: &ClientId) -> Result<Option<Arc<Client>>, StoreError> {
        if let Some(client) = self.remembered(id) {
            return Ok(Some(client));
        }
        if self.generations.is_alone() {
            return self.load(id).await;
        }
        // While the generations cannot be read everything is looked up: then nobody waits in line for it.
        self.loads.since(id.as_str(), cluster::now(), self.generations.is_fresh(), self.load(id)).await
    }

    fn remembered(&self, id: &ClientId) -> Option<Arc<Client>> {
        let cache = self.cache.read();
        let kept = cache.get(id)?;
        self.generations.holds(Kind::Client, kept.generation).then(|| Arc::clone(&kept.client))
    }

    async fn load(&self, id: &ClientId) -> Result<Option<Arc<Client>>, StoreError> {
        let generation = self.generations.before_load(Kind::Client);
        let begun = self.changes.load(Ordering::Acquire);
        let key = PartitionKey::new(Kind::Client, id);
        let found = self.store.load(&key, &[ITEM, EVENT_PREFIX]).await?;
        if let Err(error) = self.generations.deliver_left(&key, &found).await {
            tracing::warn!(%error, client = %id, "a change of a client is not known everywhere yet");
        }
        let Some(client) = found.get::<Client>(&key, ITEM)? else { return Ok(None) };
        if !client.unknown.is_empty() {
            // What this version does not know may be what forbids the request (HAZARDS H15).
            tracing::warn!(client = %id, "a client is refused: a newer version says more of it than this one can judge");
            return Ok(None);
        }
        let client = Arc::new(client);
        let mut cache = self.cache.write();
        // A change that came while this was read knows better: what was read then is not kept.
        if let Some(generation) = generation
            && self.changes.load(Ordering::Acquire) == begun
        {
            if cache.len() >= MAX_CACHED {
                cache.clear();
            }
            cache.insert(id.clone(), Kept { client: Arc::clone(&client), generation });
        }
        Ok(Some(client))
    }

    /// A change was committed: nothing in memory is older, here at once, and everywhere when this returns.
    async fn changed(&self, id: &ClientId, change: Change) -> Result<(), Unannounced> {
        {
            let mut cache = self.cache.write();
            self.changes.fetch_add(1, Ordering::AcqRel);
            cache.remove(id);
        }
        change.announce().await
    }

    /// Registers a client; returns it with its secret, which is not kept.
    pub async fn create(&self, new: NewClient) -> Result<(Client, Option<Secret<String>>), ClientError> {
        let now = certain(self.clock.as_ref())?;
        // A scope that is not legal is not one that exists, so it is named in the refusal of the rule.
        let scopes = new.scope.split_ascii_whitespace().map(str::to_owned).collect();
        let secret = (!new.public).then(|| self.draw_secret());
        let auth = match &secret {
            None => ClientAuth::None,
            Some(secret) => {
                let hash = sha256_b64(secret.expose().as_bytes());
                ClientAuth::Secret { secrets: vec![ClientSecret { hash, created_at: now, expires_at: None }] }
            }
        };
        let registered = Client {
            client: self.draw_id()?,
            name: new.name.trim().to_owned(),
            redirect_uris: new.redirect_uris,
            post_logout_redirect_uris: new.post_logout_redirect_uris,
            scopes,
            auth,
            trusted: new.trusted,
            require_pkce: new.require_pkce || new.public,
            id_token_alg: new.id_token_alg,
            created_at: now,
            unknown: Unknown::default(),
        };
        client::check_registration(&registered)?;
        let key = PartitionKey::new(Kind::Client, &registered.client);
        transact(self.store.as_ref(), self.entropy.as_ref(), &key, now, |_| {
            Ok(Transaction::put(Put::record(ITEM, &registered, None), ()))
        })
        .await?;
        Ok((registered, secret))
    }

    /// Every client.
    pub async fn list(&self) -> Result<Vec<Client>, StoreError> {
        let mut clients = Vec::new();
        let mut after: Option<Box<str>> = None;
        loop {
            let page = self.store.scan(Kind::Client, after.as_deref(), 200, &[ITEM]).await?;
            for (id, partition) in &page.partitions {
                clients.extend(partition.get::<Client>(&PartitionKey::new(Kind::Client, id), ITEM)?);
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(clients),
            }
        }
    }

    /// Gives a client a new secret; the old one works a day longer.
    pub async fn rotate_secret(&self, id: &ClientId) -> Result<Secret<String>, ClientError> {
        let secret = self.draw_secret();
        let now = certain(self.clock.as_ref())?;
        let key = PartitionKey::new(Kind::Client, id);
        let change = self.generations.change(&key);
        transact_at(self.store.as_ref(), self.entropy.as_ref(), &key, now, |partition, now| {
            let Some(known) = partition.get::<Client>(&key, ITEM)? else {
                return Ok(Transaction::answer(Err(ClientError::Unknown(id.clone()))));
            };
            if !known.unknown.is_empty() {
                return Ok(Transaction::answer(Err(ClientError::Newer(id.clone()))));
            }
            if known.auth == ClientAuth::None {
                return Ok(Transaction::answer(Err(ClientError::Public(id.clone()))));
            }
            let changed = client::with_new_secret(&known, secret.expose(), now);
            let put = Put::record(ITEM, &changed, None);
            Ok(Transaction { config: !self.generations.is_alone(), ..Transaction::put(put, Ok(())) })
        })
        .await??;
        self.changed(id, change).await?;
        Ok(secret)
    }

    /// Removes a client. Its tokens end with their lifetimes; nothing new is issued to it.
    pub async fn delete(&self, id: &ClientId) -> Result<(), ClientError> {
        let now = certain(self.clock.as_ref())?;
        let key = PartitionKey::new(Kind::Client, id);
        let change = self.generations.change(&key);
        let existed = transact(self.store.as_ref(), self.entropy.as_ref(), &key, now, |partition| {
            let existed = partition.items.contains_key(ITEM);
            let deletes = if existed { vec![ITEM.into()] } else { Vec::new() };
            let config = existed && !self.generations.is_alone();
            Ok(Transaction { deletes, config, ..Transaction::answer(existed) })
        })
        .await?;
        if !existed {
            // Who removed it may not have lived to tell the others.
            change.deliver().await?;
            return Err(ClientError::Unknown(id.clone()));
        }
        Ok(self.changed(id, change).await?)
    }

    /// Is this one of the client's secrets now? Nobody says so while the clock is not known to be right: an old secret has
    /// an end.
    pub fn secret_matches(&self, client: &Client, secret: &str) -> Result<bool, StoreError> {
        Ok(client::secret_matches(client, secret, certain(self.clock.as_ref())?))
    }

    fn draw_secret(&self) -> Secret<String> {
        Secret::new(data_encoding::BASE64URL_NOPAD.encode(&self.entropy.array::<32>()))
    }

    fn draw_id(&self) -> Result<ClientId, StoreError> {
        let random = data_encoding::HEXLOWER.encode(&self.entropy.array::<12>());
        format!("c_{random}").parse().map_err(|_| StoreError::Unavailable("no client id could be made".to_owned()))
    }
}
