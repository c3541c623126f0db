//! What [`commit_resolved`] makes of commits whose outcome is unknown, against the real ring of the backend.

use super::{
    Backend, committed,
    faulty::{Fault, Faulty},
    put, texts, user, whole, write,
};
use crate::{
    Commit, RING, Revision, StoreError, Timestamp,
    resolve::{ROUNDS, commit_resolved},
};

/// The partition `ann` with one commit, behind a faulty store.
async fn prepared(backend: &mut dyn Backend) -> (Faulty, Revision) {
    let first = committed(&*backend.store(), write(&user("ann"), None, 1, vec![put("account", 1)])).await;
    (Faulty::new(backend.store()), first)
}

async fn value(store: &Faulty) -> String {
    texts(&whole(store, &user("ann")).await)[0].1.to_owned()
}

/// Its answer was lost, it itself was not.
pub async fn an_applied_commit_of_unknown_outcome_is_found_in_the_ring(backend: &mut dyn Backend) {
    let (store, first) = prepared(backend).await;
    store.script([Fault::ApplyThenUnknown]);
    let change = write(&user("ann"), Some(first), 2, vec![put("account", 2)]);
    let outcome = commit_resolved(&store, change).await.expect("resolved");
    assert_eq!(outcome, Commit::Committed(first.next()));
    assert_eq!(whole(&store, &user("ann")).await.revision, Some(first.next()), "nothing more was written");
}

/// It never arrived: a commit without items moves the revision, and the caller reloads.
pub async fn a_dropped_commit_of_unknown_outcome_becomes_a_conflict(backend: &mut dyn Backend) {
    let (store, first) = prepared(backend).await;
    store.script([Fault::DropThenUnknown]);
    let change = write(&user("ann"), Some(first), 2, vec![put("account", 2)]);
    assert_eq!(commit_resolved(&store, change.clone()).await.expect("resolved"), Commit::Conflict);
    assert_eq!(value(&store).await, r#"{"value":1}"#);
    let again = whole(&store, &user("ann")).await.revision;
    assert_eq!(commit_resolved(&store, write(&user("ann"), again, 2, change.puts)).await.expect("works"), {
        Commit::Committed(again.expect("there").next())
    });
}

/// A barrier that the store refuses, or that is lost itself, is followed by another.
pub async fn a_barrier_that_fails_is_repeated(backend: &mut dyn Backend) {
    let (store, first) = prepared(backend).await;
    store.script([Fault::DropThenUnknown, Fault::Unavailable, Fault::DropThenUnknown]);
    let change = write(&user("ann"), Some(first), 2, vec![put("account", 2)]);
    assert_eq!(commit_resolved(&store, change).await.expect("resolved"), Commit::Conflict);
    assert_eq!(whole(&store, &user("ann")).await.revision, Some(first.next()), "the third barrier was written");
}

/// It arrives after it was ruled out, and finds its revision gone.
pub async fn a_late_commit_cannot_land_once_it_was_ruled_out(backend: &mut dyn Backend) {
    let (store, first) = prepared(backend).await;
    store.script([Fault::Held]);
    let change = write(&user("ann"), Some(first), 2, vec![put("account", 2)]);
    assert_eq!(commit_resolved(&store, change).await.expect("resolved"), Commit::Conflict);
    assert_eq!(store.deliver().await, [Commit::Conflict]);
    assert_eq!(value(&store).await, r#"{"value":1}"#);
}

/// It arrives when the read has just not found it: the barrier conflicts, and the second read finds it.
pub async fn a_commit_that_lands_between_read_and_barrier_is_found(backend: &mut dyn Backend) {
    let (store, first) = prepared(backend).await;
    store.script([Fault::LateAfterLoad]);
    let change = write(&user("ann"), Some(first), 2, vec![put("account", 2)]);
    let outcome = commit_resolved(&store, change).await.expect("resolved");
    assert_eq!(outcome, Commit::Committed(first.next()));
    assert_eq!(value(&store).await, r#"{"value":2}"#);
}

/// A partition that may or may not have been made, in each of these ways.
pub async fn a_first_commit_is_resolved_as_any_other(backend: &mut dyn Backend) {
    let store = Faulty::new(backend.store());
    for (id, fault, applied) in [
        ("applied", Fault::ApplyThenUnknown, true),
        ("dropped", Fault::DropThenUnknown, false),
        ("late", Fault::LateAfterLoad, true),
        ("held", Fault::Held, false),
    ] {
        store.script([fault]);
        let change = write(&user(id), None, 9, vec![put("account", 9)]);
        let wanted = if applied { Commit::Committed(change.first) } else { Commit::Conflict };
        assert_eq!(commit_resolved(&store, change).await.expect("resolved"), wanted, "{id}");
        store.deliver().await;
        let found = whole(&store, &user(id)).await;
        assert_eq!(!found.items.is_empty(), applied, "{id}");
        assert!(found.revision.is_some(), "{id}: what was ruled out must find something there");
    }
}

/// The store cannot be read, or every barrier is lost as well.
pub async fn an_outcome_that_nothing_tells_stays_unknown(backend: &mut dyn Backend) {
    let (store, first) = prepared(backend).await;
    let change = write(&user("ann"), Some(first), 2, vec![put("account", 2)]);
    store.script([Fault::DropThenUnknown]);
    store.fail_loads(true);
    assert!(matches!(commit_resolved(&store, change.clone()).await, Err(StoreError::Unknown(_))));
    store.fail_loads(false);
    // The commit and each barrier after it.
    store.script([Fault::DropThenUnknown; 1 + ROUNDS as usize]);
    assert!(matches!(commit_resolved(&store, change.clone()).await, Err(StoreError::Unknown(_))));
    store.script([Fault::Unavailable]);
    assert!(matches!(commit_resolved(&store, change).await, Err(StoreError::Unavailable(_))));
}

/// More than a ring of others came in between: absence proves nothing any more.
pub async fn an_outcome_older_than_the_ring_stays_unknown(backend: &mut dyn Backend) {
    let (store, first) = prepared(backend).await;
    let old = write(&user("ann"), Some(first), 2, vec![put("account", 2)]);
    let mut last = first;
    for number in 0..RING {
        last = committed(&store, write(&user("ann"), Some(last), 100 + number, vec![])).await;
    }
    store.script([Fault::DropThenUnknown]);
    // The last revision at which the ring still covers the one that the old write would have made.
    assert_eq!(commit_resolved(&store, old.clone()).await.expect("resolved"), Commit::Conflict);
    committed(&store, write(&user("ann"), Some(last), 200, vec![])).await;
    store.script([Fault::DropThenUnknown]);
    assert!(matches!(commit_resolved(&store, old).await, Err(StoreError::Unknown(_))));
}

/// A repeated delivery that another node decided on its own: the caller must take over what is stored, not its own.
pub async fn the_same_operation_by_another_node_is_a_conflict(backend: &mut dyn Backend) {
    let (store, first) = prepared(backend).await;
    let mine = write(&user("ann"), Some(first), 2, vec![put("account", 2)]);
    let mut theirs = mine.clone();
    theirs.at = Timestamp::from_millis(mine.at.as_millis() + 1);
    committed(&store, theirs).await;
    store.script([Fault::DropThenUnknown]);
    assert_eq!(commit_resolved(&store, mine).await.expect("resolved"), Commit::Conflict);
}
