//! Which master keys each node has: published at its start, and asked before a key is made the active one.

use std::collections::BTreeMap;

use cluster::Authority;
use schema::{
    Kind, PartitionKey, Put, Store, StoreError, Timestamp,
    record::{NodeRing, Unknown},
};

use crate::{
    entropy::Entropy,
    transact::{Transaction, transact},
    vault::Vault,
    visitor,
};

/// How a node lacks a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// It is not in its ring.
    Absent,
    /// Its ring has another key of that id.
    Different,
}

fn partition() -> PartitionKey {
    PartitionKey::new(Kind::Cluster, "rings")
}

fn item(node: &str) -> String {
    format!("ring/{node}")
}

/// Says in the store which keys this node has. A command is no member: nobody asks for its keys.
pub(crate) async fn publish(
    store: &dyn Store,
    authority: &Authority,
    vault: &Vault,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<(), StoreError> {
    if visitor::is_one(authority.me().as_str()) {
        return Ok(());
    }
    let fingerprint = |id: &schema::KeyId| Some((id.to_string(), vault.fingerprint(id).ok()?));
    let keys: BTreeMap<String, String> = vault.key_ids().filter_map(fingerprint).collect();
    let ring = NodeRing { generation: authority.generation().0, keys, unknown: Unknown::default() };
    transact(store, entropy, &partition(), now, |_| {
        Ok(Transaction::put(Put::record(item(authority.me().as_str()), &ring, None), ()))
    })
    .await
}

/// A member of the view whose ring has not the key of this fingerprint.
pub(super) async fn who_lacks(
    store: &dyn Store,
    authority: &Authority,
    id: &str,
    fingerprint: &str,
) -> Result<Option<(String, Lack)>, StoreError> {
    let key = partition();
    let found = store.load(&key, &["ring/"]).await?;
    for member in &authority.view().members {
        let node = member.node.as_str();
        let ring: Option<NodeRing> = found.get(&key, &item(node))?;
        let ring = ring.filter(|ring| ring.generation == member.generation.0);
        match ring.as_ref().and_then(|ring| ring.keys.get(id)) {
            Some(other) if other == fingerprint => {}
            Some(_) => return Ok(Some((node.to_owned(), Lack::Different))),
            None => return Ok(Some((node.to_owned(), Lack::Absent))),
        }
    }
    Ok(None)
}
