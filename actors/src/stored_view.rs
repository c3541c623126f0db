//! The view of the cluster, as it is kept in the store: item `view` of the partition `cluster/view`.
//!
//! What only a newer version knows of the row or of a member is kept when this version writes it, so that both can run side
//! by side.

use std::sync::Arc;

use async_trait::async_trait;
use cluster::{Generation, Member, Role, View, ViewStore, ViewStoreError};
use schema::{
    Kind, Partition, PartitionKey, Put, Store, StoreError,
    record::{ClusterView, Unknown, ViewMember},
};

use crate::{
    clock::{Clock, stamp},
    entropy::Entropy,
    transact::{Transaction, transact},
};

/// The item.
const ITEM: &str = "view";

/// The view's row.
#[derive(Clone)]
pub struct StoredView {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl std::fmt::Debug for StoredView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredView").finish_non_exhaustive()
    }
}

impl StoredView {
    /// The row in this store.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { store, clock, entropy }
    }

    /// Where it is.
    pub fn partition() -> PartitionKey {
        PartitionKey::new(Kind::Cluster, "view")
    }
}

#[async_trait]
impl ViewStore for StoredView {
    async fn read(&self) -> Result<View, ViewStoreError> {
        let partition = self.store.peek(&Self::partition(), &[ITEM]).await.map_err(failed)?;
        stored(&partition).map_err(failed)?.map_or_else(|| Ok(View::default()), |stored| to_view(&stored))
    }

    async fn replace(&self, expected: u64, next: &View) -> Result<bool, ViewStoreError> {
        if next.epoch != expected + 1 {
            return Err(ViewStoreError(format!("epoch {} does not follow {expected}", next.epoch)));
        }
        // A node whose clock is off still comes, goes and takes over: nothing in a view has an end.
        let now = stamp(self.clock.as_ref());
        transact(self.store.as_ref(), self.entropy.as_ref(), &Self::partition(), now, |partition| {
            let before = stored(partition)?;
            if before.as_ref().map_or(0, |stored| stored.epoch) != expected {
                return Ok(Transaction::answer(false));
            }
            Ok(Transaction::put(Put::record(ITEM, &to_record(next, before), None), true))
        })
        .await
        .map_err(failed)
    }
}

fn stored(partition: &Partition) -> Result<Option<ClusterView>, StoreError> {
    partition.get(&StoredView::partition(), ITEM)
}

#[expect(clippy::needless_pass_by_value, reason = "an adapter for map_err")]
fn failed(error: StoreError) -> ViewStoreError {
    ViewStoreError(error.to_string())
}

fn to_view(stored: &ClusterView) -> Result<View, ViewStoreError> {
    let member = |stored: &ViewMember| {
        let node = stored.node.parse().map_err(|_| ViewStoreError("a member has no name".to_owned()))?;
        Ok(Member {
            node,
            generation: Generation(stored.generation),
            roles: stored.roles.iter().filter_map(|word| role(word)).collect(),
            address: stored.address.as_str().into(),
            level: stored.level,
            draining: stored.draining,
            term: stored.term,
        })
    };
    let members = stored.members.iter().map(member).collect::<Result<_, _>>()?;
    Ok(View { epoch: stored.epoch, members })
}

/// `None` for what only a newer version does.
fn role(word: &str) -> Option<Role> {
    match word {
        "http" => Some(Role::Http),
        "actors" => Some(Role::Actors),
        _ => None,
    }
}

const fn word(role: Role) -> &'static str {
    match role {
        Role::Http => "http",
        Role::Actors => "actors",
    }
}

/// The next record, with what `before` has beside what this version knows.
fn to_record(next: &View, before: Option<ClusterView>) -> ClusterView {
    let (known, unknown) = before.map_or((Vec::new(), Unknown::default()), |view| (view.members, view.unknown));
    let member = |member: &Member| {
        let same =
            |stored: &&ViewMember| stored.node == member.node.as_str() && stored.generation == member.generation.0;
        let before = known.iter().find(same);
        let mut roles: Vec<String> = member.roles.iter().map(|role| word(*role).to_owned()).collect();
        let kept = before.iter().flat_map(|stored| &stored.roles).filter(|word| role(word).is_none());
        roles.extend(kept.cloned());
        ViewMember {
            node: member.node.to_string(),
            generation: member.generation.0,
            roles,
            address: member.address.to_string(),
            level: member.level,
            draining: member.draining,
            term: member.term,
            unknown: before.map(|stored| stored.unknown.clone()).unwrap_or_default(),
        }
    };
    ClusterView { epoch: next.epoch, members: next.members.iter().map(member).collect(), unknown }
}
