//! Backups, restores and moves, as operators do them. All of it is about the embedded store, so everything says `alone`;
//! shared ones are in `shared`.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Output, Stdio},
    time::Duration,
};

use actors::{call::Deadline, domain::context::Origin, registration::NewAccount, secret::Secret};
use node::{
    config::Loaded,
    serve::data_folder,
    wire_up::{Errand, Parts},
};
use schema::{
    BrowserId, Cursor, Store as _, Stream,
    embedded::{EmbeddedStore, Options},
};

use crate::support::{Server, alone, json_of, run_alone};

pub(crate) const CREATE: [&str; 8] =
    ["client", "create", "--name", "Shop", "--redirect-uri", "http://localhost:3000/cb", "--output", "json"];

#[track_caller]
pub(crate) fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[track_caller]
pub(crate) fn refused(output: &Output, reason: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains(reason), "{stderr}");
}

/// Runs the verb on another data folder than the default one.
pub(crate) fn run_on(folder: &Path, data: &str, line: &[&str]) -> Output {
    let mut command = alone(folder);
    command.env("DOORWARD__STORE__URL", format!("embedded:{}", folder.join(data).display()));
    command.args(line).output().expect("the program runs")
}

/// Registers people in the store that nobody serves.
pub(crate) fn register(folder: &Path, names: &[String]) {
    let url = format!("embedded:{}", folder.join("doorward-data").display());
    let config = Loaded::load(None, [("DOORWARD__STORE__URL".into(), url.into())]).expect("accepted").config;
    let (_data, ring) = data_folder(&config).expect("a folder");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let parts = Parts::start(&config, ring.keys, Errand::Command).await.expect("starts");
        for name in names {
            let new = NewAccount {
                user_name: name.clone(),
                email: String::new(),
                password: Secret::new("tractor violin harbour".to_owned()),
                browser: BrowserId::from_bytes([7; 16]),
            };
            let attempt = parts.services().attempt(Origin::default());
            let deadline = Deadline::after(Duration::from_mins(1));
            parts.services().registration.register(&attempt, new, deadline).await.expect("registered");
        }
        parts.stop().await;
    });
}

#[test]
fn a_backup_of_a_running_server_is_closed_to_others_whole_and_without_the_key_ring() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    register(folder, &["Ann".to_owned()]);
    let _server = Server::alone(folder);
    // Applications are registered all the while.
    let busy: Vec<_> =
        (0..8).map(|_| alone(folder).args(CREATE).stdout(Stdio::null()).spawn().expect("starts")).collect();
    let told = done(&run_alone(folder, &["backup", "create", "--out", "b"]));
    assert!(told.contains("The master key ring is not in it"), "{told}");
    for mut child in busy {
        assert!(child.wait().expect("ends").success());
    }
    assert_eq!(fs::metadata(folder.join("b")).expect("there").permissions().mode() & 0o777, 0o600);
    let left: Vec<_> =
        fs::read_dir(folder).expect("readable").map(|entry| entry.expect("readable").file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
    let ring = fs::read_to_string(folder.join("doorward-data/master-keys")).expect("a ring");
    let secret = ring.trim().split_once(':').expect("an entry").1;
    let mut reader =
        schema::export::file::Reader::new(fs::File::open(folder.join("b")).expect("there")).expect("a backup");
    while let Some(entry) = reader.entry().expect("whole") {
        assert!(!serde_json::to_string(&entry).expect("JSON").contains(secret));
    }
    refused(&run_alone(folder, &["backup", "create", "--out", "b"]), "exists already");
    let told = done(&run_alone(folder, &["backup", "verify", "b", "--keys", "doorward-data/master-keys"]));
    assert!(told.contains("whole, and the key ring opens it"), "{told}");
    fs::write(folder.join("other"), "k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=").expect("written");
    refused(&run_alone(folder, &["backup", "verify", "b", "--keys", "other"]), "does not open the backup");
}

#[test]
fn a_restored_store_has_the_accounts_and_none_of_their_sessions() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    register(folder, &["Ann".to_owned(), "Bob".to_owned()]);
    json_of(&mut alone(folder), &CREATE);
    done(&run_alone(folder, &["backup", "create", "--out", "b"]));
    let told = done(&run_alone(folder, &["backup", "restore", "b", "--to", "embedded:new"]));
    assert!(told.contains("Ended: 2 sessions") && told.contains("of 2 accounts"), "{told}");
    assert!(told.contains("As of the backup are: passwords") && told.contains("Put the master key ring"), "{told}");
    refused(&run_on(folder, "new", &["user", "list"]), "its key file");
    fs::copy(folder.join("doorward-data/master-keys"), folder.join("new/master-keys")).expect("copied");
    let listed = done(&run_on(folder, "new", &["user", "list"]));
    assert!(listed.contains("Ann") && listed.contains("Bob"), "{listed}");
    let shown = done(&run_on(folder, "new", &["user", "show", "ann", "--output", "json"]));
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown["sessions"].as_array().map(Vec::len), Some(0), "{shown}");
    assert!(done(&run_on(folder, "new", &["client", "list"])).contains("Shop"));
    // Once more, by what is for snapshots, and with the passwords.
    let told = done(&run_on(folder, "new", &["store", "restored", "--yes", "--require-password-reset"]));
    assert!(told.contains("Passwords are good no more"), "{told}");
    assert!(done(&run_on(folder, "new", &["user", "password", "reset", "ann"])).contains("/reset?token="));
}

#[test]
fn a_backup_becomes_a_store_whole_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    json_of(&mut alone(folder), &CREATE);
    done(&run_alone(folder, &["backup", "create", "--out", "b"]));
    let whole = fs::read(folder.join("b")).expect("readable");
    fs::write(folder.join("cut"), &whole[..whole.len() - 1]).expect("written");
    let newer = [b"doorward-backup 2\n", &whole[b"doorward-backup 1\n".len()..]].concat();
    fs::write(folder.join("newer"), newer).expect("written");
    for (file, reason) in [("cut", "is damaged"), ("newer", "is of format 2"), ("master", "cannot open")] {
        refused(&run_alone(folder, &["backup", "restore", file, "--to", "embedded:new"]), reason);
        refused(&run_alone(folder, &["backup", "verify", file]), reason);
        assert!(!folder.join("new/store").exists());
    }
    fs::create_dir(folder.join("full")).expect("made");
    fs::write(folder.join("full/thesis.tex"), "").expect("written");
    refused(&run_alone(folder, &["backup", "restore", "b", "--to", "embedded:full"]), "is not empty");
    refused(&run_alone(folder, &["backup", "restore", "b", "--to", "embedded:doorward-data"]), "is not empty");
}

#[test]
fn a_restore_that_is_killed_is_refused_and_can_be_finished() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    register(folder, &(0..40).map(|number| format!("person{number}")).collect::<Vec<_>>());
    done(&run_alone(folder, &["backup", "create", "--out", "b"]));
    let line = ["backup", "restore", "b", "--to", "embedded:new"];
    let mut child = alone(folder).args(line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
    while !folder.join("new/restore.new/store").exists() {
        assert!(child.try_wait().expect("asked").is_none(), "it ended before it began");
        std::thread::yield_now();
    }
    child.kill().expect("killed");
    child.wait().expect("ends");
    assert!(!folder.join("new/store").exists(), "it was done before it could be killed");
    refused(&run_on(folder, "new", &["serve"]), "was cut short; run the same `doorward backup restore` again");
    done(&run_alone(folder, &line));
    fs::copy(folder.join("doorward-data/master-keys"), folder.join("new/master-keys")).expect("copied");
    assert!(done(&run_on(folder, "new", &["user", "list"])).contains("person39"));
}

#[test]
fn a_restore_that_was_cut_short_behind_its_last_step_is_finished_by_the_next() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    register(folder, &["Ann".to_owned()]);
    done(&run_alone(folder, &["backup", "create", "--out", "b"]));
    let line = ["backup", "restore", "b", "--to", "embedded:new"];
    done(&run_alone(folder, &line));
    fs::copy(folder.join("doorward-data/master-keys"), folder.join("new/master-keys")).expect("copied");
    // Nothing but the folder that it was made in was left to do.
    fs::create_dir(folder.join("new/restore.new")).expect("made");
    fs::write(folder.join("new/restore.new/lock"), "").expect("written");
    refused(&run_on(folder, "new", &["serve"]), "was cut short; run the same `doorward backup restore` again");
    assert!(done(&run_alone(folder, &line)).contains("that is finished now"));
    assert!(!folder.join("new/restore.new").exists());
    assert!(done(&run_on(folder, "new", &["user", "list"])).contains("Ann"));
    // Beside a store of somebody else's nothing is restored, and nothing removed.
    fs::create_dir_all(folder.join("new/restore.new/store")).expect("made");
    refused(&run_alone(folder, &line), "is not empty");
    assert!(folder.join("new/restore.new/store").exists());
}

/// What the audit log of a store that nobody has open tells of, in order.
fn kinds_told(data: &Path) -> Vec<String> {
    let store = EmbeddedStore::open(data, &Options::default()).expect("opens");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let told = runtime.block_on(store.read(Stream::Audit, &Cursor::default(), 1000)).expect("readable");
    let kind = |event: schema::Event| {
        let event: serde_json::Value = serde_json::from_str(event.json.get()).expect("JSON");
        event["kind"].as_str().expect("a kind").to_owned()
    };
    told.into_iter().map(kind).collect()
}

#[test]
fn a_moved_store_is_retired_and_its_people_stay_signed_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    register(folder, &["Ann".to_owned()]);
    {
        let _server = Server::alone(folder);
        let line = ["store", "copy", "--from", "embedded:doorward-data", "--to", "embedded:new"];
        refused(&run_alone(folder, &line), "is in use by process");
    }
    let line = ["store", "copy", "--from", "embedded:doorward-data", "--to", "embedded:new"];
    assert!(done(&run_alone(folder, &line)).contains("was copied to embedded:new, compared, and retired"));
    for line in
        [&["serve"][..], &["user", "list"], &["backup", "create", "--out", "b"], &["store", "restored", "--yes"]]
    {
        refused(&run_alone(folder, line), "this store was moved to embedded:new and is retired");
    }
    assert_eq!(kinds_told(&folder.join("doorward-data")).iter().filter(|kind| *kind == "store.backed_up").count(), 0);
    fs::copy(folder.join("doorward-data/master-keys"), folder.join("new/master-keys")).expect("copied");
    let shown = done(&run_on(folder, "new", &["user", "show", "ann", "--output", "json"]));
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown["sessions"].as_array().map(Vec::len), Some(1), "{shown}");
    refused(&run_alone(folder, &line), "nothing is left to copy");
    let back = ["store", "copy", "--from", "embedded:new", "--to", "embedded:back"];
    done(&run_alone(folder, &back));
}
