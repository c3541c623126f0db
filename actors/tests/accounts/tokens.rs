//! The token endpoint's rules (HAZARDS H6), and what tokens say of how their user signed in (H16).

use std::time::Duration;

use actors::domain::{
    assurance::Acr,
    command::{
        Authorize, AuthorizeOutcome, ChangePasswordOutcome, ConfirmTotp, RedeemCode, RedeemOutcome, Refresh, Refusal,
        RemoveOutcome, RemoveTotp, Requirement, ResetMfa, RevokeToken, SignInOutcome,
    },
    pkce,
};

use crate::support::{PASSWORD, Person, World, redeem, refresh_of, session_ref, soon};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

async fn refused(world: &World, person: &Person, command: RedeemCode) -> Refusal {
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), command, soon()).await.expect("answers");
    let RedeemOutcome::Refused(refusal) = outcome else { panic!("{outcome:?}") };
    refusal
}

async fn authorize(world: &World, person: &Person, command: Authorize) -> AuthorizeOutcome {
    world.services.accounts.ask(person.user, &world.attempt(), command, soon()).await.expect("answers")
}

#[tokio::test]
async fn a_request_that_fails_a_binding_changes_nothing_and_is_told() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let (app, other) = (world.app("shop").await, world.app("other").await);
    let issued = world.code(&person, &app).await;
    let good = || redeem(&issued);
    let bad = [
        (RedeemCode { client: other.client.clone(), ..good() }, Refusal::OtherClient),
        (RedeemCode { redirect_uri: format!("{}/", app.redirect_uri), ..good() }, Refusal::OtherRedirectUri),
        (RedeemCode { challenge: pkce::challenge_of(VERIFIER), ..good() }, Refusal::Pkce),
        (RedeemCode { secret_hash: "x".repeat(43), ..good() }, Refusal::Unknown),
    ];
    for (command, reason) in bad.clone() {
        assert_eq!(refused(&world, &person, command).await, reason);
    }
    assert_eq!(world.told("token.refused").await, 3);
    let (grant, _) = world.grant(&person, &issued).await;
    // A consumed code with a wrong binding is no theft; with the right one it is.
    for (command, reason) in bad {
        assert_eq!(refused(&world, &person, command).await, reason);
    }
    assert!(world.counts(&person, grant.family).await);
    assert_eq!(refused(&world, &person, good()).await, Refusal::Reused);
    assert!(!world.counts(&person, grant.family).await);
}

#[tokio::test]
async fn a_challenge_is_enforced_once_it_was_sent() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let app = world.app("shop").await;
    let attempt = world.attempt();
    let command = Authorize { challenge: pkce::challenge_of(VERIFIER), ..world.authorization(&person, &app, "openid") };
    let outcome = world.services.accounts.ask(person.user, &attempt, command, soon()).await.expect("answers");
    let AuthorizeOutcome::Issued { code } = outcome else { panic!("{outcome:?}") };
    let secret_hash = actors::secret::sha256_b64(&Authorize::code_secret(&attempt.seed));
    let issued = crate::support::Issued { code, secret_hash, app };
    assert_eq!(refused(&world, &person, redeem(&issued)).await, Refusal::Pkce);
    let other = pkce::challenge_of(&VERIFIER.replace('d', "e"));
    assert_eq!(refused(&world, &person, RedeemCode { challenge: other, ..redeem(&issued) }).await, Refusal::Pkce);
    let right = RedeemCode { challenge: pkce::challenge_of(VERIFIER), ..redeem(&issued) };
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), right, soon()).await.expect("answers");
    assert!(matches!(outcome, RedeemOutcome::Granted(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_code_ends_after_a_minute_and_with_its_session() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let app = world.app("shop").await;
    let late = world.code(&person, &app).await;
    world.pass(Duration::from_mins(1));
    assert_eq!(refused(&world, &person, redeem(&late)).await, Refusal::Expired);
    let orphan = world.code(&person, &app).await;
    let end = actors::domain::command::EndSession { session: person.session.session };
    world.services.accounts.ask(person.user, &world.attempt(), end, soon()).await.expect("answers");
    assert_eq!(refused(&world, &person, redeem(&orphan)).await, Refusal::Ended);
}

#[tokio::test]
async fn a_refresh_token_is_its_clients_alone_and_its_scopes_never_grow() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let (app, other) = (world.app("shop").await, world.app("other").await);
    let issued = world.code_for(&person, &app, "openid email").await;
    let (grant, attempt) = world.grant(&person, &issued).await;
    let good = || refresh_of(&grant, &attempt);
    let foreign = Refresh { client: other.client.clone(), ..good() };
    let (outcome, _) = world.refresh(&person, foreign).await;
    assert!(matches!(outcome, RedeemOutcome::Refused(Refusal::OtherClient)), "{outcome:?}");
    let wide = Refresh { scopes: Some(["openid", "profile"].map(str::to_owned).into()), ..good() };
    let (outcome, _) = world.refresh(&person, wide).await;
    assert!(matches!(outcome, RedeemOutcome::Refused(Refusal::Scope)), "{outcome:?}");
    let narrow = Refresh { scopes: Some(["openid".to_owned()].into()), ..good() };
    let (outcome, attempt) = world.refresh(&person, narrow).await;
    let RedeemOutcome::Granted(narrow) = outcome else { panic!("{outcome:?}") };
    assert_eq!(narrow.scopes.len(), 1);
    let (outcome, _) = world.refresh(&person, refresh_of(&narrow, &attempt)).await;
    assert!(matches!(outcome, RedeemOutcome::Granted(all) if all.scopes.len() == 2));
    // Another client gives back what is not its own: nothing happens.
    let revoke = RevokeToken { family: grant.family, client: other.client };
    assert!(!world.services.accounts.ask(person.user, &world.attempt(), revoke, soon()).await.expect("answers"));
    assert!(world.counts(&person, grant.family).await);
}

#[tokio::test]
async fn a_family_ends_with_its_session_unless_it_may_outlive_it() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let app = world.app("shop").await;
    let (bound, _) = world.grant(&person, &world.code(&person, &app).await).await;
    let (free, attempt) = world.grant(&person, &world.code_for(&person, &app, "openid offline_access").await).await;
    let end = actors::domain::command::EndSession { session: person.session.session };
    world.services.accounts.ask(person.user, &world.attempt(), end, soon()).await.expect("answers");
    assert!(!world.counts(&person, bound.family).await);
    world.pass(Duration::from_hours(312));
    let (outcome, attempt) = world.refresh(&person, refresh_of(&free, &attempt)).await;
    let RedeemOutcome::Granted(free) = outcome else { panic!("{outcome:?}") };
    // Two weeks without use, and it is over.
    world.pass(Duration::from_hours(336));
    let (outcome, _) = world.refresh(&person, refresh_of(&free, &attempt)).await;
    assert!(matches!(outcome, RedeemOutcome::Refused(Refusal::Expired)), "{outcome:?}");
}

/// A code that is on its way snapshots proofs as a family does, and must not bring back what has ended meanwhile (H16).
#[tokio::test]
async fn a_code_does_not_outlive_the_password_or_the_factor_that_it_rests_on() {
    let world = World::new().await;
    let app = world.app("shop").await;
    let (mut person, phone) = world.register_with_totp("ada").await;
    let on_password = world.code_for(&person, &app, "openid offline_access").await;
    let (outcome, attempt) = world.change_password(&person, PASSWORD, "seven orange kettles humming").await;
    let ChangePasswordOutcome::Changed(signed_in) = outcome else { panic!("{outcome:?}") };
    person.session = session_ref(&attempt, &signed_in);
    assert_eq!(refused(&world, &person, redeem(&on_password)).await, Refusal::Unknown);
    let on_phone = world.code_for(&person, &app, "openid offline_access").await;
    let remove = RemoveTotp { session: person.session.clone(), factor: phone.factor };
    let removed = world.services.accounts.ask(person.user, &world.attempt(), remove, soon()).await.expect("answers");
    assert_eq!(removed, RemoveOutcome::Removed);
    assert_eq!(refused(&world, &person, redeem(&on_phone)).await, Refusal::Unknown);
    // What rests on what is left is good.
    world.grant(&person, &world.code(&person, &app).await).await;
}

#[tokio::test]
async fn tokens_say_what_was_proved_when_they_were_asked_for_and_only_a_new_authorization_says_more() {
    let world = World::new().await;
    let mut person = world.register("ada").await;
    let app = world.app("shop").await;
    let (before, attempt) = world.grant(&person, &world.code(&person, &app).await).await;
    assert_eq!((before.assurance.acr, before.assurance.amr.clone()), (Acr::OneFactor, vec!["pwd".to_owned()]));
    let signed_in = world.now();
    world.pass(Duration::from_mins(1));
    let phone = world.enrol(&mut person).await;
    let (outcome, _) = world.refresh(&person, refresh_of(&before, &attempt)).await;
    let RedeemOutcome::Granted(refreshed) = outcome else { panic!("{outcome:?}") };
    assert_eq!(refreshed.assurance, before.assurance);
    let (raised, _) = world.grant(&person, &world.code(&person, &app).await).await;
    assert_eq!(raised.assurance.acr, Acr::Mfa);
    // The oldest of the proofs that the statement rests on.
    assert_eq!(raised.assurance.auth_time, signed_in);
    // Removing the factor ends what rests on it, and nothing else.
    let remove = RemoveTotp { session: person.session.clone(), factor: phone.factor };
    let removed = world.services.accounts.ask(person.user, &world.attempt(), remove, soon()).await;
    assert_eq!(removed.expect("answers"), RemoveOutcome::Removed);
    assert!(world.counts(&person, before.family).await);
    assert!(!world.counts(&person, raised.family).await);
    let (after, _) = world.grant(&person, &world.code(&person, &app).await).await;
    assert_eq!(after.assurance.acr, Acr::OneFactor);
}

#[tokio::test]
async fn backup_codes_go_with_the_last_device_and_what_rests_on_them_too() {
    let world = World::new().await;
    let (person, phone) = world.register_with_totp("ada").await;
    let app = world.app("shop").await;
    let login = world.first_proof(&person).await;
    let attempt = world.attempt();
    let code = actors::domain::factor::backup_code::parse(&phone.backup[0]).expect("a code");
    let outcome = world.services.sign_in.backup_code(person.user, &attempt, login.clone(), code, soon()).await;
    let SignInOutcome::SignedIn(signed_in) = outcome.expect("answers") else { panic!("the code is right") };
    let recovered = Person { session: session_ref(&attempt, &signed_in), browser: login.browser, ..person.clone() };
    let (grant, _) = world.grant(&recovered, &world.code(&recovered, &app).await).await;
    assert_eq!(grant.assurance.amr, ["mfa", "pwd", "rcv"]);
    let remove = RemoveTotp { session: recovered.session.clone(), factor: phone.factor };
    let removed = world.services.accounts.ask(person.user, &world.attempt(), remove, soon()).await;
    assert_eq!(removed.expect("answers"), RemoveOutcome::Removed);
    assert!(!world.counts(&recovered, grant.family).await);
    let (after, _) = world.grant(&recovered, &world.code(&recovered, &app).await).await;
    assert_eq!(after.assurance.amr, ["pwd"]);
}

#[tokio::test]
async fn what_rests_on_used_up_backup_codes_ends_when_new_ones_are_drawn() {
    let world = World::new().await;
    let (mut person, phone) = world.register_with_totp("ada").await;
    let app = world.app("shop").await;
    let mut families = Vec::new();
    for text in &phone.backup {
        let login = world.first_proof(&person).await;
        let attempt = world.attempt();
        let code = actors::domain::factor::backup_code::parse(text).expect("a code");
        let outcome = world.services.sign_in.backup_code(person.user, &attempt, login.clone(), code, soon()).await;
        let SignInOutcome::SignedIn(signed_in) = outcome.expect("answers") else { panic!("the code is right") };
        let recovered = Person { session: session_ref(&attempt, &signed_in), browser: login.browser, ..person.clone() };
        let (grant, _) = world.grant(&recovered, &world.code(&recovered, &app).await).await;
        families.push(grant.family);
    }
    assert!(world.counts(&person, families[0]).await);
    world.enrol(&mut person).await;
    for family in families {
        assert!(!world.counts(&person, family).await);
    }
}

#[tokio::test]
async fn a_new_password_ends_what_rests_on_the_old_one() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let elsewhere = world.sign_in(&person, None).await;
    let app = world.app("shop").await;
    let (here, _) = world.grant(&person, &world.code_for(&person, &app, "openid offline_access").await).await;
    let (there, _) = world.grant(&elsewhere, &world.code(&elsewhere, &app).await).await;
    let (outcome, _) = world.change_password(&person, "not the password at all", "seven quiet lighthouses").await;
    assert!(matches!(outcome, ChangePasswordOutcome::Wrong), "{outcome:?}");
    let (outcome, attempt) = world.change_password(&person, crate::support::PASSWORD, "seven quiet lighthouses").await;
    let ChangePasswordOutcome::Changed(signed_in) = outcome else { panic!("{outcome:?}") };
    for family in [here.family, there.family] {
        assert!(!world.counts(&person, family).await);
    }
    // The session that changed it goes on, under a new secret.
    let outcome = authorize(&world, &person, world.authorization(&person, &app, "openid")).await;
    assert!(matches!(outcome, AuthorizeOutcome::NoSession), "{outcome:?}");
    let renewed = Person { session: session_ref(&attempt, &signed_in), ..person };
    let outcome = authorize(&world, &renewed, world.authorization(&renewed, &app, "openid")).await;
    assert!(matches!(outcome, AuthorizeOutcome::Issued { .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_reset_of_the_second_factors_ends_every_session_and_what_rests_on_them() {
    let world = World::new().await;
    let (person, _) = world.register_with_totp("ada").await;
    let app = world.app("shop").await;
    let (grant, _) = world.grant(&person, &world.code_for(&person, &app, "openid offline_access").await).await;
    let reset = world.services.accounts.ask(person.user, &world.attempt(), ResetMfa, soon()).await;
    assert_eq!(reset.expect("answers"), 1);
    assert!(!world.counts(&person, grant.family).await);
    let outcome = authorize(&world, &person, world.authorization(&person, &app, "openid")).await;
    assert!(matches!(outcome, AuthorizeOutcome::NoSession), "{outcome:?}");
    world.sign_in(&person, None).await;
}

#[tokio::test]
async fn a_request_gets_the_proofs_that_it_demands_or_an_error() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let app = world.app("shop").await;
    world.pass(Duration::from_mins(5));
    let base = || Requirement { begun_at: world.now(), ..Requirement::default() };
    let ask = |requirement| {
        authorize(&world, &person, Authorize { requirement, ..world.authorization(&person, &app, "openid") })
    };
    let issued = |outcome: &AuthorizeOutcome| matches!(outcome, AuthorizeOutcome::Issued { .. });
    let login = |outcome: &AuthorizeOutcome| matches!(outcome, AuthorizeOutcome::LoginNeeded { .. });
    assert!(issued(&ask(base()).await));
    assert!(login(&ask(Requirement { login: true, ..base() }).await));
    assert!(issued(&ask(Requirement { max_age: Some(300), ..base() }).await));
    assert!(login(&ask(Requirement { max_age: Some(299), ..base() }).await));
    assert!(login(&ask(Requirement { max_age: Some(0), ..base() }).await));
    assert!(issued(&ask(Requirement { subject: Some(person.user), ..base() }).await));
    let stranger = schema::UserId::from_random([1; 16]);
    assert!(login(&ask(Requirement { subject: Some(stranger), ..base() }).await));
    let mfa = Requirement { acr: Some(Acr::Mfa), ..base() };
    assert!(matches!(ask(mfa).await, AuthorizeOutcome::UnmetAcr));
}

#[tokio::test]
async fn consent_is_asked_once_for_a_client_and_anew_for_more() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let app = world.app("shop").await;
    let ask = |scopes: &str, allowed| {
        let command = Authorize { trusted: false, allowed, ..world.authorization(&person, &app, scopes) };
        authorize(&world, &person, command)
    };
    let needed = |outcome: &AuthorizeOutcome| matches!(outcome, AuthorizeOutcome::ConsentNeeded { .. });
    assert!(needed(&ask("openid", false).await));
    assert!(!needed(&ask("openid", true).await));
    assert!(!needed(&ask("openid", false).await));
    assert!(needed(&ask("openid email", false).await));
    assert!(!needed(&ask("openid email", true).await));
    assert!(!needed(&ask("openid", false).await));
}

/// A session with a password alone must not change factors of a user who has a second one.
#[tokio::test]
async fn a_session_below_the_accounts_level_or_with_old_proofs_changes_no_factor() {
    let world = World::new().await;
    let (person, phone) = world.register_with_totp("ada").await;
    world.pass(Duration::from_mins(10));
    let ask = |command| {
        let (services, attempt) = (world.services.clone(), world.attempt());
        async move { services.accounts.ask(person.user, &attempt, command, soon()).await.expect("answers") }
    };
    let stale = RemoveTotp { session: person.session.clone(), factor: phone.factor };
    assert_eq!(ask(stale).await, RemoveOutcome::NotFresh);
    let (outcome, _) = world.change_password(&person, crate::support::PASSWORD, "seven quiet lighthouses").await;
    assert!(matches!(outcome, ChangePasswordOutcome::NotFresh), "{outcome:?}");
    let confirm = ConfirmTotp {
        session: person.session.clone(),
        factor: phone.factor,
        code: phone.code(world.now()),
        backup: Vec::new(),
    };
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), confirm, soon()).await.expect("answers");
    assert!(matches!(outcome, actors::domain::command::ConfirmOutcome::AlreadyActivated), "{outcome:?}");
}
