//! How many hashes guesses cost. Counted by the metric of the hash threads, which is one for the process: hence one test,
//! in a program of its own.
#![expect(dead_code, unused_imports, reason = "of the shared world this test uses a part")]

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use futures_util::future::join_all;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

use crate::support::{PASSWORD, World};

/// Counts `doorward_password_hashes_total`, and nothing else.
#[derive(Clone, Default)]
struct Hashes(Arc<AtomicU64>);

impl Recorder for Hashes {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        if key.name() == "doorward_password_hashes_total" { Counter::from_arc(self.0.clone()) } else { Counter::noop() }
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_guesses_at_once_cost_five_hashes_whether_somebody_has_that_name_or_not() {
    let hashes = Hashes::default();
    metrics::set_global_recorder(hashes.clone()).expect("the first recorder");
    let world = World::new().await;
    world.register("ada").await;
    for name in ["ada", "nobody"] {
        let before = hashes.0.load(Ordering::SeqCst);
        let login = world.login();
        join_all((0..200).map(|_| world.type_password(name, "not the password at all", &login, None))).await;
        let spent = hashes.0.load(Ordering::SeqCst) - before;
        assert_eq!(spent, 5, "{name}");
        // While it is closed a guess costs none, right or wrong.
        world.guess(name, PASSWORD).await;
        assert_eq!(hashes.0.load(Ordering::SeqCst) - before, 5, "{name}");
    }
    // Twenty right ones are twenty hashes, and no more.
    world.register("bob").await;
    let before = hashes.0.load(Ordering::SeqCst);
    join_all((0..20).map(|_| world.guess("bob", PASSWORD))).await;
    assert_eq!(hashes.0.load(Ordering::SeqCst) - before, 20);
}
