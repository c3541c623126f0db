//! Certificates that `certs::make` makes.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use cluster::certs::{self, CertsError, CertsOptions};
use tempfile::TempDir;

use crate::support::{certified, certify, name, wall};

/// What openssl says about a node's certificate, as `-purpose` and for a host name.
fn verified(dir: &Path, node: &str, purpose: &str, host: &str) -> bool {
    let output = Command::new("openssl")
        .args(["verify", "-x509_strict", "-purpose", purpose, "-verify_hostname", host, "-CAfile"])
        .arg(dir.join("ca.crt"))
        .arg(dir.join(format!("{node}.crt")))
        .output()
        .expect("openssl runs");
    output.status.success()
}

#[test]
fn openssl_verifies_a_certificate_for_both_ends_and_for_its_own_name_alone() {
    let dir = certified(&["node-1", "node-2"]);
    for purpose in ["sslserver", "sslclient"] {
        assert!(verified(dir.path(), "node-1", purpose, "node-1.node.doorward.internal"), "{purpose}");
        assert!(!verified(dir.path(), "node-1", purpose, "node-2.node.doorward.internal"), "{purpose}");
    }
}

#[test]
fn a_node_lives_a_year_and_the_authority_ten() {
    let dir = certified(&["a"]);
    let lives = |file: &str, days: u32| {
        let seconds = (u64::from(days) * 86_400).to_string();
        let mut command = Command::new("openssl");
        command.args(["x509", "-noout", "-checkend", &seconds, "-in"]).arg(dir.path().join(file));
        command.output().expect("openssl runs").status.success()
    };
    assert!(lives("a.crt", 364) && !lives("a.crt", 366));
    assert!(lives("ca.crt", 3652) && !lives("ca.crt", 3654));
}

#[test]
fn only_the_owner_reads_what_was_written() {
    let dir = certified(&["a"]);
    let mut files: Vec<_> = fs::read_dir(dir.path()).expect("the folder").map(|entry| entry.expect("a file")).collect();
    files.sort_by_key(fs::DirEntry::file_name);
    let names: Vec<_> = files.iter().map(fs::DirEntry::file_name).collect();
    assert_eq!(names, ["a.crt", "a.key", "ca.crt", "ca.key"]);
    for file in files {
        assert_eq!(file.metadata().expect("metadata").permissions().mode() & 0o777, 0o600, "{file:?}");
    }
}

#[test]
fn nodes_are_added_to_the_same_authority() {
    let dir = certified(&["a"]);
    let before = fs::read(dir.path().join("ca.crt")).expect("the authority");
    certify(dir.path(), &["b"]);
    assert_eq!(fs::read(dir.path().join("ca.crt")).expect("the authority"), before);
    assert!(verified(dir.path(), "a", "sslserver", "a.node.doorward.internal"));
    assert!(verified(dir.path(), "b", "sslserver", "b.node.doorward.internal"));
}

#[test]
fn nothing_is_replaced_unless_asked_for() {
    let dir = certified(&["a"]);
    let read = || fs::read(dir.path().join("a.key")).expect("the key");
    let before = read();
    let mut options = CertsOptions::new(wall());
    let refused = certs::make(dir.path(), &[name("b"), name("a")], &options);
    assert!(matches!(refused, Err(CertsError::Exists(_))), "{refused:?}");
    assert_eq!(read(), before);
    assert!(!dir.path().join("b.key").exists(), "nothing is written by what is refused");
    options.overwrite = true;
    let made = certs::make(dir.path(), &[name("a")], &options).expect("replaced");
    assert_eq!((made.new_ca, made.files.len()), (false, 2));
    assert_ne!(read(), before);
}

#[test]
fn half_an_authority_or_a_foreign_one_signs_nothing() {
    let (dir, other) = (certified(&["a"]), certified(&["a"]));
    let make = |dir: &TempDir| certs::make(dir.path(), &[name("b")], &CertsOptions::new(wall()));
    fs::copy(other.path().join("ca.key"), dir.path().join("ca.key")).expect("copied");
    assert!(matches!(make(&dir), Err(CertsError::Unverified(_))));
    fs::remove_file(other.path().join("ca.key")).expect("removed");
    assert!(matches!(make(&other), Err(CertsError::HalfCa(_))));
}

#[test]
fn a_name_that_no_certificate_holds_is_refused() {
    let dir = TempDir::new().expect("a folder");
    for bad in ["-a", "a-", &"a".repeat(64)] {
        let made = certs::make(dir.path(), &[name(bad)], &CertsOptions::new(wall()));
        assert!(matches!(made, Err(CertsError::Name(_))), "{bad}: {made:?}");
    }
    assert!(certs::make(dir.path(), &[name(&"1".repeat(63))], &CertsOptions::new(wall())).is_ok());
}
