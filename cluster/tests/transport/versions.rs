//! What two builds agree on.

use bytes::Bytes;
use cluster::CallFailure;
use tokio::{io::AsyncWriteExt, net::TcpListener};

use crate::{
    raw,
    support::{Echo, ask, caller, certified, member, name, server},
};

#[tokio::test]
async fn a_newer_node_that_still_speaks_our_version_is_answered_in_it() {
    let dir = certified(&["a", "b"]);
    let (_b, to) = server(dir.path(), "b", Echo).await;
    let mut stream = raw::connect(dir.path(), "a", "b", &to.address).await;
    stream.write_all(&raw::hello(&name("a"), 1, 7)).await.expect("written");
    assert_eq!(raw::read(&mut stream).await.map(Bytes::from), Some(raw::welcome(1, 1, 1).slice(4..)));
}

#[tokio::test]
async fn a_node_too_new_is_told_what_is_spoken_here() {
    let dir = certified(&["a", "b"]);
    let (_b, to) = server(dir.path(), "b", Echo).await;
    let mut stream = raw::connect(dir.path(), "a", "b", &to.address).await;
    stream.write_all(&raw::hello(&name("a"), 2, 7)).await.expect("written");
    assert_eq!(raw::read(&mut stream).await.map(Bytes::from), Some(raw::welcome(1, 1, 0).slice(4..)));
}

#[tokio::test]
async fn a_call_to_a_node_too_new_fails_by_its_version() {
    let dir = certified(&["a", "b"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let to = member("b", &listener.local_addr().expect("bound"));
    let a = caller(dir.path(), "a");
    let (answer, _stream) = tokio::join!(ask(&a, &to, b"hello"), async {
        let mut stream = raw::accept(dir.path(), "b", &listener).await;
        stream.write_all(&raw::welcome(2, 7, 0)).await.expect("written");
        stream
    });
    assert_eq!(answer, Err(CallFailure::Version));
}
