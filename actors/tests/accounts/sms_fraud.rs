//! Text messages whose codes nobody types: counted over all nodes, told of or refused, and what becomes of a count.

use std::{net::IpAddr, sync::Arc, time::Duration};

use actors::{
    Services,
    domain::{
        command::{BeginAddress, BeginAddressOutcome, LoginRef, Overview, ResendCode, SendLoginCode, SendOutcome},
        sms::SmsPolicy,
        sms_fraud::{FraudMode, FraudPolicy, Suspicion},
    },
    notifier::NotCarried,
};
use schema::{
    FactorId, Kind, PartitionKey, Store as _, StoreError,
    record::{Channel, SmsCount, SmsCounts},
};

use crate::{
    addresses::{confirm, signed_in, verify},
    postbox::Postbox,
    support::{Cut, Person, World, soon},
};

const NUMBER: &str = "+4915112345678";

fn address(n: u8) -> IpAddr {
    [192, 0, 2, n].into()
}

/// A world in which letters arrive, and text messages go everywhere.
async fn world(mode: FraudMode) -> (World, Arc<Postbox>) {
    let postbox = Postbox::new();
    let carrier = Arc::clone(&postbox);
    let world = World::with(move |options| {
        options.carriers.push(carrier);
        options.sms = with(mode, &options.sms);
    })
    .await;
    (world, postbox)
}

fn with(mode: FraudMode, sms: &SmsPolicy) -> SmsPolicy {
    SmsPolicy { fraud: FraudPolicy { mode, ..FraudPolicy::default() }, ..sms.clone() }
}

/// Asks for one message to a country, from an address.
async fn ask(
    services: &Services,
    person: &Person,
    to: &str,
    from: IpAddr,
) -> Result<Result<Option<SmsCount>, Suspicion>, StoreError> {
    let attempt = services.attempt(actors::domain::context::Origin::default());
    services.sms_fraud.count(person.user, &attempt, to.parse().expect("a country"), from).await
}

async fn count(world: &World, person: &Person, to: &str, from: IpAddr) -> Result<Option<SmsCount>, Suspicion> {
    ask(&world.services, person, to, from).await.expect("the store works")
}

/// What is stored of a country, once everything is told: unverified messages, and codes that were typed.
async fn counted(world: &World, person: &Person, country: &str) -> (u32, u32) {
    sums(stored(world, person, &format!("sms-fraud-country-{country}")).await.as_ref())
}

async fn stored(world: &World, person: &Person, partition: &str) -> Option<SmsCounts> {
    // Behind what the actor of that person has told.
    world.services.accounts.ask(person.user, &world.attempt(), Overview, soon()).await.expect("answers");
    world.services.sms_fraud.settled().await;
    let key = PartitionKey::new(Kind::Handle, partition);
    let found = world.store.load(&key, &[""]).await.expect("the store works");
    found.get::<SmsCounts>(&key, "counts").expect("readable")
}

fn sums(counts: Option<&SmsCounts>) -> (u32, u32) {
    let hours = counts.into_iter().flat_map(|counts| &counts.hours);
    hours.fold((0, 0), |(unverified, verified), hour| (unverified + hour.unverified, verified + hour.verified))
}

/// Begins to enrol a number, with a message that counts.
async fn begin(world: &World, person: &Person, (number, to): (&str, &str)) -> FactorId {
    let count = count(world, person, to, address(1)).await.expect("sent");
    assert!(count.is_some(), "it counts");
    let (session, address) = (person.session.clone(), number.to_owned());
    let command = BeginAddress { session, channel: Channel::Sms, name: String::new(), address, link: false, count };
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), command, soon()).await.expect("answers");
    let BeginAddressOutcome::Begun { factor } = outcome else { panic!("{outcome:?}") };
    factor
}

/// Somebody with a phone, whose letter was number 1.
async fn with_phone(world: &World, postbox: &Postbox) -> Person {
    let mut person = world.register("ada").await;
    let factor = begin(world, &person, (NUMBER, "DE")).await;
    confirm(world, &mut person, (Channel::Sms, factor), postbox.code(1).await).await;
    person
}

/// Has a code sent for a login, with a message that counts.
async fn send(world: &World, person: &Person, login: &LoginRef) -> SmsCount {
    let count = count(world, person, "DE", address(1)).await.expect("sent");
    let (login, channel) = (login.clone(), Channel::Sms);
    let command = SendLoginCode { login, channel, factor: None, link: false, count: count.clone() };
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), command, soon()).await.expect("answers");
    assert!(matches!(outcome, SendOutcome::Sent), "{outcome:?}");
    count.expect("it counts")
}

/// A pumping attack from ever new addresses: the country closes, and people of other countries get their codes.
#[tokio::test]
async fn a_country_that_is_pumped_closes_and_no_other_one_does() {
    let (world, _) = world(FraudMode::Enforce).await;
    let person = world.register("mallory").await;
    for n in 0..20 {
        let outcome = count(&world, &person, "JM", address(n)).await.map(drop);
        assert_eq!(outcome, if n < 3 { Ok(()) } else { Err(Suspicion::CountryPerHour) }, "{n}");
    }
    assert!(count(&world, &person, "DE", address(99)).await.is_ok());
    world.pass(Duration::from_hours(1));
    assert!(count(&world, &person, "JM", address(99)).await.is_ok(), "the next hour");
    assert_eq!(counted(&world, &person, "JM").await, (4, 0), "what is refused does not count");
    let events = world.audit().await;
    let told = |kind: &str| events.iter().filter(|event| event.kind == kind).collect::<Vec<_>>();
    assert_eq!((told("sms.fraud_suspected").len(), told("message.refused").len()), (1, 17));
    let facts = &told("sms.fraud_suspected")[0].facts;
    assert_eq!(
        (&facts["rule"], &facts["country"], &facts["mode"]),
        (&"fraud_country_hour".into(), &"JM".into(), &"enforce".into())
    );
    assert_eq!(told("message.refused")[0].facts["reason"], "fraud_country_hour");
}

#[tokio::test]
async fn what_is_recorded_is_sent_and_told_once_an_hour() {
    let (world, _) = world(FraudMode::Record).await;
    let person = world.register("mallory").await;
    for hour in 1..=2 {
        for n in 0..10 {
            assert!(matches!(count(&world, &person, "JM", address(n)).await, Ok(Some(_))));
        }
        assert_eq!(counted(&world, &person, "JM").await, (hour * 10, 0));
        world.pass(Duration::from_hours(1));
    }
    assert_eq!(world.told("sms.fraud_suspected").await, 2, "of the hour, in each of them");
    assert_eq!(world.told("message.refused").await, 0);
}

#[tokio::test]
async fn nothing_is_counted_where_it_is_off() {
    let (world, _) = world(FraudMode::Off).await;
    let person = world.register("mallory").await;
    for n in 0..10 {
        assert_eq!(count(&world, &person, "JM", address(n)).await, Ok(None));
    }
    assert!(stored(&world, &person, "sms-fraud-country-JM").await.is_none());
}

#[tokio::test]
async fn an_address_is_closed_for_itself_alone_and_costs_its_country_nothing() {
    let (world, _) = world(FraudMode::Enforce).await;
    let person = world.register("mallory").await;
    for to in ["DE", "AT", "CH", "DE", "AT"] {
        assert!(count(&world, &person, to, address(1)).await.is_ok(), "{to}");
    }
    assert_eq!(count(&world, &person, "DE", address(1)).await, Err(Suspicion::AddressPerHour));
    assert_eq!(counted(&world, &person, "DE").await, (2, 0));
    world.pass(Duration::from_hours(1));
    assert_eq!(count(&world, &person, "FR", address(1)).await, Err(Suspicion::AddressCountries));
    assert_eq!(count(&world, &person, "DE", address(1)).await, Err(Suspicion::AddressCountries));
    assert!(count(&world, &person, "DE", address(2)).await.is_ok());
}

/// A country that is closed must not close the addresses of those who asked for it.
#[tokio::test]
async fn what_the_country_refuses_is_taken_back_at_the_address() {
    let (world, _) = world(FraudMode::Enforce).await;
    let person = world.register("ada").await;
    for n in 0..3 {
        assert!(count(&world, &person, "JM", address(100 + n)).await.is_ok());
    }
    for _ in 0..10 {
        assert_eq!(count(&world, &person, "JM", address(1)).await, Err(Suspicion::CountryPerHour));
    }
    for to in ["DE", "AT", "CH", "DE", "AT"] {
        assert!(count(&world, &person, to, address(1)).await.is_ok(), "{to}");
    }
}

#[tokio::test]
async fn a_code_that_is_typed_is_verified_where_its_message_was_counted() {
    let (world, postbox) = world(FraudMode::Enforce).await;
    let person = with_phone(&world, &postbox).await;
    assert_eq!(counted(&world, &person, "DE").await, (0, 1), "the enrolment");
    let login = world.first_proof(&person).await;
    let count = send(&world, &person, &login).await;
    assert_eq!(counted(&world, &person, "DE").await, (1, 1));
    let code = postbox.code(2).await;
    let outcome = verify(&world, &person, &login, code.clone()).await;
    assert!(signed_in(&outcome), "{outcome:?}");
    verify(&world, &person, &login, code).await;
    assert_eq!(counted(&world, &person, "DE").await, (0, 2), "once");
    let there = stored(&world, &person, &format!("sms-fraud-address-{}", count.address)).await;
    assert_eq!(sums(there.as_ref()), (0, 2));
    assert_eq!(there.expect("kept").reached[0].verified, 2);
}

#[tokio::test]
async fn a_login_that_the_app_completes_takes_back_every_message_of_it() {
    let (world, postbox) = world(FraudMode::Enforce).await;
    let mut person = with_phone(&world, &postbox).await;
    let app = world.enrol(&mut person).await;
    world.pass(Duration::from_mins(1));
    let login = world.first_proof(&person).await;
    send(&world, &person, &login).await;
    world.pass(Duration::from_mins(1));
    send(&world, &person, &login).await;
    assert_eq!(counted(&world, &person, "DE").await, (2, 1));
    // A password that is typed once more leaves them where they are.
    world.type_password("ada", crate::support::PASSWORD, &login, None).await.expect("answers");
    assert_eq!(counted(&world, &person, "DE").await, (2, 1));
    let outcome = world.type_totp(&person, &login, app.code(world.now())).await;
    assert!(matches!(outcome, actors::domain::command::SignInOutcome::SignedIn(_)), "{outcome:?}");
    assert_eq!(counted(&world, &person, "DE").await, (0, 1));
}

#[tokio::test]
async fn whoever_types_the_code_of_a_resent_message_got_the_first_one_as_well() {
    let (world, postbox) = world(FraudMode::Enforce).await;
    let mut person = world.register("ada").await;
    let factor = begin(&world, &person, (NUMBER, "DE")).await;
    world.pass(Duration::from_mins(1));
    let resent = count(&world, &person, "DE", address(1)).await.expect("sent");
    let session = person.session.clone();
    let resend = ResendCode { session, channel: Channel::Sms, factor, link: false, count: resent };
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), resend, soon()).await.expect("answers");
    assert!(matches!(outcome, SendOutcome::Sent), "{outcome:?}");
    world.pass(Duration::from_mins(1));
    let factor = begin(&world, &person, (NUMBER, "DE")).await;
    assert_eq!(counted(&world, &person, "DE").await, (3, 0));
    confirm(&world, &mut person, (Channel::Sms, factor), postbox.code(3).await).await;
    assert_eq!(counted(&world, &person, "DE").await, (0, 1));
}

/// Whoever gives up one number for another has proved nothing about it.
#[tokio::test]
async fn an_enrolment_that_is_given_up_stays_unverified() {
    let (world, postbox) = world(FraudMode::Enforce).await;
    let mut person = world.register("ada").await;
    begin(&world, &person, ("+18765550123", "JM")).await;
    let factor = begin(&world, &person, (NUMBER, "DE")).await;
    confirm(&world, &mut person, (Channel::Sms, factor), postbox.code(2).await).await;
    world.enrol(&mut person).await;
    assert_eq!(counted(&world, &person, "JM").await, (1, 0));
    assert_eq!(counted(&world, &person, "DE").await, (0, 1));
}

#[tokio::test]
async fn a_message_that_no_provider_takes_is_taken_back_once() {
    let (world, postbox) = world(FraudMode::Enforce).await;
    let mut person = with_phone(&world, &postbox).await;
    let app = world.enrol(&mut person).await;
    world.pass(Duration::from_mins(1));
    let before = count(&world, &person, "DE", address(9)).await.expect("sent").expect("it counts");
    *postbox.refusal.lock() = Some(NotCarried::Never("no such number".to_owned()));
    let settled = async || {
        while world.services.notifier.owed() > 0 {
            tokio::task::yield_now().await;
        }
    };
    let login = world.first_proof(&person).await;
    send(&world, &person, &login).await;
    settled().await;
    assert_eq!(counted(&world, &person, "DE").await, (1, 1), "that of another address is left");
    let outcome = world.type_totp(&person, &login, app.code(world.now())).await;
    assert!(matches!(outcome, actors::domain::command::SignInOutcome::SignedIn(_)), "{outcome:?}");
    assert_eq!(counted(&world, &person, "DE").await, (1, 1), "it was taken back already");
    begin(&world, &person, ("+4915187654321", "DE")).await;
    settled().await;
    assert_eq!(counted(&world, &person, "DE").await, (1, 1), "an enrolment is no other");
    world.services.sms_fraud.not_sent(before);
    assert_eq!(counted(&world, &person, "DE").await, (0, 1));
}

#[tokio::test]
async fn a_restart_forgets_no_count() {
    let (world, _) = world(FraudMode::Enforce).await;
    let person = world.register("mallory").await;
    for n in 0..3 {
        assert!(count(&world, &person, "JM", address(n)).await.is_ok());
    }
    let change = |options: &mut actors::ServicesOptions| options.sms = with(FraudMode::Enforce, &options.sms);
    let world = world.killed_and_restarted_with(change).await;
    assert_eq!(count(&world, &person, "JM", address(99)).await, Err(Suspicion::CountryPerHour));
}

#[tokio::test]
async fn two_nodes_allow_together_what_one_does() {
    let (world, _) = world(FraudMode::Enforce).await;
    let person = world.register("mallory").await;
    let (other, _store) = world.second_node_with(|options| options.sms = with(FraudMode::Enforce, &options.sms)).await;
    let person = &person;
    let all = |services: Services, from: u8| async move {
        let asks = (0..25).map(|n| ask(&services, person, "JM", address(from + n)));
        let asks = futures_util::future::join_all(asks).await;
        asks.into_iter().filter(|asked| matches!(asked, Ok(Ok(Some(_))))).count()
    };
    let (one, two) = tokio::join!(all(world.services.clone(), 0), all(other, 100));
    assert_eq!(one + two, 3, "{one} and {two}");
    assert_eq!(counted(&world, person, "JM").await, (3, 0));
}

/// Fifty at once to one country are a few writes, not fifty.
#[tokio::test]
async fn what_comes_at_once_is_written_together() {
    let (world, _) = world(FraudMode::Record).await;
    let person = world.register("ada").await;
    let before = world.store.committed(Kind::Handle);
    let asks = (0..50).map(|n| count(&world, &person, "DE", address(n % 2)));
    let counted_each = futures_util::future::join_all(asks).await;
    assert!(counted_each.iter().all(Result::is_ok));
    assert_eq!(counted(&world, &person, "DE").await, (50, 0));
    let writes = world.store.committed(Kind::Handle) - before;
    assert!(writes < 30, "{writes} commits");
}

#[tokio::test]
async fn without_the_store_nothing_is_sent_unless_it_is_only_recorded() {
    for mode in [FraudMode::Enforce, FraudMode::Record] {
        let (world, _) = world(mode).await;
        let person = world.register("ada").await;
        world.store.cut(Cut::All);
        let outcome = ask(&world.services, &person, "DE", address(1)).await;
        match mode {
            FraudMode::Enforce => assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}"),
            FraudMode::Record | FraudMode::Off => assert!(matches!(outcome, Ok(Ok(None))), "{outcome:?}"),
        }
    }
}
