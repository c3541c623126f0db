//! Where conditional writes go, and how often, as proxies before the nodes see it.

use std::{collections::BTreeSet, net::IpAddr};

use schema::{Commit, contract::user, scylla::ScyllaStore};

use super::{ALONE, attempt, cluster, forged::behind};

/// Several processes' worth of stores. Six that each draw an order of three replicas ask the same first once in 243 times.
const STORES: usize = 6;
const PARTITIONS: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a cluster: .ci/cql-cluster"]
async fn commits_of_one_partition_are_sent_once_each_and_to_one_node_whoever_sends_them() {
    let _alone = ALONE.lock().await;
    let options = Box::pin(cluster::migrated()).await;
    let mut stores = Vec::new();
    for _ in 0..STORES {
        let (proxies, options) = Box::pin(behind(options.clone())).await;
        stores.push((proxies, ScyllaStore::connect(&options).await.expect("connects through the proxies")));
    }
    let mut coordinators = BTreeSet::new();
    for _ in 0..PARTITIONS {
        let key = user(&cluster::unique());
        for (number, (_, store)) in (0..).zip(&stores) {
            let told = attempt(store, &key, number).await.expect("works");
            assert!(matches!(told.outcome, Ok(Commit::Committed(_))), "{told:?}");
        }
        let asked: Vec<IpAddr> = stores.iter().flat_map(|(proxies, _)| proxies.batches()).collect();
        assert_eq!(asked.len(), STORES, "{asked:?}");
        let one: BTreeSet<_> = asked.into_iter().collect();
        assert_eq!(one.len(), 1, "{key}: {one:?}");
        coordinators.extend(one);
    }
    assert!(coordinators.len() > 1, "each node has partitions of its own");
}
