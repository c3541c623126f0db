//! Unique look-ups, such as user names, on top of the kernel (HAZARDS H9). A claim and its owner lie in two partitions,
//! so no single commit can decide both. The order makes it safe:
//!
//! 1. [`claim`]: the look-up's partition names the owner and a claim id drawn for this holding.
//! 2. The owner commits its account, which lists look-up and claim id. Only now does the claim count.
//! 3. A claim that is not listed after some time is swept ([`sweep`]): first `claim-void/<id>` is committed into the
//!    owner's partition, in a tombstone where there is none, then the look-up is released IF owner and id are still
//!    those. An owner that was paused between 1 and 2 finds its expected revision gone, reloads, sees the void, and
//!    begins again with a new claim id.
//!
//! **What a decision must do:** load [`VOID_PREFIX`] together with the account, and never list a claim id that has a
//! void there, expired or not ([`is_void`]). Changing a name: claim the new one, commit, release the old one.
//!
//! A released look-up keeps its partition, so the next claim expects its revision. Operation ids and first revisions
//! are derived from the claim id, which is random.

use std::time::Duration;

use serde_json::value::RawValue;

use crate::{
    AttemptId, ClaimId, Commit, GRACE, Kind, Operation, Partition, PartitionKey, Put, Revision, Store, StoreError,
    Timestamp, WriteSet,
    record::{Account, ClaimOwner, ClaimVoid, Unknown},
    resolve::{self, commit_resolved},
};

/// Keys of items that declare a holding void.
pub const VOID_PREFIX: &str = "claim-void/";

/// The one item of a look-up's partition.
const OWNER: &str = "owner";

/// How often a change is decided anew after a conflict.
const ATTEMPTS: u32 = 3;

/// How a claiming ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The look-up is the owner's. It counts once the owner's account lists it.
    Won,
    /// Another holding is there. It may be one that never came to count: [`sweep`] tells.
    Held {
        /// Whose.
        owner: PartitionKey,
        /// Which holding.
        claim: ClaimId,
        /// Since when.
        at: Timestamp,
    },
}

/// What a sweep found or did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swept {
    /// Nobody held it.
    Free,
    /// The owner's account lists it.
    Counts,
    /// It is not listed, but too young to be given up.
    Pending,
    /// It was voided and released.
    Released,
}

/// Takes `look_up` for `owner` under the holding `claim`, unless somebody has it. Claiming again with the same id and
/// owner wins again.
pub async fn claim(
    store: &dyn Store,
    look_up: &str,
    owner: &PartitionKey,
    claim: ClaimId,
    at: Timestamp,
) -> Result<Claimed, StoreError> {
    let key = PartitionKey::new(Kind::Claim, look_up);
    for attempt in 0..ATTEMPTS {
        pause(claim, attempt).await;
        let partition = store.load(&key, &[OWNER]).await?;
        match partition.get::<ClaimOwner>(&key, OWNER)? {
            Some(held) if held.claim == claim && held.owner == *owner => return Ok(Claimed::Won),
            Some(held) => return Ok(Claimed::Held { owner: held.owner, claim: held.claim, at: held.at }),
            None => {}
        }
        let holding = ClaimOwner { owner: owner.clone(), claim, at, unknown: Unknown::default() };
        let mut write = write(&key, &partition, Step::Claim, claim, at);
        write.puts.push(Put::record(OWNER, &holding, None));
        if let Commit::Committed(_) = commit_resolved(store, write).await? {
            return Ok(Claimed::Won);
        }
    }
    Err(contended(&key))
}

/// Who holds `look_up`, whether it counts or not: only the owner's account can tell that.
pub async fn owner_of(store: &dyn Store, look_up: &str) -> Result<Option<ClaimOwner>, StoreError> {
    let key = PartitionKey::new(Kind::Claim, look_up);
    store.load(&key, &[OWNER]).await?.get(&key, OWNER)
}

/// Gives `look_up` back if `owner` holds it under `claim`, and says whether it was so.
pub async fn release(
    store: &dyn Store,
    look_up: &str,
    owner: &PartitionKey,
    claim: ClaimId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let key = PartitionKey::new(Kind::Claim, look_up);
    for attempt in 0..ATTEMPTS {
        pause(claim, attempt).await;
        let partition = store.load(&key, &[OWNER]).await?;
        match partition.get::<ClaimOwner>(&key, OWNER)? {
            Some(held) if held.claim == claim && held.owner == *owner => {}
            _ => return Ok(false),
        }
        let mut write = write(&key, &partition, Step::Release, claim, at);
        write.deletes.push(OWNER.into());
        if let Commit::Committed(_) = commit_resolved(store, write).await? {
            return Ok(true);
        }
    }
    Err(contended(&key))
}

/// Releases `look_up` if its holding is older than `bound` at `now` and the owner's account does not list it.
pub async fn sweep(store: &dyn Store, look_up: &str, bound: Duration, now: Timestamp) -> Result<Swept, StoreError> {
    let Some(held) = owner_of(store, look_up).await? else { return Ok(Swept::Free) };
    for attempt in 0..ATTEMPTS {
        pause(held.claim, attempt).await;
        let partition = store.load(&held.owner, &["account", VOID_PREFIX]).await?;
        let account: Option<Account> = partition.get(&held.owner, "account")?;
        let listed = |account: &Account| account.claims.iter().any(|c| c.look_up == look_up && c.claim == held.claim);
        if account.as_ref().is_some_and(listed) {
            return Ok(Swept::Counts);
        }
        if now.since(held.at) < bound {
            return Ok(Swept::Pending);
        }
        // Void first: from then on the owner cannot make the claim count any more.
        if !is_void(&partition, held.claim) {
            let write = void(&held, &partition, account.is_none(), now);
            if commit_resolved(store, write).await? == Commit::Conflict {
                continue;
            }
        }
        let released = release(store, look_up, &held.owner, held.claim, now).await?;
        return Ok(if released { Swept::Released } else { Swept::Free });
    }
    Err(contended(&held.owner))
}

/// Is this holding declared void in the owner's `partition`? It must have been loaded with [`VOID_PREFIX`].
pub fn is_void(partition: &Partition, claim: ClaimId) -> bool {
    partition.items.contains_key(&*void_key(claim))
}

/// The commit that voids a holding, on the owner's partition as it was loaded.
fn void(held: &ClaimOwner, partition: &Partition, tombstone: bool, now: Timestamp) -> WriteSet {
    // No request lives that long, so nothing that began before the void can come after its end.
    let end = now.after(GRACE);
    let mut write = write(&held.owner, partition, Step::Void, held.claim, now);
    write.puts.push(Put::record(void_key(held.claim), &ClaimVoid { at: now, unknown: Unknown::default() }, Some(end)));
    // A tombstone is no account: it goes when its void has done its work.
    write.partition_expires_at = tombstone.then_some(end);
    write
}

fn void_key(claim: ClaimId) -> Box<str> {
    format!("{VOID_PREFIX}{claim}").into()
}

/// The three commits that one holding can lead to.
#[derive(Clone, Copy)]
enum Step {
    Claim = 1,
    Release = 2,
    Void = 3,
}

/// A write set without items for one step of a holding.
fn write(key: &PartitionKey, partition: &Partition, step: Step, claim: ClaimId, at: Timestamp) -> WriteSet {
    let mut id = *claim.as_bytes();
    id[15] ^= step as u8;
    let random = id.iter().take(8).fold(0, |bits: u64, byte| bits << 8 | u64::from(*byte));
    let outcome = RawValue::from_string("null".to_owned()).expect("null is JSON");
    WriteSet {
        partition: key.clone(),
        expected: partition.revision,
        first: Revision::first(random ^ step as u64),
        operation: Operation { id: AttemptId::from_bytes(id), digest: [step as u8; 32], outcome },
        at,
        puts: Vec::new(),
        deletes: Vec::new(),
        partition_expires_at: None,
        note_dirty: false,
    }
}

/// Before an attempt that follows a conflict, so that those who met once do not meet again.
async fn pause(claim: ClaimId, attempt: u32) {
    if attempt > 0 {
        tokio::time::sleep(resolve::pause(AttemptId::from_bytes(*claim.as_bytes()), attempt)).await;
    }
}

fn contended(key: &PartitionKey) -> StoreError {
    StoreError::Unavailable(format!("{key} changed at every attempt"))
}
