//! What a node answers from memory, and what it asks the store for first (HAZARDS H1).

use std::time::Duration;

use actors::{
    call::CallError,
    domain::{
        command::{
            BeginPasskey, BeginPasskeyOutcome, ConfirmOutcome, ConfirmPasskey, ConfirmPasskeyOutcome, ConfirmTotp,
            RedeemOutcome,
        },
        factor::passkey::{Challenge, Making, RelyingParty, attestation::AttestationDemand},
    },
    testing::{SoftKey, Traits},
};
use cluster::BOUND;
use futures_util::future::join_all;
use schema::FactorId;
use serde_json::Value;

use crate::{
    house::House,
    network::Way,
    support::{Cut, Person, START, code_at, soon},
};

const MOMENT: Duration = Duration::from_millis(1);
/// No device has this id.
const NO_FACTOR: FactorId = FactorId::from_bytes([0; 16]);

#[tokio::test]
async fn an_owner_answers_from_memory_while_its_view_is_fresh() {
    let house = House::of(&["a", "b"]).await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    assert_eq!(house.lives("a", &person).await, Ok(true));
    let (loads, _) = house.world("a").store.operations();
    tokio::time::sleep(BOUND.saturating_sub(2 * MOMENT)).await;
    assert_eq!(house.lives("a", &person).await, Ok(true));
    assert_eq!(house.world("a").store.operations().0, loads, "nothing was asked of the store");
    tokio::time::sleep(2 * MOMENT).await;
    assert_eq!(house.lives("a", &person).await, Ok(true));
    assert_eq!(house.world("a").store.operations().0, loads + 1, "the view is too old: validated");
}

/// A stand-in made it while the owner could not be reached, and tells the owner only of what it takes away.
#[tokio::test]
async fn an_owner_says_that_a_code_is_not_there_only_after_it_asked() {
    let house = House::of(&["a", "b"]).await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    let app = house.world("a").app("shop").await;
    // The owner has all codes and families in memory, and has just committed one.
    let first = house.world("a").code(&person, &app).await;
    assert!(matches!(house.world("a").redeem(&person, &first).await.0, RedeemOutcome::Granted(_)));
    house.network.cut(&house.node("a").name, &house.node("b").name, true);
    let second = house.world("b").code(&person, &app).await;
    house.network.cut(&house.node("a").name, &house.node("b").name, false);
    tokio::time::sleep(MOMENT).await;
    let (outcome, _) = house.world("a").redeem(&person, &second).await;
    assert!(matches!(outcome, RedeemOutcome::Granted(_)), "{outcome:?}");
}

/// The same of a device whose enrolment was begun in the owner's place: begun is nothing that the owner is told of.
#[tokio::test]
async fn an_owner_says_that_an_enrolment_is_not_there_only_after_it_asked() {
    let house = House::of(&["a", "b"]).await;
    let person = house.person_of("a").await;
    let (a, b) = (house.world("a"), house.world("b"));
    let attempt = a.attempt();
    // Before anything is remembered, for time passes while it is hashed.
    let backup = a.services.hashes.backup_codes(&attempt.seed, soon()).await.expect("hashes");
    house.stand_still().await;
    let confirm = async |factor, code| {
        let (attempt, backup) = (a.attempt(), backup.clone());
        let confirm = ConfirmTotp { session: person.session.clone(), factor, code, backup };
        a.services.accounts.ask(person.user, &attempt, confirm, soon()).await
    };
    // The owner has all that a confirmation looks at in memory.
    let none = confirm(NO_FACTOR, code_at(&[7; 20], a.now())).await;
    assert!(matches!(none, Ok(ConfirmOutcome::Ended)), "{none:?}");
    house.network.cut(&house.node("a").name, &house.node("b").name, true);
    let (factor, seed) = b.begin_totp(&person).await;
    house.network.cut(&house.node("a").name, &house.node("b").name, false);
    tokio::time::sleep(MOMENT).await;
    let outcome = confirm(factor, code_at(&seed, a.now())).await;
    assert!(matches!(outcome, Ok(ConfirmOutcome::Activated { .. })), "{outcome:?}");
}

#[tokio::test]
async fn an_owner_says_that_a_passkey_is_not_awaited_only_after_it_asked() {
    let house = House::of(&["a", "b"]).await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    let (a, b) = (house.world("a"), house.world("b"));
    let answer = key_of_another_challenge(&person);
    let confirm = async |factor| {
        let (session, answer) = (person.session.clone(), serde_json::from_value(answer.clone()).expect("an answer"));
        let confirm = ConfirmPasskey { session, factor, answer, backup: Vec::new(), attested: false };
        a.services.accounts.ask(person.user, &a.attempt(), confirm, soon()).await
    };
    let none = confirm(NO_FACTOR).await;
    assert!(matches!(none, Ok(ConfirmPasskeyOutcome::Judged(ConfirmOutcome::Ended))), "{none:?}");
    house.network.cut(&house.node("a").name, &house.node("b").name, true);
    let begin = BeginPasskey { session: person.session.clone(), name: String::new() };
    let begun = b.services.accounts.ask(person.user, &b.attempt(), begin, soon()).await;
    let Ok(BeginPasskeyOutcome::Begun { factor }) = begun else { panic!("{begun:?}") };
    house.network.cut(&house.node("a").name, &house.node("b").name, false);
    tokio::time::sleep(MOMENT).await;
    let outcome = confirm(factor).await;
    assert!(matches!(outcome, Ok(ConfirmPasskeyOutcome::Judged(ConfirmOutcome::Wrong))), "{outcome:?}");
}

/// What a browser sends of a key that is looked at, and refused.
fn key_of_another_challenge(person: &Person) -> Value {
    let issuer = "http://localhost:11080";
    let making = Making {
        user: person.user,
        user_name: "ada",
        known: &[],
        allow_synced: true,
        attestation: &AttestationDemand::None,
    };
    let rp = RelyingParty::of(issuer).expect("a name");
    let asked = rp.creation("Doorward", &making, &Challenge::new([7; 32])).expect("options");
    let asked = serde_json::to_value(&asked).expect("JSON")["publicKey"].clone();
    SoftKey::make(&asked, issuer, Traits::PLAIN).1
}

/// The danger is real: without an acknowledgement the owner believes what it remembers.
#[tokio::test]
async fn what_changes_behind_the_owners_back_is_seen_after_the_bound() {
    let house = House::of(&["a", "b"]).await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    assert_eq!(house.lives("a", &person).await, Ok(true));
    let (rogue, _) = house.world("a").second_node().await;
    let command = actors::domain::command::EndSession { session: person.session.session };
    let ended = rogue.accounts.ask(person.user, &house.world("b").attempt(), command, soon()).await;
    assert_eq!(ended, Ok(true));
    assert_eq!(house.lives("a", &person).await, Ok(true));
    tokio::time::sleep(BOUND).await;
    assert_eq!(house.lives("a", &person).await, Ok(false));
}

/// A revocation that nobody could be told of: the owner finds out by itself.
#[tokio::test]
async fn what_the_owner_was_never_told_of_it_sees_after_half_a_minute() {
    let house = House::of(&["a", "b"]).await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    assert_eq!(house.lives("a", &person).await, Ok(true));
    let (rogue, _) = house.world("a").second_node().await;
    let command = actors::domain::command::EndSession { session: person.session.session };
    let ended = rogue.accounts.ask(person.user, &house.world("b").attempt(), command, soon()).await;
    assert_eq!(ended, Ok(true));
    let passes = async |secs: u32| {
        for _ in 0..secs {
            tokio::time::sleep(Duration::from_secs(1)).await;
            house.all_read().await;
        }
    };
    // It was loaded when the person registered, some two seconds before.
    passes(26).await;
    assert_eq!(house.lives("a", &person).await, Ok(true));
    passes(4).await;
    assert_eq!(house.lives("a", &person).await, Ok(false));
}

#[tokio::test]
async fn what_was_gained_is_validated_for_a_bound() {
    let house = House::of(&["a", "b"]).await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    house.put_view(&["b"]).await;
    house.all_read().await;
    let loads = || house.world("b").store.operations().0;
    assert_eq!(house.lives("b", &person).await, Ok(true));
    let before = loads();
    tokio::time::sleep(MOMENT).await;
    assert_eq!(house.lives("b", &person).await, Ok(true));
    assert_eq!(loads(), before + 1);
    house.settle().await;
    let before = loads();
    assert_eq!(house.lives("b", &person).await, Ok(true));
    assert_eq!(loads(), before, "a bound later it is trusted");
}

#[tokio::test]
async fn who_lost_a_user_and_got_it_back_validates() {
    let house = House::of(&["a", "b"]).await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    assert_eq!(house.lives("a", &person).await, Ok(true));
    house.put_view(&["b"]).await;
    house.all_read().await;
    house.put_view(&["a", "b"]).await;
    house.settle().await;
    let (loads, _) = house.world("a").store.operations();
    assert_eq!(house.lives("a", &person).await, Ok(true));
    assert_eq!(house.world("a").store.operations().0, loads + 1);
}

#[tokio::test]
async fn a_node_that_is_cut_off_from_the_store_stops_answering() {
    let house = House::of(&["a", "b"]).await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    assert_eq!(house.lives("a", &person).await, Ok(true));
    house.world("a").store.cut(Cut::All);
    assert_eq!(house.lives("a", &person).await, Ok(true), "within the bound");
    tokio::time::sleep(BOUND).await;
    let refused = house.lives("a", &person).await;
    assert!(matches!(refused, Err(CallError::Unavailable(_))), "{refused:?}");
}

#[tokio::test]
async fn a_clock_that_jumped_is_trusted_only_after_another_read() {
    let house = House::of(&["a", "b"]).await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    assert_eq!(house.lives("a", &person).await, Ok(true));
    house.node("a").authority.unsettle(cluster::now());
    house.world("a").store.cut(Cut::All);
    assert!(house.lives("a", &person).await.is_err());
    house.world("a").store.cut(Cut::Nothing);
    tokio::time::sleep(MOMENT).await;
    house.all_read().await;
    house.world("a").store.cut(Cut::All);
    assert_eq!(house.lives("a", &person).await, Ok(true));
}

#[tokio::test]
async fn everybody_who_waits_shares_one_validation() {
    let house = House::of(&["a", "b"]).await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    assert_eq!(house.lives("a", &person).await, Ok(true));
    tokio::time::sleep(BOUND).await;
    let (loads, _) = house.world("a").store.operations();
    let answers = join_all((0..50).map(|_| house.lives("a", &person))).await;
    assert!(answers.iter().all(|answer| *answer == Ok(true)));
    assert_eq!(house.world("a").store.operations().0, loads + 1);
}

#[tokio::test]
async fn who_serves_in_place_keeps_nothing() {
    let house = House::of(&["a", "b"]).await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    house.rests("b").await;
    let accounts = &house.world("b").services.accounts;
    let before = accounts.size();
    house.network.cut(&house.node("a").name, &house.node("b").name, true);
    assert_eq!(house.lives("b", &person).await, Ok(true));
    let seen = accounts.observe(person.user, soon()).await.expect("answers").expect("an actor");
    assert!(!seen.loaded);
    house.rests("b").await;
    assert_eq!(accounts.size(), before, "and leaves nothing at rest");
}

/// An enrolment is begun in the owner's place; the page that follows is the owner's again, from memory.
#[tokio::test]
async fn what_was_done_in_its_place_the_owner_knows_before_the_answer() {
    let house = House::of(&["a", "b"]).await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    assert_eq!(house.lives("a", &person).await, Ok(true));
    house.network.script(&house.node("a").name, [Way::NotSent]);
    let (_, seed) = house.world("b").begin_totp(&person).await;
    assert!(!seed.is_empty());
}

/// What rests in the cache keeps its tenure: no longer, and no shorter.
#[tokio::test]
async fn a_user_at_rest_wakes_as_trusted_as_it_went() {
    let house = House::of(&["a", "b"]).await;
    let person = house.person_of("a").await;
    house.stand_still().await;
    // The first rest writes "last seen" at the next look; after that one a look writes nothing for a minute.
    house.rests("a").await;
    assert_eq!(house.lives("a", &person).await, Ok(true));
    let accounts = &house.world("a").services.accounts;
    house.rests("a").await;
    assert_eq!(accounts.size().1, 1);
    // By the clock of decisions no time has passed since "last seen" was written.
    house.world("a").clock.set(START.after(Duration::from_mins(10)));
    for node in &house.nodes {
        node.authority.clock_is_right(actors::clock::hands(house.world("a").clock.as_ref()));
    }
    house.settle().await;
    house.world("a").store.cut(Cut::All);
    assert_eq!(house.lives("a", &person).await, Ok(true));
    tokio::time::sleep(BOUND).await;
    assert!(house.lives("a", &person).await.is_err());
}
