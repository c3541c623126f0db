//! The gossip over real sealed UDP on this machine: who is there, who is gone, and how soon that is known.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use cluster::{
    Generation, Member, Role, View,
    gossip::{Gossip, GossipKey, GossipOptions, Seed},
};
use tokio::{sync::watch, time::Instant};

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

fn member(name: &str, generation: u64) -> Member {
    Member {
        node: name.parse().expect("a name"),
        generation: Generation(generation),
        roles: vec![Role::Http, Role::Actors],
        address: "".into(),
        level: 0,
        draining: false,
        term: 1,
    }
}

fn options(me: Member, seeds: &[SocketAddr], key: u8) -> GossipOptions {
    GossipOptions {
        me,
        cluster: "test".to_owned(),
        listen: ANY,
        advertise: ANY,
        seeds: seeds.iter().map(|seed| Seed::Address(seed.to_string().into())).collect(),
        keys: vec![GossipKey::new(1, [key; 32])],
    }
}

async fn start(me: Member, seeds: &[SocketAddr]) -> Gossip {
    Gossip::start(options(me, seeds, 7)).await.expect("starts")
}

/// Three nodes that know each other.
async fn three() -> [Gossip; 3] {
    let a = start(member("a", 1), &[]).await;
    let (b, c) = (start(member("b", 1), &[a.advertised()]).await, start(member("c", 1), &[a.advertised()]).await);
    for node in [&a, &b, &c] {
        until(&mut node.live(), |live| live.len() == 3).await;
    }
    [a, b, c]
}

/// How long it takes until the living are as asked for.
async fn until(live: &mut watch::Receiver<Vec<Member>>, is_so: impl FnMut(&Vec<Member>) -> bool) -> Duration {
    let began = cluster::now();
    let seen = tokio::time::timeout(Duration::from_secs(20), live.wait_for(is_so)).await;
    assert!(matches!(seen, Ok(Ok(_))), "not within 20 s");
    drop(seen);
    Instant::duration_since(&cluster::now(), began)
}

#[tokio::test]
async fn nodes_find_each_other_through_one_seed_and_see_what_changes() {
    let [a, b, _c] = three().await;
    a.set_member(Member { draining: true, ..member("a", 1) }).await;
    until(&mut b.live(), |live| live.first().is_some_and(|member| member.draining)).await;
    let names: Vec<_> = b.live().borrow().iter().map(|member| member.node.to_string()).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_seed_may_be_a_name() {
    let a = start(member("a", 1), &[]).await;
    let seed = format!("dns:localhost:{}", a.advertised().port()).parse().expect("a seed");
    let b = Gossip::start(GossipOptions { seeds: vec![seed], ..options(member("b", 1), &[], 7) }).await;
    let b = b.expect("starts");
    for node in [&a, &b] {
        until(&mut node.live(), |live| live.len() == 2).await;
    }
}

/// `store`, the default: who is in the view is asked, whoever comes into it and when.
#[tokio::test]
async fn the_members_of_the_view_are_seeds() {
    let a = start(member("a", 1), &[]).await;
    let b = Gossip::start(GossipOptions { seeds: vec![Seed::Store], ..options(member("b", 1), &[], 7) }).await;
    let b = b.expect("starts");
    let view = watch::Sender::new(Arc::new(View::default()));
    b.follow(view.subscribe());
    let known = Member { address: a.advertised().to_string().into(), ..member("a", 1) };
    view.send_replace(Arc::new(View { epoch: 1, members: vec![known, member("b", 1)] }));
    for node in [&a, &b] {
        until(&mut node.live(), |live| live.len() == 2).await;
    }
}

#[tokio::test]
async fn a_restarted_node_is_another_and_the_newest_start_counts() {
    let [a, b, c] = three().await;
    b.stop().await;
    let _restarted = start(member("b", 2), &[a.advertised()]).await;
    for node in [&a, &c] {
        until(&mut node.live(), |live| live.iter().any(|m| *m == member("b", 2)) && live.len() == 3).await;
    }
}

#[tokio::test]
async fn who_has_another_key_is_not_heard() {
    let a = start(member("a", 1), &[]).await;
    let stranger = Gossip::start(options(member("x", 1), &[a.advertised()], 8)).await.expect("starts");
    let friend = start(member("b", 1), &[a.advertised()]).await;
    until(&mut a.live(), |live| live.len() == 2).await;
    until(&mut friend.live(), |live| live.len() == 2).await;
    assert_eq!(*stranger.live().borrow(), [member("x", 1)]);
}

/// Ends one of three nodes and says how long it takes until both others know.
async fn out_after(silently: bool) -> Duration {
    let [a, b, c] = three().await;
    let address = c.advertised();
    c.stop().await;
    // A port that nobody reads says nothing, as a node that stands still; a closed one answers that it is closed.
    let _silent = silently.then(|| std::net::UdpSocket::bind(address).expect("the port is free again"));
    let (mut seen_a, mut seen_b) = (a.live(), b.live());
    let (a, b) = tokio::join!(until(&mut seen_a, |live| live.len() == 2), until(&mut seen_b, |live| live.len() == 2));
    a.max(b)
}

/// Prints how long it takes until the others know. `ROUNDS` sets how often it is tried.
#[tokio::test]
async fn a_node_that_dies_or_falls_silent_is_out_within_two_seconds() {
    let rounds: usize = std::env::var("ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(3);
    for silently in [false, true] {
        let mut took = Vec::new();
        for _ in 0..rounds {
            took.push(out_after(silently).await);
        }
        took.sort_unstable();
        println!("silently {silently}: out after {took:.2?}");
        assert!(took.last().is_some_and(|longest| *longest < Duration::from_secs(2)), "{took:.2?}");
    }
}
