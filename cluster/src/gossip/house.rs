//! Thirty nodes with stewards over one row, and gossip that loses messages, in virtual time.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::join_all;
use parking_lot::Mutex;

use super::{
    Gossip,
    tests::{NODES, beginning},
};
use crate::{Authority, Steward, StewardOptions, View, ViewStore, ViewStoreError, keeper::SETTLED};

/// The row.
#[derive(Default)]
struct Row(Mutex<View>);

#[async_trait]
impl ViewStore for Row {
    async fn read(&self) -> Result<View, ViewStoreError> {
        tokio::time::sleep(Duration::from_millis(2)).await;
        Ok(self.0.lock().clone())
    }

    async fn replace(&self, expected: u64, next: &View) -> Result<bool, ViewStoreError> {
        tokio::time::sleep(Duration::from_millis(3)).await;
        let mut view = self.0.lock();
        let is_so = view.epoch == expected;
        if is_so {
            *view = next.clone();
        }
        Ok(is_so)
    }
}

/// From the start of thirty nodes at once until all go by one view of all. It takes up to a second.
const TOGETHER: Duration = Duration::from_secs(5);
/// From the end of a node until nobody goes by a view that has it. It takes 1.4 to 1.7 s.
const OUT: Duration = Duration::from_secs(2);
/// How long the last to come are young: they take out nobody, and gossip has known them for a moment only.
const YOUNG: Duration = SETTLED;

struct Node {
    steward: Steward,
    gossip: Gossip,
}

fn node(gossip: Gossip, row: &Arc<Row>) -> Node {
    let me = gossip.shared.me.borrow().clone();
    let authority = Arc::new(Authority::member(me.node.clone(), me.generation));
    let store = Arc::clone(row) as Arc<dyn ViewStore>;
    Node { steward: Steward::start(StewardOptions { authority, store, live: gossip.live(), me }), gossip }
}

/// How long it takes until each goes by a view of so many.
async fn all_go_by(nodes: &[Node], members: usize) -> Duration {
    let began = crate::now();
    for node in nodes {
        node.steward.view().wait_for(|view| view.members.len() == members).await.expect("runs");
    }
    began.elapsed()
}

/// Ends a node; how long it takes until nobody goes by it any more.
async fn end(nodes: &mut Vec<Node>, index: usize) -> Duration {
    let Node { steward, gossip } = nodes.remove(index);
    drop((steward, gossip));
    all_go_by(nodes, nodes.len()).await
}

#[tokio::test(start_paused = true)]
async fn thirty_nodes_that_start_at_once_come_to_one_view_and_stay_and_one_that_ends_is_soon_out() {
    for percent in [10, 15] {
        let (row, began) = (Arc::new(Row::default()), crate::now());
        let mut nodes: Vec<_> = beginning(percent).await.into_iter().map(|gossip| node(gossip, &row)).collect();
        let came_in = join_all(nodes.iter().map(|node| node.steward.join())).await;
        came_in.into_iter().collect::<Result<Vec<_>, _>>().expect("come in");
        all_go_by(&nodes, usize::from(NODES)).await;
        let took = began.elapsed();
        assert!(took < TOGETHER, "{percent} % lost: {took:?}");

        tokio::time::sleep(YOUNG).await;
        let view = row.0.lock().clone();
        tokio::time::sleep(Duration::from_secs(12)).await;
        assert_eq!(*row.0.lock(), view, "{percent} % lost: nobody came or went");
        let goes_by = |node: &Node| **node.steward.view().borrow() == view && node.steward.is_settled();
        assert_eq!((view.members.len(), nodes.iter().filter(|node| goes_by(node)).count()), (30, 30));

        // The last by name, and the first, whose turn it is to take out others and whom others ask for others.
        let last = end(&mut nodes, usize::from(NODES) - 1).await;
        let first = end(&mut nodes, 0).await;
        println!("{percent} % lost: one view after {took:?}, epoch {}; out after {last:?}, {first:?}", view.epoch);
        assert!(last < OUT && first < OUT, "{percent} % lost: {last:?}, {first:?}");
        tokio::time::sleep(2 * SETTLED).await;
        let after = row.0.lock().clone();
        assert_eq!((after.epoch, after.members.len()), (view.epoch + 2, 28), "nobody else went");
    }
}
