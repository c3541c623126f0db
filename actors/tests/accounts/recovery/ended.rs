//! Who ends a recovery before it is completed, and what is left of it then.

use std::{sync::Arc, time::Duration};

use actors::{
    domain::{
        command::{
            CancelOutcome, CancelRecovery, CancelWith, CompleteRecovery, DisableUser, RecoveryView, ResetMfa,
            SendOutcome, SignInOutcome, VerifySentCodeOutcome,
        },
        letter::Notice,
        recovery::PAUSE,
    },
    operator::{Operator, Request, Response},
    secret::sha256_b64,
};

use super::{ANOTHER, WAIT, is_signed_in, recovers, world};
use crate::support::{PASSWORD, soon};

#[tokio::test]
async fn the_link_cancels_it_once_and_keeps_others_away_as_long_as_the_password_is_the_same() {
    let (world, postbox, person, _) = world().await;
    world.begin_recovery(&person).await;
    let link = || async { world.link(&postbox.letter(3).await) };
    let looked = world.cancel(&person, link().await, false).await;
    assert!(matches!(&looked, CancelOutcome::Good { user_name, .. } if user_name == "ada"), "{looked:?}");
    let CancelWith::Link { recovery, .. } = link().await else { panic!("a link") };
    let forged = CancelWith::Link { recovery, secret_hash: sha256_b64(b"guess") };
    assert_eq!(world.cancel(&person, forged, true).await, CancelOutcome::Ended);
    assert_eq!(world.cancel(&person, link().await, true).await, CancelOutcome::Cancelled);
    for confirmed in [false, true] {
        assert_eq!(world.cancel(&person, link().await, confirmed).await, CancelOutcome::Ended);
    }
    postbox.until(|postbox| postbox.notices().iter().filter(|n| **n == Notice::RecoveryCancelled).count() == 2).await;
    assert_eq!(world.told("recovery.cancelled").await, 1);
    world.pass(100 * WAIT);
    assert_eq!(world.begin_recovery(&person).await, RecoveryView::Closed { until: None });
}

#[tokio::test]
async fn every_message_of_a_recovery_has_a_link_that_cancels_it() {
    let (world, postbox, person, _) = world().await;
    world.due(&postbox, &person).await;
    // Another code, so that the links of the first one are not the newest.
    world.pass(Duration::from_mins(2));
    let login = world.first_proof(&person).await;
    assert!(matches!(world.send_recovery(&person, &login).await, SendOutcome::Sent));
    // To both when it was begun, to both when the first code was asked for, and the second code.
    postbox.until(|postbox| postbox.taken() == 7).await;
    for n in 3..=7 {
        let looked = world.cancel(&person, world.link(&postbox.letter(n).await), false).await;
        assert!(matches!(looked, CancelOutcome::Good { .. }), "letter {n}: {looked:?}");
    }
}

#[tokio::test]
async fn a_sign_in_with_a_second_step_cancels_it_and_the_password_alone_does_not() {
    let (world, postbox, person, app) = world().await;
    world.begin_recovery(&person).await;
    world.first_proof(&person).await;
    assert!(world.overview(&person).await.recovery.is_some());
    world.pass(Duration::from_mins(1));
    world.sign_in(&person, Some(&app)).await;
    assert!(world.overview(&person).await.recovery.is_none());
    postbox.until(|postbox| postbox.notices().contains(&Notice::RecoveryCancelled)).await;
    let events = world.audit().await;
    let told = events.iter().filter(|event| event.facts.get("recovery_cancelled") == Some(&true.into())).count();
    assert_eq!(told, 1);
    let until = world.now().after(PAUSE);
    assert_eq!(world.begin_recovery(&person).await, RecoveryView::Closed { until: Some(until) });
    world.pass(PAUSE);
    assert!(matches!(world.begin_recovery(&person).await, RecoveryView::Waiting { .. }));
    world.type_backup_code(&person, &world.first_proof(&person).await, &app.backup[0]).await;
    assert!(world.overview(&person).await.recovery.is_none(), "by a backup code, too");
}

#[tokio::test]
async fn a_new_password_ends_it_and_lets_another_be_begun() {
    let (world, postbox, person, app) = world().await;
    world.begin_recovery(&person).await;
    let link = world.link(&postbox.letter(3).await);
    world.cancel(&person, link, true).await;
    world.pass(Duration::from_mins(1));
    let person = world.sign_in(&person, Some(&app)).await;
    let (changed, _) = world.change_password(&person, PASSWORD, ANOTHER).await;
    assert!(matches!(changed, actors::domain::command::ChangePasswordOutcome::Changed(_)), "{changed:?}");
    let login = world.login();
    world.type_password("ada", ANOTHER, &login, None).await.expect("answers");
    assert!(matches!(world.view(&person, &login).await, RecoveryView::Open { .. }));
}

#[tokio::test]
async fn a_disabled_account_is_not_recovered_and_what_was_begun_is_forgotten() {
    let (world, postbox, person, _) = world().await;
    let (login, code) = world.due(&postbox, &person).await;
    assert!(world.services.accounts.ask(person.user, &world.attempt(), DisableUser, soon()).await.expect("answers"));
    let (outcome, _) = world.complete(&person, &login, code).await;
    assert_eq!(outcome, VerifySentCodeOutcome::Judged(SignInOutcome::LoginEnded));
    assert_eq!(world.view(&person, &login).await, RecoveryView::LoginEnded);
    assert!(!world.items(person.user).await.contains(&"recovery".to_owned()));
}

#[tokio::test]
async fn factors_that_an_operator_resets_need_no_recovery_any_more() {
    let (world, _, person, _) = world().await;
    world.begin_recovery(&person).await;
    let reset = world.services.accounts.ask(person.user, &world.attempt(), ResetMfa, soon()).await;
    assert_eq!(reset.expect("answers"), 3);
    assert!(!world.items(person.user).await.contains(&"recovery".to_owned()));
}

#[tokio::test]
async fn operators_see_what_waits_and_cancel_it() {
    let (world, _, person, _) = world().await;
    world.register("bob").await;
    world.begin_recovery(&person).await;
    let operator = Operator::new(world.services.clone());
    let ask = |request| operator.run("operator uid 0".to_owned(), request, soon());
    let Response::Recoveries { recoveries, next: None } = ask(Request::UserRecoveryList { after: None }).await else {
        panic!("a list")
    };
    let names: Vec<&str> = recoveries.iter().map(|row| row.user_name.as_str()).collect();
    assert_eq!(names, ["ada"]);
    let cancel = || Request::UserRecoveryCancel("ada".to_owned());
    assert!(matches!(ask(cancel()).await, Response::Changed { changed: true, .. }));
    assert!(matches!(ask(cancel()).await, Response::Changed { changed: false, .. }));
    assert_eq!(world.begin_recovery(&person).await, RecoveryView::Closed { until: None });
    let Response::Recoveries { recoveries, .. } = ask(Request::UserRecoveryList { after: None }).await else {
        panic!("a list")
    };
    assert!(recoveries.is_empty());
}

#[tokio::test]
async fn a_session_cancels_it_and_one_that_has_ended_does_not() {
    let (world, _, person, _) = world().await;
    world.begin_recovery(&person).await;
    let mut forged = person.session.clone();
    forged.secret_hash = sha256_b64(b"guess");
    assert_eq!(world.cancel(&person, CancelWith::Session(forged), true).await, CancelOutcome::Ended);
    let with = CancelWith::Session(person.session.clone());
    assert_eq!(world.cancel(&person, with, true).await, CancelOutcome::Cancelled);
}

#[tokio::test]
async fn nobody_is_reminded_of_what_was_cancelled_or_never_begun() {
    let (world, postbox, person, _) = world().await;
    world.services.reminders.note(person.user).await.expect("the store works");
    world.pass(WAIT);
    assert_eq!(world.services.reminders.run().await.expect("the store works"), 0);
    world.services.reminders.note(person.user).await.expect("the store works");
    world.begin_recovery(&person).await;
    let link = world.link(&postbox.letter(3).await);
    world.cancel(&person, link, true).await;
    world.pass(WAIT);
    assert_eq!(world.services.reminders.run().await.expect("the store works"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_cancellation_and_a_completion_at_once_one_wins() {
    for round in 0..8 {
        let (world, postbox, person, _) = world().await;
        let (login, code) = world.due(&postbox, &person).await;
        let carrier = Arc::clone(&postbox);
        let (second, _) = world.second_node_with(|options| recovers(options, carrier)).await;
        let link = world.link(&postbox.letter(3).await);
        let cancel = CancelRecovery { with: link, confirmed: true };
        let complete = CompleteRecovery { login, code, policies: Vec::new() };
        let attempts = [world.attempt(), world.attempt()];
        let cancelling = second.accounts.ask(person.user, &attempts[0], cancel, soon());
        let completing = world.services.accounts.ask(person.user, &attempts[1], complete, soon());
        let (cancel, complete) = if round % 2 == 0 {
            tokio::join!(cancelling, completing)
        } else {
            let (complete, cancel) = tokio::join!(completing, cancelling);
            (cancel, complete)
        };
        let (cancel, complete) = (cancel.expect("answers"), complete.expect("answers"));
        assert_ne!(cancel == CancelOutcome::Cancelled, is_signed_in(&complete), "{cancel:?} {complete:?}");
        let factors = world.overview(&person).await.totps.len();
        assert_eq!(factors, usize::from(cancel == CancelOutcome::Cancelled));
    }
}
