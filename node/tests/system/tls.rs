//! TLS on the public listener of one node, with certificate and client of OpenSSL.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use crate::support::{Server, alone};

/// Makes a key and a certificate of its own for localhost.
fn certificate(folder: &Path) {
    let line = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 1 \
                -subj /CN=localhost -addext subjectAltName=DNS:localhost";
    let output = Command::new("openssl").args(line.split_whitespace()).current_dir(folder).output().expect("openssl");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn with_tls(folder: &Path, cert: &str, key: &str) -> Command {
    let mut command = alone(folder);
    command.env("DOORWARD__HTTP__TLS__CERT", cert).env("DOORWARD__HTTP__TLS__KEY", key);
    command
}

#[test]
fn the_public_listener_speaks_tls_where_it_is_configured() {
    let folder = tempfile::tempdir().expect("a folder");
    certificate(folder.path());
    let server = Server::spawn(with_tls(folder.path(), "cert.pem", "key.pem"), folder.path().join("doorward-data"));
    assert!(speaks(folder.path(), &server, "cert.pem"));
}

/// Does the server answer a client that trusts this certificate alone?
fn speaks(folder: &Path, server: &Server, trusted: &str) -> bool {
    let mut client = Command::new("openssl")
        .args(["s_client", "-quiet", "-servername", "localhost", "-CAfile", trusted, "-verify_return_error"])
        .args(["-connect", &server.public.to_string()])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl");
    let request = b"GET /.well-known/none HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    // One that refuses the certificate does not read it.
    let _ = client.stdin.as_mut().expect("piped").write_all(request);
    let answer = String::from_utf8(client.wait_with_output().expect("ends").stdout).expect("UTF-8");
    answer.starts_with("HTTP/1.1 ")
}

#[test]
fn a_certificate_is_read_again_on_sighup_and_one_that_cannot_be_used_is_not_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    certificate(folder.path());
    let server = Server::spawn(with_tls(folder.path(), "cert.pem", "key.pem"), path("doorward-data"));
    fs::rename(path("cert.pem"), path("old.pem")).expect("moved");
    certificate(folder.path());
    assert!(speaks(folder.path(), &server, "old.pem") && !speaks(folder.path(), &server, "cert.pem"));
    server.signal("HUP");
    server.wait_for("the certificate of http.tls was read again");
    assert!(speaks(folder.path(), &server, "cert.pem") && !speaks(folder.path(), &server, "old.pem"));
    fs::write(path("key.pem"), "no key").expect("written");
    server.signal("HUP");
    server.wait_for("http.tls stays as it was");
    assert!(speaks(folder.path(), &server, "cert.pem"));
}

#[test]
fn a_key_that_does_not_fit_its_certificate_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    certificate(folder.path());
    let output = with_tls(folder.path(), "cert.pem", "cert.pem").arg("serve").output().expect("runs");
    assert_eq!(output.status.code(), Some(1));
    let reason = String::from_utf8_lossy(&output.stderr);
    assert!(reason.contains("cannot use http.tls.cert cert.pem with http.tls.key cert.pem"), "{reason}");
}
