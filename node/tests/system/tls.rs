//! TLS on the public listener, with certificate and client of OpenSSL.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use crate::support::{Server, doorward};

/// Makes a key and a certificate of its own for localhost.
fn certificate(folder: &Path) {
    let line = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 1 \
                -subj /CN=localhost -addext subjectAltName=DNS:localhost";
    let output = Command::new("openssl").args(line.split_whitespace()).current_dir(folder).output().expect("openssl");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn with_tls(folder: &Path, cert: &str, key: &str) -> Command {
    let mut command = doorward(folder);
    command.env("DOORWARD__HTTP__TLS__CERT", cert).env("DOORWARD__HTTP__TLS__KEY", key);
    command
}

#[test]
fn the_public_listener_speaks_tls_where_it_is_configured() {
    let folder = tempfile::tempdir().expect("a folder");
    certificate(folder.path());
    let server = Server::spawn(with_tls(folder.path(), "cert.pem", "key.pem"), folder.path().join("doorward-data"));
    let mut client = Command::new("openssl")
        .args(["s_client", "-quiet", "-servername", "localhost", "-CAfile", "cert.pem", "-verify_return_error"])
        .args(["-connect", &server.public.to_string()])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl");
    let request = b"GET /.well-known/none HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    client.stdin.as_mut().expect("piped").write_all(request).expect("sent");
    let answer = String::from_utf8(client.wait_with_output().expect("ends").stdout).expect("UTF-8");
    assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
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
