//! A node whose clock was set (HAZARDS H3): what it would decide by that binds everybody, so it decides nothing.

use std::{sync::Arc, time::Duration};

use actors::{
    clock::{MockClock, VouchedClock, hands},
    domain::{command::SignInOutcome, factor::totp},
    stored_view::StoredView,
};
use cluster::ViewStore as _;
use schema::{
    Kind, PartitionKey, Store as _, Timestamp,
    record::{DirtyCursor, SigningAlg},
};

use crate::{
    house::House,
    support::{Cut, START, code_at, soon},
};

const STEP: Duration = Duration::from_secs(30);
const DAY: i64 = 86_400_000;

/// Two nodes, of which `a` has a clock of its own, which shows what the others' shows.
async fn house() -> (House, Arc<MockClock>) {
    let mut house = House::of(&["b"]).await;
    let clock = Arc::new(MockClock::new(START));
    let own = Arc::clone(&clock);
    house.add("a", |options| options.clock = own).await;
    house.put_view(&["a", "b"]).await;
    house.all_read().await;
    (house, clock)
}

fn stepped(by_ms: i64) -> Timestamp {
    Timestamp::from_millis(START.as_millis() + by_ms)
}

/// When a partition was last committed, by whoever did it.
async fn last_commit(house: &House, key: &PartitionKey) -> Timestamp {
    let partition = house.world("b").store.load(key, &[]).await.expect("loads");
    partition.operations.iter().map(|operation| operation.at).max().expect("something was committed")
}

/// A wrong and a right code, typed at both nodes: once while the clock of the owner is off, once after.
async fn a_step_of_the_owners_clock_harms_nobody(by_ms: i64) {
    let (house, clock) = house().await;
    let mut person = house.person_of("a").await;
    let app = house.world("a").enrol(&mut person).await;
    let mut logins = Vec::new();
    for _ in 0..2 {
        logins.push(house.world("b").first_proof(&person).await);
    }
    house.stand_still().await;
    let right = app.code(START.after(STEP));
    let wrong = || -> totp::Code { code_at(b"another seed of 20 by", START) };

    clock.set(stepped(by_ms));
    // At once: nobody has looked at the clock since it was set.
    for name in ["a", "b"] {
        let outcome = house.world(name).type_totp(&person, &logins[0], wrong()).await;
        assert_eq!(outcome, SignInOutcome::Wrong, "{name}: served by who has the right time");
        assert_eq!(house.lives(name, &person).await, Ok(true), "{name}");
    }
    assert!(house.node("a").authority.is_suspended());
    let key = PartitionKey::new(Kind::User, person.user);
    assert_eq!(last_commit(&house, &key).await, START);

    clock.set(START);
    assert!(house.node("a").authority.is_suspended(), "until it is measured");
    house.node("a").authority.clock_is_right(hands(clock.as_ref()));
    let outcome = house.world("a").type_totp(&person, &logins[1], right).await;
    assert!(matches!(outcome, SignInOutcome::SignedIn(_)), "{outcome:?}");
    assert_eq!(last_commit(&house, &key).await, START);
}

#[tokio::test]
async fn a_clock_that_is_set_forward_by_a_day_harms_nobody() {
    a_step_of_the_owners_clock_harms_nobody(DAY).await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_by_a_day_harms_nobody() {
    a_step_of_the_owners_clock_harms_nobody(-DAY).await;
}

#[tokio::test]
async fn a_name_that_nobody_has_is_counted_by_no_wrong_clock() {
    let (house, clock) = house().await;
    house.world("a").guess("nobody", "anything").await;
    clock.set(stepped(DAY));
    let world = house.world("a");
    let refused = world.type_password("nobody", "anything", &world.login(), None).await;
    assert!(refused.is_err(), "{refused:?}");
    let refused = world.services.clients.delete(&"c_nobody".parse().expect("an id")).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("clock")), "nor is a client changed");
}

#[tokio::test]
async fn a_wrong_clock_plans_no_keys() {
    let (house, clock) = house().await;
    house.stand_still().await;
    let keys = &house.world("a").services.keys;
    let before = keys.shown().jwks.clone();
    clock.set(stepped(31 * DAY));
    // The plan is looked at once a minute.
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(keys.shown().jwks, before);
    let refused = keys.rotate(Some(SigningAlg::ES256)).await;
    assert!(refused.as_ref().is_err_and(|error| error.to_string().contains("clock")), "{refused:?}");
    assert_eq!(house.world("b").services.keys.current().await.expect("loads").jwks, before);
}

#[tokio::test]
async fn a_wrong_clock_moves_no_cursor() {
    let (house, clock) = house().await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    assert_eq!(house.logs_out("a", &person, soon()).await, Ok(true));
    let (key, item) = (PartitionKey::new(Kind::Cluster, "shipper"), "dirty-cursor/a");
    let at = async || {
        let partition = house.world("b").store.load(&key, &[item]).await.expect("loads");
        partition.get::<DirtyCursor>(&key, item).expect("reads").expect("a cursor").at
    };
    let before = at().await;
    clock.set(stepped(DAY));
    tokio::time::sleep(Duration::from_mins(11)).await;
    assert_eq!(at().await, before);
    assert!(house.world("a").services.shipper.recover().await.is_err());
    clock.set(START);
    house.node("a").authority.clock_is_right(hands(clock.as_ref()));
    clock.advance(Duration::from_hours(1));
    tokio::time::sleep(Duration::from_mins(6)).await;
    assert!(at().await > before);
}

/// What others must hear of is told by a node whose clock is off as well, and nothing is dated by that clock.
#[tokio::test]
async fn what_a_node_commits_by_a_wrong_clock_is_not_dated_by_it() {
    let (house, clock) = house().await;
    let a = house.world("a");
    let app = a.app("shop").await;
    house.stand_still().await;
    a.store.cut(Cut::Generations);
    let refused = a.services.clients.delete(&app.client).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("not yet known everywhere")));
    clock.set(stepped(DAY));
    a.store.cut(Cut::Nothing);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let client = PartitionKey::new(Kind::Client, &app.client);
    assert!(house.world("b").store.load(&client, &["event/"]).await.expect("loads").items.is_empty(), "told");
    assert_eq!(last_commit(&house, &client).await, START);

    let view = house.view.read().await.expect("reads");
    let vouched = VouchedClock::new(Arc::clone(&clock) as _, Arc::clone(&house.node("a").authority));
    let row = StoredView::new(Arc::clone(&a.store) as _, Arc::new(vouched), Arc::clone(&a.entropy) as _);
    assert!(row.replace(view.epoch, &view.followed_by(view.members.clone())).await.expect("writes"));
    a.services.stop(Duration::from_secs(5)).await;
    for place in ["view", "shipper"] {
        assert_eq!(last_commit(&house, &PartitionKey::new(Kind::Cluster, place)).await, START, "{place}");
    }
}
