//! What is beyond a bound is refused at once.

use std::sync::Arc;

use cluster::{CallFailure, Caller};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::{
    raw,
    support::{Echo, Stuck, ask, caller, certified, envelope, in_ms, server, visitor},
};

const IN_FLIGHT: usize = 1024;

#[tokio::test]
async fn a_call_above_the_bound_is_refused_at_the_caller_s_own_side() {
    let dir = certified(&["a", "b"]);
    let (stuck, mut begun) = Stuck::new();
    let (_b, to) = server(dir.path(), "b", stuck).await;
    let a = Arc::new(caller(dir.path(), "a"));
    let mut calls = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (a, to) = (Arc::clone(&a), to.clone());
        calls.spawn(async move { a.call(&to, envelope("stuck"), in_ms(60_000)).await });
    }
    for _ in 0..IN_FLIGHT {
        begun.recv().await.expect("a call");
    }
    assert_eq!(ask(&a, &to, b"one more").await, Err(CallFailure::Overloaded));
    calls.shutdown().await;
}

#[tokio::test]
async fn a_caller_that_keeps_no_bound_is_refused_by_the_peer() {
    let dir = certified(&["a", "b"]);
    let (stuck, _begun) = Stuck::new();
    let (_b, to) = server(dir.path(), "b", stuck).await;
    let mut stream = raw::greeted(dir.path(), "a", "b", &to.address).await;
    let mut call = envelope("stuck");
    call.remaining_ms = 60_000;
    let body = call.encode(1).expect("short enough");
    for id in 0..=IN_FLIGHT as u64 {
        stream.write_all(&raw::frame(1, id, &body)).await.expect("written");
    }
    stream.flush().await.expect("written");
    let refusal = loop {
        let frame = raw::read(&mut stream).await.expect("a frame");
        if frame[0] != 5 {
            break frame;
        }
    };
    assert_eq!(refusal, raw::frame(3, IN_FLIGHT as u64, &[1])[4..]);
}

#[tokio::test]
async fn one_address_gets_no_more_connections_than_its_share_before_it_has_proved_a_name() {
    let dir = certified(&["a", "b"]);
    let (_b, to) = server(dir.path(), "b", Echo).await;
    let mut idle = Vec::new();
    for _ in 0..64 {
        idle.push(TcpStream::connect(&*to.address).await.expect("it listens"));
    }
    let mut more = TcpStream::connect(&*to.address).await.expect("it listens");
    assert!(matches!(more.read_u8().await, Err(error) if error.kind() != std::io::ErrorKind::WouldBlock));
    for mut connection in idle {
        assert!(connection.read_u8().await.is_err(), "it is closed when its time for the handshake is over");
    }
    let a = caller(dir.path(), "a");
    assert!(ask(&a, &to, b"hello").await.is_ok());
}

/// Commands that run with a node's certificate come and go, and the node's own connection is made anew beside them.
#[tokio::test]
async fn visitors_do_not_take_the_place_of_the_node_whose_name_they_have() {
    let dir = certified(&["a", "b"]);
    let (_b, to) = server(dir.path(), "b", Echo).await;
    let mut here = Vec::new();
    for _ in 0..8 {
        let visitor = visitor(dir.path(), "a");
        assert!(ask(&visitor, &to, b"hello").await.is_ok());
        here.push(visitor);
    }
    let mut nodes = Vec::new();
    for _ in 0..4 {
        let node = caller(dir.path(), "a");
        assert!(ask(&node, &to, b"hello").await.is_ok());
        nodes.push(node);
    }
    let refused = ask(&caller(dir.path(), "a"), &to, b"hello").await;
    assert!(matches!(refused, Err(CallFailure::NotSent(_))), "a node has its own bound: {refused:?}");
    assert!(ask(&visitor(dir.path(), "a"), &to, b"hello").await.is_ok());
}
