//! What streams promise: order, idempotence, cursors, and the dirty notes that lead to undelivered events.

use std::time::Duration;

use super::{Backend, NOW, committed, json, put, user, whole, write};
use crate::{Commit, Cursor, EVENT_PREFIX, Event, PartitionKey, Store, Stream};

fn event(millis: u64, id: &str, value: u64) -> Event {
    let at = NOW.after(Duration::from_millis(millis));
    Event { at, id: id.into(), json: json(&format!("{{\"value\":{value}}}")) }
}

fn ids(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| &*event.id).collect()
}

async fn all(store: &dyn Store, stream: Stream) -> Vec<Event> {
    store.read(stream, &Cursor::default(), 1000).await.expect("works")
}

/// Whatever order they came in.
pub async fn events_are_read_by_time_then_id(backend: &mut dyn Backend) {
    let store = backend.store();
    let late = vec![event(300_000, "a", 1), event(10, "b/2", 2), event(10, "b/10", 3)];
    store.append(Stream::Audit, late).await.expect("works");
    store.append(Stream::Audit, vec![event(10, "b", 4), event(0, "z", 5)]).await.expect("works");
    let found = all(&*store, Stream::Audit).await;
    assert_eq!(ids(&found), ["z", "b", "b/10", "b/2", "a"]);
    assert_eq!((found[0].at, found[0].json.get()), (NOW, r#"{"value":5}"#));
}

/// In a later call, and within one.
pub async fn an_event_appended_again_stays_as_it_was(backend: &mut dyn Backend) {
    let store = backend.store();
    store.append(Stream::Audit, vec![event(0, "a", 1), event(0, "a", 2)]).await.expect("works");
    store.append(Stream::Audit, vec![event(0, "a", 3), event(0, "b", 4)]).await.expect("works");
    store.append(Stream::Audit, vec![]).await.expect("works");
    let found = all(&*store, Stream::Audit).await;
    assert_eq!(ids(&found), ["a", "b"]);
    assert_eq!(found[0].json.get(), r#"{"value":1}"#);
}

/// Pages without gap and without repetition; a cursor survives its text.
pub async fn a_cursor_reads_on_where_it_stopped(backend: &mut dyn Backend) {
    let store = backend.store();
    let events = (0..25).map(|n| event(n / 3 * 40_000, &format!("e:{n:02}"), n)).collect();
    store.append(Stream::Outbox, events).await.expect("works");
    let (mut cursor, mut seen) = (Cursor::default(), Vec::new());
    loop {
        let page = store.read(Stream::Outbox, &cursor, 4).await.expect("works");
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 4);
        cursor = Cursor { at: last.at, id: last.id.clone() }.to_string().parse().expect("a cursor reads back");
        seen.extend(page.into_iter().map(|event| event.id));
    }
    assert_eq!(seen, (0..25).map(|n| format!("e:{n:02}").into()).collect::<Vec<Box<str>>>());
    // What comes later is found from there.
    store.append(Stream::Outbox, vec![event(900_000, "later", 0)]).await.expect("works");
    assert_eq!(ids(&store.read(Stream::Outbox, &cursor, 4).await.expect("works")), ["later"]);
}

/// One id in two streams.
pub async fn streams_do_not_mix(backend: &mut dyn Backend) {
    let store = backend.store();
    store.append(Stream::Audit, vec![event(0, "a", 1)]).await.expect("works");
    store.append(Stream::Outbox, vec![event(0, "a", 2), event(0, "b", 2)]).await.expect("works");
    assert_eq!(ids(&all(&*store, Stream::Audit).await), ["a"]);
    assert_eq!(ids(&all(&*store, Stream::Outbox).await), ["a", "b"]);
    assert!(all(&*store, Stream::Dirty).await.is_empty());
}

/// The note names the partition; commits without events leave none.
pub async fn a_dirty_partition_is_noted_once_a_minute(backend: &mut dyn Backend) {
    let (store, key) = (backend.store(), user("ann"));
    let mut last = None;
    for number in 0..7 {
        let mut write = write(&key, last, number, vec![]);
        write.at = NOW.after(Duration::from_secs(20 * number));
        write.note_dirty = true;
        last = Some(committed(&*store, write).await);
    }
    committed(&*store, write(&user("quiet"), None, 1, vec![])).await;
    let found = all(&*store, Stream::Dirty).await;
    assert_eq!(ids(&found), ["user/ann", "user/ann", "user/ann"]);
    assert!(found.iter().all(|note| note.id.parse() == Ok(key.clone())));
    assert!(found[0].at <= NOW, "a note stands at the beginning of its minute");
}

/// A commit that conflicted may leave a note or not, but a later one that is committed always does.
pub async fn a_conflicting_commit_does_not_hide_a_note(backend: &mut dyn Backend) {
    let (store, key) = (backend.store(), user("ann"));
    let first = committed(&*store, write(&key, None, 1, vec![])).await;
    let mut stale = write(&key, None, 2, vec![]);
    stale.note_dirty = true;
    assert_eq!(store.commit(stale).await.expect("works"), Commit::Conflict);
    let mut good = write(&key, Some(first), 3, vec![]);
    good.note_dirty = true;
    committed(&*store, good).await;
    assert_eq!(ids(&all(&*store, Stream::Dirty).await), ["user/ann"]);
}

/// A node dies after its commit, before it delivered: start-up reads the notes, finds the events, delivers them under
/// the same ids, twice even, and deletes them.
pub async fn events_of_a_killed_node_are_found_through_the_dirty_stream(backend: &mut dyn Backend) {
    let (store, key) = (backend.store(), user("ann"));
    let mut change = write(&key, None, 1, vec![put("account", 1)]);
    change.puts.push(put(&format!("{EVENT_PREFIX}{}/0", change.revision().as_u64()), 42));
    change.note_dirty = true;
    committed(&*store, change).await;
    drop(store);

    let store = backend.reopen().await;
    let notes = store.read(Stream::Dirty, &Cursor::default(), 10).await.expect("works");
    let dirty: PartitionKey = notes[0].id.parse().expect("a note names a partition");
    assert_eq!(dirty, key);
    let found = store.load(&dirty, &[EVENT_PREFIX]).await.expect("works");
    let events: Vec<Event> = found
        .items
        .iter()
        .map(|(item, body)| Event { at: NOW, id: format!("{dirty}/{item}").into(), json: body.json.clone() })
        .collect();
    assert_eq!(events.len(), 1);
    for _ in 0..2 {
        store.append(Stream::Audit, events.clone()).await.expect("works");
    }
    let mut delivered = write(&dirty, found.revision, 2, vec![]);
    delivered.deletes = found.items.into_keys().collect();
    committed(&*store, delivered).await;
    assert_eq!(all(&*store, Stream::Audit).await.len(), 1);
    assert_eq!(whole(&*store, &key).await.items.len(), 1, "the account alone is left");
}
