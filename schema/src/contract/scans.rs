//! What a scan promises: every partition of a kind once, in bounded pages.

use std::collections::BTreeSet;

use super::{Backend, committed, put, user, write};
use crate::{Kind, PartitionKey, ScanPage, Store};

async fn fill(store: &dyn Store, count: u64) {
    for number in 0..count {
        let key = user(&format!("user-{number:03}"));
        committed(store, write(&key, None, number, vec![put("account", number), put("session/a", number)])).await;
        let other = PartitionKey::new(Kind::Client, format!("client-{number}"));
        committed(store, write(&other, None, number, vec![put("registration", number)])).await;
    }
}

/// Whatever the page size, also where the last page is full.
pub async fn a_scan_visits_every_partition_once_in_pages(backend: &mut dyn Backend) {
    let store = backend.store();
    let empty = store.scan(Kind::User, None, 10, &[""]).await.expect("works");
    assert!(empty.partitions.is_empty() && empty.next.is_none());
    fill(&*store, 20).await;
    for limit in [1, 7, 10, 20, 100] {
        let (mut seen, mut after, mut pages) = (BTreeSet::new(), None, 0);
        loop {
            let page = store.scan(Kind::User, after.as_deref(), limit, &["account"]).await.expect("works");
            assert!(page.partitions.len() <= limit, "a page has at most what was asked for");
            for (id, _) in page.partitions {
                assert!(seen.insert(id), "no partition comes twice");
            }
            pages += 1;
            assert!(pages <= 21, "a scan comes to its end");
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        assert_eq!(seen.len(), 20, "limit {limit}");
    }
}

/// Statics always, items as asked.
pub async fn a_scan_returns_the_items_of_its_prefixes(backend: &mut dyn Backend) {
    let store = backend.store();
    fill(&*store, 3).await;
    let ScanPage { partitions, .. } = store.scan(Kind::User, None, 10, &["account"]).await.expect("works");
    for (id, partition) in partitions {
        assert_eq!(partition.items.keys().map(|item| &**item).collect::<Vec<_>>(), ["account"], "{id}");
        assert!(partition.revision.is_some());
        let alone = store.load(&user(&id), &["account"]).await.expect("works");
        assert_eq!(alone.revision, partition.revision);
    }
}

/// The place of a page is an id, whether that partition is there or not.
pub async fn a_scan_goes_on_behind_an_id_that_is_not_there(backend: &mut dyn Backend) {
    let store = backend.store();
    for id in ["a", "a/b", "b"] {
        committed(&*store, write(&user(id), None, 1, vec![])).await;
    }
    let all = store.scan(Kind::User, None, 10, &[]).await.expect("works").partitions;
    for (place, (id, _)) in all.iter().enumerate() {
        let rest = store.scan(Kind::User, Some(id), 10, &[]).await.expect("works").partitions;
        let ids = |page: &[(Box<str>, _)]| page.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&rest), ids(&all[place + 1..]));
    }
    let behind = store.scan(Kind::User, Some("a/a"), 10, &[]).await.expect("works").partitions;
    assert!(behind.iter().all(|(id, _)| all.iter().any(|(known, _)| known == id)));
}
