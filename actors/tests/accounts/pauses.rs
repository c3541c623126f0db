//! When a message is offered to whom: a provider that says nothing, and one that takes nothing, under a clock that the test moves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actors::{
    clock::MockClock,
    domain::letter::Letter,
    entropy::SeededEntropy,
    notifier::{AVOIDED_FOR, Carrier, NEXT_AFTER, NotCarried},
};
use async_trait::async_trait;
use schema::record::Channel;

use crate::{
    addresses::begin,
    postbox::Postbox,
    support::{MemoryStore, Person, START, World, seed_signing_keys},
};

/// A provider that takes connections and says nothing.
#[derive(Default)]
struct Silent(AtomicUsize);

impl Silent {
    fn asked(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Carrier for Silent {
    fn name(&self) -> &'static str {
        "silent"
    }

    fn carries(&self, _: Channel) -> bool {
        true
    }

    async fn carry(&self, _: &Letter) -> Result<(), NotCarried> {
        self.0.fetch_add(1, Ordering::SeqCst);
        std::future::pending().await
    }
}

/// Somebody in a world with these providers, in which timers go by the test's clock from now on.
async fn waiting(carriers: Vec<Arc<dyn Carrier>>) -> (World, Person) {
    let store = Arc::new(MemoryStore::default());
    seed_signing_keys(store.as_ref()).await;
    let clock = Arc::new(MockClock::new(START));
    let world = World::node(store, clock, SeededEntropy::new(0x9a05), |options| options.carriers = carriers).await;
    let person = world.register("ada").await;
    tokio::time::pause();
    (world, person)
}

/// Has a code sent to an address, and says how long it is until something is true of a provider.
async fn arrives(world: &World, person: &Person, address: &str, postbox: &Postbox) -> Duration {
    let (began, taken) = (cluster::now(), postbox.taken());
    begin(&world.services, world, person, address).await;
    postbox.until(|postbox| postbox.taken() > taken).await;
    began.elapsed()
}

#[tokio::test]
async fn a_provider_that_says_nothing_is_waited_for_once_and_comes_after_the_others_then() {
    let (silent, postbox) = (Arc::new(Silent::default()), Postbox::new());
    let (world, person) = waiting(vec![Arc::clone(&silent) as _, Arc::clone(&postbox) as _]).await;
    let first = arrives(&world, &person, "ada@one.example", &postbox).await;
    assert!(first >= NEXT_AFTER && first < NEXT_AFTER * 2, "{first:?}");
    for address in ["ada@two.example", "ada@three.example"] {
        let next = arrives(&world, &person, address, &postbox).await;
        assert!(next < Duration::from_secs(1), "{next:?}");
    }
    assert_eq!(silent.asked(), 1);
    tokio::time::sleep(AVOIDED_FOR).await;
    let later = arrives(&world, &person, "ada@four.example", &postbox).await;
    assert!(later >= NEXT_AFTER && silent.asked() == 2, "it is tried again: {later:?}");
}

#[tokio::test]
async fn a_message_that_nobody_takes_is_offered_with_pauses_that_double_up_to_a_minute() {
    let postbox = Postbox::refusing(NotCarried::Later("not now".to_owned()));
    let (world, person) = waiting(vec![Arc::clone(&postbox) as _]).await;
    begin(&world.services, &world, &person, "ada@one.example").await;
    let (mut pauses, mut last) = (Vec::new(), None);
    for asked in 1..=10 {
        postbox.until(|postbox| postbox.asked() >= asked).await;
        let now = cluster::now();
        pauses.extend(last.map(|last| now.duration_since(last).as_secs()));
        last = Some(now);
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
}
