//! The process as an operator meets it: first start, signals, what it refuses, and who may use its command socket. One
//! process and its folder, so always the embedded store.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _},
    path::Path,
};

use crate::support::{Server, alone, get, run_alone};

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("there").permissions().mode() & 0o777
}

#[test]
fn a_bare_start_makes_a_closed_data_folder_and_a_key_ring_with_a_loud_warning() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::alone(folder.path());
    let warned = server.start.iter().any(|line| {
        line["level"] == "WARN"
            && line["message"].as_str().is_some_and(|m| m.starts_with("GENERATED A MASTER KEY RING"))
    });
    assert!(warned, "{:?}", server.start);
    assert_eq!((mode(&server.data), mode(&server.data.join("master-keys"))), (0o700, 0o600));
    for path in ["/livez", "/startedz", "/readyz", "/healthz"] {
        assert_eq!(get(server.management, path), (200, "ok\n".to_owned()), "{path}");
    }
    assert!(get(server.management, "/metrics").1.contains("doorward_build_info{version="));
    let ring = fs::read_to_string(server.data.join("master-keys")).expect("readable");
    let key = ring.trim().split_once(':').expect("an entry").1;
    assert!(server.start.iter().all(|line| !line.to_string().contains(key)), "the key is in the log");
}

#[test]
fn the_link_for_the_first_administrator_is_printed_and_not_logged() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Server::alone(folder.path());
    let link = server.printed("/setup?token=");
    let token = link.trim().split_once("http://localhost:11080/setup?token=").expect("a link").1.to_owned();
    server.signal("TERM");
    server.wait_for("stopped");
    assert!(!token.is_empty() && server.start.iter().all(|line| !line.to_string().contains(&token)));
}

#[test]
fn the_command_socket_is_for_the_owner_alone_and_leaves_with_the_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Server::alone(folder.path());
    let socket = server.data.join("control.sock");
    assert!(fs::symlink_metadata(&socket).expect("there").file_type().is_socket());
    assert_eq!(mode(&socket), 0o600);
    server.signal("TERM");
    assert_eq!(server.ended().code(), Some(0));
    assert!(!socket.exists());
}

#[test]
fn the_command_socket_works_in_a_folder_whose_path_is_longer_than_a_socket_address() {
    let folder = tempfile::tempdir().expect("a folder");
    let deep = folder.path().join("d".repeat(100)).join("e".repeat(100));
    let mut command = alone(folder.path());
    command.env("DOORWARD__STORE__URL", format!("embedded:{}", deep.display()));
    let server = Server::spawn(command, deep);
    assert!(server.data.join("control.sock").exists());
}

#[test]
fn a_second_server_in_the_same_folder_is_refused_and_disturbs_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::alone(folder.path());
    let output = run_alone(folder.path(), &["serve"]);
    assert_eq!(output.status.code(), Some(1));
    let reason = String::from_utf8_lossy(&output.stderr);
    assert!(reason.contains(&format!("is in use by process {}", server.pid())), "{reason}");
    let mut entries: Vec<_> =
        fs::read_dir(&server.data).expect("readable").map(|e| e.expect("entry").file_name()).collect();
    entries.sort();
    assert_eq!(entries, ["control.sock", "lock", "master-keys", "store"]);
    assert_eq!(get(server.management, "/readyz").0, 200);
}

#[test]
fn a_store_without_its_key_file_does_not_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = Server::alone(folder.path()).data.clone();
    fs::remove_file(data.join("master-keys")).expect("removed");
    let output = run_alone(folder.path(), &["serve"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("master-keys is missing; put it back"));
    assert!(!data.join("master-keys").exists());
}

#[test]
fn an_address_in_use_is_named_with_its_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    let output = alone(folder.path()).env("DOORWARD__HTTP__LISTEN", &address).arg("serve").output().expect("runs");
    assert_eq!(output.status.code(), Some(1));
    let reason = String::from_utf8_lossy(&output.stderr);
    assert!(reason.contains(&format!("cannot listen on {address}")) && reason.contains("`http.listen`"), "{reason}");
}

#[test]
fn a_health_check_of_a_ready_server_ends_with_0() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::alone(folder.path());
    let address = server.management.to_string();
    let output = alone(folder.path()).env("DOORWARD__MANAGEMENT__LISTEN", address).arg("healthcheck").output();
    let output = output.expect("runs");
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), &b"ready\n"[..]));
}

#[test]
fn on_sigterm_the_server_is_not_ready_finishes_and_ends_with_0() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = alone(folder.path());
    command.env("DOORWARD__SHUTDOWN__DELAY", "400ms");
    let mut server = Server::spawn(command, folder.path().join("doorward-data"));
    // A request that has begun when the signal comes.
    let mut stream = TcpStream::connect(server.public).expect("connects");
    stream.write_all(b"GET /none HTTP/1.1\r\nHost: x\r\n").expect("sent");
    server.signal("TERM");
    server.wait_for("stopping");
    assert_eq!(get(server.management, "/readyz"), (503, "accepting: the server is stopping\n".to_owned()));
    assert_eq!(get(server.management, "/livez").0, 200);
    stream.write_all(b"Connection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    assert_eq!(server.ended().code(), Some(0));
}

#[test]
fn a_second_signal_ends_the_server_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = alone(folder.path());
    command.env("DOORWARD__SHUTDOWN__DELAY", "1h");
    let mut server = Server::spawn(command, folder.path().join("doorward-data"));
    server.signal("INT");
    server.wait_for("stopping");
    server.signal("TERM");
    assert_eq!(server.ended().code(), Some(1));
}

#[test]
fn a_server_that_was_killed_starts_again_over_what_it_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Server::alone(folder.path());
    server.signal("KILL");
    server.ended();
    assert!(server.data.join("control.sock").exists());
    let again = Server::alone(folder.path());
    assert_eq!(get(again.management, "/readyz").0, 200);
    assert_eq!(mode(&again.data.join("control.sock")), 0o600);
}
