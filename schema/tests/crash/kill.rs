//! Death by signal.

use std::path::Path;

use crate::{
    child::{Running, Task},
    verdict::Acknowledged,
};

/// Starts a child and kills it after `count` acknowledgements.
pub(crate) fn run_and_kill(folder: &Path, task: &Task, count: u64, acknowledged: &mut Acknowledged) {
    let mut child = Running::start(folder, task, |_| {});
    let mut seen = 0;
    while seen < count {
        let line = child.line().expect("the child lives until it is killed");
        assert!(!line.starts_with("refused") && !line.starts_with("un"), "{line}");
        seen += u64::from(acknowledged.note(&line));
    }
    acknowledged.note_all(&child.kill());
}

#[tokio::test]
async fn every_acknowledged_write_survives_any_number_of_kills() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut acknowledged = Acknowledged::default();
    let task = Task { body: 300, last: u64::from(u32::MAX) };
    for round in 0..24 {
        let before = acknowledged.total();
        run_and_kill(folder.path(), &task, 1 + round * 37 % 500, &mut acknowledged);
        acknowledged.verify(folder.path(), 0).await;
        assert!(acknowledged.total() > before, "each round writes something");
    }
}

#[tokio::test]
async fn every_acknowledged_write_survives_kills_while_journals_are_sealed() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut acknowledged = Acknowledged::default();
    // Three items of 100 KB a commit: a journal is sealed after some two hundred commits.
    let task = Task { body: 100_000, last: u64::from(u32::MAX) };
    for round in 0..4 {
        run_and_kill(folder.path(), &task, 300 + round * 100, &mut acknowledged);
        acknowledged.verify(folder.path(), 0).await;
    }
}
