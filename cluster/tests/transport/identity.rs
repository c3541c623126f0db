//! Who may call, and who is called.

use std::fs;

use bytes::Bytes;
use cluster::{
    CallFailure, Member, View,
    certs::{self, CertsOptions},
    transport::{TlsError, Transport, TransportOptions},
};
use tokio::io::AsyncWriteExt;

use crate::{
    raw,
    support::{Echo, ask, caller, certified, certify, name, server, wall},
};

fn hello() -> Bytes {
    Bytes::from_static(b"hello")
}

#[tokio::test]
async fn a_node_of_another_authority_neither_calls_nor_is_called() {
    let (dir, other) = (certified(&["a", "b"]), certified(&["a", "b"]));
    let (_b, to) = server(dir.path(), "b", Echo).await;
    let stranger = caller(other.path(), "a");
    assert!(matches!(ask(&stranger, &to, b"hello").await, Err(CallFailure::NotSent(_))));
    let a = caller(dir.path(), "a");
    assert_eq!(ask(&a, &to, b"hello").await, Ok(hello()));
}

#[tokio::test]
async fn a_node_that_is_not_the_one_meant_is_not_called() {
    let dir = certified(&["a", "b", "c"]);
    let (_b, b) = server(dir.path(), "b", Echo).await;
    let a = caller(dir.path(), "a");
    let meant = Member { node: name("c"), ..b };
    assert!(matches!(ask(&a, &meant, b"hello").await, Err(CallFailure::NotSent(_))));
}

#[tokio::test]
async fn a_caller_with_another_name_than_its_certificate_s_is_turned_away() {
    let dir = certified(&["a", "b", "c"]);
    let (_b, to) = server(dir.path(), "b", Echo).await;
    let mut stream = raw::connect(dir.path(), "a", "b", &to.address).await;
    stream.write_all(&raw::hello(&name("c"), 1, 1)).await.expect("written");
    assert_eq!(raw::read(&mut stream).await, None);
}

#[tokio::test]
async fn a_node_does_not_start_with_certificates_that_are_not_its_own() {
    let (dir, other) = (certified(&["a", "b"]), certified(&["a"]));
    let start = |tls| Transport::start(TransportOptions { me: name("a"), tls, visits: false }).map(drop);
    let (own, foreign) = (certs::files(dir.path(), &name("a")), certs::files(other.path(), &name("a")));
    assert!(matches!(start(certs::files(dir.path(), &name("b"))), Err(TlsError::OtherNode(..))));
    let mut mixed = own.clone();
    mixed.ca = foreign.ca;
    assert!(matches!(start(mixed), Err(TlsError::Untrusted(..))));
    let mut mixed = own.clone();
    mixed.key = foreign.key;
    assert!(matches!(start(mixed), Err(TlsError::Unusable(_))));
    let mut absent = own.clone();
    absent.cert = dir.path().join("nobody.crt");
    assert!(matches!(start(absent), Err(TlsError::Unreadable(..))));
    let mut nothing = own;
    nothing.cert = nothing.key.clone();
    assert!(matches!(start(nothing), Err(TlsError::Empty(..))));
}

#[tokio::test]
async fn an_expired_certificate_starts_nothing() {
    let dir = tempfile::TempDir::new().expect("a folder");
    let mut options = CertsOptions::new(wall() - std::time::Duration::from_hours(400 * 24));
    options.node_days = 399;
    certs::make(dir.path(), &[name("a")], &options).expect("certificates");
    let tls = certs::files(dir.path(), &name("a"));
    let started = Transport::start(TransportOptions { me: name("a"), tls, visits: false });
    assert!(matches!(started, Err(TlsError::Untrusted(..))), "{started:?}");
}

#[tokio::test]
async fn new_certificates_are_taken_on_request_and_broken_ones_are_not() {
    let dir = certified(&["a", "b"]);
    let (b, to) = server(dir.path(), "b", Echo).await;
    let a = caller(dir.path(), "a");
    assert_eq!(ask(&a, &to, b"hello").await, Ok(hello()));

    let ca = dir.path().join("ca.crt");
    let before = fs::read(&ca).expect("the authority");
    fs::write(&ca, "no certificate").expect("written");
    assert!(matches!(b.reload(), Err(TlsError::Empty(..))));
    fs::write(&ca, before).expect("written");
    a.retain(&View::default());
    assert_eq!(ask(&a, &to, b"hello").await, Ok(hello()));

    for file in fs::read_dir(dir.path()).expect("the folder") {
        fs::remove_file(file.expect("a file").path()).expect("removed");
    }
    certify(dir.path(), &["a", "b"]);
    b.reload().expect("new certificates");
    assert_eq!(ask(&a, &to, b"hello").await, Ok(hello()), "the old connection goes on");
    a.retain(&View::default());
    assert!(ask(&a, &to, b"hello").await.is_err(), "a new one is of another authority");
    a.reload().expect("new certificates");
    let again = Member { generation: cluster::Generation(2), ..to };
    assert_eq!(ask(&a, &again, b"hello").await, Ok(hello()));
}
