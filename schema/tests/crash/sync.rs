//! Syncs that fail, and a process that ends at a sync: at each of the first ones, the making of the store included, and
//! at some later ones.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    child::{Running, Task},
    verdict::Acknowledged,
};

/// Which sync goes wrong: each of the first, the making of the store and its first groups among them, and some later.
fn syncs() -> impl Iterator<Item = u32> {
    (1..=100).chain([150, 300])
}

/// Compiles the library that is loaded before the child's own.
fn shim(folder: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crash/sync_shim.c");
    let library = folder.join("sync_shim.so");
    let done = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).status();
    assert!(done.is_ok_and(|status| status.success()), "this test compiles a small library and needs cc");
    library
}

/// Runs a child whose syncs go wrong from the `at`th on, to its end.
fn run(folder: &Path, shim: &Path, at: u32, how: &str, acknowledged: &mut Acknowledged) -> Vec<String> {
    let task = Task { body: 300, last: 400 };
    let mut child = Running::start(folder, &task, |command| {
        command.env("LD_PRELOAD", shim).env("STORE_CRASH_SYNC_AT", at.to_string()).env("STORE_CRASH_SYNC_HOW", how);
    });
    let lines = child.rest();
    acknowledged.note_all(&lines);
    lines
}

fn has(lines: &[String], word: &str) -> bool {
    lines.iter().any(|line| line.starts_with(word))
}

#[tokio::test]
async fn a_failed_sync_is_never_a_success() {
    let tools = tempfile::tempdir().expect("a folder");
    let shim = shim(tools.path());
    let (mut opened, mut unknown) = (0, 0);
    for at in syncs() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut acknowledged = Acknowledged::default();
        let lines = run(folder.path(), &shim, at, "fail", &mut acknowledged);
        if has(&lines, "open") {
            opened += 1;
            assert!(has(&lines, "unknown") || has(&lines, "unavailable"), "sync {at}: its writes did not succeed");
            assert!(has(&lines, "stopped"), "sync {at}: afterwards everything is refused");
            unknown += u32::from(has(&lines, "unknown"));
        } else {
            assert!(has(&lines, "refused"), "sync {at}: a store that cannot be made does not open");
        }
        acknowledged.verify(folder.path(), 0).await;
    }
    assert!(opened > 10, "some of the syncs fail after the opening");
    assert!(unknown > opened / 2, "a sync that fails under a group leaves its outcome unknown");
}

#[tokio::test]
async fn a_process_that_ends_at_any_sync_leaves_a_store_that_opens() {
    let tools = tempfile::tempdir().expect("a folder");
    let shim = shim(tools.path());
    for at in syncs() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut acknowledged = Acknowledged::default();
        run(folder.path(), &shim, at, "end", &mut acknowledged);
        acknowledged.verify(folder.path(), 0).await;
        // And once more on what is there now.
        run(folder.path(), &shim, at, "end", &mut acknowledged);
        acknowledged.verify(folder.path(), 0).await;
    }
}
