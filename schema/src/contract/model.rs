//! A store as plain maps, to be compared with a backend after any sequence of writes.

use std::collections::BTreeMap;

use super::{Backend, put, user, whole, write};
use crate::{Commit, PartitionKey, RING, Revision};

/// One step of a random history. Partitions and items are few, so that steps meet.
#[derive(Clone, Debug)]
pub enum Step {
    /// A commit.
    Commit {
        /// Which partition.
        partition: u8,
        /// How far the expected revision is from the last one: 0 fits, everything else conflicts.
        off_by: u8,
        /// Items written.
        puts: Vec<u8>,
        /// Items removed, as far as they are not written.
        deletes: Vec<u8>,
    },
    /// The store is closed and opened.
    Reopen,
}

/// A partition as it should be.
#[derive(Default)]
struct Model {
    revision: Option<Revision>,
    operations: Vec<u64>,
    items: BTreeMap<String, u64>,
}

/// Carries out `steps` on the backend and on maps, and compares the two after each of them.
pub async fn a_history_of_commits_equals_its_model(backend: &mut dyn Backend, steps: Vec<Step>) {
    let mut models: BTreeMap<u8, Model> = BTreeMap::new();
    let mut store = backend.store();
    for (number, step) in (0_u64..).zip(steps) {
        match step {
            Step::Reopen => {
                drop(store);
                store = backend.reopen().await;
            }
            Step::Commit { partition, off_by, mut puts, mut deletes } => {
                puts.sort_unstable();
                puts.dedup();
                deletes.sort_unstable();
                deletes.dedup();
                deletes.retain(|item| !puts.contains(item));
                let model = models.entry(partition).or_default();
                let expected = off(model.revision, off_by);
                let mut change = write(&key(partition), expected, number, vec![]);
                change.puts = puts.iter().map(|item| put(&name(*item), number)).collect();
                change.deletes = deletes.iter().map(|item| name(*item).into()).collect();
                let outcome = store.commit(change.clone()).await.expect("works");
                if off_by == 0 {
                    assert_eq!(outcome, Commit::Committed(change.revision()));
                    model.revision = Some(change.revision());
                    model.operations.push(number);
                    model.items.extend(puts.iter().map(|item| (name(*item), number)));
                    model.items.retain(|item, _| !change.deletes.iter().any(|gone| **gone == **item));
                } else {
                    assert_eq!(outcome, Commit::Conflict);
                }
            }
        }
        for (partition, model) in &models {
            compare(&whole(&*store, &key(*partition)).await, model, *partition);
        }
    }
}

fn compare(found: &crate::Partition, model: &Model, partition: u8) {
    assert_eq!(found.revision, model.revision);
    let items = found.items.iter().map(|(item, body)| (item.to_string(), body.json.get().to_owned()));
    let wanted = model.items.iter().map(|(item, value)| (item.clone(), format!("{{\"value\":{value}}}")));
    assert_eq!(items.collect::<Vec<_>>(), wanted.collect::<Vec<_>>());
    let ring = usize::try_from(RING).unwrap_or(usize::MAX);
    let recent = model.operations.iter().skip(model.operations.len().saturating_sub(ring));
    let wanted: Vec<_> = recent.map(|number| write(&key(partition), None, *number, vec![]).operation.id).collect();
    assert_eq!(found.operations.iter().map(|operation| operation.id).collect::<Vec<_>>(), wanted);
}

fn off(revision: Option<Revision>, by: u8) -> Option<Revision> {
    match (revision, by) {
        (revision, 0) => revision,
        (Some(_), 1) => None,
        (Some(revision), by) => Some(Revision::from_u64(revision.as_u64() - 2 + u64::from(by) * 3 / 2)),
        (None, by) => Some(Revision::from_u64(u64::from(by))),
    }
}

fn key(partition: u8) -> PartitionKey {
    user(&format!("user-{partition}"))
}

fn name(item: u8) -> String {
    format!("item/{item}")
}
