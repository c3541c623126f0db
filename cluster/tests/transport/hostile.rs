//! Bytes that no node sends: they end their own connection and nothing else.

use std::time::Duration;

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{
    raw,
    support::{Echo, ask, caller, certified, server},
};

/// A peer's end of the connection is to come within this.
const SOON: Duration = Duration::from_secs(3);

/// Waits until the other side has closed; what it sends before is skipped.
async fn closed(stream: &mut (impl AsyncReadExt + Unpin)) {
    let ended = timeout(SOON, async {
        let mut skipped = [0; 1024];
        while stream.read(&mut skipped).await.is_ok_and(|read| read > 0) {}
    });
    ended.await.expect("the connection is ended");
}

#[tokio::test]
async fn random_bytes_before_and_after_the_handshake_hurt_nobody_else() {
    let dir = certified(&["a", "b", "c"]);
    let (_b, to) = server(dir.path(), "b", Echo).await;
    let a = caller(dir.path(), "a");
    let mut runner = TestRunner::default();
    for _ in 0..64 {
        let bytes = prop::collection::vec(any::<u8>(), 1..2048).new_tree(&mut runner).expect("bytes").current();
        let mut plain = TcpStream::connect(&*to.address).await.expect("it listens");
        let _ = plain.write_all(&bytes).await;
        let mut unnamed = raw::connect(dir.path(), "c", "b", &to.address).await;
        let _ = unnamed.write_all(&bytes).await;
        drop((plain, unnamed));
        let mut named = raw::greeted(dir.path(), "c", "b", &to.address).await;
        let _ = named.write_all(&bytes).await;
        let _ = named.shutdown().await;
        closed(&mut named).await;
        assert!(ask(&a, &to, b"hello").await.is_ok());
    }
}

#[tokio::test]
async fn frames_that_are_none_end_the_connection() {
    let dir = certified(&["a", "b"]);
    let (_b, to) = server(dir.path(), "b", Echo).await;
    let wrong = [
        raw::frame(9, 1, b""),
        raw::frame(2, 1, b"an answer to nothing"),
        raw::frame(4, 1, b"a cancel with a body"),
        raw::framed(b"short"),
        raw::framed(b""),
        bytes::Bytes::from_static(&[0x7f, 0xff, 0xff, 0xff]),
    ];
    for bytes in wrong {
        let mut stream = raw::greeted(dir.path(), "a", "b", &to.address).await;
        stream.write_all(&bytes).await.expect("written");
        closed(&mut stream).await;
    }
}

#[tokio::test]
async fn an_envelope_that_is_none_is_refused_and_the_connection_goes_on() {
    let dir = certified(&["a", "b"]);
    let (_b, to) = server(dir.path(), "b", Echo).await;
    let mut stream = raw::greeted(dir.path(), "a", "b", &to.address).await;
    for id in 1..=2 {
        stream.write_all(&raw::frame(1, id, b"no envelope")).await.expect("written");
        assert_eq!(raw::read(&mut stream).await.expect("a frame"), raw::frame(3, id, &[2])[4..]);
    }
}

#[tokio::test]
async fn whoever_falls_silent_is_left_half_a_frame_or_not() {
    let dir = certified(&["a", "b"]);
    let (_b, to) = server(dir.path(), "b", Echo).await;
    for start in [&b""[..], &raw::frame(1, 1, b"the start of a longer frame")[..9]] {
        let mut stream = raw::greeted(dir.path(), "a", "b", &to.address).await;
        stream.write_all(start).await.expect("written");
        closed(&mut stream).await;
    }
    let mut unnamed = raw::connect(dir.path(), "a", "b", &to.address).await;
    closed(&mut unnamed).await;
}
