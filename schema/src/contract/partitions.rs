//! What a partition promises: revisions, ring, items, and that a write is there whole or not at all.

use super::{Backend, NOW, committed, json, put, texts, user, whole, write};
use crate::{Body, Commit, Kind, MAX_ITEM_KEY, MAX_PARTITION_ID, PartitionKey, Put, RING, Revision, StoreError};

/// Nothing is there: no revision, no operations, no items.
pub async fn a_partition_never_written_is_empty(backend: &mut dyn Backend) {
    let found = whole(&*backend.store(), &user("nobody")).await;
    assert_eq!(found.revision, None);
    assert!(found.operations.is_empty() && found.items.is_empty());
}

/// Body, end, and everything that the ring says of an operation.
pub async fn a_commit_is_read_back_whole(backend: &mut dyn Backend) {
    let (store, key) = (backend.store(), user("ann"));
    let ends = Put { key: "code/ä".into(), body: Body { json: json(r#"{ "x": 1.50 }"#), expires_at: Some(NOW) } };
    let wanted = write(&key, None, 7, vec![put("account", 1), ends]);
    let revision = committed(&*store, wanted.clone()).await;
    let found = whole(&*store, &key).await;
    assert_eq!(found.revision, Some(revision));
    assert_eq!(texts(&found), [("account", r#"{"value":1}"#), ("code/ä", r#"{ "x": 1.50 }"#)]);
    assert_eq!(found.items["code/ä"].expires_at, Some(NOW));
    assert_eq!(found.items["account"].expires_at, None);
    let [operation] = &found.operations[..] else { panic!("one operation was committed") };
    assert_eq!((operation.id, operation.digest), (wanted.operation.id, wanted.operation.digest));
    assert_eq!((operation.revision, operation.at), (revision, NOW));
    assert_eq!(operation.outcome.get(), wanted.operation.outcome.get());
}

/// A stale revision, one from the future, a missing one, and one where nothing is.
pub async fn a_commit_that_expects_another_revision_conflicts_and_writes_nothing(backend: &mut dyn Backend) {
    let (store, key) = (backend.store(), user("ann"));
    let first = committed(&*store, write(&key, None, 1, vec![put("account", 1)])).await;
    let second = committed(&*store, write(&key, Some(first), 2, vec![put("account", 2)])).await;
    for expected in [None, Some(first), Some(second.next())] {
        let write = write(&key, expected, 3, vec![put("account", 3), put("more", 3)]);
        assert_eq!(store.commit(write).await.expect("works"), Commit::Conflict, "{expected:?}");
    }
    let nowhere = write(&user("bob"), Some(first), 4, vec![put("account", 4)]);
    assert_eq!(store.commit(nowhere).await.expect("works"), Commit::Conflict);
    let found = whole(&*store, &key).await;
    assert_eq!((found.revision, found.operations.len()), (Some(second), 2));
    assert_eq!(texts(&found), [("account", r#"{"value":2}"#)]);
    assert_eq!(whole(&*store, &user("bob")).await.revision, None);
}

/// A prefix is a prefix of the text, not of its parts; several may overlap; none means no items.
pub async fn a_load_returns_the_items_of_its_prefixes_alone(backend: &mut dyn Backend) {
    let (store, key) = (backend.store(), user("ann"));
    let items = ["account", "session/a", "session/b", "session/bb", "sessions", "totp/a"];
    let puts = items.iter().map(|item| put(item, 0)).collect();
    let revision = committed(&*store, write(&key, None, 1, puts)).await;
    let cases: [(&[&str], &[&str]); 7] = [
        (&[], &[]),
        (&[""], &items),
        (&["session/"], &["session/a", "session/b", "session/bb"]),
        (&["session/b"], &["session/b", "session/bb"]),
        (&["session", "session/a"], &["session/a", "session/b", "session/bb", "sessions"]),
        (&["totp/", "account"], &["account", "totp/a"]),
        (&["nothing/"], &[]),
    ];
    for (prefixes, wanted) in cases {
        let found = store.load(&key, prefixes).await.expect("works");
        assert_eq!(found.items.keys().map(|item| &**item).collect::<Vec<_>>(), wanted, "{prefixes:?}");
        assert_eq!((found.revision, found.operations.len()), (Some(revision), 1), "the statics come always");
    }
}

/// Not one more, not one less, whatever the first revision was.
pub async fn the_ring_keeps_the_last_32_operations_oldest_first(backend: &mut dyn Backend) {
    let (store, key) = (backend.store(), user("ann"));
    let mut last = None;
    for number in 0..RING + 9 {
        last = Some(committed(&*store, write(&key, last, number, vec![])).await);
        let ring = store.load(&key, &[]).await.expect("works").operations;
        let oldest = (number + 1).saturating_sub(RING);
        let wanted: Vec<_> = (oldest..=number).map(|n| write(&key, None, n, vec![]).operation.id).collect();
        assert_eq!(ring.iter().map(|operation| operation.id).collect::<Vec<_>>(), wanted);
        assert_eq!(ring.last().map(|operation| operation.revision), last);
        assert!(ring.windows(2).all(|pair| pair[0].revision.next() == pair[1].revision));
    }
}

/// The smallest and the largest first revision that can be drawn.
pub async fn a_partition_begins_at_the_revision_given(backend: &mut dyn Backend) {
    let store = backend.store();
    for (id, random) in [("low", 0), ("high", u64::MAX)] {
        let mut write = write(&user(id), None, 1, vec![]);
        write.first = Revision::first(random);
        assert_eq!(committed(&*store, write.clone()).await, write.first);
        assert_eq!(whole(&*store, &user(id)).await.revision, Some(write.first));
    }
}

/// An item replaced, one removed, one kept, and one removed that was never there.
pub async fn puts_and_deletes_of_one_write_are_seen_together(backend: &mut dyn Backend) {
    let (store, key) = (backend.store(), user("ann"));
    let first = write(&key, None, 1, vec![put("a", 1), put("b", 1), put("c", 1)]);
    let first = committed(&*store, first).await;
    let mut second = write(&key, Some(first), 2, vec![put("a", 2), put("d", 2)]);
    second.deletes = vec!["b".into(), "never".into()];
    committed(&*store, second).await;
    let wanted = [("a", r#"{"value":2}"#), ("c", r#"{"value":1}"#), ("d", r#"{"value":2}"#)];
    assert_eq!(texts(&whole(&*store, &key).await), wanted);
}

/// Expiry is the reader's judgement: an item that ended long ago is still returned.
pub async fn expired_items_stay_visible(backend: &mut dyn Backend) {
    let (store, key) = (backend.store(), user("ann"));
    let mut ended = put("code/a", 1);
    ended.body.expires_at = Some(NOW.before(std::time::Duration::from_hours(1)));
    committed(&*store, write(&key, None, 1, vec![ended])).await;
    assert!(whole(&*store, &key).await.items["code/a"].expired(NOW));
}

/// Keys and bodies that a backend could not keep, and an item named twice.
pub async fn a_write_out_of_bounds_is_refused_whole(backend: &mut dyn Backend) {
    let (store, key) = (backend.store(), user("ann"));
    let long = "x".repeat(MAX_ITEM_KEY + 1);
    for item in ["", "a\0b", &long] {
        let refused = store.commit(write(&key, None, 1, vec![put("good", 1), put(item, 1)])).await;
        assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{item:?}");
    }
    let mut twice = write(&key, None, 1, vec![put("a", 1)]);
    twice.deletes = vec!["a".into()];
    let mut list = put("a", 1);
    list.body.json = json("[1]");
    for write in [twice, write(&key, None, 1, vec![put("a", 1), put("a", 2)]), write(&key, None, 1, vec![list])] {
        assert!(matches!(store.commit(write).await, Err(StoreError::Corrupt { .. })));
    }
    assert_eq!(whole(&*store, &key).await.revision, None);
    let longest = user(&"i".repeat(MAX_PARTITION_ID));
    committed(&*store, write(&longest, None, 1, vec![put(&"x".repeat(MAX_ITEM_KEY), 1)])).await;
    for id in [String::new(), "i\0".to_owned(), "i".repeat(MAX_PARTITION_ID + 1)] {
        let refused = store.commit(write(&user(&id), None, 1, vec![])).await;
        assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{id:?}");
        assert!(store.load(&user(&id), &[]).await.is_err(), "{id:?}");
    }
}

/// Ids that begin alike, and one id in two tables.
pub async fn neighbouring_ids_and_kinds_do_not_mix(backend: &mut dyn Backend) {
    let store = backend.store();
    let ids = ["a", "a/b", "a\u{1}", "ab", "b"];
    let kinds = [Kind::User, Kind::Claim];
    let keys = || kinds.iter().flat_map(|kind| ids.map(|id| PartitionKey::new(*kind, id)));
    for (number, key) in (0..).zip(keys()) {
        committed(&*store, write(&key, None, number, vec![put("account", number)])).await;
    }
    for (number, key) in (0_u64..).zip(keys()) {
        let found = whole(&*store, &key).await;
        assert_eq!(texts(&found), [("account", &*format!(r#"{{"value":{number}}}"#))], "{key}");
        assert_eq!(found.operations.len(), 1, "{key}");
    }
}

/// Restarted, the store knows everything that it answered for, and goes on from there.
pub async fn what_was_committed_is_there_after_reopening(backend: &mut dyn Backend) {
    let (store, key) = (backend.store(), user("ann"));
    let first = committed(&*store, write(&key, None, 1, vec![put("account", 1), put("gone", 1)])).await;
    let mut second = write(&key, Some(first), 2, vec![put("account", 2)]);
    second.deletes = vec!["gone".into()];
    let second = committed(&*store, second).await;
    drop(store);
    let store = backend.reopen().await;
    let found = whole(&*store, &key).await;
    assert_eq!((found.revision, found.operations.len()), (Some(second), 2));
    assert_eq!(texts(&found), [("account", r#"{"value":2}"#)]);
    committed(&*store, write(&key, Some(second), 3, vec![])).await;
    store.ping().await.expect("the store works");
}
