//! Whole stores taken out, put in, copied and written to a file, on the embedded backend.

use std::{
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt as _;
use schema::{
    Cursor, Event, GRACE, Kind, PartitionKey, Put, Store, StoreError, Stream, Timestamp,
    contract::{
        NOW, committed,
        faulty::{Fault, Faulty},
        json, put, write,
    },
    embedded::{EmbeddedStore, Options},
    export::{
        Contents, Entry, Importer, Noted, Place, STREAMS, Source, Tally, Walk,
        copy::{Copy, CopyError, Step, give_up},
        file::{FileError, Head, Reader, Writer},
    },
    standing::{self, NotServing},
};
use tempfile::TempDir;

struct Own {
    _folder: TempDir,
    store: EmbeddedStore,
}

fn open() -> Own {
    let folder = tempfile::tempdir().expect("a folder");
    let store = EmbeddedStore::open(folder.path(), &Options::default()).expect("opens");
    Own { _folder: folder, store }
}

fn body(text: &str, end: Option<Timestamp>) -> schema::Body {
    schema::Body { json: serde_json::value::RawValue::from_string(text.to_owned()).expect("JSON"), expires_at: end }
}

/// Users, clients, claims, things that end, streams: more than a page of each, and one heavy partition.
async fn fill(store: &dyn Store) {
    fill_with(store, 150, 1200).await;
}

async fn fill_with(store: &dyn Store, users: u64, events: u64) {
    for number in 0..users {
        let key = PartitionKey::new(Kind::User, format_args!("u{number}"));
        let puts = vec![
            put("account", number),
            Put { key: "later".into(), body: body(r#"{"v":9,  "text": "ü\n", "x": 1.50 }"#, None) },
            Put { key: "session/a".into(), body: body("{}", Some(NOW.after(GRACE))) },
        ];
        committed(store, write(&key, None, number, puts)).await;
    }
    let heavy = (0..300).map(|number| Put {
        key: format!("family/{number}").into(),
        body: body(&format!(r#"{{"text":"{}"}}"#, "x".repeat(900)), None),
    });
    committed(store, write(&PartitionKey::new(Kind::User, "heavy"), None, 1, heavy.collect())).await;
    for kind in [Kind::Client, Kind::Claim, Kind::Keyring, Kind::Cluster] {
        committed(store, write(&PartitionKey::new(kind, "one"), None, 2, vec![put("it", 1)])).await;
    }
    for (id, end) in [("young", NOW.after(GRACE)), ("old", NOW.before(2 * GRACE))] {
        let put = Put { key: "throttle".into(), body: body("{}", Some(end)) };
        let mut write = write(&PartitionKey::new(Kind::Ident, id), None, 3, vec![put]);
        write.partition_expires_at = Some(end);
        committed(store, write).await;
    }
    let released = PartitionKey::new(Kind::Claim, "released");
    let revision = committed(store, write(&released, None, 4, vec![put("owner", 1)])).await;
    let mut gone = write(&released, Some(revision), 5, Vec::new());
    gone.deletes.push("owner".into());
    committed(store, gone).await;
    committed(store, write(&PartitionKey::new(Kind::Cluster, "view"), None, 6, vec![put("view", 1)])).await;
    for stream in STREAMS {
        let event = |number: u64| Event {
            at: NOW.after(std::time::Duration::from_secs(number)),
            id: format!("e{number}").into(),
            json: json("{}"),
        };
        store.append(stream, (0..events).map(event).collect()).await.expect("appended");
    }
}

async fn all(source: &(impl Source + ?Sized)) -> Vec<Entry> {
    let walk = Walk::new(source, NOW);
    let (mut place, mut entries) = (Place::default(), Vec::new());
    while let Some(page) = walk.page(&place).await.expect("readable") {
        entries.extend(page.entries);
        place = page.next;
    }
    entries
}

fn tally(entries: &[Entry]) -> Tally {
    let mut tally = Tally::default();
    for entry in entries {
        tally.see(entry).expect("sums up");
    }
    tally
}

fn nothing(_: Step, _: u64) {}

const fn now() -> Timestamp {
    NOW
}

fn copying<'a>(from: &'a dyn Store, to: &'a dyn Store) -> Copy<'a> {
    Copy { from, from_url: "embedded:old", to, to_url: "embedded:new", seed: [7; 16], now: &now, progress: &nothing }
}

#[tokio::test]
async fn what_a_store_holds_is_carried_byte_for_byte_and_what_it_says_of_itself_is_not() {
    let (from, to) = (open(), open());
    fill(&from.store).await;
    let entries = all(&from.store).await;
    let count = |name: &str| tally(&entries).0.get(name).map_or(0, |count| count.entries);
    assert_eq!((count("user"), count("claim"), count("ident"), count("cluster")), (151, 1, 1, 1));
    assert_eq!((count("audit"), count("outbox"), count("dirty")), (1200, 1200, 1200));
    let importer = Importer::new(&to.store, [1; 16], NOW);
    // Twice: what is there already stays.
    for _ in 0..2 {
        importer.put(entries.clone()).await.expect("put in");
        assert_eq!(tally(&all(&to.store).await), tally(&entries));
    }
    let one = PartitionKey::new(Kind::User, "u7");
    let (there, here) = (from.store.load(&one, &[""]).await, to.store.load(&one, &[""]).await);
    let text = |partition: Result<schema::Partition, StoreError>| -> BTreeMap<_, _> {
        let items = partition.expect("there").items;
        items.into_iter().map(|(key, body)| (key, (body.json.get().to_owned(), body.expires_at))).collect()
    };
    assert_eq!(text(there), text(here));
    // A partition that ends, ends in the target too.
    assert_eq!(to.store.collect(NOW.after(3 * GRACE)).await.expect("collects"), 1);
}

#[tokio::test]
async fn an_import_takes_away_what_the_source_does_not_have() {
    let to = open();
    let key = PartitionKey::new(Kind::User, "ann");
    committed(&to.store, write(&key, None, 1, vec![put("stays", 1), put("goes", 1)])).await;
    let mut wanted = to.store.load(&key, &["stays"]).await.expect("there");
    wanted.items.insert("comes".into(), put("comes", 2).body);
    let contents = Contents::of(Kind::User, "ann".into(), wanted, NOW).expect("items");
    Importer::new(&to.store, [1; 16], NOW).put(vec![Entry::Partition(contents)]).await.expect("put in");
    let found = to.store.load(&key, &[""]).await.expect("there");
    assert_eq!(found.items.keys().map(|key| &**key).collect::<Vec<_>>(), ["comes", "stays"]);
}

#[tokio::test]
async fn a_copied_store_is_retired_and_its_copy_opens() {
    let (from, to) = (open(), open());
    fill(&from.store).await;
    copying(&from.store, &to.store).run().await.expect("copied");
    assert_eq!(tally(&all(&to.store).await), tally(&all(&from.store).await));
    standing::check(&to.store).await.expect("serves");
    let error = standing::check(&from.store).await.expect_err("retired");
    assert!(error.to_string().contains("was moved to embedded:new and is retired"), "{error}");
    let again = copying(&from.store, &to.store).run().await.expect_err("done");
    assert!(matches!(again, CopyError::Retired { .. }), "{again}");
    // And back, into a third place: the copy is a store like any other.
    let back = open();
    copying(&to.store, &back.store).run().await.expect("copied back");
    assert_eq!(tally(&all(&back.store).await), tally(&all(&from.store).await));
}

#[tokio::test]
async fn neither_side_of_an_unfinished_copy_opens_and_it_can_be_finished_from_any_point() {
    let total = AtomicU64::new(0);
    let count = |_: Step, _: u64| _ = total.fetch_add(1, Ordering::Relaxed);
    let (from, to) = (open(), open());
    fill_with(&from.store, 70, 10).await;
    Copy { progress: &count, ..copying(&from.store, &to.store) }.run().await.expect("copied");
    let steps = total.into_inner();
    for stop in 1..steps {
        let (from, to) = (open(), open());
        fill_with(&from.store, 70, 10).await;
        let seen = AtomicU64::new(0);
        let cut = |_: Step, _: u64| {
            assert!(seen.fetch_add(1, Ordering::Relaxed) + 1 < stop, "cut short");
        };
        let copy = Copy { progress: &cut, ..copying(&from.store, &to.store) };
        let ended = AssertUnwindSafe(copy.run()).catch_unwind().await;
        assert!(ended.is_err(), "cut short at {stop} of {steps}");
        assert!(matches!(standing::check(&from.store).await, Err(NotServing::Moving { .. })));
        assert!(matches!(standing::check(&to.store).await, Err(NotServing::Copying { .. })));
        copying(&from.store, &to.store).run().await.expect("finished");
        assert_eq!(tally(&all(&to.store).await), tally(&all(&from.store).await));
        standing::check(&to.store).await.expect("serves");
    }
}

/// A target that is short of everything: commits are refused, lost and applied without an answer.
#[tokio::test]
async fn a_store_that_does_not_answer_for_a_moment_is_asked_again() {
    let (from, to) = (open(), open());
    fill(&from.store).await;
    let to = Faulty::new(Arc::new(to.store));
    let faults = [Fault::Pass, Fault::Unavailable, Fault::ApplyThenUnknown, Fault::Unavailable, Fault::DropThenUnknown];
    to.script(std::iter::repeat_n(Fault::Pass, 40).chain(faults).cycle().take(200));
    let copied = copying(&from.store, &to).run().await.expect("goes on");
    standing::check(&to).await.expect("serves");
    assert!(matches!(standing::check(&from.store).await, Err(NotServing::Retired { .. })));
    assert_eq!(copied, tally(&all(&from.store).await));
}

#[tokio::test]
async fn a_copy_that_differs_retires_nobody_and_is_repaired_by_the_next_run() {
    let (from, to) = (open(), open());
    fill(&from.store).await;
    let cut = |_: Step, done: u64| assert!(done < 128, "cut short");
    let copy = Copy { progress: &cut, ..copying(&from.store, &to.store) };
    assert!(AssertUnwindSafe(copy.run()).catch_unwind().await.is_err());
    // Somebody changes what is copied already.
    let key = PartitionKey::new(Kind::User, "heavy");
    let found = to.store.load(&key, &[]).await.expect("there");
    committed(&to.store, write(&key, found.revision, 9, vec![put("family/7", 1)])).await;
    let error = copying(&from.store, &to.store).run().await.expect_err("differs");
    assert!(matches!(&error, CopyError::Different(kinds) if *kinds == ["user"]), "{error}");
    assert!(matches!(standing::check(&to.store).await, Err(NotServing::Copying { .. })));
    assert!(matches!(standing::check(&from.store).await, Err(NotServing::Moving { .. })));
    copying(&from.store, &to.store).run().await.expect("repaired");
    assert_eq!(tally(&all(&to.store).await), tally(&all(&from.store).await));
}

#[tokio::test]
async fn a_copy_goes_into_an_empty_target_alone_and_can_be_given_up() {
    let (from, to, other) = (open(), open(), open());
    fill(&from.store).await;
    committed(&other.store, write(&PartitionKey::new(Kind::Client, "c"), None, 1, vec![put("it", 1)])).await;
    let error = copying(&from.store, &other.store).run().await.expect_err("not empty");
    assert!(matches!(error, CopyError::NotEmpty(_)), "{error}");
    standing::check(&from.store).await.expect("untouched");
    let cut = |_: Step, _: u64| panic!("cut short");
    let copy = Copy { progress: &cut, ..copying(&from.store, &to.store) };
    assert!(AssertUnwindSafe(copy.run()).catch_unwind().await.is_err());
    assert!(give_up(&from.store, NOW).await.expect("given up"));
    standing::check(&from.store).await.expect("serves again");
    let error = copying(&from.store, &to.store).run().await.expect_err("a part of another");
    assert!(matches!(error, CopyError::OtherCopy(_)), "{error}");
}

/// Does something that waits, within something that does not.
fn at_once<T: Send>(work: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        scope.spawn(move || runtime.block_on(work)).join().expect("ends")
    })
}

#[tokio::test]
async fn a_copy_that_was_given_up_elsewhere_stops_at_the_next_page_and_retires_nobody() {
    for given_up_in in [Step::Copying, Step::ReadingSource, Step::ReadingTarget] {
        let (from, to) = (open(), open());
        fill(&from.store).await;
        let (source, after) = (&from.store, AtomicU64::new(0));
        // At the first page of this step, another host gives it up and serves.
        let other = |step: Step, _: u64| {
            if after.load(Ordering::Relaxed) > 0 || step == given_up_in {
                after.fetch_add(1, Ordering::Relaxed);
            }
            if after.load(Ordering::Relaxed) == 1 {
                assert!(at_once(give_up(source, NOW)).expect("given up"));
            }
        };
        let error = Copy { progress: &other, ..copying(source, &to.store) }.run().await.expect_err("given up");
        assert!(matches!(error, CopyError::GivenUp(_)), "{given_up_in:?}: {error}");
        assert_eq!(after.into_inner(), 1, "{given_up_in:?}: no page after it");
        standing::check(source).await.expect("serves");
        assert!(matches!(standing::check(&to.store).await, Err(NotServing::Copying { .. })));
    }
}

#[tokio::test]
async fn a_copy_that_was_given_up_and_begun_anew_leaves_the_new_one_alone() {
    let (from, to, third) = (open(), open(), open());
    fill(&from.store).await;
    let (source, other) = (&from.store, &third.store);
    let begun = AtomicU64::new(0);
    let anew = |step: Step, _: u64| {
        if step == Step::ReadingTarget && begun.fetch_add(1, Ordering::Relaxed) == 0 {
            assert!(at_once(give_up(source, NOW)).expect("given up"));
            let cut = |_: Step, _: u64| panic!("cut short");
            let second = Copy { seed: [8; 16], progress: &cut, ..copying(source, other) };
            assert!(at_once(AssertUnwindSafe(second.run()).catch_unwind()).is_err());
        }
    };
    let error = Copy { progress: &anew, ..copying(source, &to.store) }.run().await.expect_err("another");
    assert!(matches!(error, CopyError::GivenUp(_)), "{error}");
    Copy { seed: [9; 16], ..copying(source, other) }.run().await.expect("the second is gone on with");
}

#[tokio::test]
async fn what_ends_while_two_stores_are_compared_is_no_difference() {
    let (from, to) = (open(), open());
    fill_with(&from.store, 20, 10).await;
    // Something may be collected at each moment from now on.
    for number in 0..200_u32 {
        let end = NOW.before(GRACE).after(Duration::from_mins(10) * number);
        let put = Put { key: "throttle".into(), body: body("{}", Some(end)) };
        let key = PartitionKey::new(Kind::Ident, format_args!("ends{number}"));
        let mut write = write(&key, None, u64::from(number), vec![put]);
        write.partition_expires_at = Some(end);
        committed(&from.store, write).await;
    }
    let minutes = AtomicU64::new(0);
    let later = || NOW.after(Duration::from_mins(minutes.fetch_add(10, Ordering::Relaxed)));
    Copy { now: &later, ..copying(&from.store, &to.store) }.run().await.expect("alike");
    assert!(minutes.into_inner() > 30, "time went by");
}

#[tokio::test]
async fn what_the_source_has_no_more_is_taken_out_of_the_target_by_the_next_run() {
    let (from, to) = (open(), open());
    fill_with(&from.store, 70, 10).await;
    let copied = AtomicU64::new(0);
    let gone = |step: Step, _: u64| {
        if step == Step::Copying && copied.fetch_add(1, Ordering::Relaxed) == 0 {
            for (kind, id, end) in [(Kind::Client, "gone", None), (Kind::Handle, "gone", Some(NOW.after(GRACE)))] {
                let mut write = write(&PartitionKey::new(kind, id), None, 1, vec![put("it", 1), put("more", 2)]);
                write.partition_expires_at = end;
                at_once(committed(&to.store, write));
            }
        }
    };
    let error = Copy { progress: &gone, ..copying(&from.store, &to.store) }.run().await.expect_err("differs");
    assert!(matches!(&error, CopyError::Different(kinds) if *kinds == ["client", "handle"]), "{error}");
    copying(&from.store, &to.store).run().await.expect("repaired");
    assert_eq!(tally(&all(&to.store).await), tally(&all(&from.store).await));
    let left = to.store.scan(Kind::Handle, None, 9, &[""]).await.expect("readable").partitions;
    assert!(left.iter().all(|(_, partition)| partition.items.is_empty()));
    assert!(to.store.collect(NOW.after(3 * GRACE)).await.expect("collects") >= 1, "what ends still ends");
}

#[tokio::test]
async fn what_a_store_was_tested_with_is_not_carried() {
    let (from, to) = (open(), open());
    for (store, id) in [(&from.store, "self-test/1"), (&to.store, "self-test/2"), (&from.store, "self")] {
        committed(store, write(&PartitionKey::new(Kind::Handle, id), None, 1, vec![put("test", 1)])).await;
    }
    copying(&from.store, &to.store).run().await.expect("the target holds nothing");
    let ids: Vec<_> = to.store.scan(Kind::Handle, None, 9, &[""]).await.expect("readable").partitions;
    assert_eq!(ids.iter().map(|(id, _)| &**id).collect::<Vec<_>>(), ["self", "self-test/2"]);
}

fn pack(entries: &[Entry]) -> Vec<u8> {
    let head = Head { program: "0".to_owned(), incarnation: "i".to_owned(), created_at: NOW, entries: 7 };
    let mut writer = Writer::new(&head).expect("begins");
    let mut file = Vec::new();
    for entry in entries {
        writer.add(entry).expect("added");
        file.extend(writer.take());
    }
    file.extend(writer.finish().expect("ends"));
    file
}

fn unpack(file: &[u8]) -> Result<Vec<Entry>, FileError> {
    let mut reader = Reader::new(file)?;
    let mut entries = Vec::new();
    while let Some(entry) = reader.entry()? {
        entries.push(entry);
    }
    Ok(entries)
}

#[tokio::test]
async fn a_file_gives_back_what_was_packed_and_nothing_when_a_single_bit_is_wrong() {
    let from = open();
    fill(&from.store).await;
    let entries = all(&from.store).await;
    let file = pack(&entries);
    assert!(file.starts_with(b"doorward-backup 1\n{"));
    assert_eq!(tally(&unpack(&file).expect("whole")), tally(&entries));
    let small = pack(&entries[entries.len() - 3..]);
    for at in 0..small.len() {
        let mut broken = small.clone();
        broken[at] ^= 1;
        unpack(&broken).expect_err("a changed byte");
        unpack(&small[..at]).expect_err("cut short");
    }
    unpack(&[&small[..], b"x"].concat()).expect_err("something follows");
    let newer = [b"doorward-backup 2\n", &small[18..]].concat();
    assert!(matches!(unpack(&newer), Err(FileError::Format(2))));
}

#[tokio::test]
async fn a_frozen_store_shows_one_instant_while_the_store_goes_on() {
    let from = open();
    fill(&from.store).await;
    let before = all(&from.store).await;
    let frozen = from.store.frozen().expect("frozen");
    let key = PartitionKey::new(Kind::User, "new");
    committed(&from.store, write(&key, None, 1, vec![put("account", 1)])).await;
    from.store
        .append(Stream::Audit, vec![Event { at: NOW, id: "new".into(), json: json("{}") }])
        .await
        .expect("appended");
    assert_eq!(tally(&all(&frozen).await), tally(&before));
    assert!(frozen.count().expect("counted") >= before.len() as u64);
    let later = from.store.read(Stream::Audit, &Cursor::default(), 2000).await.expect("readable");
    assert_eq!(later.len(), 1201);
    let noted: Vec<_> =
        before.iter().filter(|entry| matches!(entry, Entry::Event(Noted { stream: Stream::Audit, .. }))).collect();
    assert_eq!(noted.len(), 1200);
}
