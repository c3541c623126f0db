//! Codes by text message: what differs from codes by e-mail ([`crate::email`]), and what the two have in common.

use std::{sync::Arc, time::Duration};

use actors::{
    domain::{
        assurance::Acr,
        command::{
            BeginAddress, BeginAddressOutcome, CheckSession, Closed, ConfirmOutcome, Overview, RemoveAddress,
            RemoveOutcome, ResendCode, ResetMfa, SendOutcome, ShowLoginCode, SignInOutcome, VerifySentCode,
            VerifySentCodeOutcome, Ways,
        },
        letter::Notice,
        phone::Country,
        sms::{Countries, SmsPolicy, Unpaid},
    },
    notifier::NotCarried,
    sms_budget::SmsBudget,
};
use schema::{
    FactorId, StoreError,
    record::{Channel, FactorState},
};

use crate::{
    addresses::{
        WRONG, a_hundred_failures, begin, begun, confirm, enrol, other, send, shown, signed_in, verify, world,
    },
    email::ADDRESS,
    messages::settled,
    postbox::Postbox,
    support::{Cut, PASSWORD, Person, World, session_ref, soon},
};

const NUMBER: &str = "+4915112345678";
const OTHER_NUMBER: &str = "+436641234567";

fn country(name: &str) -> Country {
    name.parse().expect("a country")
}

async fn registered(world: &World, postbox: &Postbox) -> (Person, FactorId) {
    let mut person = world.register("ada").await;
    let factor = enrol(world, postbox, &mut person, (NUMBER, 1)).await;
    (person, factor)
}

#[tokio::test]
async fn a_phone_is_activated_by_the_code_that_was_sent_to_it_and_proves_nothing_about_the_mail() {
    let (world, postbox) = world().await;
    let mut person = world.register("ada").await;
    let factor = begun(&world, &person, NUMBER).await;
    let letter = postbox.letter(1).await;
    assert_eq!((letter.channel, letter.to.as_str()), (Channel::Sms, NUMBER));
    let code = postbox.code(1).await;
    let wrong = confirm(&world, &mut person, (Channel::Sms, factor), other(&code)).await;
    assert!(matches!(wrong, ConfirmOutcome::Wrong), "{wrong:?}");
    let as_mail = confirm(&world, &mut person, (Channel::Email, factor), code.clone()).await;
    assert!(matches!(as_mail, ConfirmOutcome::Ended), "{as_mail:?}");
    let outcome = confirm(&world, &mut person, (Channel::Sms, factor), code.clone()).await;
    assert!(matches!(outcome, ConfirmOutcome::Activated { backup_taken: true, .. }), "{outcome:?}");
    let again = confirm(&world, &mut person, (Channel::Sms, factor), code).await;
    assert!(matches!(again, ConfirmOutcome::AlreadyActivated), "{again:?}");

    let overview = world.services.accounts.ask(person.user, &world.attempt(), Overview, soon()).await;
    let overview = overview.expect("answers").expect("an account");
    assert_eq!((overview.email, overview.email_verified, overview.emails.len()), (None, false, 0));
    assert!(matches!(overview.phones[0].state, FactorState::Activated { .. }), "{:?}", overview.phones);
    assert_eq!(overview.backup_codes_left, 10);
    assert!(world.items(person.user).await.contains(&format!("phone/{factor}")));
}

#[tokio::test]
async fn a_password_and_a_code_by_text_message_are_two_factors() {
    let (world, postbox) = world().await;
    let (person, _) = registered(&world, &postbox).await;
    let login = world.login();
    let (outcome, _) = world.type_password("ada", PASSWORD, &login, None).await.expect("answers");
    let by_sms = Ways { sms: true, backup_code: true, ..Ways::default() };
    assert!(matches!(outcome, SignInOutcome::SecondFactor { ways, .. } if ways == by_sms), "{outcome:?}");
    let show = ShowLoginCode { login: login.clone(), channel: Channel::Sms };
    let shown = world.services.accounts.ask(person.user, &world.attempt(), show, soon()).await;
    let shown = shown.expect("answers").expect("a login");
    assert_eq!((shown.addresses[0].1.as_str(), shown.countries[0].1), ("•••• 78", country("DE")));
    assert!(matches!(send(&world, &person, (Channel::Sms, &login)).await, SendOutcome::Sent));
    let (attempt, code) = (world.attempt(), postbox.code(2).await);
    let command = VerifySentCode { login, code };
    let outcome = world.services.accounts.ask(person.user, &attempt, command, soon()).await.expect("answers");
    let VerifySentCodeOutcome::Judged(SignInOutcome::SignedIn(signed_in)) = outcome else { panic!("{outcome:?}") };
    let session = session_ref(&attempt, &signed_in);
    let check = CheckSession { session: session.clone() };
    let view = world.services.accounts.ask(person.user, &world.attempt(), check, soon()).await;
    let view = view.expect("answers").expect("a session");
    assert_eq!((view.assurance.acr, view.fresh, view.without_app), (Acr::Mfa, true, true));
    assert_eq!(view.assurance.amr, ["mfa", "otp", "pwd", "sms"]);
}

#[tokio::test]
async fn a_code_that_went_one_way_gives_way_to_one_that_goes_the_other_and_need_not_wait_for_it() {
    let (world, postbox) = world().await;
    let (mut person, _) = registered(&world, &postbox).await;
    enrol(&world, &postbox, &mut person, (ADDRESS, 2)).await;
    let login = world.first_proof(&person).await;
    assert!(matches!(send(&world, &person, (Channel::Sms, &login)).await, SendOutcome::Sent));
    assert!(matches!(send(&world, &person, (Channel::Sms, &login)).await, SendOutcome::Wait { .. }));
    let by_sms = postbox.code(3).await;
    assert!(matches!(send(&world, &person, (Channel::Email, &login)).await, SendOutcome::Sent));
    let by_mail = postbox.code(4).await;
    let show = ShowLoginCode { login: login.clone(), channel: Channel::Sms };
    let shown = world.services.accounts.ask(person.user, &world.attempt(), show, soon()).await;
    assert!(shown.expect("answers").expect("a login").sent.is_none(), "the code by text message is worth nothing");
    assert_eq!(verify(&world, &person, &login, by_sms).await, WRONG);
    assert!(signed_in(&verify(&world, &person, &login, by_mail).await));
}

#[tokio::test]
async fn who_reads_anothers_mail_must_not_remove_the_phone() {
    let (world, postbox) = world().await;
    let (mut person, factor) = registered(&world, &postbox).await;
    enrol(&world, &postbox, &mut person, (ADDRESS, 2)).await;
    let login = world.first_proof(&person).await;
    assert!(matches!(send(&world, &person, (Channel::Email, &login)).await, SendOutcome::Sent));
    let (attempt, code) = (world.attempt(), postbox.code(3).await);
    let command = VerifySentCode { login, code };
    let outcome = world.services.accounts.ask(person.user, &attempt, command, soon()).await.expect("answers");
    let VerifySentCodeOutcome::Judged(SignInOutcome::SignedIn(signed_in)) = outcome else { panic!("{outcome:?}") };
    let remove = RemoveAddress { session: session_ref(&attempt, &signed_in), channel: Channel::Sms, factor };
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), remove, soon()).await.expect("answers");
    assert_eq!(outcome, RemoveOutcome::NotFresh);
    let remove = RemoveAddress { session: person.session.clone(), channel: Channel::Sms, factor };
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), remove, soon()).await.expect("answers");
    assert_eq!(outcome, RemoveOutcome::Removed);
    let told = [Notice::SmsCodesOff];
    postbox.until(|postbox| postbox.notices().ends_with(&told)).await;
    let overview = world.services.accounts.ask(person.user, &world.attempt(), Overview, soon()).await;
    let overview = overview.expect("answers").expect("an account");
    assert_eq!((overview.phones.len(), overview.backup_codes_left), (0, 10), "the address is left");
}

#[tokio::test]
async fn the_last_phone_takes_the_backup_codes_with_it_and_an_operator_takes_all() {
    let (world, postbox) = world().await;
    let (mut person, factor) = registered(&world, &postbox).await;
    let second = enrol(&world, &postbox, &mut person, (OTHER_NUMBER, 2)).await;
    for (factor, left) in [(factor, true), (second, false)] {
        let remove = RemoveAddress { session: person.session.clone(), channel: Channel::Sms, factor };
        let outcome = world.services.accounts.ask(person.user, &world.attempt(), remove, soon()).await;
        assert_eq!(outcome.expect("answers"), RemoveOutcome::Removed);
        assert_eq!(world.items(person.user).await.contains(&"backup".to_owned()), left);
    }
    let outcome = world.guess("ada", PASSWORD).await;
    assert!(matches!(outcome, SignInOutcome::SignedIn(_)), "{outcome:?}");

    enrol(&world, &postbox, &mut person, (NUMBER, 3)).await;
    let revoked = world.services.accounts.ask(person.user, &world.attempt(), ResetMfa, soon()).await;
    assert_eq!(revoked.expect("answers"), 1);
    assert!(matches!(world.guess("ada", PASSWORD).await, SignInOutcome::SignedIn(_)));
}

#[tokio::test]
async fn five_wrong_codes_close_the_phone_and_not_the_address() {
    let (world, postbox) = world().await;
    let (mut person, _) = registered(&world, &postbox).await;
    enrol(&world, &postbox, &mut person, (ADDRESS, 2)).await;
    let login = world.first_proof(&person).await;
    assert!(matches!(send(&world, &person, (Channel::Sms, &login)).await, SendOutcome::Sent));
    let code = postbox.code(3).await;
    for _ in 0..5 {
        assert_eq!(verify(&world, &person, &login, other(&code)).await, WRONG);
    }
    let outcome = verify(&world, &person, &login, code).await;
    let closed = matches!(outcome, VerifySentCodeOutcome::Judged(SignInOutcome::Throttled { .. }));
    assert!(closed, "the right code must wait as well: {outcome:?}");
    assert!(matches!(send(&world, &person, (Channel::Email, &login)).await, SendOutcome::Sent));
    assert!(signed_in(&verify(&world, &person, &login, postbox.code(4).await).await));
}

/// HAZARDS H12: all one-time codes of a user share a cap of a hundred failures.
#[tokio::test]
async fn a_hundred_wrong_codes_at_phone_and_app_together_close_both() {
    let (world, postbox) = world().await;
    let (mut person, app) = world.register_with_totp("ada").await;
    enrol(&world, &postbox, &mut person, (NUMBER, 1)).await;
    a_hundred_failures(&world, &postbox, &person, Channel::Sms).await;
    world.pass(Duration::from_hours(2));
    let login = world.first_proof(&person).await;
    let sent = postbox.taken();
    let none = send(&world, &person, (Channel::Sms, &login)).await;
    assert!(matches!(none, SendOutcome::Wait { .. }) && postbox.taken() == sent, "nobody pays for it: {none:?}");
    let shown = shown(&world, &person, (Channel::Sms, &login)).await;
    let [Closed { until: None, .. }] = shown.closed[..] else { panic!("the page must say so: {:?}", shown.closed) };
    assert_eq!(world.type_totp(&person, &login, app.code(world.now())).await, SignInOutcome::Suspended);
}

#[tokio::test]
async fn no_code_is_sent_that_would_not_be_looked_at_and_another_phone_gets_it() {
    let (world, postbox) = world().await;
    let (mut person, first) = registered(&world, &postbox).await;
    let login = world.first_proof(&person).await;
    assert!(matches!(send(&world, &person, (Channel::Sms, &login)).await, SendOutcome::Sent));
    let code = postbox.code(2).await;
    for _ in 0..5 {
        assert_eq!(verify(&world, &person, &login, other(&code)).await, WRONG);
    }
    let login = world.first_proof(&person).await;
    let closed = send(&world, &person, (Channel::Sms, &login)).await;
    let SendOutcome::Wait { until } = closed else { panic!("{closed:?}") };
    let page = shown(&world, &person, (Channel::Sms, &login)).await;
    assert_eq!(page.closed, [Closed { factor: first, until: Some(until) }]);
    world.pass(Duration::from_secs(1));
    enrol(&world, &postbox, &mut person, (OTHER_NUMBER, 3)).await;
    let login = world.first_proof(&person).await;
    assert!(matches!(send(&world, &person, (Channel::Sms, &login)).await, SendOutcome::Sent));
    assert_eq!(postbox.letter(4).await.to, OTHER_NUMBER, "that of the other one would not be looked at");
    world.pass(Duration::from_mins(1));
    let login = world.first_proof(&person).await;
    assert!(shown(&world, &person, (Channel::Sms, &login)).await.closed.is_empty());
    assert!(matches!(send(&world, &person, (Channel::Sms, &login)).await, SendOutcome::Sent));
    assert_eq!(postbox.letter(5).await.to, NUMBER);
}

/// The counts of a number are the same for whoever confirmed it, and those of known devices are apart (HAZARDS H11).
#[tokio::test]
async fn a_number_gets_so_many_codes_whosever_account_asks() {
    let (world, postbox) = world().await;
    let (ada, _) = registered(&world, &postbox).await;
    let mut mallory = world.register("mallory").await;
    enrol(&world, &postbox, &mut mallory, (NUMBER, 2)).await;
    let (one, two) = (world.first_proof(&ada).await, world.first_proof(&mallory).await);
    let known = world.login_of(&ada);
    world.type_password("ada", PASSWORD, &known, Some(ada.user)).await.expect("answers");
    let one = shown(&world, &ada, (Channel::Sms, &one)).await.numbers;
    let two = shown(&world, &mallory, (Channel::Sms, &two)).await.numbers;
    let known = shown(&world, &ada, (Channel::Sms, &known)).await.numbers;
    let number = one[0].1.clone();
    assert!(number == two[0].1 && number != known[0].1 && !number.contains("151"), "{one:?}, {two:?}, {known:?}");
    for _ in 0..10 {
        world.services.recipients.take_confirmed(&number).await.expect("works").map(drop).expect("there is room");
    }
    let full = world.services.recipients.take_confirmed(&number).await.expect("works").map(drop);
    assert_eq!(full, Err(world.now().after(Duration::from_hours(1))));
    world.services.recipients.take_confirmed(&known[0].1).await.expect("works").map(drop).expect("counted apart");
}

#[tokio::test]
async fn a_message_that_was_not_sent_is_given_back_to_its_hour_and_day() {
    let world = World::new().await;
    let recipients = &world.services.recipients;
    let take = async || recipients.take(NUMBER).await.expect("the store works");
    let mut counted = Vec::new();
    for _ in 0..5 {
        counted.push(take().await.expect("there is room"));
    }
    assert!(take().await.is_err());
    recipients.give_back(counted.pop().expect("five")).await.expect("the store works");
    counted.push(take().await.expect("one was given back"));
    assert!(take().await.is_err());
    world.pass(Duration::from_hours(1));
    counted.push(take().await.expect("the next hour"));
    recipients.give_back(counted.remove(0)).await.expect("the store works");
    for _ in 0..4 {
        take().await.map(drop).expect("the hour before has nothing to do with it");
    }
    assert!(take().await.is_err());
    world.pass(Duration::from_hours(1));
    take().await.map(drop).expect("nine of the day were sent");
    assert!(take().await.is_err(), "ten");
}

#[tokio::test]
async fn an_enrolment_can_have_its_code_sent_again_after_a_minute() {
    let (world, postbox) = world().await;
    let mut person = world.register("ada").await;
    let factor = begun(&world, &person, NUMBER).await;
    let first = postbox.code(1).await;
    let resend = ResendCode { session: person.session.clone(), channel: Channel::Sms, factor, link: true, count: None };
    let (user, accounts) = (person.user, &world.services.accounts);
    let ask = async || accounts.ask(user, &world.attempt(), resend.clone(), soon()).await.expect("answers");
    let early = ask().await;
    assert!(matches!(early, SendOutcome::Wait { until } if until == world.now().after(Duration::from_mins(1))));
    world.pass(Duration::from_mins(1));
    assert!(matches!(ask().await, SendOutcome::Sent));
    let second = postbox.code(2).await;
    assert!(matches!(confirm(&world, &mut person, (Channel::Sms, factor), first).await, ConfirmOutcome::Wrong));
    let outcome = confirm(&world, &mut person, (Channel::Sms, factor), second).await;
    assert!(matches!(outcome, ConfirmOutcome::Activated { .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_phone_is_called_by_the_name_that_its_owner_gave_it() {
    let (world, postbox) = world().await;
    let mut person = world.register("ada").await;
    let (session, address) = (person.session.clone(), NUMBER.to_owned());
    let name = "Work ".repeat(20);
    let command = BeginAddress { session, channel: Channel::Sms, name: name.clone(), address, link: true, count: None };
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), command, soon()).await.expect("answers");
    let BeginAddressOutcome::Begun { factor } = outcome else { panic!("{outcome:?}") };
    confirm(&world, &mut person, (Channel::Sms, factor), postbox.code(1).await).await;
    let login = world.first_proof(&person).await;
    let show = ShowLoginCode { login, channel: Channel::Sms };
    let shown = world.services.accounts.ask(person.user, &world.attempt(), show, soon()).await;
    let shown = shown.expect("answers").expect("a login");
    assert_eq!(shown.addresses[0].1, format!("{} (•••• 78)", &name[..64]));
}

/// What nodes of the version before know of commands must not change under them.
#[tokio::test]
async fn a_command_about_an_e_mail_address_is_what_it_was_before_there_were_phones() {
    let (world, _) = world().await;
    let person = world.register("ada").await;
    let json = |channel| {
        let (session, address) = (person.session.clone(), ADDRESS.to_owned());
        let body = actors::domain::command::Body::from(BeginAddress {
            session,
            channel,
            name: String::new(),
            address,
            link: false,
            count: None,
        });
        serde_json::to_value(&body).expect("JSON")
    };
    let before = json(Channel::Email);
    let fields: Vec<_> = before["BeginEmail"].as_object().expect("an object").keys().cloned().collect();
    assert_eq!(fields, ["address", "session"]);
    assert_eq!(json(Channel::Sms)["BeginEmail"]["channel"], "sms");
    assert!(matches!(begin(&world.services, &world, &person, ADDRESS).await, BeginAddressOutcome::Begun { .. }));
}

async fn with_policy(policy: SmsPolicy) -> World {
    World::with(move |options| options.sms = policy).await
}

#[tokio::test]
async fn spending_stops_at_the_budget_and_what_was_paid_back_can_be_spent_again() {
    let countries = Countries { named: vec![(country("DE"), None), (country("JM"), Some(2))], others: None };
    let policy = SmsPolicy { countries, price: 700, budget_per_day: 5000, country_share: 100, ..SmsPolicy::default() };
    let world = with_policy(policy).await;
    let person = world.register("ada").await;
    let budget = &world.services.sms_budget;
    let pay =
        async |name: &str| budget.pay(person.user, &world.attempt(), country(name)).await.expect("the store works");
    assert_eq!(pay("FR").await.map(drop), Err(Unpaid::Country));
    let (one, two) = (pay("JM").await.expect("paid"), pay("JM").await.map(drop));
    assert_eq!((two, pay("JM").await.map(drop)), (Ok(()), Err(Unpaid::CountryPerDay)));
    budget.pay_back(&one);
    assert_eq!(pay("JM").await.map(drop), Ok(()));
    for _ in 0..5 {
        assert_eq!(pay("DE").await.map(drop), Ok(()), "who pumps to one country takes nothing from another");
    }
    assert_eq!(pay("DE").await.map(drop), Err(Unpaid::Budget));
    let events = world.audit().await;
    let refused = events.iter().filter(|event| event.kind == "message.refused");
    let mut reasons: Vec<_> = refused.map(|event| event.facts["reason"].to_string()).collect();
    reasons.sort();
    assert_eq!(reasons, [r#""budget""#, r#""country""#, r#""country_per_day""#]);
    world.pass(Duration::from_hours(24));
    assert_eq!(pay("DE").await.map(drop), Ok(()), "the next day");
}

#[tokio::test]
async fn what_a_node_had_taken_is_spent_when_it_ends() {
    let countries = Countries { named: vec![(country("DE"), None)], others: None };
    let policy = SmsPolicy { countries, price: 1000, budget_per_day: 3000, ..SmsPolicy::default() };
    let world = with_policy(policy.clone()).await;
    let person = world.register("ada").await;
    let first = world.services.sms_budget.pay(person.user, &world.attempt(), country("DE")).await.expect("works");
    world.services.sms_budget.pay_back(&first.expect("paid"));
    let world = world.killed_and_restarted_with(move |options| options.sms = policy).await;
    let budget = &world.services.sms_budget;
    for expected in [Ok(()), Ok(()), Err(Unpaid::Budget)] {
        let paid = budget.pay(person.user, &world.attempt(), country("DE")).await.expect("works");
        assert_eq!(paid.map(drop), expected);
    }
}

#[tokio::test]
async fn two_nodes_that_pay_at_once_stay_within_one_budget() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let (other, _store) = world.second_node().await;
    let (one, two) = (&world.services.sms_budget, &other.sms_budget);
    let all = async |budget: &SmsBudget, to: &str| {
        let mut paid = 0;
        loop {
            match budget.pay(person.user, &world.attempt(), country(to)).await {
                Ok(Ok(_)) => paid += 1,
                Ok(Err(unpaid)) => {
                    assert_eq!(unpaid, Unpaid::CountryShare);
                    return paid;
                }
                // The other one was first too often; nothing was taken.
                Err(error) => assert!(matches!(error, StoreError::Unavailable(_)), "{error}"),
            }
            tokio::task::yield_now().await;
        }
    };
    // The default budget, at the default price, half of it for each country.
    for pumped in ["DE", "AT"] {
        let (by_one, by_two) = tokio::join!(all(one, pumped), all(two, pumped));
        assert_eq!(by_one + by_two, 100, "{pumped}: {by_one} and {by_two}");
    }
    let last = one.pay(person.user, &world.attempt(), country("FR")).await.expect("works");
    assert_eq!(last.map(drop), Err(Unpaid::Budget));
}

#[tokio::test]
async fn nobody_pays_while_the_budget_cannot_be_read() {
    let world = with_policy(SmsPolicy {
        countries: Countries { named: Vec::new(), others: Some(None) },
        ..SmsPolicy::default()
    })
    .await;
    let person = world.register("ada").await;
    world.store.cut(Cut::All);
    let paid = world.services.sms_budget.pay(person.user, &world.attempt(), country("DE")).await;
    assert!(paid.is_err(), "{paid:?}");
}

/// A world that has money for one message a day.
async fn with_money_for_one(postbox: &Arc<Postbox>) -> World {
    let countries = Countries { named: vec![(country("DE"), None)], others: None };
    let policy = SmsPolicy { countries, price: 1000, budget_per_day: 1000, ..SmsPolicy::default() };
    let carrier = Arc::clone(postbox);
    World::with(move |options| {
        options.sms = policy;
        options.carriers.push(carrier);
    })
    .await
}

#[tokio::test]
async fn a_code_that_no_provider_takes_is_paid_back_and_one_that_was_sent_is_not() {
    let postbox = Postbox::refusing(NotCarried::Never("no such number".to_owned()));
    let world = with_money_for_one(&postbox).await;
    let person = world.register("ada").await;
    let pay = async || {
        let paid = world.services.sms_budget.pay(person.user, &world.attempt(), country("DE")).await;
        paid.expect("the store works").map(drop)
    };
    assert_eq!(pay().await, Ok(()));
    begun(&world, &person, NUMBER).await;
    postbox.until(|postbox| postbox.asked() == 1).await;
    settled(&world).await;
    *postbox.refusal.lock() = None;
    assert_eq!(pay().await, Ok(()), "nothing was spent");
    begun(&world, &person, "+4915112345679").await;
    postbox.letter(1).await;
    settled(&world).await;
    assert_eq!(pay().await, Err(Unpaid::Budget));
}

#[tokio::test]
async fn a_code_of_yesterday_that_no_provider_took_is_no_money_today() {
    let postbox = Postbox::refusing(NotCarried::Later("not now".to_owned()));
    let world = with_money_for_one(&postbox).await;
    let person = world.register("ada").await;
    let pay = async || {
        let paid = world.services.sms_budget.pay(person.user, &world.attempt(), country("DE")).await;
        paid.expect("the store works").map(drop)
    };
    assert_eq!(pay().await, Ok(()));
    begun(&world, &person, NUMBER).await;
    postbox.until(|postbox| postbox.asked() == 1).await;
    world.pass(Duration::from_hours(24));
    assert_eq!(pay().await, Ok(()), "the next day");
    while world.told("message.failed").await == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(pay().await, Err(Unpaid::Budget));
}
