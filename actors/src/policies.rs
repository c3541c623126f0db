//! The policies: kept in memory as long as no newer generation is known (HAZARDS H4), written by operators. Who changed one is
//! answered when no node goes by the ones before.
//!
//! All of them are items of one partition, for a request must be judged by all at once. One that says more than this version can
//! judge stops every request that asks for policies (HAZARDS H15): it may be what forbids it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::RwLock;
use schema::{
    EVENT_PREFIX, Kind, Partition, PartitionKey, Put, Store, StoreError, Timestamp,
    record::{Policy, PolicyMethod, PolicyMode, PolicyScope},
};
use serde_json::Value;
use thiserror::Error;

use crate::{
    clock::{Clock, certain},
    domain::{assurance::Acr, policy, role},
    entropy::Entropy,
    generations::Generations,
    shared_load::SharedLoads,
    transact::{Transaction, transact},
};

/// The level of data that policies are written from.
pub const LEVEL: u32 = 3;

const PREFIX: &str = "rule/";
/// Policies, at most: each request is judged by all.
const MAX: usize = 50;

/// Why a policy was not set.
#[derive(Debug, Error)]
pub enum PolicyError {
    /// Nobody could meet it.
    #[error("nobody can meet this policy: none of its methods proves that much")]
    Unreachable,
    /// It wants more second steps than a sign-in has.
    #[error("a sign-in has one second step, so all of can name one method only; any of can name several")]
    OneStep,
    /// Nobody could meet it together with another one.
    #[error(
        "nobody can meet this policy together with that of {0}: no single second step meets both, and all others that apply"
    )]
    Excludes(PolicyScope),
    /// There is no such `acr`.
    #[error("{0:?} is no acr that this server reaches; acr_values_supported of its metadata has those that it does")]
    NoSuchAcr(String),
    /// No role can have this name.
    #[error("a role has 1 to {} of the characters a-z, 0-9, - and _", role::MAX)]
    NoRole,
    /// Too many.
    #[error("there are {MAX} policies already")]
    Full,
    /// One was written by a newer version (HAZARDS H15).
    #[error("a policy was set by a newer version of the program, which alone can judge it")]
    Newer,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A handle on the policies. Cheap to clone.
#[derive(Clone)]
pub struct Policies {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    generations: Generations,
    kept: Arc<RwLock<Option<Kept>>>,
    loads: Arc<SharedLoads<Arc<[Policy]>>>,
    /// Counts changes made here.
    changes: Arc<AtomicU64>,
}

/// Policies in memory, and the generation that was known before they were loaded.
struct Kept {
    policies: Arc<[Policy]>,
    generation: u64,
}

impl std::fmt::Debug for Policies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policies").finish_non_exhaustive()
    }
}

fn partition() -> PartitionKey {
    PartitionKey::new(Kind::Policy, "mfa")
}

fn item(scope: &PolicyScope) -> String {
    format!("{PREFIX}{scope}")
}

/// All policies of a partition, in the order of their scopes.
fn read(partition: &Partition) -> Result<Vec<Policy>, PolicyError> {
    let listed = partition.list::<Policy>(&self::partition(), PREFIX)?;
    let policies: Vec<Policy> = listed.into_iter().map(|(_, policy)| policy).collect();
    if policies.iter().any(|policy| !policy.unknown.is_empty()) {
        return Err(PolicyError::Newer);
    }
    Ok(policies)
}

impl Policies {
    /// Nothing in memory.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        generations: Generations,
    ) -> Self {
        let loads = Arc::new(SharedLoads::new());
        Self { store, clock, entropy, generations, kept: Arc::default(), loads, changes: Arc::default() }
    }

    /// All policies.
    pub async fn all(&self) -> Result<Arc<[Policy]>, StoreError> {
        if let Some(policies) = self.remembered() {
            return Ok(policies);
        }
        if self.generations.is_alone() {
            return self.load().await;
        }
        self.loads.since("mfa", cluster::now(), self.generations.is_fresh(), self.load()).await
    }

    fn remembered(&self) -> Option<Arc<[Policy]>> {
        let kept = self.kept.read();
        let kept = kept.as_ref()?;
        self.generations.holds(Kind::Policy, kept.generation).then(|| Arc::clone(&kept.policies))
    }

    async fn load(&self) -> Result<Arc<[Policy]>, StoreError> {
        let generation = self.generations.before_load(Kind::Policy);
        let begun = self.changes.load(Ordering::Acquire);
        let key = partition();
        let found = self.store.load(&key, &[PREFIX, EVENT_PREFIX]).await?;
        if let Err(error) = self.generations.deliver_left(&key, &found).await {
            tracing::warn!(%error, "a change of a policy is not known everywhere yet");
        }
        let policies: Arc<[Policy]> = match read(&found) {
            Ok(policies) => policies.into(),
            Err(PolicyError::Store(error)) => return Err(error),
            Err(error) => return Err(StoreError::Unavailable(error.to_string())),
        };
        let mut kept = self.kept.write();
        // A change that came while this was read knows better: what was read then is not kept.
        if let Some(generation) = generation
            && self.changes.load(Ordering::Acquire) == begun
        {
            *kept = Some(Kept { policies: Arc::clone(&policies), generation });
        }
        Ok(policies)
    }

    /// Sets the policy of a scope, in place of the one before.
    pub async fn set(&self, policy: Policy) -> Result<Policy, PolicyError> {
        let policy = checked(policy)?;
        let set = Policy { changed_at: self.now()?, ..policy };
        let (key, item) = (partition(), item(&set.scope));
        let written = transact(self.store.as_ref(), self.entropy.as_ref(), &key, set.changed_at, |partition| {
            let others = read(partition).map(|mut policies| {
                policies.retain(|other| other.scope != set.scope);
                policies
            });
            if let Err(refused) = others.and_then(|others| beside(&set, &others)) {
                return Ok(Transaction::answer(Err(refused)));
            }
            let put = Put::record(item.clone(), &set, None);
            Ok(Transaction { config: !self.generations.is_alone(), ..Transaction::put(put, Ok(())) })
        });
        written.await??;
        self.changed().await?;
        Ok(set)
    }

    /// Removes the policy of a scope; says whether there was one.
    pub async fn remove(&self, scope: &PolicyScope) -> Result<bool, PolicyError> {
        let (key, item) = (partition(), item(scope));
        let existed = transact(self.store.as_ref(), self.entropy.as_ref(), &key, self.now()?, |partition| {
            let existed = partition.items.contains_key(item.as_str());
            let deletes = if existed { vec![item.clone().into()] } else { Vec::new() };
            let config = existed && !self.generations.is_alone();
            Ok(Transaction { deletes, config, ..Transaction::answer(existed) })
        });
        let existed = existed.await?;
        if existed {
            self.changed().await?;
        }
        Ok(existed)
    }

    fn now(&self) -> Result<Timestamp, StoreError> {
        certain(self.clock.as_ref())
    }

    /// A change was committed: nothing in memory is older, here at once, and everywhere when this returns.
    async fn changed(&self) -> Result<(), StoreError> {
        {
            let mut kept = self.kept.write();
            self.changes.fetch_add(1, Ordering::AcqRel);
            *kept = None;
        }
        self.generations.announce(&partition()).await
    }
}

/// A policy that somebody can meet, of a scope that there can be.
fn checked(policy: Policy) -> Result<Policy, PolicyError> {
    if let PolicyScope::Role { role } = &policy.scope
        && !role::is_name(role)
    {
        return Err(PolicyError::NoRole);
    }
    if Acr::parse(&policy.at_least).is_none() {
        return Err(PolicyError::NoSuchAcr(policy.at_least));
    }
    if policy.all_of.len() > 1 {
        return Err(PolicyError::OneStep);
    }
    if policy::met_by(&policy).is_empty() { Err(PolicyError::Unreachable) } else { Ok(policy) }
}

/// There is room for it beside the others, and somebody who can meet them together.
fn beside(policy: &Policy, others: &[Policy]) -> Result<(), PolicyError> {
    if others.len() >= MAX {
        return Err(PolicyError::Full);
    }
    policy::excludes(policy, others).map_or(Ok(()), |scope| Err(PolicyError::Excludes(scope.clone())))
}

/// What the audit log has of a policy: all that it asks for.
pub(crate) fn facts(policy: &Policy) -> BTreeMap<String, Value> {
    let methods = |all: &BTreeSet<PolicyMethod>| -> Value {
        let names = all.iter().map(|method| match method {
            PolicyMethod::Totp => "totp",
            PolicyMethod::Email => "email",
            PolicyMethod::Sms => "sms",
            PolicyMethod::Passkey => "passkey",
        });
        names.collect::<Vec<_>>().join(" ").into()
    };
    let (mode, from) = match policy.mode {
        PolicyMode::Off => ("off", None),
        PolicyMode::Recommended => ("recommended", None),
        PolicyMode::Required { from } => ("required", Some(from.as_millis())),
    };
    let facts = [
        ("scope", Some(policy.scope.to_string().into())),
        ("mode", Some(mode.into())),
        ("from", from.map(Value::from)),
        ("at_least", Some(policy.at_least.as_str().into())),
        ("any_of", Some(methods(&policy.any_of))),
        ("all_of", Some(methods(&policy.all_of))),
        ("trusted_days", policy.trusted_days.map(Value::from)),
    ];
    facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
