//! Nodes among others, and the store that they share.

use std::fs;

use super::{RING, load, refusal};

/// A configuration of a node among others, and one line more.
fn clustered(line: &str) -> String {
    format!("[store]\nurl = \"scylla://a:9042/doorward\"\n[cluster]\nlisten = \"127.0.0.1:11082\"\n{line}\n")
}

#[test]
fn a_node_among_others_needs_a_shared_store_a_ring_and_certificates() {
    let refusal = refusal("[cluster]\nlisten = \"0.0.0.0:0\"\nroles = []", &[]);
    for part in [
        "FILE:2: `cluster.listen`: is set, but store.url names an embedded store",
        "FILE:2: `cluster.listen`: needs a port that other nodes know",
        "FILE:3: `cluster.roles`: names no role",
        "`cluster.advertise`: is unset, and cluster.listen is an address that other nodes cannot call",
        "`cluster.tls.ca`: is unset; nodes speak to each other with certificates",
        "`cluster.tls.key`: is unset",
    ] {
        assert!(refusal.contains(part), "{refusal}\ndoes not say\n  {part}");
    }
}

#[test]
fn a_shared_store_never_gets_a_ring_of_its_own() {
    let refusal = refusal("[store]\nurl = \"scylla://a:9042/doorward\"", &[]);
    assert!(refusal.contains("`secrets.master_keys`: is unset; with this store.url every node needs"), "{refusal}");
    load("[store]\nurl = \"scylla://a:9042/doorward\"", &[("DOORWARD_MASTER_KEYS", RING)]).expect("accepted");
}

#[test]
fn what_does_not_name_a_node_a_seed_or_a_file_is_refused_where_it_stands() {
    for (line, expected) in [
        ("node = \"A\"", "FILE:5: `cluster.node`: \"A\" is no name"),
        ("seeds = [\"store\", \"nodes\"]", "FILE:5: `cluster.seeds`: \"nodes\" is no seed; write HOST:PORT"),
        ("tls.ca = \"/nowhere\"", "FILE:5: `cluster.tls.ca`: names a file that cannot be read"),
        ("roles = [\"mail\"]", "FILE:5: `cluster.roles`: unknown variant `mail`"),
    ] {
        let refusal = refusal(&clustered(line), &[("DOORWARD_MASTER_KEYS", RING)]);
        assert!(refusal.contains(expected), "{refusal}\ndoes not say\n  {expected}");
    }
}

#[test]
fn a_node_among_others_is_accepted_and_knows_its_address() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a.pem");
    fs::write(&file, "").expect("written");
    let file = file.display();
    let tls = format!("node = \"n1\"\ntls.ca = \"{file}\"\ntls.cert = \"{file}\"\ntls.key = \"{file}\"");
    let cluster = load(&clustered(&tls), &[("DOORWARD_MASTER_KEYS", RING)]).expect("accepted").config.cluster;
    assert_eq!(cluster.address().as_deref(), Some("127.0.0.1:11082"));
    assert_eq!(cluster.name().map(|name| name.to_string()).as_deref(), Some("n1"));
    assert!(cluster.serves_http() && cluster.tls_files().is_some());
}

#[test]
fn a_password_of_the_store_is_given_once() {
    let file = "[store]\npassword = \"hunter2\"\npassword_file = \"/nowhere\"\ntls.cert = \"/nowhere\"";
    let refusal = refusal(file, &[]);
    for part in [
        "FILE:2: `store.password`: is set both as text and as a file",
        "FILE:3: `store.password_file`: /nowhere cannot be read",
        "FILE:4: `store.tls.cert`: has no key",
        "FILE:4: `store.tls.cert`: is of no use without store.tls.ca",
    ] {
        assert!(refusal.contains(part), "{refusal}\ndoes not say\n  {part}");
    }
    assert!(!refusal.contains("hunter2"), "{refusal}");
}
