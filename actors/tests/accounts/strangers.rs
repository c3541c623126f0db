//! What strangers can learn, store and block: enumeration, throttles, known devices (HAZARDS H10, H11, H13).

use std::time::Duration;

use actors::{
    call::Deadline,
    domain::command::{
        ChangePasswordOutcome, DisableUser, LoginRef, ResetPassword, ResetPasswordOutcome, SignInOutcome,
    },
    operator::{Operator, Request, Response},
};
use schema::{Kind, Store as _};

use crate::support::{PASSWORD, Person, World, code_at, new_account, person::hash_of, soon};

pub(crate) const WRONG: &str = "not the password at all";

/// Fails from unknown devices until nothing is evaluated any more.
async fn close_the_unknown_bucket(world: &World, name: &str) {
    while world.guess(name, WRONG).await == SignInOutcome::Wrong {}
}

/// The right password from the person's own browser.
async fn known(world: &World, person: &Person) -> SignInOutcome {
    let login = world.login_of(person);
    world.type_password(&person.name, PASSWORD, &login, Some(person.user)).await.expect("answers").0
}

#[tokio::test]
async fn before_the_first_proof_only_counters_are_stored() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let before = world.items(person.user).await;
    assert_eq!(world.guess("ada", WRONG).await, SignInOutcome::Wrong);
    world.services.shipper.settled().await;
    let new: Vec<String> = world.items(person.user).await.into_iter().filter(|key| !before.contains(key)).collect();
    assert!(new.iter().all(|key| key == "throttle/password" || key.starts_with("event/")), "{new:?}");

    assert_eq!(world.guess("nobody", WRONG).await, SignInOutcome::Wrong);
    let users = world.store.scan(Kind::User, None, 10, &[""]).await.expect("works");
    assert_eq!(users.partitions.len(), 1);
    let claims = world.store.scan(Kind::Claim, None, 10, &[""]).await.expect("works");
    assert_eq!(claims.partitions.len(), 1);
    // Of the name itself nothing is kept.
    let idents = world.store.scan(Kind::Ident, None, 10, &[""]).await.expect("works");
    assert!(!format!("{idents:?}").contains("nobody"));
}

#[tokio::test]
async fn absent_wrong_and_disabled_users_get_the_same_answer_for_the_same_work() {
    let world = World::new().await;
    world.register("ada").await;
    let gone = world.register("gone").await;
    let disabled = world.services.accounts.ask(gone.user, &world.attempt(), DisableUser, soon()).await;
    assert!(disabled.expect("works"));
    let world = world.killed_and_restarted().await;
    let mut seen = Vec::new();
    for (name, password) in [("ada", WRONG), ("gone", PASSWORD), ("gone2", WRONG), ("not a name @", WRONG)] {
        let before = world.store.operations();
        let outcome = world.guess(name, password).await;
        let after = world.store.operations();
        seen.push((outcome, after.0 - before.0, after.1 - before.1));
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
    assert_eq!(seen[0].0, SignInOutcome::Wrong);
}

/// A name whose registration never came to its end has a holder without an account.
#[tokio::test]
async fn a_name_without_an_account_behind_it_is_as_absent_as_any() {
    let world = World::new().await;
    world.store.script([crate::support::Fault::Unavailable]);
    let browser = schema::BrowserId::from_bytes([1; 16]);
    let attempt = world.attempt();
    let failed = world.services.registration.register(&attempt, new_account("ghost", browser), soon()).await;
    assert!(failed.is_err());
    let mut seen = Vec::new();
    for name in ["ghost", "nobody"] {
        let before = world.store.operations();
        let outcome = world.guess(name, WRONG).await;
        let after = world.store.operations();
        seen.push((outcome, after.1 - before.1));
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn names_with_and_without_an_account_cool_down_alike() {
    let world = World::new().await;
    world.register("ada").await;
    for name in ["ada", "nobody"] {
        for _ in 0..5 {
            assert_eq!(world.guess(name, WRONG).await, SignInOutcome::Wrong, "{name}");
        }
        let outcome = world.guess(name, PASSWORD).await;
        let SignInOutcome::Throttled { until } = outcome else { panic!("{name}: {outcome:?}") };
        let left = until.since(world.now()).as_secs();
        assert!((30..=33).contains(&left), "{name}: {left}");
    }
}

/// Capitals, compositions, wide letters and blanks around: each is a spelling of the same name.
#[tokio::test]
async fn every_spelling_of_a_name_draws_on_one_bucket() {
    let world = World::new().await;
    world.register("Ämélie").await;
    let somebody = ["ämélie", "ÄMÉLIE", "A\u{308}me\u{301}lie", "  Ämélie ", "ämélＩＥ"];
    let nobody = ["nobody", "NOBODY", "ｎｏｂｏｄｙ", " Nobody ", "nobOdy"];
    for spellings in [somebody, nobody] {
        for name in spellings {
            assert_eq!(world.guess(name, WRONG).await, SignInOutcome::Wrong, "{name}");
        }
        for name in spellings {
            let outcome = world.guess(name, PASSWORD).await;
            assert!(matches!(outcome, SignInOutcome::Throttled { .. }), "{name}: {outcome:?}");
        }
    }
    // One of the name, and for who is nobody one more that takes the failure of an account.
    let idents = world.store.scan(Kind::Ident, None, 10, &[""]).await.expect("works");
    assert_eq!(idents.partitions.len(), 3);
}

/// Fails a hundred times from unknown devices, waiting out every cool-down.
pub(crate) async fn fail_a_hundred_times(world: &World, name: &str) {
    let mut failures = 0;
    while failures < 100 {
        match world.guess(name, WRONG).await {
            SignInOutcome::Wrong => failures += 1,
            SignInOutcome::Throttled { until } => world.pass(until.since(world.now())),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_suspended_password_looks_like_a_cool_down_of_an_hour_and_its_known_device_goes_on() {
    let world = World::new().await;
    let person = world.register("ada").await;
    for name in ["ada", "nobody"] {
        fail_a_hundred_times(&world, name).await;
        world.pass(Duration::from_hours(2));
        let outcome = world.guess(name, PASSWORD).await;
        let SignInOutcome::Throttled { until } = outcome else { panic!("{name}: {outcome:?}") };
        assert_eq!(until.since(world.now()), Duration::from_hours(1), "{name}");
    }
    assert!(matches!(known(&world, &person).await, SignInOutcome::SignedIn(_)));
    assert!(matches!(world.guess("ada", PASSWORD).await, SignInOutcome::Throttled { .. }));
}

#[tokio::test]
async fn a_reset_lifts_the_suspension_for_every_browser() {
    let world = World::new().await;
    let person = world.register("ada").await;
    fail_a_hundred_times(&world, "ada").await;
    let operator = Operator::new(world.services.clone());
    let made = operator.run("operator uid 0".to_owned(), Request::UserPasswordReset("ada".to_owned()), soon()).await;
    let Response::ResetLink { url, .. } = made else { panic!("{made:?}") };
    let token = url.split_once("token=").expect("a token").1;
    let opened = world.services.tokens.locators().open_reset(token).expect("opens");
    let link = |new_hash| ResetPassword { reset: opened.reset, secret_hash: opened.secret_hash.clone(), new_hash };
    let ask = |command| {
        let (services, attempt) = (world.services.clone(), world.attempt());
        async move { services.accounts.ask(person.user, &attempt, command, soon()).await.expect("answers") }
    };
    assert!(matches!(ask(link(None)).await, ResetPasswordOutcome::Good { .. }));
    let hash = hash_of(&world.services, PASSWORD).await;
    assert_eq!(ask(link(Some(hash.clone()))).await, ResetPasswordOutcome::Done);
    assert_eq!(ask(link(Some(hash))).await, ResetPasswordOutcome::Ended);
    let outcome = world.guess("ada", PASSWORD).await;
    assert!(matches!(outcome, SignInOutcome::SignedIn(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_known_device_signs_in_while_attackers_keep_the_unknown_bucket_closed() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    for _ in 0..3 {
        close_the_unknown_bucket(&world, "ada").await;
        world.pass(Duration::from_secs(31));
        let login = world.login_of(&person);
        let (outcome, _) = world.type_password("ada", PASSWORD, &login, Some(person.user)).await.expect("answers");
        assert!(matches!(outcome, SignInOutcome::SecondFactor { .. }), "{outcome:?}");
        // An attacker who has the password spends the unknown guesses at the code, not the owner's.
        let outcome = world.type_totp(&person, &login, app.code(world.now())).await;
        assert!(matches!(outcome, SignInOutcome::SignedIn(_)), "{outcome:?}");
        world.pass(Duration::from_hours(1));
    }
}

#[tokio::test]
async fn success_on_a_known_device_leaves_the_unknown_bucket_closed() {
    let world = World::new().await;
    let person = world.register("ada").await;
    close_the_unknown_bucket(&world, "ada").await;
    assert!(matches!(known(&world, &person).await, SignInOutcome::SignedIn(_)));
    assert!(matches!(world.guess("ada", PASSWORD).await, SignInOutcome::Throttled { .. }));
}

#[tokio::test]
async fn wrong_codes_of_a_stranger_with_the_password_leave_the_owner_her_guesses() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    world.pass(Duration::from_secs(30));
    let stranger = world.first_proof(&person).await;
    let wrong = code_at(b"another seed of 20 by", world.now());
    while world.type_totp(&person, &stranger, wrong.clone()).await == SignInOutcome::Wrong {}
    let login = world.login_of(&person);
    world.type_password("ada", PASSWORD, &login, Some(person.user)).await.expect("answers");
    let outcome = world.type_totp(&person, &login, app.code(world.now())).await;
    assert!(matches!(outcome, SignInOutcome::SignedIn(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_password_change_elsewhere_forgets_the_device_and_ends_its_session() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let elsewhere = world.sign_in(&person, None).await;
    let (outcome, _) = world.change_password(&elsewhere, PASSWORD, "seven quiet lighthouses by noon").await;
    assert!(matches!(outcome, ChangePasswordOutcome::Changed(_)), "{outcome:?}");
    close_the_unknown_bucket(&world, "ada").await;
    assert!(matches!(known(&world, &person).await, SignInOutcome::Throttled { .. }));
    let login = world.login_of(&elsewhere);
    let new = world.type_password("ada", "seven quiet lighthouses by noon", &login, Some(person.user)).await;
    assert!(matches!(new.expect("answers").0, SignInOutcome::SignedIn(_)));
}

#[tokio::test]
async fn a_device_of_somebody_else_is_no_known_device() {
    let world = World::new().await;
    let (ada, bob) = (world.register("ada").await, world.register("bob").await);
    close_the_unknown_bucket(&world, "ada").await;
    let login = LoginRef { device: Some(bob.device), ..world.login() };
    let outcome = world.type_password("ada", PASSWORD, &login, Some(bob.user)).await.expect("answers").0;
    assert!(matches!(outcome, SignInOutcome::Throttled { .. }), "{outcome:?}");
    let outcome = world.type_password("ada", PASSWORD, &login, Some(ada.user)).await.expect("answers").0;
    assert!(!matches!(outcome, SignInOutcome::SignedIn(_)), "{outcome:?}");
}

/// The thief's old password is being judged while the owner changes it (HAZARDS H7).
#[tokio::test]
async fn a_verdict_about_a_password_that_was_changed_meanwhile_is_worth_nothing() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let (other, _) = world.second_node().await;
    world.store.script([crate::support::Fault::Hold]);
    let (services, attempt, login) = (world.services.clone(), world.attempt(), world.login());
    let tried = actors::sign_in::PasswordTry {
        name: "ada".to_owned(),
        password: PASSWORD.to_owned().into(),
        login,
        known: None,
        trusted: Vec::new(),
    };
    let mut thief = std::pin::pin!(services.sign_in.password(&attempt, tried, Deadline::after(Duration::from_mins(1))));
    tokio::select! {
        biased;
        early = &mut thief => panic!("answered {early:?} before the commit"),
        () = world.store.something_waits() => {}
    }
    let change = actors::account::ChangePasswordRequest {
        session: person.session.clone(),
        device: Some(person.device),
        current: PASSWORD.to_owned().into(),
        new_hash: hash_of(&other, "seven quiet lighthouses by noon").await,
    };
    let request = actors::account::Request::ChangePassword(change);
    let changed: ChangePasswordOutcome =
        other.accounts.request(person.user, &world.attempt(), request, soon()).await.expect("answers");
    assert!(matches!(changed, ChangePasswordOutcome::Changed(_)), "{changed:?}");
    world.store.let_go();
    assert_eq!(thief.await.expect("answers").1, SignInOutcome::Wrong);
}

/// The cool-down that a stranger sees is never over before the one behind it.
#[tokio::test]
async fn a_right_password_after_the_cool_down_is_right() {
    let world = World::new().await;
    for name in ["ada", "bob", "cat", "dan", "fay", "gus"] {
        world.register(name).await;
        for round in 0..4 {
            close_the_unknown_bucket(&world, name).await;
            let SignInOutcome::Throttled { until } = world.guess(name, PASSWORD).await else { panic!("closed") };
            world.pass(until.since(world.now()));
            if round == 3 {
                let outcome = world.guess(name, PASSWORD).await;
                assert!(matches!(outcome, SignInOutcome::SignedIn(_)), "{name}: {outcome:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_guesses_at_once_look_the_same_with_and_without_an_account() {
    let world = World::new().await;
    world.register("ada").await;
    let mut seen = Vec::new();
    for name in ["ada", "nobody"] {
        let login = world.login();
        let tries = (0..200).map(|_| world.type_password(name, WRONG, &login, None));
        let outcomes = futures_util::future::join_all(tries).await;
        let refused = |outcome: &Result<_, _>| matches!(outcome, Err(actors::call::CallError::Overloaded));
        seen.push(outcomes.iter().filter(|outcome| refused(outcome)).count());
        for (outcome, _) in outcomes.into_iter().flatten() {
            assert!(matches!(outcome, SignInOutcome::Wrong | SignInOutcome::Throttled { .. }), "{outcome:?}");
        }
    }
    assert!(seen[0].abs_diff(seen[1]) < 40, "{seen:?}");
}

#[tokio::test]
async fn a_password_changed_on_a_known_device_opens_its_name_to_every_browser() {
    let world = World::new().await;
    let person = world.register("ada").await;
    fail_a_hundred_times(&world, "ada").await;
    let login = world.login_of(&person);
    let (outcome, attempt) = world.type_password("ada", PASSWORD, &login, Some(person.user)).await.expect("answers");
    let SignInOutcome::SignedIn(signed_in) = outcome else { panic!("{outcome:?}") };
    let session = crate::support::session_ref(&attempt, &signed_in);
    let (outcome, _) = world.change_password(&Person { session, ..person }, PASSWORD, "seven quiet lighthouses").await;
    assert!(matches!(outcome, ChangePasswordOutcome::Changed(_)), "{outcome:?}");
    world.services.sign_in.rebound("Ada").await.expect("works");
    let outcome = world.guess("ada", "seven quiet lighthouses").await;
    assert!(matches!(outcome, SignInOutcome::SignedIn(_)), "{outcome:?}");
}

/// Else strangers close a name to new browsers by guesses that the account has long forgotten.
#[tokio::test]
async fn a_right_password_ends_the_row_of_failures_of_its_name_as_that_of_the_account() {
    let world = World::new().await;
    let person = world.register("ada").await;
    for _ in 0..25 {
        close_the_unknown_bucket(&world, "ada").await;
        assert!(matches!(known(&world, &person).await, SignInOutcome::SignedIn(_)));
        assert!(matches!(world.guess("ada", PASSWORD).await, SignInOutcome::Throttled { .. }), "the cool-down stays");
        world.pass(Duration::from_hours(2));
    }
    let outcome = world.guess("ada", PASSWORD).await;
    assert!(matches!(outcome, SignInOutcome::SignedIn(_)), "{outcome:?}");
}

/// A name's counter is forgotten, a suspension is not.
#[tokio::test]
async fn a_suspension_of_long_ago_looks_like_a_name_that_nobody_has() {
    let world = World::new().await;
    world.register("ada").await;
    for name in ["ada", "nobody"] {
        fail_a_hundred_times(&world, name).await;
    }
    world.pass(Duration::from_hours(10 * 24));
    world.clean_up().await;
    let idents = world.store.scan(Kind::Ident, None, 10, &[""]).await.expect("works");
    assert!(idents.partitions.is_empty(), "they are forgotten");
    let mut seen = Vec::new();
    for name in ["ada", "nobody"] {
        let mut outcomes = Vec::new();
        for _ in 0..7 {
            outcomes.push(world.guess(name, PASSWORD).await);
        }
        seen.push(outcomes);
    }
    assert_eq!(seen[0], seen[1]);
    assert!(matches!(seen[0][4..], [SignInOutcome::Wrong, SignInOutcome::Throttled { .. }, ..]), "{seen:?}");
}
