//! What a caller learns when there is no answer, and how soon.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use cluster::{CallFailure, Caller, Envelope, Generation, Member, NodeId, Service, View};
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpListener,
    task::JoinSet,
    time::{Instant, timeout},
};

use crate::{
    raw,
    support::{Echo, Stuck, ask, caller, certified, envelope, in_ms, member, server},
};

/// A test that waits longer has failed.
const LONG: Duration = Duration::from_secs(10);

fn is_not_sent(result: &Result<Bytes, CallFailure>) -> bool {
    matches!(result, Err(CallFailure::NotSent(_)))
}

fn is_lost(result: &Result<Bytes, CallFailure>) -> bool {
    matches!(result, Err(CallFailure::Lost(_)))
}

#[tokio::test]
async fn a_deadline_that_passes_ends_the_call_at_both_ends() {
    let dir = certified(&["a", "b"]);
    let (stuck, mut begun) = Stuck::new();
    let mut dropped = stuck.dropped();
    let (_b, to) = server(dir.path(), "b", stuck).await;
    let a = caller(dir.path(), "a");
    assert_eq!(a.call(&to, envelope("stuck"), in_ms(300)).await, Err(CallFailure::TimedOut));
    begun.recv().await.expect("it was begun");
    dropped.recv().await.expect("it was dropped");
}

#[tokio::test]
async fn work_whose_caller_has_gone_is_dropped_long_before_its_deadline() {
    let dir = certified(&["a", "b"]);
    let (stuck, mut begun) = Stuck::new();
    let mut dropped = stuck.dropped();
    let (_b, to) = server(dir.path(), "b", stuck).await;
    let a = Arc::new(caller(dir.path(), "a"));
    let mut calls = JoinSet::new();
    let (other, there) = (Arc::clone(&a), to.clone());
    calls.spawn(async move { other.call(&there, envelope("stuck"), in_ms(60_000)).await });
    begun.recv().await.expect("it was begun");
    calls.abort_all();
    dropped.recv().await.expect("it was dropped");
}

#[tokio::test]
async fn a_peer_that_ends_during_a_call_loses_it() {
    let dir = certified(&["a", "b"]);
    let (stuck, mut begun) = Stuck::new();
    let (b, to) = server(dir.path(), "b", stuck).await;
    let a = caller(dir.path(), "a");
    let (answer, ()) = tokio::join!(ask(&a, &to, b"stuck"), async {
        begun.recv().await.expect("it was begun");
        b.stop(cluster::now()).await;
    });
    assert!(is_lost(&answer), "{answer:?}");
    assert!(is_not_sent(&ask(&a, &to, b"hello").await));
}

#[tokio::test]
async fn a_peer_that_stops_answers_what_it_has_and_takes_nothing_new() {
    let dir = certified(&["a", "b"]);
    let (stuck, mut begun) = Stuck::new();
    let go = stuck.go();
    let (b, to) = server(dir.path(), "b", stuck).await;
    let a = caller(dir.path(), "a");
    let (answer, ()) = tokio::join!(ask(&a, &to, b"the last"), async {
        begun.recv().await.expect("it was begun");
        // Stopping has begun once it was polled, which is before the call.
        tokio::join!(b.stop(in_ms(10_000)), async {
            assert!(is_not_sent(&ask(&a, &to, b"hello").await));
            go.notify_waiters();
        });
    });
    assert_eq!(answer, Ok(Bytes::from_static(b"the last")));
}

struct Panics;

#[async_trait]
impl Service for Panics {
    async fn serve(&self, _: &NodeId, envelope: Envelope, _: Instant) -> Bytes {
        assert!(envelope.payload != "panic", "asked to");
        envelope.payload
    }
}

#[tokio::test]
async fn a_service_that_panics_loses_its_call_alone() {
    let dir = certified(&["a", "b"]);
    let (_b, to) = server(dir.path(), "b", Panics).await;
    let a = caller(dir.path(), "a");
    assert!(is_lost(&ask(&a, &to, b"panic").await));
    assert_eq!(ask(&a, &to, b"hello").await, Ok(Bytes::from_static(b"hello")));
}

#[tokio::test]
async fn nobody_at_the_address_is_said_at_once() {
    let dir = certified(&["a", "b"]);
    let a = caller(dir.path(), "a");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let to = member("b", &listener.local_addr().expect("bound"));
    drop(listener);
    let began = cluster::now();
    for _ in 0..100 {
        assert!(is_not_sent(&ask(&a, &to, b"hello").await));
    }
    assert!(began.elapsed() < Duration::from_secs(1), "failures are told without trying each time");
    assert!(is_not_sent(&ask(&a, &member("b", &""), b"hello").await));
}

#[tokio::test]
async fn a_peer_that_takes_the_connection_and_says_nothing_costs_half_a_second() {
    let dir = certified(&["a", "b"]);
    let a = caller(dir.path(), "a");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let to = member("b", &listener.local_addr().expect("bound"));
    let began = cluster::now();
    assert!(is_not_sent(&ask(&a, &to, b"hello").await));
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_new_start_of_the_node_gets_a_new_connection_and_the_old_one_is_over() {
    let dir = certified(&["a", "b"]);
    let (stuck, mut begun) = Stuck::new();
    let (_old, before) = server(dir.path(), "b", stuck).await;
    let (_new, after) = server(dir.path(), "b", Echo).await;
    let after = Member { generation: Generation(2), ..after };
    let a = caller(dir.path(), "a");
    let (lost, ()) = tokio::join!(ask(&a, &before, b"hello"), async {
        begun.recv().await.expect("it was begun");
        assert_eq!(ask(&a, &after, b"hello").await, Ok(Bytes::from_static(b"hello")));
    });
    assert!(is_lost(&lost), "{lost:?}");
    assert!(is_not_sent(&ask(&a, &before, b"hello").await));
}

#[tokio::test]
async fn the_connection_to_a_node_that_left_the_view_ends() {
    let dir = certified(&["a", "b"]);
    let (stuck, mut begun) = Stuck::new();
    let (_b, to) = server(dir.path(), "b", stuck).await;
    let a = caller(dir.path(), "a");
    let (lost, ()) = tokio::join!(ask(&a, &to, b"hello"), async {
        begun.recv().await.expect("it was begun");
        a.retain(&View { epoch: 1, members: vec![to.clone()] });
        assert!(begun.try_recv().is_err(), "who stays is kept");
        a.retain(&View { epoch: 2, members: Vec::new() });
    });
    assert!(is_lost(&lost), "{lost:?}");
}

#[tokio::test]
async fn an_attempt_that_is_under_way_when_its_node_leaves_ends_without_a_connection() {
    let dir = certified(&["a", "b"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let to = member("b", &listener.local_addr().expect("bound"));
    let a = caller(dir.path(), "a");
    let (answer, ()) = tokio::join!(ask(&a, &to, b"hello"), async {
        let (stream, _) = listener.accept().await.expect("a connection");
        a.retain(&View::default());
        let mut stream = raw::take(dir.path(), "b", stream).await;
        stream.write_all(&raw::welcome(1, 1, 1)).await.expect("written");
        assert_eq!(raw::read(&mut stream).await, None, "it ends before anything is said on it");
    });
    assert!(is_not_sent(&answer), "{answer:?}");
}

#[tokio::test]
async fn a_peer_that_was_away_is_called_again_at_the_same_address() {
    let dir = certified(&["a", "b"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let to = member("b", &listener.local_addr().expect("bound"));
    let a = caller(dir.path(), "a");
    let (lost, ()) = tokio::join!(ask(&a, &to, b"hello"), async {
        let mut stream = raw::welcomed(dir.path(), "b", &listener).await;
        raw::next(&mut stream).await;
    });
    assert!(is_lost(&lost), "{lost:?}");
    let (failed, taken) = tokio::join!(ask(&a, &to, b"hello"), async { drop(listener.accept().await) });
    assert!(is_not_sent(&failed), "{failed:?} {taken:?}");
    let b = caller(dir.path(), "b");
    b.serve(listener, Arc::new(Echo));
    let answered = timeout(LONG, async {
        while let Err(failure) = ask(&a, &to, b"hello").await {
            assert!(is_not_sent(&Err(failure)), "nothing is written before there is a connection");
            tokio::task::yield_now().await;
        }
    });
    answered.await.expect("it is tried again");
}

#[tokio::test]
async fn a_peer_that_is_connected_and_falls_silent_loses_its_calls_within_the_bound() {
    let dir = certified(&["a", "b"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let to = member("b", &listener.local_addr().expect("bound"));
    let a = caller(dir.path(), "a");
    let (answer, _stream) = tokio::join!(
        async {
            let began = cluster::now();
            (ask(&a, &to, b"hello").await, began.elapsed())
        },
        async { raw::welcomed(dir.path(), "b", &listener).await }
    );
    assert!(is_lost(&answer.0) && answer.1 < Duration::from_millis(1_500), "{answer:?}");
}

/// Not a test of its own: the node that the next one starts as a process and pauses.
#[tokio::test]
#[ignore = "started by a_paused_process_loses_its_calls_within_the_bound"]
async fn child_node() {
    let dir = env::var("TRANSPORT_TEST_DIR").expect("started by its test");
    let (stuck, mut begun) = Stuck::new();
    let (_b, to) = server(Path::new(&dir), "b", stuck).await;
    let say = |line: &str| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nchild {line}").and_then(|()| out.flush()).expect("the test reads");
    };
    say(&to.address);
    while begun.recv().await.is_some() {
        say("begun");
    }
}

/// Ends with its test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_process_loses_its_calls_within_the_bound() {
    let dir = certified(&["a", "b"]);
    let mut command = Command::new(env::current_exe().expect("this test"));
    command.args(["--exact", "failures::child_node", "--ignored", "--nocapture"]);
    command.env("TRANSPORT_TEST_DIR", dir.path()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = Process(command.spawn().expect("this test again"));
    let mut lines = BufReader::new(child.0.stdout.take().expect("piped")).lines();
    let mut said = || {
        let mut words = lines.by_ref().map(|line| line.expect("text"));
        words.find_map(|line| line.strip_prefix("child ").map(str::to_owned)).expect("it says so")
    };
    let to = member("b", &said());
    let a = Arc::new(caller(dir.path(), "a"));
    let mut calls = JoinSet::new();
    let (other, there) = (Arc::clone(&a), to.clone());
    calls.spawn(async move {
        // On a busy machine the new process may be too slow for the first connection.
        loop {
            let answer = ask(&other, &there, b"stuck").await;
            if !is_not_sent(&answer) {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(said(), "begun");
    let paused = Command::new("kill").args(["-STOP", &child.0.id().to_string()]).status().expect("kill runs");
    assert!(paused.success());
    let began = cluster::now();
    let answer = calls.join_next().await.expect("one call").expect("no panic");
    assert!(is_lost(&answer) && began.elapsed() < Duration::from_millis(1_500), "{answer:?} {:?}", began.elapsed());
    assert!(is_not_sent(&ask(&a, &to, b"hello").await), "its kernel takes connections, but nobody greets");
}
