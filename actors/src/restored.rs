//! A store that came out of a backup is made fit to be served from (HAZARDS H14), partition by partition.
//!
//! 1. The store says that it is being restored, with the moment; from now on nobody serves from it until step 6. A
//!    store that says so already is gone on with where it was left.
//! 2. It gets a new incarnation, so that everything that was sealed for outside is worth nothing: cookies, codes,
//!    tokens, links. In the same commit the moment is noted, before which nothing that others issued is accepted
//!    (assertions and proofs whose consumption may be forgotten).
//! 3. Each user: what [`restore::end`] says.
//! 4. Each throttle of a typed name that nobody has: one burst is spent.
//! 5. Nobody is a member: the view that the backup showed is of nodes that are gone. A fence around the store is lowered;
//!    that it is not served from yet still holds off everybody.
//! 6. The audit log is told, and the store says that it serves.
//!
//! Partitions of kind `handle` stay as they are. What names one is sealed with the incarnation that ended, so nobody
//! reaches a link or a request in them; what proves consumption stays until its own end. Claims stay: the one of the
//! first administrator for ever.

use std::future::ready;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use schema::{
    AttemptId, Commit, Event, Kind, Operation, Partition, PartitionKey, Put, Revision, Store, StoreError, Stream,
    Timestamp, WriteSet,
    export::Place,
    fence,
    record::{ActiveKey, AuditEvent, Restored, Standing, Throttle, Unknown},
    resolve::commit_resolved,
    standing::{self, NotServing},
};
use serde_json::value::RawValue;

use crate::{
    domain::{
        change::Item,
        restore::{self, Ended, Terms},
        throttle,
        user::{User, fresh_throttle},
    },
    entropy::Entropy,
    transact::{Transaction, transact},
};

/// Partitions between two notes of how far it has come.
const PAGE: usize = 64;
/// Of those, worked on at the same time.
const AT_ONCE: usize = 16;
/// Items in one commit; a batch of a CQL store must stay small.
const ITEMS: usize = 50;

/// What the work is done with.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// The store; nobody may serve from it.
    pub store: &'a dyn Store,
    /// For incarnation and operations.
    pub entropy: &'a dyn Entropy,
    /// Is told how many partitions are done.
    pub progress: &'a (dyn Fn(u64) + Send + Sync),
}

impl std::fmt::Debug for Tools<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tools")
    }
}

/// Marks a store as being restored, before it is filled or as it is, unless it says so already. Gives the terms.
pub async fn begin(store: &dyn Store, terms: Terms) -> Result<Terms, NotServing> {
    let (revision, said) = standing::read(store).await?;
    match said {
        Standing::Serving => {
            let restoring =
                Standing::Restoring { since: terms.at, place: Place::default(), passwords: terms.passwords };
            standing::write(store, revision, restoring, terms.at).await?;
            Ok(terms)
        }
        Standing::Restoring { since, passwords, .. } => {
            Ok(Terms { at: since, passwords: passwords || terms.passwords })
        }
        Standing::Moving { to, .. } => Err(NotServing::Moving { to }),
        Standing::Retired { to, .. } => Err(NotServing::Retired { to }),
        Standing::Copying { from, .. } => Err(NotServing::Copying { from }),
    }
}

/// Ends what a restore ends, and makes the store fit to be served from. Cut short, it is gone on with by calling it
/// again; the counts are then those of the rest.
pub async fn finish(tools: Tools<'_>, terms: Terms) -> Result<Ended, NotServing> {
    let store = tools.store;
    let terms = begin(store, terms).await?;
    new_incarnation(tools, terms.at).await?;
    let (mut revision, said) = standing::read(store).await?;
    let mut place = match said {
        Standing::Restoring { place, passwords, .. } if passwords == terms.passwords => place,
        // Passwords shall end after all: everybody is gone through once more.
        _ => Place::default(),
    };
    let (mut ended, mut done) = (Ended::default(), 0);
    while let Place::Partitions { kind, after } = &place {
        let (next, part, count) = page(tools, *kind, after.as_deref(), &terms).await?;
        (ended, done, place) = (ended.and(part), done + count, next);
        let restoring = Standing::Restoring { since: terms.at, place: place.clone(), passwords: terms.passwords };
        revision = Some(standing::write(store, revision, restoring, terms.at).await?);
        (tools.progress)(done);
    }
    fence::clear(store, terms.at).await?;
    fence::lower(store, terms.at).await?;
    tell(tools, terms, revision).await?;
    standing::write(store, revision, Standing::Serving, terms.at).await?;
    Ok(ended)
}

/// Steps 3 and 4 for one page; gives where to go on, what ended, and how many partitions were seen.
async fn page(
    tools: Tools<'_>,
    kind: Kind,
    after: Option<&str>,
    terms: &Terms,
) -> Result<(Place, Ended, u64), StoreError> {
    let found = tools.store.scan(kind, after, PAGE, &[""]).await?;
    let count = found.partitions.len() as u64;
    let each = found.partitions.into_iter().map(|(id, partition)| async move {
        let key = PartitionKey { kind, id };
        match kind {
            _ if partition.items.is_empty() => Ok(Ended::default()),
            Kind::User => user(tools, &key, &partition, terms).await,
            _ => ident(tools, &key, terms.at).await.map(|()| Ended::default()),
        }
    });
    let each = stream::iter(each).buffer_unordered(AT_ONCE);
    let ended = each.try_fold(Ended::default(), |sum, part| ready(Ok(sum.and(part)))).await?;
    let next = match found.next {
        Some(after) => Place::Partitions { kind, after: Some(after) },
        None => skip(kind),
    };
    Ok((next, ended, count))
}

/// The kind after this one, of the two that are gone through.
const fn skip(kind: Kind) -> Place {
    match kind {
        Kind::User => Place::Partitions { kind: Kind::Ident, after: None },
        _ => Place::End,
    }
}

/// Step 3.
async fn user(tools: Tools<'_>, key: &PartitionKey, partition: &Partition, terms: &Terms) -> Result<Ended, StoreError> {
    let id = key.id.parse().map_err(|_| StoreError::Corrupt {
        place: key.to_string(),
        reason: "its id is not that of a user".to_owned(),
    })?;
    let mut user = User::unloaded(id);
    user.absorb(partition, restore::NEEDS)?;
    let (change, ended) = restore::end(&user, terms);
    let puts: Vec<Put> = change.puts().iter().map(Item::to_put).collect();
    let deletes: Vec<Box<str>> = change.deletes().iter().map(|key| key.to_string().into()).collect();
    let mut revision = partition.revision;
    let puts = puts.chunks(ITEMS).map(|puts| (puts.to_vec(), Vec::new()));
    let deletes = deletes.chunks(ITEMS).map(|keys| (Vec::new(), keys.to_vec()));
    for (puts, deletes) in puts.chain(deletes) {
        let write = WriteSet {
            partition: key.clone(),
            expected: revision,
            first: Revision::first(u64::from_be_bytes(tools.entropy.array())),
            operation: Operation {
                id: AttemptId::from_bytes(tools.entropy.array()),
                digest: [0; 32],
                outcome: RawValue::NULL.to_owned(),
            },
            at: terms.at,
            puts,
            deletes,
            // One without an account ends as it would have.
            partition_expires_at: user.account.is_none().then_some(terms.at),
            note_dirty: false,
        };
        match commit_resolved(tools.store, write).await? {
            Commit::Committed(made) => revision = Some(made),
            Commit::Conflict => {
                return Err(StoreError::Unavailable(format!("{key} changed meanwhile; does a node still run?")));
            }
        }
    }
    Ok(ended)
}

/// Step 4.
async fn ident(tools: Tools<'_>, key: &PartitionKey, at: Timestamp) -> Result<(), StoreError> {
    transact(tools.store, tools.entropy, key, at, |partition| {
        let mut throttle = partition.get::<Throttle>(key, "throttle")?.unwrap_or_else(fresh_throttle);
        throttle::spend(&mut throttle, at);
        let end = at.after(crate::ident::LIFETIME);
        let put = Put::record("throttle", &throttle, Some(end));
        Ok(Transaction { partition_expires_at: Some(end), ..Transaction::put(put, ()) })
    })
    .await
}

/// Step 2. A store that was never served from has none and needs none.
async fn new_incarnation(tools: Tools<'_>, at: Timestamp) -> Result<(), StoreError> {
    let key = PartitionKey::new(Kind::Keyring, "data");
    let drawn = data_encoding::BASE64URL_NOPAD.encode(&tools.entropy.array::<16>());
    transact(tools.store, tools.entropy, &key, at, |partition| {
        let restored = Restored { at, unknown: Unknown::default() };
        let mut transaction = Transaction::put(Put::record("restored", &restored, None), ());
        if let Some(active) = partition.get::<ActiveKey>(&key, "active")? {
            let active = ActiveKey { incarnation: drawn.clone(), ..active };
            transaction.puts.push(Put::record("active", &active, None));
        }
        Ok(transaction)
    })
    .await
}

/// Step 6, but for the last word.
async fn tell(tools: Tools<'_>, terms: Terms, revision: Option<Revision>) -> Result<(), StoreError> {
    let event = AuditEvent {
        kind: "store.restored".to_owned(),
        at: terms.at,
        user: None,
        actor: "operator".to_owned(),
        address: None,
        facts: [("passwords_ended".to_owned(), terms.passwords.into())].into(),
        unknown: Unknown::default(),
    };
    let place = format!("{}/{}/0", standing::partition(), revision.map_or(0, Revision::as_u64));
    let json = Put::record(place.clone(), &event, None).body.json;
    tools.store.append(Stream::Audit, vec![Event { at: terms.at, id: place.into(), json }]).await
}

/// When the store last came out of a backup, if ever. What a client or a browser issued before, such as an assertion or a
/// proof with a `jti`, must be refused: whether it was used then is not known any more (HAZARDS H14).
pub async fn restored_at(store: &dyn Store) -> Result<Option<Timestamp>, StoreError> {
    let key = PartitionKey::new(Kind::Keyring, "data");
    let restored: Option<Restored> = store.load(&key, &["restored"]).await?.get(&key, "restored")?;
    Ok(restored.map(|restored| restored.at))
}
