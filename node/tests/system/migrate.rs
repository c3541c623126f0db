//! `doorward migrate`, and `doorward serve` on a store whose tables or clock are not as they must be.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
    sync::mpsc,
    thread,
};

use schema::scylla::migrate::{LEVEL, MIGRATIONS};
use serde_json::{Value, json};

use crate::{
    backup::{done, refused},
    shared::{Shared, copies},
    support::{PATIENCE, run_alone},
};

/// So many steps are carried out in a store that is half migrated.
const HALF: i32 = 5;

impl Shared {
    fn migrate(&self, line: &[&str]) -> Output {
        self.run(&[&["migrate"], line].concat())
    }

    /// What `migrate status` says of each step, in words and in JSON, which must agree.
    fn states(&self) -> Vec<(i64, String)> {
        let told = done(&self.migrate(&["status"]));
        let mut lines = told.lines();
        assert_eq!(lines.next().expect("a heading").split_whitespace().collect::<Vec<_>>(), ["STEP", "MAKES", "STATE"]);
        let lines: Vec<Vec<_>> = lines.map(|line| line.split_whitespace().collect()).collect();
        let steps: Value = serde_json::from_str(&done(&self.migrate(&["status", "--output", "json"]))).expect("JSON");
        let steps = steps.as_array().expect("a list");
        assert_eq!(lines.len(), steps.len(), "{told}");
        for (line, step) in lines.iter().zip(steps) {
            let number = step["number"].to_string();
            assert_eq!(*line, [&*number, step["name"].as_str().expect("text"), step["state"].as_str().expect("text")]);
        }
        let state = |step: &Value| step["state"].as_str().expect("text").to_owned();
        steps.iter().map(|step| (step["number"].as_i64().expect("a number"), state(step))).collect()
    }

    /// What a newer version would have recorded.
    fn migrated_to(&self, level: i32) {
        let keyspace = &self.keyspace;
        self.cql(&format!(
            "INSERT INTO {keyspace}.migration (scope, number, name, level, checksum) \
             VALUES ('step', {}, 'later', {level}, 'x') IF NOT EXISTS",
            900 + level
        ));
    }
}

/// All steps of this version, those up to `applied` carried out.
fn known(applied: usize) -> Vec<(i64, String)> {
    let state = |place: usize| if place < applied { "applied" } else { "missing" };
    let steps = MIGRATIONS.iter().enumerate();
    steps.map(|(place, migration)| (i64::from(migration.number), state(place).to_owned())).collect()
}

#[test]
#[ignore = "needs a cluster: .ci/cql-cluster"]
fn an_empty_keyspace_is_said_to_want_migrate_up() {
    let shared = Shared::unmade(&[]);
    for line in [&["status"][..], &["status", "--output", "json"], &["check"]] {
        refused(&shared.migrate(line), &format!("there is no keyspace {}: run `doorward migrate up`", shared.keyspace));
    }
    // As somebody makes it who wants to choose its settings.
    let (keyspace, copies) = (&shared.keyspace, copies());
    let replication = format!("{{'class': 'NetworkTopologyStrategy', 'replication_factor': {copies}}}");
    // On the tablets that a new keyspace of ScyllaDB has by itself, conditional writes may be refused.
    let tablets = if shared.knows_tablets() { " AND tablets = {'enabled': false}" } else { "" };
    shared.cql(&format!("CREATE KEYSPACE {keyspace} WITH replication = {replication}{tablets}"));
    for line in [&["status"][..], &["status", "--output", "json"], &["check"]] {
        refused(&shared.migrate(line), "has no table of migrations: run `doorward migrate up`");
    }
    let made = done(&shared.migrate(&["up", "--output", "json"]));
    let made: Value = serde_json::from_str(&made).expect("JSON");
    assert_eq!(made.as_array().map(Vec::len), Some(MIGRATIONS.len()), "{made}");
    assert_eq!(shared.states(), known(MIGRATIONS.len()));
    assert_eq!(done(&shared.migrate(&["check"])), "nothing is missing\n");
    let checked: Value = serde_json::from_str(&done(&shared.migrate(&["check", "--output", "json"]))).expect("JSON");
    assert_eq!(checked, json!({ "complete": true }));
    assert_eq!(done(&shared.migrate(&["up"])), "nothing was missing\n");
    assert_eq!(done(&shared.migrate(&["up", "--output", "json"])).trim(), "[]");
}

#[test]
#[ignore = "needs a cluster: .ci/cql-cluster"]
fn a_half_migrated_keyspace_is_said_to_be_and_completed() {
    let shared = Shared::new(&[]);
    let (keyspace, half) = (&shared.keyspace, usize::try_from(HALF).expect("small"));
    for migration in &MIGRATIONS[half..] {
        shared.cql(&format!("DROP TABLE {keyspace}.\"{}\"", migration.name));
        let step = format!("scope = 'step' AND number = {}", migration.number);
        shared.cql(&format!("DELETE FROM {keyspace}.migration WHERE {step} IF EXISTS"));
    }
    assert_eq!(shared.states(), known(half), "to look is no failure");
    let next = &MIGRATIONS[half];
    let missing = format!("migration {} ({}) is missing: run `doorward migrate up`", next.number, next.name);
    refused(&shared.migrate(&["check"]), &missing);
    for line in ["serve", "user list"].map(|line| line.split(' ')) {
        let output = ended(shared.command().args(line));
        refused(&output, &format!("this version needs {LEVEL}: run `doorward migrate up`"));
    }
    let made = done(&shared.migrate(&["up"]));
    assert_eq!(made.lines().count(), 1 + MIGRATIONS.len() - half, "{made}");
    assert_eq!(shared.states(), known(MIGRATIONS.len()));
    done(&shared.migrate(&["check"]));
    done(&shared.run(&["user", "list"]));
}

#[test]
#[ignore = "needs a cluster: .ci/cql-cluster"]
fn a_schema_that_the_program_does_not_know_is_refused_and_the_next_is_not() {
    let shared = Shared::new(&[]);
    shared.migrated_to(LEVEL + 1);
    let mut states = known(MIGRATIONS.len());
    states.push((i64::from(900 + LEVEL + 1), "unknown".to_owned()));
    assert_eq!(shared.states(), states);
    for line in [&["migrate", "check"][..], &["migrate", "up"], &["user", "list"]] {
        done(&shared.run(line));
    }
    shared.migrated_to(LEVEL + 2);
    states.push((i64::from(900 + LEVEL + 2), "unknown".to_owned()));
    assert_eq!(shared.states(), states, "to look is no failure");
    let newer = format!(
        "the keyspace {} has schema {}, this version works with {LEVEL} and {}: run a newer version",
        shared.keyspace,
        LEVEL + 2,
        LEVEL + 1
    );
    for line in ["serve", "migrate check", "migrate up", "user list"].map(|line| line.split(' ')) {
        refused(&ended(shared.command().args(line)), &newer);
    }
}

#[test]
#[ignore = "needs a cluster: .ci/cql-cluster"]
fn a_node_whose_clock_is_not_the_stores_does_not_start() {
    let shared = Shared::new(&[]);
    for (offset, side) in CLOCKS {
        refused(&ended(with_clock(shared.command(), offset).arg("serve")), &out_of_time(side));
    }
}

/// What they write is dated, in everybody's ring and as the last step of everybody's codes, and all nodes go by that.
#[test]
#[ignore = "needs a cluster: .ci/cql-cluster"]
fn a_command_for_a_whole_store_is_refused_where_the_clock_is_not_the_stores_and_changes_nothing() {
    let shared = Shared::new(&["Ann".to_owned()]);
    let url = &*shared.url;
    let into = ["store", "copy", "--from", "embedded:doorward-data", "--to", url];
    let lines = [
        &["store", "restored", "--yes"][..],
        &["store", "copy", "--from", url, "--to", "embedded:new"],
        &into,
        &["store", "copy", "--give-up", "--from", url],
    ];
    for (offset, side) in CLOCKS {
        for line in lines {
            refused(&ended(with_clock(shared.command(), offset).args(line)), &out_of_time(side));
        }
    }
    assert_eq!(shared.count(), 0, "not so much as a mark");
    assert!(done(&run_alone(shared.path(), &["user", "list"])).contains("Ann"), "it is not being copied");
    done(&run_alone(shared.path(), &into));
    for line in lines {
        refused(&ended(with_clock(shared.command(), "+20s").args(line)), &out_of_time("ahead of"));
    }
    let session = done(&shared.run(&["user", "show", "Ann", "--output", "json"]));
    let session: Value = serde_json::from_str(&session).expect("JSON");
    assert_eq!(session["sessions"].as_array().map(Vec::len), Some(1), "{session}");
}

/// Clocks that are too far off, and to which side.
const CLOCKS: [(&str, &str); 2] = [("+20s", "ahead of"), ("-20s", "behind")];

fn out_of_time(side: &str) -> String {
    format!("ms {side} the cluster's, more than 5000 ms: synchronise both (NTP)")
}

/// A program whose clock is so far off.
fn with_clock(mut program: Command, offset: &str) -> Command {
    program.envs([("FAKETIME", offset), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")]).env("LD_PRELOAD", faketime());
    program
}

/// What a program printed that must end by itself, as a server that refuses to start does.
fn ended(program: &mut Command) -> Output {
    let child = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    let (pid, (send, output)) = (child.id(), mpsc::channel());
    let waiter = thread::spawn(move || send.send(child.wait_with_output()));
    let output = output.recv_timeout(PATIENCE).inspect_err(|_| {
        Command::new("kill").args(["-KILL", &pid.to_string()]).status().expect("kill runs");
    });
    waiter.join().expect("no panic").expect("received");
    output.expect("it ends").expect("its output")
}

/// The library that gives a process another time of day: the package `faketime`, which `.ci/tools tests` installs.
fn faketime() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").expect("readable").filter_map(|entry| Some(entry.ok()?.path()));
    let mut libraries = folders.map(|folder| folder.join("faketime/libfaketime.so.1"));
    libraries.find(|library| library.exists()).expect("libfaketime is installed")
}
