//! Verbs that need the store: the same answers through a running server and without one, and what they leave in the audit
//! log. What is about the folder of the embedded store says `alone`.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use schema::{
    Cursor, Store as _, Stream,
    embedded::{EmbeddedStore, Options},
};
use serde_json::Value;

use crate::support::{Server, alone, json, json_of, run, run_alone};

const CREATE: [&str; 8] =
    ["client", "create", "--name", "Shop", "--redirect-uri", "http://localhost:3000/cb", "--output", "json"];

#[track_caller]
fn assert_refused(output: &Output, code: i32, reason: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(stderr.contains(reason), "{stderr}");
    assert!(output.stdout.is_empty());
}

/// Every event of the audit log; for a store that nobody serves.
fn audit(folder: &Path) -> Vec<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let store = EmbeddedStore::open(&folder.join("doorward-data"), &Options::default()).expect("opens");
    let events = runtime.block_on(store.read(Stream::Audit, &Cursor::default(), 1000)).expect("readable");
    events.iter().map(|event| serde_json::from_str(event.json.get()).expect("JSON")).collect()
}

#[test]
fn a_client_is_managed_alike_with_a_server_and_without_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let without = json_of(&mut alone(folder), &CREATE);
    let server = Server::alone(folder);
    let with = json_of(&mut alone(folder), &CREATE);
    for created in [&without, &with] {
        assert!(created["client_id"].as_str().is_some_and(|id| id.starts_with("c_")), "{created}");
        assert!(created["client_secret"].as_str().is_some_and(|secret| secret.len() >= 22), "{created}");
        assert_eq!(created["id_token_alg"], "RS256");
    }
    let keys = |created: &Value| created.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&without), keys(&with));
    let list = |folder| json_of(&mut alone(folder), &["client", "list", "--output", "json"]);
    assert_eq!(list(folder).as_array().expect("a list").len(), 2);
    assert!(!list(folder).to_string().contains("secret"));

    let id = with["client_id"].as_str().expect("an id");
    let rotated = json_of(&mut alone(folder), &["client", "rotate-secret", id, "--output", "json"]);
    assert_ne!(rotated["client_secret"], with["client_secret"]);
    drop(server);
    assert!(run_alone(folder, &["client", "delete", id, "--yes"]).status.success());
    assert_eq!(list(folder).as_array().expect("a list").len(), 1);

    let told: Vec<_> = audit(folder).into_iter().map(|event| (event["kind"].clone(), event["actor"].clone())).collect();
    let uid = rustix::process::getuid().as_raw();
    let by = Value::from(format!("operator uid {uid}"));
    for kind in ["client.created", "client.created", "client.secret_rotated", "client.deleted"] {
        assert!(told.contains(&(kind.into(), by.clone())), "{kind} in {told:?}");
    }
}

#[test]
fn a_public_client_has_no_secret_and_none_to_rotate() {
    let folder = tempfile::tempdir().expect("a folder");
    let created = json(folder.path(), &[&CREATE[..], &["--public"]].concat());
    assert!(created.get("client_secret").is_none());
    assert_eq!((&created["public"], &created["require_pkce"]), (&true.into(), &true.into()));
    let id = created["client_id"].as_str().expect("an id");
    assert_refused(&run(folder.path(), &["client", "rotate-secret", id]), 1, "is public and has no secret");
}

#[test]
fn what_breaks_a_rule_is_refused_with_1_with_a_server_and_without_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let line = ["client", "create", "--name", "Shop", "--redirect-uri", "javascript:alert(1)"];
    assert_refused(&run(folder.path(), &line), 1, "redirect");
    let _server = Server::start(folder.path());
    assert_refused(&run(folder.path(), &line), 1, "redirect");
    assert_refused(&run(folder.path(), &["user", "show", "nobody"]), 1, "there is no user \"nobody\"");
    assert_refused(&run(folder.path(), &["client", "delete", "c_none", "--yes"]), 1, "there is no client c_none");
}

#[test]
fn what_destroys_asks_first_and_without_a_terminal_wants_yes() {
    let folder = tempfile::tempdir().expect("a folder");
    json(folder.path(), &CREATE);
    for line in [&["client", "delete", "c_none"][..], &["user", "mfa", "reset", "ann"]] {
        assert_refused(&run(folder.path(), line), 2, "add --yes");
    }
    assert_refused(&run(folder.path(), &["client", "delete", "a/b", "--yes"]), 2, "is not a client_id");
}

#[test]
fn a_folder_without_a_store_is_not_made_into_one_by_asking() {
    let folder = tempfile::tempdir().expect("a folder");
    for line in [&["user", "list"][..], &["client", "list"], &["keys", "signing", "list"]] {
        assert_refused(&run_alone(folder.path(), line), 1, "there is no store in ./doorward-data");
    }
    assert!(!folder.path().join("doorward-data").exists());
}

#[test]
fn signing_keys_are_listed_and_rotated() {
    let folder = tempfile::tempdir().expect("a folder");
    let _server = Server::start(folder.path());
    let keys = json(folder.path(), &["keys", "signing", "list", "--output", "json"]);
    let active: Vec<_> = keys.as_array().expect("a list").iter().filter(|key| key["state"]["is"] == "active").collect();
    assert_eq!(active.len(), 3, "{keys}");
    let rotated = json(folder.path(), &["keys", "signing", "rotate", "--output", "json"]);
    let pending = rotated.as_array().expect("a list").iter().filter(|key| key["state"]["is"] == "pending").count();
    assert_eq!(pending, 3, "{rotated}");
    let table = run(folder.path(), &["keys", "signing", "list"]);
    assert!(String::from_utf8_lossy(&table.stdout).starts_with("KID "));
}

#[test]
fn many_commands_at_once_are_all_served() {
    let folder = tempfile::tempdir().expect("a folder");
    let _server = Server::start(folder.path());
    let start = |_| {
        let mut command: Command = crate::support::doorward(folder.path());
        command.args(CREATE).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts")
    };
    let running: Vec<_> = (0..16).map(start).collect();
    for child in running {
        let output = child.wait_with_output().expect("ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let list = json(folder.path(), &["client", "list", "--output", "json"]);
    assert_eq!(list.as_array().expect("a list").len(), 16);
}

#[test]
fn commands_at_once_without_a_server_wait_for_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    json(folder.path(), &CREATE);
    let start = |_| crate::support::doorward(folder.path()).args(CREATE).stdout(Stdio::null()).spawn().expect("starts");
    let running: Vec<_> = (0..4).map(start).collect();
    for mut child in running {
        assert!(child.wait().expect("ends").success());
    }
    let list = json(folder.path(), &["client", "list", "--output", "json"]);
    assert_eq!(list.as_array().expect("a list").len(), 5);
}
