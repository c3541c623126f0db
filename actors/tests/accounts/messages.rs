//! Messages: sent after the commit that wants them, through the next provider when one fails, and after a kill.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use actors::{
    domain::{
        command::{Delivered, RecordDelivery, TakeMessage, TakeMessageOutcome},
        letter::Letter,
    },
    notifier::{Carrier, NotCarried},
};
use async_trait::async_trait;
use schema::record::Channel;
use tokio::sync::Notify;

use super::{
    addresses::{begin, begun, world},
    email::ADDRESS,
};
use crate::{
    postbox::Postbox,
    support::{Person, World, soon},
};

fn later() -> NotCarried {
    NotCarried::Later("not now".to_owned())
}

/// Whether a message waits in the person's partition.
async fn owes(world: &World, person: &Person) -> bool {
    world.items(person.user).await.iter().any(|item| item.starts_with("message/"))
}

/// Waits until nothing does.
pub(crate) async fn settled(world: &World) {
    while world.services.notifier.owed() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_became_of_a_message_is_recorded_and_nothing_of_it_is_kept() {
    let (world, postbox) = world().await;
    let person = world.register("ada").await;
    begin(&world.services, &world, &person, ADDRESS).await;
    let code = String::from(postbox.code(1).await);
    settled(&world).await;
    assert!(!owes(&world, &person).await);
    let events = world.audit().await;
    let sent = events.iter().find(|event| event.kind == "message.sent").expect("told");
    assert_eq!((&sent.facts["provider"], &sent.facts["content"]), (&"postbox".into(), &"activation_code".into()));
    for event in &events {
        let text = format!("{event:?}");
        assert!(!text.contains(&code) && !text.contains(ADDRESS), "{text}");
    }
}

#[tokio::test]
async fn the_next_provider_takes_what_the_first_does_not() {
    let (first, second) = (Postbox::refusing(NotCarried::Down("not today".to_owned())), Postbox::new());
    let carriers = [Arc::clone(&first), Arc::clone(&second)];
    let world = World::with(move |options| options.carriers.extend(carriers.map(|c| c as _))).await;
    let person = world.register("ada").await;
    begin(&world.services, &world, &person, ADDRESS).await;
    second.letter(1).await;
    settled(&world).await;
    // For a while the one that failed is not asked first.
    begin(&world.services, &world, &person, "ada@example.net").await;
    second.letter(2).await;
    settled(&world).await;
    assert_eq!((first.asked(), second.asked()), (1, 2));
}

#[tokio::test]
async fn what_one_provider_says_of_one_message_keeps_no_other_from_it() {
    let never = NotCarried::Never("no such address".to_owned());
    let (first, second) = (Postbox::refusing(never), Postbox::new());
    let carriers = [Arc::clone(&first), Arc::clone(&second)];
    let world = World::with(move |options| options.carriers.extend(carriers.map(|c| c as _))).await;
    let person = world.register("ada").await;
    begin(&world.services, &world, &person, ADDRESS).await;
    second.letter(1).await;
    settled(&world).await;
    *first.refusal.lock() = None;
    begin(&world.services, &world, &person, "ada@example.net").await;
    assert_eq!(first.letter(1).await.to, "ada@example.net");
}

#[tokio::test]
async fn a_process_without_a_provider_leaves_messages_to_others() {
    let world = World::new().await;
    let person = world.register("ada").await;
    begin(&world.services, &world, &person, ADDRESS).await;
    assert!(owes(&world, &person).await);
    assert_eq!((world.services.notifier.owed(), world.told("message.failed").await), (0, 0));
}

/// Of several nodes one sends: the one that committed it, for a while, then who holds the lease.
#[tokio::test]
async fn a_message_is_one_nodes_at_a_time() {
    let world = World::new().await;
    let person = world.register("ada").await;
    begin(&world.services, &world, &person, ADDRESS).await;
    let items = world.items(person.user).await;
    let message =
        items.iter().find_map(|item| item.strip_prefix("message/")).expect("it waits").parse().expect("an id");
    let take = async |by: &str| {
        let take = TakeMessage { message, by: by.to_owned() };
        world.services.accounts.ask(person.user, &world.attempt(), take, soon()).await.expect("answers")
    };
    let another = |secs| TakeMessageOutcome::Another { until: world.now().after(Duration::from_secs(secs)) };
    assert_eq!(take("a/1").await, another(30), "it is the committing node's");
    world.pass(Duration::from_secs(30));
    assert_eq!(take("a/1").await, TakeMessageOutcome::Taken);
    assert_eq!(take("b/1").await, another(60));
    world.pass(Duration::from_secs(50));
    assert_eq!(take("a/1").await, TakeMessageOutcome::Taken, "it goes on with it");
    assert_eq!(take("b/1").await, another(60));
    world.pass(Duration::from_mins(1));
    assert_eq!(take("b/1").await, TakeMessageOutcome::Taken);
    let record = RecordDelivery { message, delivered: Delivered::Failed { reason: "enough".to_owned() } };
    assert!(world.services.accounts.ask(person.user, &world.attempt(), record, soon()).await.expect("answers"));
    assert_eq!(take("a/1").await, TakeMessageOutcome::Gone);
}

#[tokio::test]
async fn a_message_that_nobody_takes_is_offered_again() {
    let postbox = Postbox::refusing(later());
    let carrier = Arc::clone(&postbox);
    let world = World::with(move |options| options.carriers.push(carrier)).await;
    let person = world.register("ada").await;
    begin(&world.services, &world, &person, ADDRESS).await;
    postbox.until(|postbox| postbox.asked() == 1).await;
    assert!(owes(&world, &person).await);
    *postbox.refusal.lock() = None;
    assert_eq!(postbox.letter(1).await.to, ADDRESS);
    settled(&world).await;
    assert!(!owes(&world, &person).await);
}

#[tokio::test]
async fn an_address_that_every_provider_refuses_is_given_up() {
    let postbox = Postbox::refusing(NotCarried::Never("no such address".to_owned()));
    let carrier = Arc::clone(&postbox);
    let world = World::with(move |options| options.carriers.push(carrier)).await;
    let person = world.register("ada").await;
    begin(&world.services, &world, &person, ADDRESS).await;
    settled(&world).await;
    assert!(!owes(&world, &person).await);
    assert_eq!((postbox.asked(), world.told("message.failed").await), (1, 1));
}

#[tokio::test]
async fn a_message_that_expired_is_not_sent_any_more() {
    let postbox = Postbox::refusing(later());
    let carrier = Arc::clone(&postbox);
    let world = World::with(move |options| options.carriers.push(carrier)).await;
    let person = world.register("ada").await;
    begin(&world.services, &world, &person, ADDRESS).await;
    postbox.until(|postbox| postbox.asked() == 1).await;
    world.pass(Duration::from_mins(10));
    *postbox.refusal.lock() = None;
    settled(&world).await;
    assert_eq!((postbox.asked(), world.told("message.failed").await), (1, 1));
}

/// HAZARDS H17, and the promise of at least once.
#[tokio::test]
async fn a_message_whose_process_died_before_it_was_sent_is_sent_by_the_next() {
    let never = Postbox::refusing(later());
    let carrier = Arc::clone(&never);
    let world = World::with(move |options| options.carriers.push(carrier)).await;
    let person = world.register("ada").await;
    begin(&world.services, &world, &person, ADDRESS).await;
    never.until(|postbox| postbox.asked() == 1).await;
    let postbox = Postbox::new();
    let carrier = Arc::clone(&postbox);
    let world = world.killed_and_restarted_with(move |options| options.carriers.push(carrier)).await;
    assert_eq!(postbox.letter(1).await.to, ADDRESS);
    settled(&world).await;
    assert!(!owes(&world, &person).await);
    assert_eq!(postbox.asked(), 1);
}

/// A provider that panics at its first letter.
struct Panics(Arc<Postbox>, AtomicBool);

#[async_trait]
impl Carrier for Panics {
    fn name(&self) -> &'static str {
        "panics"
    }

    fn carries(&self, _: Channel) -> bool {
        true
    }

    async fn carry(&self, letter: &Letter) -> Result<(), NotCarried> {
        assert!(self.1.swap(true, Ordering::SeqCst), "as this test wants it");
        self.0.carry(letter).await
    }
}

#[tokio::test]
async fn a_provider_that_panics_is_asked_again() {
    let postbox = Postbox::new();
    let carrier = Arc::new(Panics(Arc::clone(&postbox), AtomicBool::new(false)));
    let world = World::with(move |options| options.carriers.push(carrier)).await;
    let person = world.register("ada").await;
    begin(&world.services, &world, &person, ADDRESS).await;
    assert_eq!(postbox.letter(1).await.to, ADDRESS);
    settled(&world).await;
    assert!(!owes(&world, &person).await);
}

/// A provider of text messages that takes them in and says nothing.
#[derive(Default)]
struct Silent {
    asked: AtomicUsize,
    changed: Notify,
}

#[async_trait]
impl Carrier for Silent {
    fn name(&self) -> &'static str {
        "silent"
    }

    fn carries(&self, channel: Channel) -> bool {
        channel == Channel::Sms
    }

    async fn carry(&self, _: &Letter) -> Result<(), NotCarried> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_one();
        std::future::pending().await
    }
}

/// A relay: it takes mail alone.
struct Relay(Arc<Postbox>);

#[async_trait]
impl Carrier for Relay {
    fn name(&self) -> &'static str {
        "relay"
    }

    fn carries(&self, channel: Channel) -> bool {
        channel == Channel::Email
    }

    async fn carry(&self, letter: &Letter) -> Result<(), NotCarried> {
        self.0.carry(letter).await
    }
}

#[tokio::test]
async fn a_provider_of_text_messages_that_hangs_holds_up_no_mail() {
    const AT_ONCE: usize = 64;
    let (silent, postbox) = (Arc::new(Silent::default()), Postbox::new());
    let carriers: [Arc<dyn Carrier>; 2] = [Arc::clone(&silent) as _, Arc::new(Relay(Arc::clone(&postbox)))];
    let world = World::with(move |options| options.carriers.extend(carriers)).await;
    let mut person = world.register("person-0").await;
    for n in 0..=AT_ONCE {
        // Ten an hour are one person's.
        if n % 10 == 9 {
            person = world.register(&format!("person-{n}")).await;
        }
        begun(&world, &person, &format!("+49151123456{n:02}")).await;
    }
    while silent.asked.load(Ordering::SeqCst) < AT_ONCE {
        silent.changed.notified().await;
    }
    begun(&world, &person, ADDRESS).await;
    assert_eq!(postbox.letter(1).await.to, ADDRESS);
    assert_eq!(silent.asked.load(Ordering::SeqCst), AT_ONCE, "none of them was given up for it");
}

#[tokio::test]
async fn what_there_was_no_room_for_is_sent_once_there_is() {
    let postbox = Postbox::refusing(later());
    let carrier = Arc::clone(&postbox);
    let world = World::with(move |options| {
        options.carriers.push(carrier);
        options.messages_waiting = 2;
    })
    .await;
    let person = world.register("ada").await;
    for n in 1..=5 {
        begun(&world, &person, &format!("ada-{n}@example.org")).await;
    }
    postbox.until(|postbox| postbox.asked() == 2).await;
    // A text message has room of its own.
    begun(&world, &person, "+4915112345678").await;
    postbox.until(|postbox| postbox.asked() == 3).await;
    assert_eq!(world.services.notifier.owed(), 6);
    *postbox.refusal.lock() = None;
    let mut told = Vec::new();
    for n in 1..=6 {
        told.push(postbox.letter(n).await.to);
    }
    told.sort_unstable();
    let mails = (1..=5).map(|n| format!("ada-{n}@example.org"));
    assert_eq!(told, ["+4915112345678".to_owned()].into_iter().chain(mails).collect::<Vec<_>>());
    settled(&world).await;
    assert!(!owes(&world, &person).await);
    assert_eq!(world.told("message.sent").await, 6, "each once");
}
