//! Stewards over one row in memory, in virtual time: who comes in, who is taken out, and when.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use cluster::{
    Authority, BOUND, Generation, Member, NodeId, Role, Steward, StewardError, StewardOptions, View, ViewStore,
    ViewStoreError, keeper,
};
use parking_lot::Mutex;
use tokio::sync::watch;

/// The row. It can be made to fall silent.
#[derive(Default)]
struct Row {
    view: Mutex<View>,
    silent: AtomicBool,
    reads: AtomicUsize,
    writes: AtomicUsize,
}

impl Row {
    async fn reach(&self) {
        tokio::time::sleep(Duration::from_millis(2)).await;
        if self.silent.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.view.lock().members.iter().map(|member| member.node.to_string()).collect();
        names.sort_unstable();
        names
    }
}

#[async_trait]
impl ViewStore for Row {
    async fn read(&self) -> Result<View, ViewStoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.reach().await;
        Ok(self.view.lock().clone())
    }

    async fn replace(&self, expected: u64, next: &View) -> Result<bool, ViewStoreError> {
        self.reach().await;
        let mut view = self.view.lock();
        if view.epoch != expected {
            return Ok(false);
        }
        self.writes.fetch_add(1, Ordering::Relaxed);
        *view = next.clone();
        Ok(true)
    }
}

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

struct Node {
    steward: Steward,
    authority: Arc<Authority>,
}

fn node(me: Member, row: &Arc<Row>, live: &watch::Sender<Vec<Member>>) -> Node {
    let authority = Arc::new(Authority::member(me.node.clone(), me.generation));
    let store = Arc::clone(row) as Arc<dyn ViewStore>;
    let options = StewardOptions { authority: Arc::clone(&authority), store, live: live.subscribe(), me };
    Node { steward: Steward::start(options), authority }
}

fn named(name: &str) -> NodeId {
    name.parse().expect("a name")
}

/// Three nodes that are in the view and settled.
async fn three(row: &Arc<Row>, live: &watch::Sender<Vec<Member>>) -> Vec<Node> {
    live.send_replace(["a", "b", "c"].map(|name| member(name, 1)).into());
    let nodes: Vec<_> = ["a", "b", "c"].map(|name| node(member(name, 1), row, live)).into();
    for node in &nodes {
        node.steward.join().await.expect("comes in");
    }
    tokio::time::sleep(keeper::SETTLED + BOUND).await;
    nodes
}

#[tokio::test(start_paused = true)]
async fn nodes_come_in_and_then_nothing_is_written() {
    let (row, live) = (Arc::new(Row::default()), watch::Sender::new(Vec::new()));
    let nodes = three(&row, &live).await;
    assert_eq!(row.names(), ["a", "b", "c"]);
    assert!(nodes.iter().all(|node| node.steward.is_settled()));
    let (reads, writes) = (row.reads.load(Ordering::Relaxed), row.writes.load(Ordering::Relaxed));
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(row.writes.load(Ordering::Relaxed), writes);
    let reads = row.reads.load(Ordering::Relaxed) - reads;
    assert!((180..=210).contains(&reads), "each node reads about once a second: {reads}");
}

#[tokio::test(start_paused = true)]
async fn a_dead_member_is_taken_out_soon_by_one_write() {
    let (row, live) = (Arc::new(Row::default()), watch::Sender::new(Vec::new()));
    let mut nodes = three(&row, &live).await;
    let writes = row.writes.load(Ordering::Relaxed);
    drop(nodes.pop());
    live.send_replace(vec![member("a", 1), member("b", 1)]);
    let died = cluster::now();
    let mut view = nodes[1].steward.view();
    view.wait_for(|view| view.members.len() == 2).await.expect("the steward runs");
    assert!(cluster::now() - died < Duration::from_secs(2), "{:?}", cluster::now() - died);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(row.writes.load(Ordering::Relaxed), writes + 1);
}

#[tokio::test(start_paused = true)]
async fn who_may_not_take_out_a_dead_member_yet_knows_soon_that_others_did() {
    // The first by name, whose turn would be before all others, and the last.
    for fresh in ["0", "z"] {
        let (row, live) = (Arc::new(Row::default()), watch::Sender::new(Vec::new()));
        let mut nodes = three(&row, &live).await;
        live.send_modify(|live| live.push(member(fresh, 1)));
        let fresh_node = node(member(fresh, 1), &row, &live);
        fresh_node.steward.join().await.expect("comes in");
        drop(nodes.pop());
        live.send_replace(["a", "b", fresh].map(|name| member(name, 1)).into());
        let died = cluster::now();
        let mut view = fresh_node.steward.view();
        view.wait_for(|view| view.member(&named("c")).is_none()).await.expect("the steward runs");
        // Gossip has used up to a second of the two.
        assert!(cluster::now() - died < Duration::from_millis(900), "{fresh}: {:?}", cluster::now() - died);
    }
}

#[tokio::test(start_paused = true)]
async fn who_sees_less_than_half_takes_out_nobody() {
    let (row, live) = (Arc::new(Row::default()), watch::Sender::new(Vec::new()));
    let _nodes = three(&row, &live).await;
    live.send_replace(vec![]);
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(row.names(), ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_draining_node_owns_nothing_and_then_leaves() {
    let (row, live) = (Arc::new(Row::default()), watch::Sender::new(Vec::new()));
    let nodes = three(&row, &live).await;
    let began = cluster::now();
    nodes[0].steward.drain().await.expect("drains");
    assert!(cluster::now() - began >= BOUND);
    assert!((0..100_u8).all(|key| nodes[0].authority.owns(&[key]).is_none()));
    nodes[0].steward.leave().await.expect("leaves");
    assert_eq!(row.names(), ["b", "c"]);
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(row.names(), ["b", "c"], "it does not come back");
}

#[tokio::test(start_paused = true)]
async fn a_node_drains_when_another_asked_for_it_in_the_row() {
    let (row, live) = (Arc::new(Row::default()), watch::Sender::new(Vec::new()));
    let nodes = three(&row, &live).await;
    let view = row.view.lock().clone();
    let mut members = view.members.clone();
    members[0].draining = true;
    assert!(row.replace(view.epoch, &view.followed_by(members)).await.expect("written"));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(nodes[0].steward.me().draining);
    assert!(row.view.lock().members[0].draining, "it does not put it right");
}

#[tokio::test(start_paused = true)]
async fn a_restarted_node_takes_the_place_of_its_former_self_which_is_over() {
    let (row, live) = (Arc::new(Row::default()), watch::Sender::new(Vec::new()));
    let nodes = three(&row, &live).await;
    let again = node(member("b", 2), &row, &live);
    again.steward.join().await.expect("comes in");
    assert_eq!(row.view.lock().member(&named("b")), Some(&member("b", 2)));
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(row.view.lock().member(&named("b")), Some(&member("b", 2)), "the former does not come back");
    assert_eq!(nodes[1].steward.join().await, Err(StewardError::Superseded));
    assert!(!nodes[1].steward.is_settled());
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_taken_out_though_it_lives_comes_back_later_each_time() {
    let (row, live) = (Arc::new(Row::default()), watch::Sender::new(Vec::new()));
    let nodes = three(&row, &live).await;
    let mut waits = Vec::new();
    for _ in 0..7 {
        let view = row.view.lock().clone();
        assert!(row.replace(view.epoch, &keeper::without(&view, &named("c"))).await.expect("written"));
        let taken_out = cluster::now();
        let mut views = nodes[2].steward.view();
        views.wait_for(|view| view.member(&named("c")).is_none()).await.expect("runs");
        views.wait_for(|view| view.member(&named("c")).is_some()).await.expect("runs");
        waits.push((cluster::now() - taken_out).as_secs());
    }
    let bounds = [1_u64, 2, 4, 8, 16, 30, 30];
    assert!(waits.iter().zip(bounds).all(|(wait, bound)| (bound..=bound + 2).contains(wait)), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn without_the_store_nothing_is_trusted_until_it_is_read_again() {
    let (row, live) = (Arc::new(Row::default()), watch::Sender::new(Vec::new()));
    let nodes = three(&row, &live).await;
    row.silent.store(true, Ordering::Relaxed);
    tokio::time::sleep(BOUND).await;
    assert!(!nodes[0].authority.is_fresh(cluster::now()) && !nodes[0].steward.is_settled());
    row.silent.store(false, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(nodes[0].steward.is_settled());
}

#[tokio::test(start_paused = true)]
async fn a_row_that_was_lost_under_running_nodes_is_noticed_and_written_again() {
    let (row, live) = (Arc::new(Row::default()), watch::Sender::new(Vec::new()));
    let nodes = three(&row, &live).await;
    let keys: Vec<[u8; 1]> = (0..50).map(|key| [key]).collect();
    let tenures: Vec<_> = keys.iter().map(|key| nodes[0].authority.owns(key)).collect();
    let trusted = |node: &Node| {
        let trusts = |(key, tenure): (&[u8; 1], &Option<_>)| {
            tenure.is_some_and(|tenure| node.authority.trusts(key, tenure, cluster::now()))
        };
        keys.iter().zip(&tenures).filter(|pair| trusts(*pair)).count()
    };
    assert!(trusted(&nodes[0]) > 0);
    let (epoch, mut views) = (row.view.lock().epoch, nodes[0].steward.view());
    *row.view.lock() = View::default();
    views.wait_for(|view| view.epoch < epoch).await.expect("what is read is in force");
    assert_eq!(trusted(&nodes[0]), 0);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(row.names(), ["a", "b", "c"]);
    assert!(nodes.iter().all(|node| node.steward.is_settled()));
    assert_eq!(trusted(&nodes[0]), 0, "nothing of before");
}

#[tokio::test(start_paused = true)]
async fn other_members_under_the_same_epoch_are_told_on() {
    let (row, live) = (Arc::new(Row::default()), watch::Sender::new(Vec::new()));
    let nodes = three(&row, &live).await;
    let epoch = row.view.lock().epoch;
    *row.view.lock() = View { epoch, members: vec![member("a", 1)] };
    let mut views = nodes[0].steward.view();
    views.wait_for(|view| view.epoch == epoch && view.members.len() == 1).await.expect("the steward runs");
}

#[tokio::test(start_paused = true)]
async fn a_node_without_gossip_takes_over_from_one_that_is_gone() {
    let (row, live) = (Arc::new(Row::default()), watch::Sender::new(vec![member("b", 1)]));
    *row.view.lock() = View { epoch: 7, members: vec![member("a", 1)] };
    let alone = node(member("b", 1), &row, &live);
    drop(live);
    alone.steward.join().await.expect("comes in");
    tokio::time::sleep(keeper::UNHEARD + Duration::from_secs(2)).await;
    assert_eq!(row.names(), ["b"]);
}
