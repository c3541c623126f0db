//! The contract on the embedded backend, and what only that backend promises.

use std::sync::Arc;

use async_trait::async_trait;
use schema::{
    Store,
    contract::Backend,
    contract_suite,
    embedded::{EmbeddedStore, Options},
};
use tempfile::TempDir;

/// A store in a folder of its own.
struct Embedded {
    folder: TempDir,
    store: Arc<EmbeddedStore>,
}

impl Embedded {
    #[expect(clippy::unused_async, reason = "the suite awaits the opening of every backend")]
    async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let store = Arc::new(EmbeddedStore::open(folder.path(), &Options::default()).expect("opens"));
        Self { folder, store }
    }
}

#[async_trait]
impl Backend for Embedded {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as Arc<dyn Store>
    }

    async fn reopen(&mut self) -> Arc<dyn Store> {
        self.store.close();
        self.store = Arc::new(EmbeddedStore::open(self.folder.path(), &Options::default()).expect("opens again"));
        self.store()
    }
}

contract_suite!(super::Embedded::open);

/// What this backend alone promises: its folder, its end, and what it throws away when.
mod own {
    use std::{os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

    use proptest::{
        collection::vec,
        prelude::{Just, Strategy, any, prop_oneof},
        test_runner::{Config, TestRunner},
    };
    use schema::{
        Cursor, Event, GRACE, Kind, PartitionKey, Store as _, StoreError, Stream, Timestamp,
        contract::{
            Backend as _, NOW, committed, json,
            model::{Step, a_history_of_commits_equals_its_model},
            put, user, whole, write,
        },
        embedded::{EmbeddedStore, Holder, OpenError, Options, locked_by},
    };

    use super::Embedded;

    fn open(path: &Path) -> Result<EmbeddedStore, OpenError> {
        EmbeddedStore::open(path, &Options::default())
    }

    #[tokio::test]
    async fn a_folder_is_made_for_its_owner_alone_and_known_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/data");
        let store = open(&path).expect("opens");
        assert!(store.created());
        assert_eq!(std::fs::metadata(&path).expect("made").permissions().mode() & 0o777, 0o700);
        drop(store);
        assert!(!open(&path).expect("opens again").created());
    }

    #[tokio::test]
    async fn a_second_opening_names_the_holder_until_the_first_is_closed() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(locked_by(folder.path()).expect("readable"), None);
        let store = open(folder.path()).expect("opens");
        let me = Holder { pid: Some(std::process::id()) };
        let error = open(folder.path()).expect_err("locked");
        assert!(matches!(error, OpenError::Locked { holder, .. } if holder == me), "{error}");
        assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
        assert_eq!(locked_by(folder.path()).expect("readable"), Some(me));
        store.close();
        assert_eq!(locked_by(folder.path()).expect("readable"), None);
        let second = open(folder.path()).expect("free");
        drop(store);
        assert!(locked_by(folder.path()).expect("readable").is_some(), "the first has nothing left to release");
        drop(second);
    }

    #[tokio::test]
    async fn a_closed_store_refuses_everything() {
        let backend = Embedded::open().await;
        backend.store.close();
        backend.store.close();
        let refused = |error| matches!(error, StoreError::Unavailable(_));
        assert!(backend.store.load(&user("ann"), &[]).await.is_err_and(refused));
        assert!(backend.store.commit(write(&user("ann"), None, 1, vec![])).await.is_err_and(refused));
        assert!(backend.store.ping().await.is_err_and(refused));
        assert!(backend.store.collect(NOW).await.is_err_and(refused));
    }

    #[tokio::test]
    async fn a_format_of_another_version_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        drop(open(folder.path()).expect("opens"));
        for (text, number) in [("2\n", Some(2)), ("one", None)] {
            std::fs::write(folder.path().join("store/doorward-format"), text).expect("written");
            let error = open(folder.path()).expect_err("unknown format");
            assert!(matches!(error, OpenError::Format { found, .. } if found == number), "{error}");
        }
    }

    #[tokio::test]
    async fn a_first_start_that_was_cut_short_leaves_nothing_in_the_way() {
        let folder = tempfile::tempdir().expect("a folder");
        let half = folder.path().join("store.new");
        std::fs::create_dir(&half).expect("made");
        std::fs::write(half.join("0.jnl"), b"").expect("written");
        assert!(open(folder.path()).expect("opens").created());
        assert!(!half.exists());
    }

    /// A commit in a partition that ends at `end`.
    async fn ending(backend: &Embedded, key: &PartitionKey, number: u64, end: Option<Timestamp>) {
        let expected = whole(&*backend.store, key).await.revision;
        let mut write = write(key, expected, number, vec![put("throttle", number), put("more", number)]);
        write.partition_expires_at = end;
        committed(&*backend.store, write).await;
    }

    #[tokio::test]
    async fn partitions_are_collected_a_grace_after_their_end_and_not_before() {
        let mut backend = Embedded::open().await;
        let (gone, kept, permanent) = ("gone", "kept", "permanent");
        let key = |id: &str| PartitionKey::new(Kind::Ident, id);
        let end = NOW.after(Duration::from_secs(1));
        ending(&backend, &key(gone), 1, Some(NOW)).await;
        ending(&backend, &key(gone), 2, Some(end)).await;
        ending(&backend, &key(gone), 3, Some(NOW)).await; // cannot be brought forward
        ending(&backend, &key(kept), 4, Some(end.after(Duration::from_millis(1)))).await;
        ending(&backend, &key(permanent), 5, None).await;
        backend.reopen().await;
        let due = end.after(GRACE);
        assert_eq!(backend.store.collect(due.before(Duration::from_millis(1))).await.expect("works"), 0);
        assert_eq!(backend.store.collect(due).await.expect("works"), 1);
        assert_eq!(backend.store.collect(due).await.expect("works"), 0);
        let found = whole(&*backend.store, &key(gone)).await;
        assert!(found.revision.is_none() && found.items.is_empty() && found.operations.is_empty());
        for id in [kept, permanent] {
            assert_eq!(whole(&*backend.store, &key(id)).await.items.len(), 2, "{id}");
        }
        ending(&backend, &key(gone), 6, Some(NOW)).await;
        assert_eq!(whole(&*backend.store, &key(gone)).await.operations.len(), 1, "nothing of the old one is left");
    }

    #[tokio::test]
    async fn a_partition_made_permanent_is_never_collected() {
        let backend = Embedded::open().await;
        let key = user("tombstone");
        ending(&backend, &key, 1, Some(NOW)).await;
        ending(&backend, &key, 2, None).await;
        ending(&backend, &key, 3, Some(NOW)).await;
        assert_eq!(backend.store.collect(NOW.after(GRACE * 10)).await.expect("works"), 0);
        assert_eq!(whole(&*backend.store, &key).await.items.len(), 2);
    }

    #[tokio::test]
    async fn garbage_is_collected_in_bounded_steps() {
        let backend = Embedded::open().await;
        let puts: Vec<_> = (0..500).map(|n| put(&format!("item/{n}"), n)).collect();
        for number in 0..20 {
            let mut write = write(&PartitionKey::new(Kind::Handle, number), None, number, puts.clone());
            write.partition_expires_at = Some(NOW);
            committed(&*backend.store, write).await;
        }
        let (mut steps, mut total) = (0, 0);
        loop {
            match backend.store.collect(NOW.after(GRACE)).await.expect("works") {
                0 => break,
                count => total += count,
            }
            steps += 1;
        }
        assert_eq!(total, 20);
        assert!(steps > 1, "10,000 rows are too many for one step");
        assert!(backend.store.scan(Kind::Handle, None, 10, &[]).await.expect("works").partitions.is_empty());
    }

    #[tokio::test]
    async fn a_stream_is_trimmed_up_to_its_cursor() {
        let backend = Embedded::open().await;
        let event = |n: u64| Event { at: NOW, id: format!("e{n}").into(), json: json("{}") };
        for stream in [Stream::Audit, Stream::Dirty] {
            backend.store.append(stream, (0..5).map(event).collect()).await.expect("works");
        }
        let cursor = Cursor { at: NOW, id: "e2".into() };
        assert_eq!(backend.store.trim(Stream::Dirty, &cursor).await.expect("works"), 3);
        assert_eq!(backend.store.trim(Stream::Dirty, &cursor).await.expect("works"), 0);
        for (stream, left) in [(Stream::Audit, 5), (Stream::Dirty, 2)] {
            assert_eq!(backend.store.read(stream, &Cursor::default(), 10).await.expect("works").len(), left);
        }
    }

    #[tokio::test]
    async fn what_was_asked_before_the_end_is_answered() {
        let backend = Embedded::open().await;
        let mut pending = tokio::task::JoinSet::new();
        for number in 0..64 {
            let store = std::sync::Arc::clone(&backend.store);
            pending.spawn(async move {
                let outcome = store.commit(write(&user(&number.to_string()), None, number, vec![])).await;
                (number, outcome)
            });
        }
        tokio::task::yield_now().await;
        let store = std::sync::Arc::clone(&backend.store);
        tokio::task::spawn_blocking(move || store.close()).await.expect("closes");
        let outcomes = pending.join_all().await;
        let store = open(backend.folder.path()).expect("opens again");
        for (number, outcome) in outcomes {
            let there = whole(&store, &user(&number.to_string())).await.revision.is_some();
            match outcome {
                Ok(_) => assert!(there, "{number} was acknowledged"),
                Err(StoreError::Unavailable(_)) => assert!(!there, "{number} was refused"),
                Err(error) => panic!("{number}: {error}"),
            }
        }
    }

    #[test]
    fn any_history_of_commits_equals_its_model() {
        let commit = (0..3_u8, prop_oneof![4 => Just(0), 1 => 1..5_u8], vec(0..6_u8, 0..4), vec(0..6_u8, 0..3));
        let commit =
            commit.prop_map(|(partition, off_by, puts, deletes)| Step::Commit { partition, off_by, puts, deletes });
        let step = prop_oneof![40 => commit, 1 => any::<()>().prop_map(|()| Step::Reopen)];
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
        let histories = runner.run(&vec(step, 1..120), |steps| {
            runtime.block_on(async {
                let mut backend = Embedded::open().await;
                a_history_of_commits_equals_its_model(&mut backend, steps).await;
            });
            Ok(())
        });
        histories.expect("every history equals its model");
    }
}
