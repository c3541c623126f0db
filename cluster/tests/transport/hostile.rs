//! Bytes that no node sends: they end their own connection and nothing else.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use cluster::{CallFailure, Member, transport::Transport};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::{
    raw,
    support::{Echo, ask, caller, certified, member, server},
};

/// The longest answer, in bytes.
const LONGEST: usize = 1 << 20;

type Answer = Result<Bytes, CallFailure>;

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
        Bytes::from_static(&[0x7f, 0xff, 0xff, 0xff]),
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

/// One call of `a`, which is given these bytes in place of its answer; what becomes of it, once the connection has ended.
async fn answered_with(a: &Transport, to: &Member, dir: &Path, listener: &TcpListener, bytes: &[u8]) -> Answer {
    let (answer, ()) = tokio::join!(ask(a, to, b"hello"), async {
        let mut stream = raw::welcomed(dir, "b", listener).await;
        assert_eq!(raw::next(&mut stream).await.1, 1, "the first call of a new connection");
        stream.write_all(bytes).await.expect("written");
        stream.flush().await.expect("written");
        closed(&mut stream).await;
    });
    answer
}

#[tokio::test]
async fn a_peer_that_answers_with_what_no_answer_is_loses_the_call_and_the_next_one_is_made_anew() {
    let dir = certified(&["a", "b"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let to = member("b", &listener.local_addr().expect("bound"));
    let a = caller(dir.path(), "a");
    let wrong = [
        raw::frame(9, 1, b""),
        raw::frame(1, 1, b"a call the wrong way"),
        raw::frame(4, 1, b""),
        raw::frame(2, 1, &vec![7; LONGEST + 1]),
        raw::frame(3, 1, b""),
        raw::frame(3, 1, &[9]),
        raw::frame(5, 0, b"a heartbeat with a body"),
        raw::framed(b"short"),
        raw::framed(b""),
        Bytes::from_static(&[0x7f, 0xff, 0xff, 0xff]),
    ];
    for bytes in wrong {
        let answer = answered_with(&a, &to, dir.path(), &listener, &bytes).await;
        assert!(matches!(answer, Err(CallFailure::Lost(_))), "{:?}: {answer:?}", bytes.get(..16).unwrap_or(&bytes));
    }
    let (answer, _stream) = tokio::join!(ask(&a, &to, b"hello"), async {
        let mut stream = raw::welcomed(dir.path(), "b", &listener).await;
        let (_, id, _) = raw::next(&mut stream).await;
        stream.write_all(&raw::frame(2, id, &vec![7; LONGEST])).await.expect("written");
        stream.flush().await.expect("written");
        stream
    });
    assert_eq!(answer.map(|answer| answer.len()), Ok(LONGEST));
}

#[tokio::test]
async fn what_a_peer_says_of_a_call_that_was_never_made_is_passed_over() {
    let dir = certified(&["a", "b"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let to = member("b", &listener.local_addr().expect("bound"));
    let a = caller(dir.path(), "a");
    let ask_twice = async { [ask(&a, &to, b"hello").await, ask(&a, &to, b"hello").await] };
    let (answers, _stream) = tokio::join!(ask_twice, async {
        let mut stream = raw::welcomed(dir.path(), "b", &listener).await;
        for answer in [&b"first"[..], b"second"] {
            let (_, id, _) = raw::next(&mut stream).await;
            let said = [
                raw::frame(2, id + 1, b"an answer to nothing"),
                raw::frame(3, id + 1, &[4]),
                raw::frame(2, id, answer),
                raw::frame(2, id, b"another one"),
            ];
            stream.write_all(&said.concat()).await.expect("written");
            stream.flush().await.expect("written");
        }
        stream
    });
    assert_eq!(answers, [Ok(Bytes::from_static(b"first")), Ok(Bytes::from_static(b"second"))]);
}

#[tokio::test]
async fn a_peer_that_greets_with_what_no_greeting_is_is_not_called() {
    let dir = certified(&["a", "b"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let to = member("b", &listener.local_addr().expect("bound"));
    let wrong = [
        raw::framed(b""),
        raw::framed(b"knot\0\x01\0\x01\0\x01"),
        raw::framed(b"node\0\x01\0\x01\0\x01 and more"),
        raw::welcome(2, 1, 1),
        raw::framed(&[7; 129]),
        Bytes::from_static(&[0x7f, 0xff, 0xff, 0xff]),
    ];
    for bytes in wrong {
        let a = caller(dir.path(), "a");
        let (answer, ()) = tokio::join!(ask(&a, &to, b"hello"), async {
            let mut stream = raw::accept(dir.path(), "b", &listener).await;
            stream.write_all(&bytes).await.expect("written");
            stream.flush().await.expect("written");
            closed(&mut stream).await;
        });
        assert!(matches!(answer, Err(CallFailure::NotSent(_))), "{bytes:?}: {answer:?}");
    }
}
