//! Where a peer is looked for, how long it is left alone after a failure, and when it is called no more.

use std::future::{pending, ready};

use rand::{SeedableRng as _, rngs::StdRng};
use tokio::net::{TcpListener, TcpSocket};

use super::*;
use crate::{
    Caller as _, View,
    transport::staged::{certified, echoing, envelope, name, transport},
};

/// A test that waits longer has failed.
const LONG: Duration = Duration::from_secs(10);

fn hosts(count: u16) -> Vec<SocketAddr> {
    (0..count).map(|port| ([127, 0, 0, 1], port).into()).collect()
}

#[tokio::test(start_paused = true)]
async fn hosts_that_say_nothing_take_no_time_of_the_one_that_answers() {
    let count = u16::try_from(MAX_HOSTS).expect("few");
    for answers in 0..count {
        let began = crate::now();
        let reached = race(hosts(count), |host| async move {
            if host.port() != answers {
                pending::<()>().await;
            }
            Ok(host.port())
        });
        let reached = timeout(CONNECT_TIMEOUT, reached).await.expect("it does not wait for the others");
        assert_eq!(reached.expect("one answers"), answers);
        assert!(began.elapsed() < CONNECT_TIMEOUT / 2, "the handshake needs time as well: {:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_refuses_hands_on_at_once() {
    let began = crate::now();
    let reached = race(hosts(4), |host| ready(if host.port() == 3 { Ok(()) } else { Err(Ended::Closed) }));
    reached.await.expect("the last one answers");
    assert_eq!(began.elapsed(), Duration::ZERO);
    let refused = race(hosts(4), |_| ready(Err::<(), _>(Ended::Closed))).await;
    assert!(matches!(refused, Err(Ended::Closed)), "{refused:?}");
    let nobody = race(Vec::new(), |_| ready(Ok(()))).await;
    assert!(matches!(nobody, Err(Ended::Io(_))), "{nobody:?}");
}

/// An address that takes no connection and says nothing: the kernel drops what comes for a listener whose queue is full.
async fn black_hole() -> (TcpListener, Vec<TcpStream>, SocketAddr) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let listener = socket.listen(1).expect("listens");
    let at = listener.local_addr().expect("bound");
    let mut queued = Vec::new();
    while let Ok(stream) = timeout(CONNECT_TIMEOUT, TcpStream::connect(at)).await {
        queued.push(stream.expect("taken"));
    }
    (listener, queued, at)
}

#[tokio::test]
async fn a_node_is_reached_though_the_first_of_its_hosts_is_a_black_hole() {
    let dir = certified();
    let (_b, to) = echoing(dir.path()).await;
    let a = transport(dir.path(), "a");
    let (_listener, _queued, hole) = black_hole().await;
    let hosts = vec![hole, to.address.parse().expect("an address")];
    let reached = timeout(LONG, race(hosts, |host| greet_at(&a.shared, &to.node, host))).await;
    let (_, welcome) = reached.expect("it does not wait for the first").expect("the second greets");
    assert_eq!(welcome.versions, spoken());
}

#[tokio::test]
async fn what_the_calling_end_writes_is_sent_at_once() {
    let dir = certified();
    let (_b, to) = echoing(dir.path()).await;
    let a = transport(dir.path(), "a");
    let (stream, _) = greet(&a.shared, &name("b"), &to.address).await.expect("a connection");
    assert!(stream.get_ref().0.nodelay().expect("an open socket"));
}

#[test]
fn a_peer_is_left_alone_for_a_random_half_to_whole_of_a_time_that_doubles_up_to_its_bound() {
    let mut dice = StdRng::seed_from_u64(1);
    let longest_ms = [50.0, 100.0, 200.0, 400.0, 500.0, 500.0];
    for (failures, longest_ms) in (0..).zip(longest_ms).chain([(u32::MAX, 500.0)]) {
        let parts: Vec<_> =
            (0..1_000).map(|_| pause(failures, &mut dice).as_secs_f64() * 1_000.0 / longest_ms).collect();
        assert!(parts.iter().all(|part| (0.5..=1.0).contains(part)), "{failures} failures: {parts:?}");
        // Peers that lost the same node at the same time do not come back together.
        let tenth = |from: f64| parts.iter().filter(|part| (from..from + 0.05).contains(*part)).count();
        let tenths: Vec<_> = (0..10).map(|tenth_ix| tenth(f64::from(tenth_ix).mul_add(0.05, 0.5))).collect();
        assert!(tenths.iter().all(|count| (50..=150).contains(count)), "{failures} failures: {tenths:?}");
    }
}

#[tokio::test]
async fn who_still_has_a_peer_in_hand_that_left_connects_no_more() {
    let dir = certified();
    let (_b, to) = echoing(dir.path()).await;
    let a = transport(dir.path(), "a");
    let in_hand = a.peer(&to);
    a.retain(&View::default());
    let deadline = crate::now() + LONG;
    let failure = in_hand.call(&a.shared, &to, envelope("hello"), deadline).await;
    assert_eq!(failure, Err(not_sent(LEFT)));
    assert!(in_hand.state.lock().attempt.is_none());
    // Who comes back is another peer.
    assert_eq!(a.call(&to, envelope("hello"), deadline).await, Ok(Bytes::from_static(b"hello")));
}
