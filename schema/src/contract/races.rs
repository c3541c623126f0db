//! What the store promises to callers that come at once.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{Backend, committed, put, texts, user, whole, write};
use crate::{Commit, RING};

/// One of them is committed, and the partition is what that one wrote.
pub async fn of_64_commits_on_one_revision_one_wins(backend: &mut dyn Backend) {
    let (store, key) = (backend.store(), user("ann"));
    let mut last = None;
    for round in 0..8 {
        let mut tasks = JoinSet::new();
        for number in round * 64..(round + 1) * 64 {
            let (store, write) = (Arc::clone(&store), write(&key, last, number, vec![put("account", number)]));
            tasks.spawn(async move { (number, store.commit(write).await.expect("works")) });
        }
        let outcomes = tasks.join_all().await;
        let won: Vec<_> = outcomes.iter().filter(|(_, outcome)| *outcome != Commit::Conflict).collect();
        let [(number, Commit::Committed(revision))] = won[..] else { panic!("one must win, not {won:?}") };
        let found = whole(&*store, &key).await;
        assert_eq!(found.revision, Some(*revision));
        assert_eq!(texts(&found), [("account", &*format!(r#"{{"value":{number}}}"#))]);
        assert_eq!(found.operations.len() as u64, round + 1);
        last = Some(*revision);
    }
}

/// They share groups, but not their fate.
pub async fn commits_on_different_partitions_all_land(backend: &mut dyn Backend) {
    let store = backend.store();
    let mut tasks = JoinSet::new();
    for number in 0..256 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let key = user(&format!("user-{number}"));
            let first = committed(&*store, write(&key, None, number, vec![put("account", number)])).await;
            committed(&*store, write(&key, Some(first), number, vec![put("more", number)])).await;
        });
    }
    tasks.join_all().await;
    for number in 0..256_u64 {
        let value = format!(r#"{{"value":{number}}}"#);
        let found = whole(&*store, &user(&format!("user-{number}"))).await;
        assert_eq!(texts(&found), [("account", &*value), ("more", &*value)]);
    }
}

/// Sixteen callers that reload after each conflict: as many commits as successes, none lost, none twice.
pub async fn a_chain_of_contended_commits_loses_none(backend: &mut dyn Backend) {
    const CALLERS: u64 = 16;
    const EACH: u64 = 8;
    let (store, key) = (backend.store(), user("ann"));
    let first = committed(&*store, write(&key, None, 1_000_000, vec![put("n", 0)])).await;
    let mut tasks = JoinSet::new();
    for caller in 0..CALLERS {
        let (store, key) = (Arc::clone(&store), key.clone());
        tasks.spawn(async move {
            for turn in 0..EACH {
                loop {
                    let revision = store.load(&key, &[]).await.expect("works").revision.expect("there");
                    let value = revision.as_u64() - first.as_u64() + 1;
                    let write = write(&key, Some(revision), caller * EACH + turn, vec![put("n", value)]);
                    if store.commit(write).await.expect("works") != Commit::Conflict {
                        break;
                    }
                }
            }
        });
    }
    tasks.join_all().await;
    let found = whole(&*store, &key).await;
    assert_eq!(found.revision.map(|revision| revision.as_u64() - first.as_u64()), Some(CALLERS * EACH));
    assert_eq!(texts(&found), [("n", &*format!(r#"{{"value":{}}}"#, CALLERS * EACH))]);
    assert_eq!(found.operations.len() as u64, RING);
}

/// While a writer replaces three items together, a reader finds them equal and fitting the revision.
pub async fn a_load_never_sees_half_a_commit(backend: &mut dyn Backend) {
    const COMMITS: u64 = 200;
    let (store, key) = (backend.store(), user("ann"));
    let puts = |value| vec![put("a", value), put("b", value), put("c", value)];
    let first = committed(&*store, write(&key, None, 0, puts(0))).await;
    let mut writer = JoinSet::new();
    {
        let (store, key) = (Arc::clone(&store), key.clone());
        writer.spawn(async move {
            let mut last = first;
            for number in 1..=COMMITS {
                last = committed(&*store, write(&key, Some(last), number, puts(number))).await;
            }
        });
    }
    let mut seen = 0;
    while seen < COMMITS {
        let found = whole(&*store, &key).await;
        let revision = found.revision.expect("there");
        let now = revision.as_u64() - first.as_u64();
        assert!(now >= seen, "a later read must not go back");
        let value = format!(r#"{{"value":{now}}}"#);
        assert_eq!(texts(&found), [("a", &*value), ("b", &*value), ("c", &*value)]);
        assert_eq!(found.operations.last().map(|operation| operation.revision), Some(revision));
        seen = now;
        tokio::task::yield_now().await;
    }
    writer.join_all().await;
}
