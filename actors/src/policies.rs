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
    domain::{assurance::Acr, limits, operation, policy, role},
    entropy::Entropy,
    generations::{Change, Generations, Unannounced},
    shared_load::SharedLoads,
    transact::{Transaction, transact},
};

/// The level of data that policies are written from.
pub const LEVEL: u32 = 3;
/// The same for policies of operations, and for days of grace and skips.
pub const OPERATIONS_LEVEL: u32 = 4;
/// The same for what takes several second steps, in one policy or in several that apply together; and what sessions are raised from.
pub const STEPS_LEVEL: u32 = 4;

const PREFIX: &str = "rule/";
/// Policies, at most: each request is judged by all.
const MAX: usize = 50;
/// Minutes that proofs of an application's operation may be old, at most.
const MAX_FRESH: u16 = 24 * 60;
/// Days of grace, at most.
const MAX_GRACE: u16 = 365;

/// Why a policy was not set.
#[derive(Debug, Error)]
pub enum PolicyError {
    /// Nobody could meet it.
    #[error("nobody can meet this policy: the methods that it names do not prove that much, not even all of them")]
    Unreachable,
    /// It takes several second steps together with another one, and sign-ins at nodes of an earlier version have one.
    #[error(
        "nobody can meet this policy together with that of {0} at a node of an earlier version, where a sign-in has one second step: \
         no single one meets both, and all others that apply; try again when all nodes are of this version"
    )]
    Excludes(PolicyScope),
    /// There is no such `acr`.
    #[error("{0:?} is no acr that this server reaches; acr_values_supported of its metadata has those that it does")]
    NoSuchAcr(String),
    /// No operation can have this name.
    #[error(
        "an operation of an application has 1 to {} letters, digits and - _ . : / # ~, and none of the names of the account's own: \
         those, {}, are set without an application",
        operation::MAX,
        operation::OWN.join(" and ")
    )]
    NoOperation,
    /// Only an operation has a fresh proof.
    #[error("only the policy of an operation says how old proofs may be")]
    NotFreshening,
    /// Not so old.
    #[error(
        "proofs for a change of the account may be 1 to {} minutes old, those for an operation of an application 0 to {MAX_FRESH}",
        limits::FRESH_PROOF.as_secs() / 60
    )]
    Freshness,
    /// A trusted browser never stands in.
    #[error("a trusted browser stands in for no proof that an operation asks for; leave the days out")]
    Trust,
    /// Grace before nothing.
    #[error(
        "days of grace and skips end in a requirement: they go with the mode required; at most {MAX_GRACE} days, {} skips",
        limits::MAX_DECLINES
    )]
    Grace,
    /// No maker is trusted to vouch for authenticators.
    #[error(
        "{0} is reached by passkeys whose maker vouches for their hardware: set passkeys.attestation and passkeys.attestation_roots \
         on every node, and let no node of an earlier version run"
    )]
    NotVouched(String),
    /// Such a policy is kept with its account.
    #[error("what is asked of one account is no policy (doorward user mfa require)")]
    Account,
    /// No role can have this name.
    #[error("a role has 1 to {} of the characters a-z, 0-9, - and _", role::MAX)]
    NoRole,
    /// Too many.
    #[error("there are {MAX} policies already")]
    Full,
    /// One was written by a newer version (HAZARDS H15).
    #[error("a policy was set by a newer version of the program, which alone can judge it")]
    Newer,
    /// It was set or removed, and not every node knows it yet.
    #[error(transparent)]
    Unannounced(#[from] Unannounced),
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

    /// Sets the policy of a scope, in place of the one before, where every node is of this version.
    pub async fn set(&self, policy: Policy) -> Result<Policy, PolicyError> {
        self.set_at(STEPS_LEVEL, policy).await
    }

    /// The same where data may be written in this level.
    pub async fn set_at(&self, level: u32, policy: Policy) -> Result<Policy, PolicyError> {
        let policy = checked(policy)?;
        let set = Policy { changed_at: self.now()?, ..policy };
        let (key, item) = (partition(), item(&set.scope));
        let change = self.generations.change(&key);
        let written = transact(self.store.as_ref(), self.entropy.as_ref(), &key, set.changed_at, |partition| {
            let others = read(partition).map(|mut policies| {
                policies.retain(|other| other.scope != set.scope);
                policies
            });
            if let Err(refused) = others.and_then(|others| beside(&set, &others, level)) {
                return Ok(Transaction::answer(Err(refused)));
            }
            let put = Put::record(item.clone(), &set, None);
            Ok(Transaction { config: !self.generations.is_alone(), ..Transaction::put(put, Ok(())) })
        });
        written.await??;
        self.changed(change).await?;
        Ok(set)
    }

    /// Removes the policy of a scope; says whether there was one.
    pub async fn remove(&self, scope: &PolicyScope) -> Result<bool, PolicyError> {
        let (key, item) = (partition(), item(scope));
        let change = self.generations.change(&key);
        let existed = transact(self.store.as_ref(), self.entropy.as_ref(), &key, self.now()?, |partition| {
            let existed = partition.items.contains_key(item.as_str());
            let deletes = if existed { vec![item.clone().into()] } else { Vec::new() };
            let config = existed && !self.generations.is_alone();
            Ok(Transaction { deletes, config, ..Transaction::answer(existed) })
        });
        let existed = existed.await?;
        if existed {
            self.changed(change).await?;
        } else {
            // Who removed it may not have lived to tell the others.
            change.deliver().await?;
        }
        Ok(existed)
    }

    fn now(&self) -> Result<Timestamp, StoreError> {
        certain(self.clock.as_ref())
    }

    /// A change was committed: nothing in memory is older, here at once, and everywhere when this returns.
    async fn changed(&self, change: Change) -> Result<(), Unannounced> {
        {
            let mut kept = self.kept.write();
            self.changes.fetch_add(1, Ordering::AcqRel);
            *kept = None;
        }
        change.announce().await
    }
}

/// A policy that somebody can meet, of a scope that there can be.
fn checked(policy: Policy) -> Result<Policy, PolicyError> {
    if let PolicyScope::Role { role } = &policy.scope
        && !role::is_name(role)
    {
        return Err(PolicyError::NoRole);
    }
    if policy.scope == PolicyScope::Account {
        return Err(PolicyError::Account);
    }
    check_operation(&policy)?;
    check_grace(&policy)?;
    if Acr::parse(&policy.at_least).is_none() {
        return Err(PolicyError::NoSuchAcr(policy.at_least));
    }
    if policy::ways_to_meet(&policy).is_empty() { Err(PolicyError::Unreachable) } else { Ok(policy) }
}

/// An operation that there can be, with proofs that are fresh in a way that there can be.
fn check_operation(policy: &Policy) -> Result<(), PolicyError> {
    let PolicyScope::Operation { client, operation } = &policy.scope else {
        return if policy.fresh_minutes.is_none() { Ok(()) } else { Err(PolicyError::NotFreshening) };
    };
    let known = match client {
        Some(_) => operation::is_name(operation),
        None => operation::OWN.contains(&operation.as_str()),
    };
    if !known {
        return Err(PolicyError::NoOperation);
    }
    if policy.trusted_days.is_some() {
        return Err(PolicyError::Trust);
    }
    // A page of the account shows a form between the proof and the change.
    let longest = u16::try_from(limits::FRESH_PROOF.as_secs() / 60).unwrap_or(u16::MAX);
    let range = if client.is_some() { 0..=MAX_FRESH } else { 1..=longest };
    if policy.fresh_minutes.is_none_or(|minutes| range.contains(&minutes)) {
        Ok(())
    } else {
        Err(PolicyError::Freshness)
    }
}

/// Grace that ends.
fn check_grace(policy: &Policy) -> Result<(), PolicyError> {
    let none = policy.grace_days.is_none() && policy.skips.is_none();
    let short = policy.grace_days.is_none_or(|days| days <= MAX_GRACE);
    let few = policy.skips.is_none_or(|skips| usize::from(skips) <= limits::MAX_DECLINES);
    let ends = matches!(policy.mode, PolicyMode::Required { .. });
    if none || (short && few && ends) { Ok(()) } else { Err(PolicyError::Grace) }
}

/// The level of data from which on such a policy may be written.
pub(crate) fn level(policy: &Policy) -> u32 {
    let newer = matches!(policy.scope, PolicyScope::Operation { .. })
        || policy.fresh_minutes.is_some()
        || policy.grace_days.is_some()
        || policy.skips.is_some();
    if takes_steps(policy) {
        STEPS_LEVEL
    } else if newer {
        OPERATIONS_LEVEL
    } else {
        LEVEL
    }
}

/// Does no single second step meet it?
fn takes_steps(policy: &Policy) -> bool {
    policy::ways_to_meet(policy).iter().all(|way| way.len() > 1)
}

/// Those of the operations of the account's own pages.
pub(crate) fn of_the_account(policies: &[Policy]) -> Vec<Policy> {
    let own = |policy: &&Policy| matches!(policy.scope, PolicyScope::Operation { client: None, .. });
    policies.iter().filter(own).cloned().collect()
}

/// There is room for it beside the others, and somebody who can meet them together: who has a device of every method, if a sign-in may
/// take several steps.
fn beside(policy: &Policy, others: &[Policy], level: u32) -> Result<(), PolicyError> {
    if others.len() >= MAX {
        return Err(PolicyError::Full);
    }
    if level >= STEPS_LEVEL {
        return Ok(());
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
        ("fresh_minutes", policy.fresh_minutes.map(Value::from)),
        ("grace_days", policy.grace_days.map(Value::from)),
        ("skips", policy.skips.map(Value::from)),
    ];
    facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

#[cfg(test)]
mod tests;
