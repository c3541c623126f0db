//! `doorward user …` about an account that was really registered, in an embedded store.

use std::{path::Path, time::Duration};

use actors::{
    call::Deadline,
    domain::{
        command::{BeginTotp, SignIn},
        context::Origin,
        user::SessionRef,
    },
    registration::NewAccount,
    secret::Secret,
};
use node::{
    config::Loaded,
    serve::master_keys,
    wire_up::{Errand, Parts},
};
use schema::BrowserId;

use crate::support::{Server, alone, json_of, run_alone};

/// Registers Ann in the store that nobody serves; she is signed in once.
fn register(folder: &Path) {
    let url = format!("embedded:{}", folder.join("doorward-data").display());
    let config = Loaded::load(None, [("DOORWARD__STORE__URL".into(), url.into())]).expect("accepted").config;
    let (_folder, keys) = master_keys(&config).expect("a folder");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let parts = Parts::start(&config, keys, Errand::Command).await.expect("starts");
        let new = NewAccount {
            user_name: "Ann".to_owned(),
            email: "ann@example.com".to_owned(),
            password: Secret::new("tractor violin harbour".to_owned()),
            browser: BrowserId::from_bytes([7; 16]),
        };
        let attempt = parts.services().attempt(Origin::default());
        let deadline = Deadline::after(Duration::from_mins(1));
        let registered = parts.services().registration.register(&attempt, new, deadline).await;
        let (user, signed_in) = registered.expect("registered");
        // An authenticator app that awaits its first code.
        let secret_hash = SignIn::session_secret_hash(&attempt.seed);
        let session = SessionRef { session: signed_in.session, secret_hash };
        let begin = BeginTotp { session, name: "Phone".to_owned() };
        let attempt = parts.services().attempt(Origin::default());
        parts.services().accounts.ask(user, &attempt, begin, deadline).await.expect("begun");
        parts.stop().await;
    });
}

#[track_caller]
fn says(folder: &Path, line: &[&str], text: &str) {
    let output = run_alone(folder, line);
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{line:?}: {stderr}");
    assert!(stdout.contains(text), "{line:?}: {stdout}");
}

#[test]
fn an_account_is_shown_and_changed_by_name_and_by_id() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    register(folder);
    says(folder, &["user", "list"], "ann@example.com");
    let _server = Server::alone(folder);
    says(folder, &["user", "list"], "ann@example.com");
    let list = json_of(&mut alone(folder), &["user", "list", "--output", "json"]);
    let id = list[0]["user"].as_str().expect("an id");
    let shown = json_of(&mut alone(folder), &["user", "show", "ann", "--output", "json"]);
    assert_eq!((&shown["user"], &shown["user_name"]), (&list[0]["user"], &"Ann".into()));
    assert_eq!(shown["sessions"].as_array().expect("a list").len(), 1);

    says(folder, &["user", "show", id], "ann@example.com (not verified)");
    says(folder, &["user", "end-sessions", "ann"], "1 sessions ended");
    says(folder, &["user", "end-sessions", "ann"], "0 sessions ended");
    says(folder, &["user", "disable", "ann"], "disabled\n");
    says(folder, &["user", "disable", id], "was disabled already\n");
    let refused = run_alone(folder, &["user", "password", "reset", "ann"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("enable it first"));
    says(folder, &["user", "enable", "ann"], "enabled\n");
    says(folder, &["user", "mfa", "list", "ann"], "backup codes left: 0");
    one_device(folder);
    says(folder, &["user", "mfa", "reset", "ann", "--yes"], "0 second factors removed");
    let link = json_of(&mut alone(folder), &["user", "password", "reset", "ann", "--output", "json"]);
    assert!(link["url"].as_str().is_some_and(|url| url.starts_with("http://localhost:11080/reset?token=")), "{link}");
}

/// Removed by its name, or by the id that the list shows; there is none of either afterwards.
fn one_device(folder: &Path) {
    says(folder, &["user", "mfa", "list", "ann"], "awaits its first code");
    let list = json_of(&mut alone(folder), &["user", "mfa", "list", "ann", "--output", "json"]);
    let id = list["totp"][0]["factor"].as_str().expect("an id").to_owned();
    says(folder, &["user", "mfa", "list", "ann"], &id);
    for (line, code, why) in [
        (&["user", "mfa", "remove", "ann", "Phone"][..], 2, "add --yes"),
        (&["user", "mfa", "remove", "ann", "Tablet", "--yes"], 1, "has no second factor"),
        (&["user", "mfa", "remove", "nobody", "Phone", "--yes"], 1, "there is no user"),
        (&["user", "mfa", "remove", "ann", "--yes"], 2, "DEVICE"),
    ] {
        let refused = run_alone(folder, line);
        let stderr = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(code), "{line:?}: {stderr}");
        assert!(stderr.contains(why), "{line:?}: {stderr}");
    }
    says(folder, &["user", "mfa", "remove", "ann", "Phone", "--yes"], "removed\n");
    let gone = run_alone(folder, &["user", "mfa", "remove", "ann", &id, "--yes"]);
    assert_eq!(gone.status.code(), Some(1));
}

#[test]
fn who_was_looked_at_is_passivated_before_the_server_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    register(folder);
    let mut server = Server::alone(folder);
    says(folder, &["user", "show", "ann"], "ann@example.com");
    server.signal("TERM");
    server.wait_for("stopping");
    let passivated = server.wait_for("the account actors are passivated");
    assert_eq!(passivated["actors"], 1, "{passivated}");
    server.wait_for("stopped");
    assert_eq!(server.ended().code(), Some(0));
}

#[test]
fn a_second_step_is_asked_for_of_one_account() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    register(folder);
    let _server = Server::alone(folder);
    let (require, explain) = (["user", "mfa", "require", "ann"], ["policy", "explain", "--user", "ann"]);
    says(folder, &explain, "is asked for nothing more");
    says(folder, &require, "required\n");
    says(folder, &require, "was required already\n");
    says(folder, &explain, "the user must set up a device before anything else\n");
    says(folder, &explain, "account is the one that applies: required, at least 2step, by totp,email,sms,passkey");
    says(folder, &["user", "mfa", "list", "ann"], "a second step is required since ");
    let shown = json_of(&mut alone(folder), &["user", "show", "ann", "--output", "json"]);
    assert!(shown["mfa_required_at"].is_number(), "{shown}");
    let not = [&require[..], &["--not"]].concat();
    says(folder, &not, "left to the policies\n");
    says(folder, &not, "was left to the policies already\n");
    says(folder, &explain, "is asked for nothing more");
}

#[test]
fn a_policy_is_set_explained_and_removed_alike_with_a_server_and_without_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    register(folder);
    says(folder, &["policy", "list"], "SCOPE ");
    says(folder, &["policy", "set", "--everybody", "--mode", "recommended"], "everybody  recommended");
    let _server = Server::alone(folder);
    let set = ["policy", "set", "--role", "staff", "--mode", "required", "--any-of", "totp", "--trusted-days", "7"];
    says(folder, &set, "role/staff  required  mfa       totp");
    let explain = ["policy", "explain", "--user", "ann"];
    says(folder, &explain, "the user is asked to set up a device, and may decline\n");
    says(folder, &["user", "role", "give", "ann", "staff"], "given\n");
    says(folder, &["user", "role", "give", "ann", "staff"], "was given already\n");
    says(folder, &explain, "needs totp");
    says(folder, &explain, "the user must set up a device before anything else\n");
    let explained = json_of(&mut alone(folder), &[&explain[..], &["--output", "json"]].concat());
    assert_eq!(explained[1]["missing"], serde_json::json!(["totp"]), "{explained}");
    says(folder, &["user", "role", "take", "ann", "staff"], "taken away\n");
    for (line, code, why) in [
        (
            &["policy", "set", "--everybody", "--mode", "required", "--any-of", "email"][..],
            1,
            "nobody can meet this policy",
        ),
        (&["policy", "set", "--role", "The Staff", "--mode", "off"], 1, "a role has 1 to 64"),
        (&["policy", "set", "--mode", "off"], 2, "--everybody"),
        (&["policy", "set", "--role", "staff", "--client", "c_x", "--mode", "off"], 2, "cannot be used with"),
        (&["policy", "set", "--everybody", "--operation", "wire.transfer", "--mode", "off"], 2, "cannot be used with"),
        (&["policy", "set", "--operation", "wire.transfer", "--mode", "off"], 1, "set without an application"),
        (&["policy", "set", "--everybody", "--mode", "recommended", "--skips", "3"], 1, "the mode required"),
        (&["policy", "explain", "--user", "ann", "--operation", "wire.transfer"], 1, "there is no operation"),
        (&["policy", "explain", "--user", "ann", "--client", "c_none"], 1, "there is no client c_none"),
        (&["policy", "remove", "--everybody"], 2, "add --yes"),
        (&["user", "role", "give", "nobody", "staff"], 1, "there is no user"),
    ] {
        let refused = run_alone(folder, line);
        let stderr = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(code), "{line:?}: {stderr}");
        assert!(stderr.contains(why), "{line:?}: {stderr}");
    }
    policies_of_operations(folder);
    says(folder, &["policy", "remove", "--role", "staff", "--yes"], "removed\n");
    says(folder, &["policy", "remove", "--role", "staff", "--yes"], "was removed already\n");
    says(folder, &["policy", "list"], "everybody  recommended");
}

/// An operation is registered for an application by its policy, and explained with what applies beside it.
fn policies_of_operations(folder: &Path) {
    let client =
        ["client", "create", "--name", "Bank", "--redirect-uri", "https://bank.example/cb", "--output", "json"];
    let client = json_of(&mut alone(folder), &client)["client_id"].as_str().expect("an id").to_owned();
    let transfer = ["--client", client.as_str(), "--operation", "wire.transfer"];
    let set = [&["policy", "set"], &transfer[..], &["--mode", "required", "--any-of", "totp"]].concat();
    says(folder, &set, &format!("operation/{client}/wire.transfer  required  mfa       totp    -       new ones"));
    let skips = ["--mode", "required", "--after-days", "7", "--skips", "3", "--fresh-minutes", "5"];
    says(folder, &[&["policy", "set", "--operation", "password.change"], &skips[..]].concat(), ", 3 skips");
    let explain = [&["policy", "explain", "--user", "ann"], &transfer[..]].concat();
    says(folder, &explain, "the user must set up a device before anything else\n");
    let strictest =
        "wire.transfer is the strictest of the 2 that apply: required, at least mfa, by totp, proofs new ones";
    says(folder, &explain, strictest);
    let explained = json_of(&mut alone(folder), &[&explain[..], &["--output", "json"]].concat());
    let one = |scope: &str| {
        let all = explained.as_array().expect("a list").iter();
        all.clone().find(|one| one["scope"]["of"] == scope && one["applies"] == true).cloned().expect("it applies")
    };
    assert_eq!((&one("operation")["strictest"], &one("everybody")["strictest"]), (&true.into(), &false.into()));
    assert_eq!(one("operation")["missing"], serde_json::json!(["totp"]), "{explained}");
    says(folder, &["policy", "explain", "--user", "ann", "--operation", "password.change"], ", 3 skips left");
    says(folder, &[&["policy", "remove"], &transfer[..], &["--yes"]].concat(), "removed\n");
    says(folder, &["policy", "remove", "--operation", "password.change", "--yes"], "removed\n");
}
