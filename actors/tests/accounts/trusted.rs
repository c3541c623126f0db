//! Trusted devices: given, renewed, copied, bound to password and factors, forgotten.

use std::time::Duration;

use actors::{
    domain::{
        assurance::Acr,
        command::{
            CheckSession, DisableUser, EnableUser, EndAllSessions, ForgetOutcome, ForgetTrusted, LoginRef, Overview,
            OverviewOutcome, RemoveOutcome, RemoveTotp, SessionView, SignInOutcome, SignedIn, VerifyTotp,
        },
        context::Attempt,
        letter::Notice,
        limits,
        trusted_device::{self, Given, Trust, TrustRef},
        user::SessionRef,
    },
    locator::TrustedLocator,
    secret::sha256_b64,
    sign_in::PasswordTry,
};
use schema::{BrowserId, FamilyId, record::AuditEvent};

use crate::{
    addresses, email,
    support::{App, PASSWORD, Person, World, person::Authenticator, random, session_ref, soon},
};

/// A browser with the cookie of a trusted device.
#[derive(Clone, Debug)]
struct Trusted {
    browser: BrowserId,
    cookie: TrustRef,
}

impl Trusted {
    fn of(given: &Given, attempt: &Attempt, browser: BrowserId) -> Self {
        let secret_hash = sha256_b64(&trusted_device::secret(&attempt.seed));
        Self { browser, cookie: TrustRef { device: given.device, generation: given.generation, secret_hash } }
    }
}

/// Signs in with both proofs in a new browser, with the box ticked.
async fn trust(world: &World, person: &Person, app: &Authenticator) -> Trusted {
    world.pass(Duration::from_secs(30));
    let login = LoginRef { trust: Trust::Wanted, ..world.first_proof(person).await };
    let attempt = world.attempt();
    let command = VerifyTotp { login: login.clone(), code: app.code(world.now()) };
    let outcome = world.services.accounts.ask(person.user, &attempt, command, soon()).await.expect("answers");
    let SignInOutcome::SignedIn(signed_in) = outcome else { panic!("{outcome:?}") };
    Trusted::of(&signed_in.trusted.expect("a cookie"), &attempt, login.browser)
}

/// Types the right password in that browser, in a login of its own.
async fn come_back(world: &World, person: &Person, trusted: &Trusted) -> (SignInOutcome, Attempt) {
    let login = LoginRef { browser: trusted.browser, ..world.login() };
    come_back_in(world, person, trusted, login).await
}

async fn come_back_in(world: &World, person: &Person, trusted: &Trusted, login: LoginRef) -> (SignInOutcome, Attempt) {
    let attempt = world.attempt();
    let (name, password) = (person.name.clone(), PASSWORD.to_owned().into());
    let shown = TrustedLocator { user: person.user, trust: trusted.cookie.clone() };
    let tried = PasswordTry { name, password, login, known: None, trusted: vec![shown] };
    let (_, outcome) = world.services.sign_in.password(&attempt, tried, soon()).await.expect("answers");
    (outcome, attempt)
}

/// Comes back and is signed in.
async fn let_in(world: &World, person: &Person, trusted: &Trusted) -> (SignedIn, Attempt) {
    match come_back(world, person, trusted).await {
        (SignInOutcome::SignedIn(signed_in), attempt) => (signed_in, attempt),
        (other, _) => panic!("{other:?}"),
    }
}

async fn is_asked_for_more(world: &World, person: &Person, trusted: &Trusted) {
    let (outcome, _) = come_back(world, person, trusted).await;
    assert!(matches!(outcome, SignInOutcome::SecondFactor { .. }), "{outcome:?}");
}

async fn session(world: &World, person: &Person, session: SessionRef) -> Option<SessionView> {
    world.services.accounts.ask(person.user, &world.attempt(), CheckSession { session }, soon()).await.expect("answers")
}

async fn overview(world: &World, person: &Person) -> OverviewOutcome {
    let overview = world.services.accounts.ask(person.user, &world.attempt(), Overview, soon()).await;
    overview.expect("answers").expect("an account")
}

#[tokio::test]
async fn in_a_trusted_browser_the_password_is_enough_and_is_no_second_factor() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    let trusted = trust(&world, &person, &app).await;
    world.services.shipper.settled().await;
    let (given, device) = (world.audit().await, trusted.cookie.device.to_string());
    let says = |event: &AuditEvent| event.facts.get("trusted_device").is_some_and(|fact| *fact == *device);
    assert!(given.iter().any(|event| event.kind == "login.succeeded" && says(event)), "that it was given is told");
    world.pass(Duration::from_hours(100));
    let (signed_in, attempt) = let_in(&world, &person, &trusted).await;
    let view = session(&world, &person, session_ref(&attempt, &signed_in)).await.expect("a session");
    assert_eq!((view.assurance.acr, view.fresh), (Acr::OneFactor, false), "nothing is changed in it");
    assert_eq!(view.assurance.amr, ["pwd", "tdv"]);
    assert_eq!(view.assurance.auth_time, world.now());

    let shown = overview(&world, &person).await.trusted;
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].last_used_at, world.now());
    let ends = shown[0].created_at.after(Duration::from_hours(30 * 24));
    assert_eq!(shown[0].expires_at, ends, "it does not live longer for being used");
}

#[tokio::test]
async fn trust_ends_with_its_time_and_a_wrong_password_gets_nowhere_with_it() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    let trusted = trust(&world, &person, &app).await;
    let shown = TrustedLocator { user: person.user, trust: trusted.cookie.clone() };
    let tried = PasswordTry {
        name: "ada".to_owned(),
        password: "not the password".to_owned().into(),
        login: world.login(),
        known: None,
        trusted: vec![shown],
    };
    let (_, outcome) = world.services.sign_in.password(&world.attempt(), tried, soon()).await.expect("answers");
    assert_eq!(outcome, SignInOutcome::Wrong);
    world.pass(Duration::from_hours(30 * 24) - Duration::from_secs(1));
    let (signed_in, attempt) = let_in(&world, &person, &trusted).await;
    let renewed = Trusted::of(&signed_in.trusted.expect("renewed"), &attempt, trusted.browser);
    world.pass(Duration::from_secs(1));
    is_asked_for_more(&world, &person, &renewed).await;
    assert_eq!(overview(&world, &person).await.trusted.len(), 0);
}

#[tokio::test]
async fn a_cookie_that_was_replaced_is_taken_for_a_minute_and_then_ends_what_rests_on_it() {
    let (world, postbox) = addresses::world().await;
    let (mut person, _) = email::registered(&world, &postbox).await;
    let app = world.enrol(&mut person).await;
    let old = trust(&world, &person, &app).await;
    let (first, attempt) = let_in(&world, &person, &old).await;
    let stolen = session_ref(&attempt, &first);
    let newest = Trusted::of(&first.trusted.expect("a new cookie"), &attempt, old.browser);
    world.pass(Duration::from_secs(59));
    let (second, attempt) = let_in(&world, &person, &old).await;
    assert_eq!(second.trusted, None, "the other tab has the new one");
    let beside = session_ref(&attempt, &second);

    world.pass(Duration::from_secs(1));
    let (outcome, _) = come_back(&world, &person, &old).await;
    let told = matches!(outcome, SignInOutcome::SecondFactor { trust_ended: true, .. });
    assert!(told, "it is answered as a revocation: {outcome:?}");
    let (outcome, _) = come_back(&world, &person, &newest).await;
    assert!(matches!(outcome, SignInOutcome::SecondFactor { trust_ended: false, .. }), "{outcome:?}");
    assert!(session(&world, &person, stolen).await.is_none(), "who has the other cookie is out");
    assert!(session(&world, &person, beside).await.is_none());
    let found = session(&world, &person, person.session.clone()).await;
    assert!(found.is_some(), "what rests on a second proof goes on");
    postbox.until(|postbox| postbox.notices().len() == 2).await;
    assert_eq!(postbox.notices(), [Notice::AuthenticatorAdded, Notice::TrustedDeviceCopied]);
}

#[tokio::test]
async fn trust_ends_with_the_password_and_with_any_change_of_factors() {
    let world = World::new().await;
    let (mut person, app) = world.register_with_totp("ada").await;
    let trusted = trust(&world, &person, &app).await;
    world.pass(Duration::from_secs(30));
    person = world.sign_in(&person, Some(&app)).await;
    let other = world.enrol(&mut person).await;
    is_asked_for_more(&world, &person, &trusted).await;
    assert_eq!(overview(&world, &person).await.trusted.len(), 0, "it is not shown any more either");

    let trusted = trust(&world, &person, &other).await;
    world.pass(Duration::from_secs(30));
    person = world.sign_in(&person, Some(&other)).await;
    let (outcome, _) = world.change_password(&person, PASSWORD, PASSWORD).await;
    assert!(matches!(outcome, actors::domain::command::ChangePasswordOutcome::Changed { .. }), "{outcome:?}");
    is_asked_for_more(&world, &person, &trusted).await;
}

/// A session that rests on trust, and the tokens of an application that came of it.
async fn resting(world: &World, person: &Person, trusted: &Trusted, app: &App) -> (Trusted, SessionRef, FamilyId) {
    let (signed_in, attempt) = let_in(world, person, trusted).await;
    let newest = Trusted::of(&signed_in.trusted.clone().expect("renewed"), &attempt, trusted.browser);
    let session = session_ref(&attempt, &signed_in);
    let there = Person { session: session.clone(), browser: trusted.browser, ..person.clone() };
    let issued = world.code_for(&there, app, "openid offline_access").await;
    let (grant, _) = world.grant(&there, &issued).await;
    assert!(world.counts(person, grant.family).await);
    (newest, session, grant.family)
}

#[tokio::test]
async fn with_the_trust_ends_what_rests_on_it_whatever_ended_it() {
    let world = World::new().await;
    let app = world.app("shop").await;
    for what in ["a new device", "the removal of one", "a new password", "the end of all sessions", "an operator"] {
        let name = what.replace(' ', "-");
        let (person, authenticator) = world.register_with_totp(&name).await;
        let trusted = trust(&world, &person, &authenticator).await;
        let (_, session_there, family) = resting(&world, &person, &trusted, &app).await;
        world.pass(Duration::from_secs(30));
        let mut person = world.sign_in(&person, Some(&authenticator)).await;
        let (accounts, user, attempt) = (&world.services.accounts, person.user, world.attempt());
        match what {
            "a new device" => drop(world.enrol(&mut person).await),
            "the removal of one" => {
                let command = RemoveTotp { session: person.session.clone(), factor: authenticator.factor };
                let outcome = accounts.ask(user, &attempt, command, soon()).await.expect("answers");
                assert_eq!(outcome, RemoveOutcome::Removed);
            }
            "a new password" => drop(world.change_password(&person, PASSWORD, PASSWORD).await),
            "the end of all sessions" => {
                let except = Some(person.session.session);
                accounts.ask(user, &attempt, EndAllSessions { except }, soon()).await.expect("answers");
            }
            _ => assert!(accounts.ask(user, &attempt, DisableUser, soon()).await.expect("answers")),
        }
        assert!(session(&world, &person, session_there).await.is_none(), "{what}");
        assert!(!world.counts(&person, family).await, "{what}");
        if what == "an operator" {
            accounts.ask(user, &world.attempt(), EnableUser, soon()).await.expect("answers");
        }
        let account = overview(&world, &person).await;
        assert_eq!(account.trusted.len(), 0, "{what}");
        let here = account.sessions.iter().any(|session| session.session == person.session.session);
        assert_eq!(here, what != "an operator", "{what}");
    }
}

#[tokio::test]
async fn a_backup_code_a_single_proof_and_trust_itself_give_no_trust() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    let login = LoginRef { trust: Trust::Wanted, ..world.first_proof(&person).await };
    let outcome = world.type_backup_code(&person, &login, &app.backup[0]).await;
    assert!(matches!(&outcome, SignInOutcome::SignedIn(signed_in) if signed_in.trusted.is_none()), "{outcome:?}");
    assert_eq!(overview(&world, &person).await.trusted.len(), 0);

    let alone = world.register("bob").await;
    let login = LoginRef { trust: Trust::Wanted, ..world.login() };
    let (outcome, _) = world.type_password("bob", PASSWORD, &login, None).await.expect("answers");
    assert!(matches!(&outcome, SignInOutcome::SignedIn(signed_in) if signed_in.trusted.is_none()), "{outcome:?}");
    assert_eq!(overview(&world, &alone).await.trusted.len(), 0);
}

#[tokio::test]
async fn who_is_asked_for_fresh_proofs_is_asked_for_all_of_them() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    let trusted = trust(&world, &person, &app).await;
    let (signed_in, attempt) = let_in(&world, &person, &trusted).await;
    let newest = Trusted::of(&signed_in.trusted.clone().expect("renewed"), &attempt, trusted.browser);
    let renews = Some(session_ref(&attempt, &signed_in));
    let login = LoginRef { browser: trusted.browser, renews, ..world.login() };
    let (outcome, _) = come_back_in(&world, &person, &newest, login).await;
    assert!(matches!(outcome, SignInOutcome::SecondFactor { .. }), "{outcome:?}");
    let_in(&world, &person, &newest).await;
}

#[tokio::test]
async fn the_cookie_of_one_user_is_nothing_to_another() {
    let world = World::new().await;
    let (ada, app) = world.register_with_totp("ada").await;
    let (bob, _) = world.register_with_totp("bob").await;
    let trusted = trust(&world, &ada, &app).await;
    let login = LoginRef { browser: trusted.browser, ..world.login() };
    let tried = PasswordTry {
        name: bob.name.clone(),
        password: PASSWORD.to_owned().into(),
        login,
        known: None,
        trusted: vec![TrustedLocator { user: ada.user, trust: trusted.cookie.clone() }],
    };
    let (_, outcome) = world.services.sign_in.password(&world.attempt(), tried, soon()).await.expect("answers");
    assert!(matches!(outcome, SignInOutcome::SecondFactor { .. }), "{outcome:?}");
    is_asked_for_more(&world, &bob, &trusted).await;
    let_in(&world, &ada, &trusted).await;
}

#[tokio::test]
async fn of_many_who_show_one_cookie_at_once_one_gets_the_next() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    let trusted = trust(&world, &person, &app).await;
    let all = futures_util::future::join_all((0..16).map(|_| come_back(&world, &person, &trusted))).await;
    let let_in: Vec<_> = all
        .into_iter()
        .map(|(outcome, _)| match outcome {
            SignInOutcome::SignedIn(signed_in) => signed_in.trusted,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(let_in.iter().flatten().count(), 1, "{let_in:?}");
}

#[tokio::test]
async fn its_owner_forgets_a_browser_and_what_began_there_ends() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    let (here, there) = (trust(&world, &person, &app).await, trust(&world, &person, &app).await);
    let (signed_in, attempt) = let_in(&world, &person, &there).await;
    let resting = session_ref(&attempt, &signed_in);
    let newest = Trusted::of(&signed_in.trusted.expect("renewed"), &attempt, there.browser);
    let forget = |device| {
        let (command, attempt) = (ForgetTrusted { session: person.session.clone(), device }, world.attempt());
        let (accounts, user) = (world.services.accounts.clone(), person.user);
        async move { accounts.ask(user, &attempt, command, soon()).await.expect("answers") }
    };
    assert_eq!(forget(Some(there.cookie.device)).await, ForgetOutcome::Forgotten { devices: 1 });
    assert_eq!(forget(Some(there.cookie.device)).await, ForgetOutcome::Forgotten { devices: 0 });
    assert!(session(&world, &person, resting).await.is_none());
    is_asked_for_more(&world, &person, &newest).await;
    let (signed_in, attempt) = let_in(&world, &person, &here).await;
    let newest = Trusted::of(&signed_in.trusted.expect("renewed"), &attempt, here.browser);
    assert_eq!(forget(None).await, ForgetOutcome::Forgotten { devices: 1 });
    is_asked_for_more(&world, &person, &newest).await;
}

#[tokio::test]
async fn to_sign_out_everywhere_ends_all_trust() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    let trusted = trust(&world, &person, &app).await;
    let command = EndAllSessions { except: None };
    world.services.accounts.ask(person.user, &world.attempt(), command, soon()).await.expect("answers");
    is_asked_for_more(&world, &person, &trusted).await;
}

#[tokio::test]
async fn beyond_ten_browsers_the_one_that_was_not_used_for_longest_is_forgotten() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    let first = trust(&world, &person, &app).await;
    let second = trust(&world, &person, &app).await;
    let shop = world.app("shop").await;
    let (second, began_there, tokens) = resting(&world, &person, &second, &shop).await;
    world.pass(Duration::from_secs(30));
    let (signed_in, attempt) = let_in(&world, &person, &first).await;
    let first = Trusted::of(&signed_in.trusted.expect("renewed"), &attempt, first.browser);
    for _ in 2..=limits::MAX_TRUSTED {
        trust(&world, &person, &app).await;
    }
    assert_eq!(overview(&world, &person).await.trusted.len(), limits::MAX_TRUSTED);
    is_asked_for_more(&world, &person, &second).await;
    assert!(session(&world, &person, began_there).await.is_none(), "it rested on that trust");
    assert!(!world.counts(&person, tokens).await);
    let_in(&world, &person, &first).await;
}

#[tokio::test]
async fn where_nobody_is_trusted_no_cookie_is_given_or_taken() {
    let world = World::with(|options| options.settings.trust_lifetime = Duration::ZERO).await;
    let (person, app) = world.register_with_totp("ada").await;
    world.pass(Duration::from_secs(30));
    let login = LoginRef { trust: Trust::Wanted, ..world.first_proof(&person).await };
    let outcome = world.type_totp(&person, &login, app.code(world.now())).await;
    assert!(matches!(&outcome, SignInOutcome::SignedIn(signed_in) if signed_in.trusted.is_none()), "{outcome:?}");
    let made_up = TrustRef {
        device: schema::FactorId::from_bytes(random(&world)),
        generation: 0,
        secret_hash: sha256_b64(b"made up"),
    };
    is_asked_for_more(&world, &person, &Trusted { browser: login.browser, cookie: made_up }).await;
}
