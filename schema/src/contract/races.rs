//! What the store promises to callers that come at once.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{Backend, committed, put, texts, user, whole, write};
use crate::{Commit, Partition, Store, StoreError, WriteSet, resolve::commit_resolved};

/// The item `n` of a partition.
fn n(partition: &Partition) -> u64 {
    let body = partition.items.get("n").map_or(r#"{"value":0}"#, |body| body.json.get());
    body.trim_matches(|c: char| !c.is_ascii_digit()).parse().expect("the tests write numbers")
}

/// How often a resolver wrote into this partition to rule something out. Its operations have no digest.
fn ruled_out(partition: &Partition) -> usize {
    partition.operations.iter().filter(|operation| operation.digest == [0; 32]).count()
}

/// One of them is committed, and the partition is what that one wrote. (None, where a cluster lost the outcome of the one
/// that might have been, and a resolver ruled it out.)
pub async fn of_64_commits_on_one_revision_one_wins(backend: &mut dyn Backend) {
    let (store, key) = (backend.store(), user("ann"));
    let (mut last, mut value) = (None, None);
    for round in 0..8 {
        let mut tasks = JoinSet::new();
        for number in round * 64 + 1..=(round + 1) * 64 {
            let (store, mut write) = (Arc::clone(&store), write(&key, last, number, vec![put("account", number)]));
            write.operation.digest = [1; 32];
            tasks.spawn(async move { (number, commit_resolved(&*store, write).await.expect("works")) });
        }
        let outcomes = tasks.join_all().await;
        let won: Vec<_> = outcomes.iter().filter(|(_, outcome)| *outcome != Commit::Conflict).collect();
        let found = whole(&*store, &key).await;
        let listed = |number: u64| {
            let id = write(&key, None, number, vec![]).operation.id;
            found.operations.iter().any(|operation| operation.id == id)
        };
        assert!(won.len() == 1 || won.is_empty() && ruled_out(&found) > 0, "one must win, not {won:?}");
        for (number, outcome) in &outcomes {
            assert_eq!(listed(*number), *outcome != Commit::Conflict, "{number}: {outcome:?}");
            value = if *outcome == Commit::Conflict { value } else { Some(format!(r#"{{"value":{number}}}"#)) };
        }
        assert_eq!(texts(&found).first().map(|(_, text)| (*text).to_owned()), value);
        last = found.revision;
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
            let mut conflicts = 0;
            // Each has an id of its own, by which it is found where its outcome is lost.
            for (turn, item) in [(0, "account"), (1, "more")] {
                let decide = |found: &Partition| {
                    let mut write = write(&key, found.revision, 2 * number + turn, vec![put(item, number)]);
                    write.operation.digest = [1; 32];
                    write
                };
                conflicts += until_committed(&*store, decide).await;
            }
            // Nobody else writes here. But what a cluster lost the outcome of a resolver may have ruled out.
            let ruled_out = ruled_out(&whole(&*store, &key).await);
            assert!(conflicts <= ruled_out, "{conflicts} conflicts, {ruled_out} ruled out");
        });
    }
    tasks.join_all().await;
    for number in 0..256_u64 {
        let value = format!(r#"{{"value":{number}}}"#);
        let found = whole(&*store, &user(&format!("user-{number}"))).await;
        assert_eq!(texts(&found), [("account", &*value), ("more", &*value)]);
    }
}

/// Sixteen callers that add one, and reload after each conflict: the sum is as many as were acknowledged.
pub async fn a_chain_of_contended_commits_loses_none(backend: &mut dyn Backend) {
    const CALLERS: u64 = 16;
    const EACH: u64 = 8;
    let (store, key) = (backend.store(), user("ann"));
    let mut tasks = JoinSet::new();
    for caller in 0..CALLERS {
        let (store, key) = (Arc::clone(&store), key.clone());
        tasks.spawn(async move {
            for turn in 0..EACH {
                until_committed(&*store, |found| {
                    write(&key, found.revision, caller * EACH + turn, vec![put("n", n(found) + 1)])
                })
                .await;
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(n(&whole(&*store, &key).await), CALLERS * EACH);
}

/// Loads, decides and commits until it is committed: after how many conflicts. What is unavailable did nothing and is asked again.
async fn until_committed(store: &dyn Store, decide: impl Fn(&Partition) -> WriteSet) -> usize {
    let key = decide(&Partition::default()).partition;
    let mut conflicts = 0;
    for _ in 0..1000 {
        let outcome = match store.load(&key, &["n"]).await {
            Ok(found) => commit_resolved(store, decide(&found)).await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(Commit::Committed(_)) => return conflicts,
            Ok(Commit::Conflict) => conflicts += 1,
            Err(StoreError::Unavailable(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("{key} changed a thousand times under one caller")
}

/// While a writer replaces three items together, a reader finds them equal and fitting the ring.
pub async fn a_load_never_sees_half_a_commit(backend: &mut dyn Backend) {
    const COMMITS: u64 = 200;
    let (store, key) = (backend.store(), user("ann"));
    let puts = |value| vec![put("a", value), put("b", value), put("n", value)];
    committed(&*store, write(&key, None, 1, puts(1))).await;
    let mut writer = JoinSet::new();
    {
        let (store, key) = (Arc::clone(&store), key.clone());
        writer.spawn(async move {
            for number in 2..=COMMITS {
                until_committed(&*store, |found| write(&key, found.revision, number, puts(number))).await;
            }
        });
    }
    let (mut seen, mut revision) = (0, None);
    while seen < COMMITS {
        let found = whole(&*store, &key).await;
        let now = n(&found);
        assert!(now >= seen && found.revision >= revision, "a later read must not go back");
        let value = format!(r#"{{"value":{now}}}"#);
        assert_eq!(texts(&found), [("a", &*value), ("b", &*value), ("n", &*value)]);
        assert_eq!(found.operations.last().map(|operation| operation.revision), found.revision);
        let last = found.operations.iter().rev().find(|operation| operation.digest != [0; 32]);
        assert_eq!(last.map(|operation| operation.outcome.get()), Some(&*format!(r#"{{"number":{now}}}"#)));
        (seen, revision) = (now, found.revision);
        tokio::task::yield_now().await;
    }
    writer.join_all().await;
}
