//! The same thing presented many times at once: one success, and what the RFCs say about the rest.

use std::time::Duration;

use actors::{
    call::CallError,
    domain::command::{RedeemOutcome, Refusal, SignInOutcome, VerifyTotp},
};
use futures_util::future::join_all;

use crate::support::{PASSWORD, World, code_at, redeem, refresh_of, soon};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_presentations_of_one_totp_code_one_signs_in() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    world.pass(Duration::from_secs(30));
    let mut logins = Vec::new();
    for _ in 0..16 {
        logins.push(world.first_proof(&person).await);
    }
    let code = app.code(world.now());
    let tries = (0..64).map(|n| world.type_totp(&person, &logins[n % 16], code.clone()));
    let outcomes = join_all(tries).await;
    let signed_in = |outcome: &&SignInOutcome| matches!(outcome, SignInOutcome::SignedIn(_));
    assert_eq!(outcomes.iter().filter(signed_in).count(), 1, "{outcomes:?}");
    assert!(world.told_of(person.user, "login.failed").await <= 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_owners_of_one_user_accept_a_totp_code_once() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    let (other, _) = world.second_node().await;
    for _ in 0..8 {
        world.pass(Duration::from_mins(1));
        let logins = [world.first_proof(&person).await, world.first_proof(&person).await];
        let code = app.code(world.now());
        let tries = (0..8).map(|n| {
            let services = if n % 2 == 0 { &world.services } else { &other };
            let command = VerifyTotp { login: logins[n % 2].clone(), code: code.clone() };
            let attempt = world.attempt();
            async move { services.accounts.ask(person.user, &attempt, command, soon()).await }
        });
        let outcomes = join_all(tries).await;
        let signed_in = outcomes.iter().filter(|outcome| matches!(outcome, Ok(SignInOutcome::SignedIn(_)))).count();
        assert_eq!(signed_in, 1, "{outcomes:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_presentations_of_one_backup_code_one_signs_in() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    let mut logins = Vec::new();
    for _ in 0..16 {
        logins.push(world.first_proof(&person).await);
    }
    let tries = (0..64).map(|n| world.type_backup_code(&person, &logins[n % 16], &app.backup[3]));
    let outcomes = join_all(tries).await;
    let signed_in = |outcome: &&SignInOutcome| matches!(outcome, SignInOutcome::SignedIn(_));
    assert_eq!(outcomes.iter().filter(signed_in).count(), 1, "{outcomes:?}");
    assert_eq!(world.told_of(person.user, "backup_code.used").await, 1);
    assert!(world.told_of(person.user, "login.failed").await <= 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_redemptions_of_one_code_one_is_granted_and_the_reuse_ends_its_family() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let app = world.app("shop").await;
    let issued = world.code(&person, &app).await;
    let tries = (0..64).map(|_| world.redeem(&person, &issued));
    let outcomes = join_all(tries).await;
    let mut families = Vec::new();
    for (outcome, _) in outcomes {
        match outcome {
            RedeemOutcome::Granted(grant) => families.push(grant.family),
            RedeemOutcome::Refused(refusal) => assert_eq!(refusal, Refusal::Reused),
        }
    }
    assert_eq!(families.len(), 1);
    assert!(!world.counts(&person, families[0]).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_refreshes_one_makes_a_generation_and_the_reuse_ends_the_family() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let app = world.app("shop").await;
    let (grant, attempt) = world.grant(&person, &world.code(&person, &app).await).await;
    let tries = (0..64).map(|_| world.refresh(&person, refresh_of(&grant, &attempt)));
    let outcomes = join_all(tries).await;
    let granted = outcomes.iter().filter(|(outcome, _)| matches!(outcome, RedeemOutcome::Granted(_))).count();
    assert_eq!(granted, 1);
    assert!(!world.counts(&person, grant.family).await);
    for (outcome, attempt) in outcomes {
        if let RedeemOutcome::Granted(next) = outcome {
            assert_eq!(next.generation, 2);
            let (outcome, _) = world.refresh(&person, refresh_of(&next, &attempt)).await;
            assert!(matches!(outcome, RedeemOutcome::Refused(Refusal::Ended)), "{outcome:?}");
        }
    }
}

/// Generations are numbers, not times: twenty in one second, and each older one is theft.
#[tokio::test]
async fn twenty_rotations_in_one_instant_leave_no_older_token_alive() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let app = world.app("shop").await;
    for older in [0, 7, 18] {
        let mut grants = vec![world.grant(&person, &world.code(&person, &app).await).await];
        for _ in 0..20 {
            let (last, attempt) = grants.last().expect("one at least");
            let (outcome, attempt) = world.refresh(&person, refresh_of(last, attempt)).await;
            let RedeemOutcome::Granted(next) = outcome else { panic!("{outcome:?}") };
            grants.push((*next, attempt));
        }
        let (old, attempt) = &grants[older];
        let (outcome, _) = world.refresh(&person, refresh_of(old, attempt)).await;
        assert!(matches!(outcome, RedeemOutcome::Refused(Refusal::Reused)), "{outcome:?}");
        let (newest, attempt) = grants.last().expect("one at least");
        let (outcome, _) = world.refresh(&person, refresh_of(newest, attempt)).await;
        assert!(matches!(outcome, RedeemOutcome::Refused(Refusal::Ended)), "{outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_200_wrong_passwords_at_once_five_are_evaluated() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let login = world.login();
    let tries = (0..200).map(|_| world.type_password("ada", "not the password at all", &login, None));
    for outcome in join_all(tries).await {
        let refused = matches!(
            outcome,
            Ok((SignInOutcome::Wrong | SignInOutcome::Throttled { .. }, _)) | Err(CallError::Overloaded)
        );
        assert!(refused, "{outcome:?}");
    }
    assert_eq!(world.told_of(person.user, "login.failed").await, 5);
    assert!(matches!(world.guess("ada", PASSWORD).await, SignInOutcome::Throttled { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_right_passwords_at_once_are_all_served() {
    let world = World::new().await;
    world.register("ada").await;
    let tries = (0..20).map(|_| world.guess("ada", PASSWORD));
    for outcome in join_all(tries).await {
        assert!(matches!(outcome, SignInOutcome::SignedIn(_)), "{outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_200_wrong_totp_codes_at_once_five_are_evaluated() {
    let world = World::new().await;
    let (person, _) = world.register_with_totp("ada").await;
    let login = world.first_proof(&person).await;
    let wrong = code_at(b"another seed of 20 by", world.now());
    let outcomes = join_all((0..200).map(|_| world.type_totp(&person, &login, wrong.clone()))).await;
    let evaluated = outcomes.iter().filter(|outcome| **outcome == SignInOutcome::Wrong).count();
    assert_eq!((evaluated, world.told_of(person.user, "login.failed").await), (5, 5));
}

/// A revocation that was answered is final, whatever refreshes are under way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_refresh_succeeds_after_the_answer_to_a_revocation() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let app = world.app("shop").await;
    for _ in 0..10 {
        let (grant, attempt) = world.grant(&person, &world.code(&person, &app).await).await;
        let revoke = actors::domain::command::RevokeToken { family: grant.family, client: app.client.clone() };
        let by = world.attempt();
        let ((outcome, attempt), revoked) = tokio::join!(
            world.refresh(&person, refresh_of(&grant, &attempt)),
            world.services.accounts.ask(person.user, &by, revoke, soon()),
        );
        assert!(revoked.expect("answers"));
        if let RedeemOutcome::Granted(next) = outcome {
            let (outcome, _) = world.refresh(&person, refresh_of(&next, &attempt)).await;
            assert!(matches!(outcome, RedeemOutcome::Refused(Refusal::Ended)), "{outcome:?}");
        }
        assert!(!world.counts(&person, grant.family).await);
    }
}

#[tokio::test]
async fn a_used_code_is_refused_to_everybody_after_a_restart_too() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let app = world.app("shop").await;
    let issued = world.code(&person, &app).await;
    let (grant, _) = world.grant(&person, &issued).await;
    let world = world.killed_and_restarted().await;
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), redeem(&issued), soon()).await;
    let outcome = outcome.expect("answers");
    assert!(matches!(outcome, RedeemOutcome::Refused(Refusal::Reused)), "{outcome:?}");
    assert!(!world.counts(&person, grant.family).await);
}
