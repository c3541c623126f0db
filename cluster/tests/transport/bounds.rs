//! What is beyond a bound is refused at once.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use cluster::{CallFailure, Caller, Envelope, NodeId, Service};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::Instant,
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
    assert_eq!(raw::next(&mut stream).await, (3, IN_FLIGHT as u64, Bytes::from_static(&[1])));
}

/// An id that is cancelled and used again at once is that of two calls for a moment.
#[tokio::test]
async fn a_caller_that_uses_its_ids_again_is_held_to_the_same_bound() {
    let dir = certified(&["a", "b"]);
    let most = Arc::new(AtomicUsize::new(0));
    let crowd = Crowd { here: AtomicUsize::new(0), most: Arc::clone(&most) };
    let (_b, to) = server(dir.path(), "b", crowd).await;
    let mut stream = raw::greeted(dir.path(), "a", "b", &to.address).await;
    let call = |payload: &'static str| {
        let envelope = Envelope { remaining_ms: 60_000, ..envelope(payload) };
        envelope.encode(1).expect("short enough")
    };
    let (stay, go) = (call("stay"), call("go"));
    let mut asked = 1_000_000;
    let mut settled = async |frames: &[Bytes]| {
        asked += 1;
        // Once this has its answer, what came before it has begun or ended.
        let frames = [&frames.concat()[..], &raw::frame(1, asked, &go)].concat();
        stream.write_all(&frames).await.expect("written");
        stream.flush().await.expect("written");
        loop {
            let (kind, id, _) = raw::next(&mut stream).await;
            if id == asked {
                return kind;
            }
        }
    };
    for id in 1..=IN_FLIGHT as u64 + 100 {
        settled(&[raw::frame(1, id, &stay), raw::frame(4, id, b""), raw::frame(1, id, &stay)]).await;
    }
    // Two calls for a moment, of which the second found no place when the first had the last one.
    let refused = settled(&[raw::frame(1, 0, &stay)]).await;
    assert_eq!((refused, most.load(Ordering::Relaxed)), (3, IN_FLIGHT));
}

/// Counts the calls that are being served. They stay, unless they are asked to go.
struct Crowd {
    here: AtomicUsize,
    most: Arc<AtomicUsize>,
}

struct Here<'a>(&'a AtomicUsize);

impl Drop for Here<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[async_trait]
impl Service for Crowd {
    async fn serve(&self, _: &NodeId, envelope: Envelope, _: Instant) -> Bytes {
        let here = self.here.fetch_add(1, Ordering::Relaxed) + 1;
        let _here = Here(&self.here);
        self.most.fetch_max(here, Ordering::Relaxed);
        if envelope.payload == "stay" {
            pending::<()>().await;
        }
        Bytes::new()
    }
}

#[tokio::test]
async fn calls_being_served_take_no_more_bytes_than_the_peer_has_room_for() {
    let dir = certified(&["a", "b"]);
    let (stuck, mut begun) = Stuck::new();
    let mut dropped = stuck.dropped();
    let (_b, to) = server(dir.path(), "b", stuck).await;
    let mut stream = raw::greeted(dir.path(), "a", "b", &to.address).await;
    let long = Envelope { remaining_ms: 60_000, ..envelope(vec![7; 1 << 20]) }.encode(1).expect("short enough");
    // With its head each is a little longer than the sixteenth part of the room.
    for id in 1..=16 {
        stream.write_all(&raw::frame(1, id, &long)).await.expect("written");
    }
    stream.flush().await.expect("written");
    assert_eq!(raw::next(&mut stream).await, (3, 16, Bytes::from_static(&[1])));
    for _ in 1..=15 {
        begun.recv().await.expect("it has room");
    }
    stream.write_all(&raw::frame(4, 1, b"")).await.expect("written");
    stream.flush().await.expect("written");
    dropped.recv().await.expect("its room is free");
    stream.write_all(&raw::frame(1, 17, &long)).await.expect("written");
    stream.flush().await.expect("written");
    begun.recv().await.expect("it has room");
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
