//! The command line as scripts meet it: exit codes, where the reason stands, and what is printed.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

/// Runs the binary in `folder` with an environment of its own.
fn doorward(folder: &Path, line: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_doorward"))
        .args(line)
        .current_dir(folder)
        .env_clear()
        .output()
        .expect("the binary runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

#[track_caller]
fn assert_ends_with(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "stdout: {}\nstderr: {}", stdout(output), stderr(output));
}

#[test]
fn wrong_usage_ends_with_2() {
    let folder = tempfile::tempdir().expect("a folder");
    for line in [
        &[][..],
        &["dance"],
        &["serve", "--port", "80"],
        &["client"],
        &["client", "create", "--name", "Shop"],
        &["client", "create", "--name", "Shop", "--redirect-uri", "https://a", "--id-token-alg", "HS256"],
        &["user", "show"],
        &["config", "dump", "--output", "xml"],
    ] {
        let output = doorward(folder.path(), line);
        assert_ends_with(&output, 2);
        assert!(stdout(&output).is_empty() && !stderr(&output).is_empty(), "{line:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 0, "wrong usage leaves nothing behind");
}

#[test]
fn help_and_version_end_with_0() {
    let folder = tempfile::tempdir().expect("a folder");
    for line in [&["--help"][..], &["client", "create", "--help"], &["--version"]] {
        let output = doorward(folder.path(), line);
        assert_ends_with(&output, 0);
        assert!(stdout(&output).contains("doorward"), "{line:?}");
    }
}

#[test]
fn a_good_configuration_is_said_to_be_good() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("doorward.toml"), "issuer = \"https://id.example\"\n").expect("written");
    let output = doorward(folder.path(), &["config", "check", "--config", "doorward.toml"]);
    assert_ends_with(&output, 0);
    assert!(stderr(&output).is_empty());
}

#[test]
fn a_bad_configuration_is_refused_with_1_and_every_reason_on_stderr() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("doorward.toml"), "isuer = \"https://id.example\"\n\n[token]\ncode = 60\n")
        .expect("written");
    for verb in [&["config", "check"][..], &["config", "dump"], &["serve"], &["user", "list"], &["healthcheck"]] {
        let output = doorward(folder.path(), &[&["--config", "doorward.toml"], verb].concat());
        assert_ends_with(&output, 1);
        assert!(stdout(&output).is_empty());
        let reasons = stderr(&output);
        assert!(reasons.contains("doorward.toml:1: `isuer`: unknown key; did you mean `issuer`?"), "{reasons}");
        assert!(reasons.contains("doorward.toml:4: `token.code`: must be a text in quotes"), "{reasons}");
    }
}

#[test]
fn a_dump_shows_values_and_where_they_came_from() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("doorward.toml"), "[log]\nformat = \"json\"\n").expect("written");
    let output = doorward(folder.path(), &["config", "dump", "--config", "doorward.toml", "--output", "json"]);
    assert_ends_with(&output, 0);
    let dump: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    let line = dump.iter().find(|line| line["key"] == "log.format").expect("listed");
    assert_eq!(*line, serde_json::json!({ "key": "log.format", "value": "json", "from": "doorward.toml:2" }));
}

#[test]
fn the_schema_is_printed_even_if_the_configuration_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("bad.toml"), "nonsense = 1\n").expect("written");
    let output = doorward(folder.path(), &["config", "schema", "--config", "bad.toml"]);
    assert_ends_with(&output, 0);
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(schema["properties"]["token"]["properties"]["code"]["default"], "60s");
    assert_eq!(schema["additionalProperties"], false);
    let output = doorward(folder.path(), &["config", "schema", "--output", "markdown"]);
    assert!(stdout(&output).contains("### `token.code`"));
}

#[test]
fn a_health_check_without_a_server_fails_with_1() {
    let folder = tempfile::tempdir().expect("a folder");
    // A port that was free a moment ago and that nobody serves.
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    fs::write(folder.path().join("doorward.toml"), format!("[management]\nlisten = \"127.0.0.1:{port}\"\n"))
        .expect("written");
    let output = doorward(folder.path(), &["healthcheck", "--config", "doorward.toml"]);
    assert_ends_with(&output, 1);
    assert!(stderr(&output).contains("no answer from"));
}

#[test]
fn what_is_built_in_can_be_exported_changed_checked_and_served() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = doorward(folder.path(), &["templates", "check"]);
    assert_ends_with(&output, 0);
    assert_eq!(stdout(&output), "the templates are good, in en, de, zh-Hans\n");

    let output = doorward(folder.path(), &["templates", "export", "--out", "words"]);
    assert_ends_with(&output, 0);
    for name in ["login.html", "mail/notice.txt", "sms/sign_in_code.txt", "locales/zh-Hans.ftl"] {
        assert!(folder.path().join("words").join(name).is_file(), "{name}");
    }
    assert_ends_with(&doorward(folder.path(), &["templates", "export", "--out", "words"]), 1);

    fs::write(folder.path().join("doorward.toml"), "[templates]\nfolder = \"words\"\n").expect("written");
    let check = ["templates", "check", "--config", "doorward.toml"];
    assert_ends_with(&doorward(folder.path(), &check), 0);
}

#[test]
fn faulty_templates_are_told_with_1_and_a_server_does_not_start_with_them() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join("words/sms")).expect("a folder");
    fs::create_dir_all(folder.path().join("words/locales")).expect("a folder");
    fs::write(folder.path().join("words/login.html"), "one\ntwo {{ page.nobody }}\n").expect("written");
    fs::write(folder.path().join("words/sms/sign_in_code.txt"), "{{ code }}\n").expect("written");
    fs::write(folder.path().join("doorward.toml"), "[templates]\nfolder = \"words\"\n").expect("written");
    for verb in [&["templates", "check"][..], &["serve"]] {
        let output = doorward(folder.path(), &[verb, &["--config", "doorward.toml"]].concat());
        assert_ends_with(&output, 1);
        let reasons = stderr(&output);
        for reason in ["login.html:2: in zh-Hans: undefined value", "its last line must be @{{ host }} #{{ code }}"] {
            assert!(reasons.contains(reason), "{verb:?}: {reasons}");
        }
    }
    fs::write(folder.path().join("words/locales/de.ftl"), "sign-in = { $you }\n").expect("written");
    let output = doorward(folder.path(), &["templates", "check", "--config", "doorward.toml"]);
    assert_ends_with(&output, 1);
    assert!(stderr(&output).contains("locales/de.ftl:1: message sign-in is given no argument $you"));
}
