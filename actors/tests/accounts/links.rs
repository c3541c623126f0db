//! The link beside a code by e-mail: at sign-in and at the activation of an address.

use std::time::Duration;

use actors::{
    Services,
    domain::{
        assurance::Acr,
        command::{
            Body, CheckSession, ConfirmAddressByLink, ConfirmOutcome, Linked, LoginRef, SendLoginCode, SendOutcome,
            ShowSentLink, SignInOutcome, VerifySentCode, VerifySentCodeOutcome, VerifySentLink,
        },
        letter::Content,
    },
    locator::{AddressLinkLocator, Locators, LoginLinkLocator},
};
use futures_util::future::join_all;
use schema::{BrowserId, FactorId, SessionId, record::Channel};

use crate::{
    addresses::{WRONG, begun, confirm, fail, other, send, signed_in, verify, world},
    email::{ADDRESS, registered},
    postbox::Postbox,
    support::{Person, World, random, session_ref, soon},
};

const LOGIN_ENDED: VerifySentCodeOutcome = VerifySentCodeOutcome::Judged(SignInOutcome::LoginEnded);

/// Has a message sent for a login; its link is in letter number `n`.
async fn sent(world: &World, postbox: &Postbox, person: &Person, (login, n): (&LoginRef, usize)) -> LoginLinkLocator {
    assert!(matches!(send(world, person, (Channel::Email, login)).await, SendOutcome::Sent));
    let token = postbox.token(n).await;
    let locators = Locators { vault: &world.services.vault, entropy: world.services.entropy.as_ref() };
    locators.open_login_link(token.expose()).expect("opens")
}

/// The link in letter number `n`, which activates an address.
async fn to_activate(world: &World, postbox: &Postbox, n: usize) -> AddressLinkLocator {
    let token = postbox.token(n).await;
    let locators = Locators { vault: &world.services.vault, entropy: world.services.entropy.as_ref() };
    locators.open_address_link(token.expose()).expect("opens")
}

/// Presses the button of a link, in the browser of this login.
async fn press(services: &Services, world: &World, login: &LoginRef, link: &LoginLinkLocator) -> VerifySentCodeOutcome {
    let command = VerifySentLink { login: login.clone(), secret_hash: link.secret_hash.clone() };
    services.accounts.ask(link.user, &world.attempt(), command, soon()).await.expect("answers")
}

/// Opens a link.
async fn is_good(world: &World, link: &LoginLinkLocator) -> bool {
    let command = ShowSentLink { of: Linked::Login(link.login), secret_hash: link.secret_hash.clone() };
    world.services.accounts.ask(link.user, &world.attempt(), command, soon()).await.expect("answers")
}

#[tokio::test]
async fn a_link_is_the_same_second_step_as_its_code_and_never_two_factors() {
    let (world, postbox) = world().await;
    let (person, factor) = registered(&world, &postbox).await;
    let login = world.first_proof(&person).await;
    let link = sent(&world, &postbox, &person, (&login, 2)).await;
    assert_eq!((link.user, link.login), (person.user, login.login));
    let attempt = world.attempt();
    let command = VerifySentLink { login: login.clone(), secret_hash: link.secret_hash.clone() };
    let outcome = world.services.accounts.ask(person.user, &attempt, command, soon()).await.expect("answers");
    let VerifySentCodeOutcome::Judged(SignInOutcome::SignedIn(signed)) = outcome else { panic!("{outcome:?}") };
    let check = CheckSession { session: session_ref(&attempt, &signed) };
    let view = world.services.accounts.ask(person.user, &world.attempt(), check, soon()).await;
    let view = view.expect("answers").expect("a session");
    assert_eq!((view.assurance.acr, view.fresh), (Acr::TwoStep, true));
    assert_eq!(view.assurance.amr, ["email", "otp", "pwd"]);
    let audit = world.audit().await;
    let told = audit.iter().rfind(|event| event.kind == "login.succeeded").expect("told");
    let fact = |name: &str| told.facts.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    assert_eq!(
        [fact("method"), fact("by"), fact("factor")],
        ["email_code".to_owned(), "link".to_owned(), factor.to_string()]
    );
}

#[tokio::test]
async fn opening_a_link_uses_nothing_up_and_using_it_voids_its_code() {
    let (world, postbox) = world().await;
    let (person, _) = registered(&world, &postbox).await;
    let login = world.first_proof(&person).await;
    let link = sent(&world, &postbox, &person, (&login, 2)).await;
    // What becomes of the message is told meanwhile.
    let told = async || world.audit().await.iter().filter(|event| event.kind != "message.sent").count();
    let before = told().await;
    for _ in 0..3 {
        assert!(is_good(&world, &link).await);
    }
    assert_eq!(told().await, before, "opening is no event of the account");
    assert!(signed_in(&press(&world.services, &world, &login, &link).await));
    assert!(!is_good(&world, &link).await);
    assert_eq!(press(&world.services, &world, &login, &link).await, LOGIN_ENDED);
    assert_eq!(verify(&world, &person, &login, postbox.code(2).await).await, LOGIN_ENDED);
}

#[tokio::test]
async fn using_a_code_voids_its_link() {
    let (world, postbox) = world().await;
    let (person, _) = registered(&world, &postbox).await;
    let login = world.first_proof(&person).await;
    let link = sent(&world, &postbox, &person, (&login, 2)).await;
    assert!(signed_in(&verify(&world, &person, &login, postbox.code(2).await).await));
    assert!(!is_good(&world, &link).await);
    assert_eq!(press(&world.services, &world, &login, &link).await, LOGIN_ENDED);
}

#[tokio::test]
async fn in_another_browser_or_another_login_a_link_completes_nothing_and_stays_good() {
    let (world, postbox) = world().await;
    let (person, _) = registered(&world, &postbox).await;
    let login = world.first_proof(&person).await;
    let link = sent(&world, &postbox, &person, (&login, 2)).await;
    let elsewhere = LoginRef { browser: BrowserId::from_bytes(random(&world)), ..login.clone() };
    assert_eq!(press(&world.services, &world, &elsewhere, &link).await, LOGIN_ENDED);
    let another = world.first_proof(&person).await;
    assert_eq!(
        press(&world.services, &world, &another, &link).await,
        VerifySentCodeOutcome::NoCode,
        "nothing was sent for it"
    );
    sent(&world, &postbox, &person, (&another, 3)).await;
    assert_eq!(press(&world.services, &world, &another, &link).await, VerifySentCodeOutcome::NoCode);
    assert!(signed_in(&press(&world.services, &world, &login, &link).await));
}

#[tokio::test]
async fn a_link_ends_with_its_code_when_a_newer_message_is_sent_or_ten_minutes_are_over() {
    let (world, postbox) = world().await;
    let (person, factor) = registered(&world, &postbox).await;
    let login = world.first_proof(&person).await;
    let first = sent(&world, &postbox, &person, (&login, 2)).await;
    world.pass(Duration::from_mins(1));
    let second = sent(&world, &postbox, &person, (&login, 3)).await;
    for _ in 0..20 {
        assert_eq!(press(&world.services, &world, &login, &first).await, VerifySentCodeOutcome::NoCode);
    }
    assert!(!is_good(&world, &first).await && is_good(&world, &second).await);
    world.pass(Duration::from_mins(10) - Duration::from_millis(1));
    assert!(is_good(&world, &second).await);
    world.pass(Duration::from_millis(1));
    assert!(!is_good(&world, &second).await);
    assert_eq!(press(&world.services, &world, &login, &second).await, VerifySentCodeOutcome::NoCode);
    let items = world.items(person.user).await;
    assert!(!items.contains(&format!("throttle/email/{factor}")), "links that are over are no guesses: {items:?}");
}

#[tokio::test]
async fn where_no_code_may_be_typed_no_link_may_be_used() {
    let (world, postbox) = world().await;
    let (person, _) = registered(&world, &postbox).await;
    let login = world.first_proof(&person).await;
    let link = sent(&world, &postbox, &person, (&login, 2)).await;
    let code = postbox.code(2).await;
    for _ in 0..5 {
        verify(&world, &person, &login, other(&code)).await;
    }
    let outcome = press(&world.services, &world, &login, &link).await;
    assert!(matches!(outcome, VerifySentCodeOutcome::Judged(SignInOutcome::Throttled { .. })), "{outcome:?}");
    world.pass(Duration::from_secs(34));
    assert!(signed_in(&press(&world.services, &world, &login, &link).await));
}

#[tokio::test]
async fn an_address_that_is_suspended_is_not_proved_by_a_link() {
    let (world, postbox) = world().await;
    let (mut person, _) = world.register_with_totp("ada").await;
    crate::addresses::enrol(&world, &postbox, &mut person, (ADDRESS, 1)).await;
    fail(&world, &postbox, &person, (Channel::Email, 99)).await;
    world.pass(Duration::from_mins(70));
    let login = world.first_proof(&person).await;
    let n = postbox.taken() + 1;
    let link = sent(&world, &postbox, &person, (&login, n)).await;
    assert_eq!(verify(&world, &person, &login, other(&postbox.code(n).await)).await, WRONG, "the hundredth");
    let outcome = press(&world.services, &world, &login, &link).await;
    assert_eq!(outcome, VerifySentCodeOutcome::Judged(SignInOutcome::Suspended));
}

#[tokio::test]
async fn a_text_message_holds_no_link_and_an_old_node_asks_for_none() {
    let (world, postbox) = world().await;
    let mut person = world.register("ada").await;
    crate::addresses::enrol(&world, &postbox, &mut person, ("+4915112345678", 1)).await;
    let login = world.first_proof(&person).await;
    assert!(matches!(send(&world, &person, (Channel::Sms, &login)).await, SendOutcome::Sent));
    for n in [1, 2] {
        let content = postbox.letter(n).await.content;
        let (Content::SignInCode { link, .. } | Content::ActivationCode { link, .. }) = content else { panic!("{n}") };
        assert!(link.is_none(), "{n}");
    }
    let body = Body::from(SendLoginCode { login, channel: Channel::Email, factor: None, link: false, count: None });
    let json = serde_json::to_value(&body).expect("JSON");
    let fields: Vec<_> = json["SendLoginCode"].as_object().expect("an object").keys().cloned().collect();
    assert_eq!(fields, ["factor", "login"], "the command is what it was before there were links");
}

/// Presses the button of a link that activates an address, with the session of this person.
async fn activate(world: &World, person: &Person, (factor, secret_hash): (FactorId, &str)) -> ConfirmOutcome {
    let attempt = world.attempt();
    let backup = world.services.hashes.backup_codes(&attempt.seed, soon()).await.expect("hashes");
    let (session, secret_hash) = (person.session.clone(), secret_hash.to_owned());
    let command = ConfirmAddressByLink { session, factor, secret_hash, backup };
    world.services.accounts.ask(person.user, &attempt, command, soon()).await.expect("answers")
}

#[tokio::test]
async fn a_link_activates_an_address_in_the_session_that_asked_for_it_once() {
    let (world, postbox) = world().await;
    let mut person = world.register("ada").await;
    let elsewhere = world.sign_in(&person, None).await;
    let factor = begun(&world, &person, ADDRESS).await;
    let link = to_activate(&world, &postbox, 1).await;
    assert_eq!((link.user, link.session, link.factor), (person.user, person.session.session, factor));
    let ask = async |session: SessionId| {
        let of = Linked::Address { session, factor };
        let command = ShowSentLink { of, secret_hash: link.secret_hash.clone() };
        world.services.accounts.ask(person.user, &world.attempt(), command, soon()).await.expect("answers")
    };
    assert!(ask(link.session).await && !ask(elsewhere.session.session).await);
    let outcome = activate(&world, &elsewhere, (factor, &link.secret_hash)).await;
    assert!(matches!(outcome, ConfirmOutcome::Wrong), "another session of the same person: {outcome:?}");
    let outcome = activate(&world, &person, (factor, "nonsense")).await;
    assert!(matches!(outcome, ConfirmOutcome::Wrong), "{outcome:?}");
    let outcome = activate(&world, &person, (factor, &link.secret_hash)).await;
    let ConfirmOutcome::Activated { backup_taken: true, .. } = outcome else { panic!("{outcome:?}") };
    assert!(!ask(link.session).await);
    let items = world.items(person.user).await;
    assert!(!items.iter().any(|item| item.starts_with("throttle/email-enrolment")), "{items:?}");
    // The session's secret is another one since then; the code is over with the link whatever is shown.
    let late = confirm(&world, &mut person, (Channel::Email, factor), postbox.code(1).await).await;
    assert!(matches!(late, ConfirmOutcome::SessionEnded), "{late:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_presentations_of_a_link_and_its_code_at_two_owners_one_signs_in() {
    let (world, postbox) = world().await;
    let (person, _) = registered(&world, &postbox).await;
    let (second, _) = world.second_node().await;
    for n in 2..6 {
        world.pass(Duration::from_mins(1));
        let login = world.first_proof(&person).await;
        let link = sent(&world, &postbox, &person, (&login, n)).await;
        let code = postbox.code(n).await;
        let tries = (0..64).map(|n| {
            let services = if n % 2 == 0 { &world.services } else { &second };
            let (login, attempt) = (login.clone(), world.attempt());
            let by_code = VerifySentCode { login: login.clone(), code: code.clone() };
            let by_link = VerifySentLink { login, secret_hash: link.secret_hash.clone() };
            async move {
                let accounts = &services.accounts;
                if n % 4 < 2 {
                    accounts.ask(person.user, &attempt, by_link, soon()).await
                } else {
                    accounts.ask(person.user, &attempt, by_code, soon()).await
                }
            }
        });
        let outcomes = join_all(tries).await;
        let accepted = outcomes.iter().filter(|outcome| outcome.as_ref().is_ok_and(signed_in)).count();
        assert_eq!(accepted, 1, "{outcomes:?}");
    }
}

/// Nothing of the user is written for what cannot be right whatever is typed; who reads the audit log sees it all the same.
#[tokio::test]
async fn a_link_or_a_code_that_is_none_is_told_to_the_audit_log_alone() {
    let (world, postbox) = world().await;
    let (person, _) = registered(&world, &postbox).await;
    let login = world.first_proof(&person).await;
    let link = sent(&world, &postbox, &person, (&login, 2)).await;
    let another = world.first_proof(&person).await;
    let sign_in = &world.services.sign_in;
    let command = VerifySentLink { login: another.clone(), secret_hash: link.secret_hash };
    let pressed = sign_in.sent_link(person.user, &world.attempt(), command, soon()).await;
    world.pass(Duration::from_secs(1));
    let command = VerifySentCode { login: another, code: postbox.code(2).await };
    let typed = sign_in.sent_code(person.user, &world.attempt(), (Channel::Email, command), soon()).await;
    for outcome in [pressed, typed] {
        assert_eq!(outcome.expect("answers"), VerifySentCodeOutcome::NoCode);
    }
    let items = world.items(person.user).await;
    assert!(!items.iter().any(|item| item.starts_with("throttle/")), "{items:?}");
    let told: Vec<_> = world.audit().await.into_iter().filter(|event| event.kind == "login.failed").collect();
    let facts = told.iter().map(|event| (event.user, event.facts["method"].as_str(), event.facts["reason"].as_str()));
    let expected = ["no_link", "no_code"].map(|reason| (Some(person.user), Some("email_code"), Some(reason)));
    assert_eq!(facts.collect::<Vec<_>>(), expected);
    // What was looked at the account tells of itself, once.
    let wrong = VerifySentCode { login, code: other(&postbox.code(2).await) };
    let wrong = sign_in.sent_code(person.user, &world.attempt(), (Channel::Email, wrong), soon()).await;
    assert_eq!(wrong.expect("answers"), VerifySentCodeOutcome::Judged(SignInOutcome::Wrong));
    assert_eq!(world.told("login.failed").await, 3);
}
