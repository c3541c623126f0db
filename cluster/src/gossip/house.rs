//! Thirty nodes with stewards over one row, and gossip that loses messages, in virtual time.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::join_all;
use parking_lot::Mutex;

use super::{
    Gossip,
    tests::{NODES, thirty},
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

fn steward(gossip: &Gossip, row: &Arc<Row>) -> Steward {
    let me = gossip.shared.me.borrow().clone();
    let authority = Arc::new(Authority::member(me.node.clone(), me.generation));
    let store = Arc::clone(row) as Arc<dyn ViewStore>;
    Steward::start(StewardOptions { authority, store, live: gossip.live(), me })
}

#[tokio::test(start_paused = true)]
async fn thirty_stewards_converge_to_one_view_and_stay() {
    let (mut gossips, _) = thirty(15).await;
    let row = Arc::new(Row::default());
    let mut stewards: Vec<_> = gossips.iter().map(|gossip| steward(gossip, &row)).collect();
    let began = crate::now();
    join_all(stewards.iter().map(Steward::join)).await.into_iter().collect::<Result<Vec<_>, _>>().expect("come in");
    for steward in &stewards {
        steward.view().wait_for(|view| view.members.len() == usize::from(NODES)).await.expect("runs");
    }
    let took = crate::now() - began;
    println!("one view after {took:?}, epoch {}", row.0.lock().epoch);
    assert!(took < Duration::from_secs(10), "{took:?}");
    tokio::time::sleep(Duration::from_secs(12)).await;
    let view = row.0.lock().clone();
    assert_eq!((view.epoch, view.members.len()), (u64::from(NODES), usize::from(NODES)), "nobody was taken out");
    assert!(stewards.iter().all(|steward| **steward.view().borrow() == view && steward.is_settled()));

    // One dies: all others agree, and nobody else goes.
    drop((stewards.pop(), gossips.pop()));
    for steward in &stewards {
        steward.view().wait_for(|view| view.members.len() == usize::from(NODES) - 1).await.expect("runs");
    }
    tokio::time::sleep(2 * SETTLED).await;
    let after = row.0.lock().clone();
    assert_eq!((after.epoch, after.members.len()), (view.epoch + 1, usize::from(NODES) - 1));
}
