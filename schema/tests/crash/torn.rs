//! A journal whose last write did not reach the disk whole.

use std::{
    fs::OpenOptions,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use schema::{
    Body, Put, Revision,
    contract::{committed, json, user, whole, write},
    embedded::{EmbeddedStore, OpenError, Options},
};

use crate::{child::Task, kill::run_and_kill, verdict::Acknowledged};

/// What each batch in a journal ends with.
const TRAILER: &[u8] = b"FJL\x03";

/// Bodies of this length span several pages.
const LONG: usize = 50_000;

/// The newest journal of a store.
fn journal(folder: &Path) -> PathBuf {
    let number = |path: &Path| path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
    let files = std::fs::read_dir(folder.join("store")).expect("a store").map(|entry| entry.expect("readable").path());
    let journals = files.filter(|path| path.extension().is_some_and(|extension| extension == "jnl"));
    journals.max_by_key(|path| number(path)).expect("a journal")
}

/// Its data: behind it the file is filled up with zeros.
fn data(journal: &Path) -> Vec<u8> {
    let mut bytes = std::fs::read(journal).expect("readable");
    let end = bytes.iter().rposition(|byte| *byte != 0).expect("there is data");
    bytes.truncate(end + 1);
    bytes
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
    let end = data(&journal(folder.path())).len();
    for cut in (0..1500).step_by(41) {
        let copied = tempfile::tempdir().expect("a folder");
        copy(folder.path(), copied.path());
        let file = OpenOptions::new().write(true).open(journal(copied.path())).expect("there");
        file.set_len(u64::try_from(end).expect("fits") - cut).expect("cut");
        drop(file);
        let lost = if cut == 0 { 0 } else { cut / 100 + 1 };
        acknowledged.clone().verify(copied.path(), lost).await;
        // Opened and written to since, it opens again.
        acknowledged.clone().verify(copied.path(), lost).await;
    }
}

/// Makes a store with `count` commits of one long body each, as it lies on disk while it is open.
async fn long_commits(count: u64) -> (tempfile::TempDir, Vec<Revision>) {
    let (folder, copied) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let store = EmbeddedStore::open(folder.path(), &Options::default()).expect("opens");
    let mut revisions = Vec::new();
    for number in 0..count {
        let body = Body { json: json(&format!(r#"{{"pad":"{}"}}"#, "x".repeat(LONG))), expires_at: None };
        let put = Put { key: format!("item/{number}").into(), body };
        let last = revisions.last().copied();
        revisions.push(committed(&store, write(&user("ann"), last, number, vec![put])).await);
    }
    copy(folder.path(), copied.path());
    (copied, revisions)
}

/// Loses one page in the middle of the batch that is `back` batches before the last.
fn lose_a_page(folder: &Path, back: usize) {
    const PAGE: usize = 4096;
    let path = journal(folder);
    let bytes = data(&path);
    let ends: Vec<usize> = (0..bytes.len() - 3).filter(|at| bytes[*at..].starts_with(TRAILER)).collect();
    let begin = ends[ends.len() - 2 - back];
    let page = (begin / PAGE + 2) * PAGE;
    assert!(bytes[page..page + PAGE].iter().all(|byte| *byte == b'x'), "the page lies within the long body");
    let file = OpenOptions::new().write(true).open(path).expect("there");
    file.write_all_at(&[0; PAGE], page as u64).expect("written");
}

#[tokio::test]
async fn a_hole_in_the_last_write_costs_that_write_alone() {
    let (folder, revisions) = long_commits(4).await;
    lose_a_page(folder.path(), 0);
    let mut last = revisions[2];
    for number in 10..12 {
        let store = EmbeddedStore::open(folder.path(), &Options::default()).expect("opens");
        let found = whole(&store, &user("ann")).await;
        assert_eq!((found.revision, found.items.len()), (Some(last), 3));
        last = committed(&store, write(&user("ann"), Some(last), number, vec![])).await;
    }
}

#[tokio::test]
async fn a_hole_before_the_last_write_is_damage_and_does_not_open() {
    let (folder, _) = long_commits(4).await;
    lose_a_page(folder.path(), 1);
    let before = data(&journal(folder.path()));
    let error = EmbeddedStore::open(folder.path(), &Options::default()).expect_err("acknowledged writes are damaged");
    assert!(matches!(error, OpenError::Database(_)), "{error}");
    assert_eq!(data(&journal(folder.path())), before, "nothing was cut off");
}
