//! Death by signal, and a journal that lost its end.

use std::{
    fs::{File, OpenOptions},
    io::Read as _,
    path::{Path, PathBuf},
};

use crate::{
    child::{Running, Task},
    verdict::Acknowledged,
};

/// Starts a child and kills it after `count` acknowledgements.
fn run_and_kill(folder: &Path, task: &Task, count: u64, acknowledged: &mut Acknowledged) {
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

/// The newest journal of a store.
fn journal(folder: &Path) -> PathBuf {
    let number = |path: &Path| path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
    let files = std::fs::read_dir(folder.join("store")).expect("a store").map(|entry| entry.expect("readable").path());
    let journals = files.filter(|path| path.extension().is_some_and(|extension| extension == "jnl"));
    journals.max_by_key(|path| number(path)).expect("a journal")
}

/// Where its data ends: behind it the file is filled up with zeros.
fn end_of_data(journal: &Path) -> u64 {
    let mut bytes = Vec::new();
    File::open(journal).and_then(|mut file| file.read_to_end(&mut bytes)).expect("readable");
    let end = bytes.iter().rposition(|byte| *byte != 0).expect("there is data");
    u64::try_from(end + 1).expect("fits")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}

#[tokio::test]
async fn a_journal_without_its_end_opens_with_whole_writes_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut acknowledged = Acknowledged::default();
    run_and_kill(folder.path(), &Task { body: 20, last: u64::from(u32::MAX) }, 60, &mut acknowledged);
    let end = end_of_data(&journal(folder.path()));
    for cut in (0..1500).step_by(41) {
        let copied = tempfile::tempdir().expect("a folder");
        copy(folder.path(), copied.path());
        let file = OpenOptions::new().write(true).open(journal(copied.path())).expect("there");
        file.set_len(end - cut).expect("cut");
        drop(file);
        let lost = if cut == 0 { 0 } else { cut / 100 + 1 };
        acknowledged.clone().verify(copied.path(), lost).await;
        // Opened and written to since, it opens again.
        acknowledged.clone().verify(copied.path(), lost).await;
    }
}
