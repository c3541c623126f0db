//! A recovery is told to the phones of the account too: who has the password may read the mail as well.

use std::{sync::Arc, time::Duration};

use actors::domain::{
    command::{CancelOutcome, CancelWith, SendOutcome},
    letter::{Content, Letter, Notice},
};
use schema::record::Channel;

use super::{ADDRESS, WAIT, code_of, is_signed_in, recovers, world};
use crate::{
    addresses::enrol,
    postbox::Postbox,
    support::{Person, World},
};

const NUMBER: &str = "+4915112345678";

/// What the phones got that is no code, after the first `before` letters.
async fn texts(postbox: &Postbox, (before, all): (usize, usize)) -> Vec<Letter> {
    let mut texts = Vec::new();
    for n in before + 1..=all {
        texts.push(postbox.letter(n).await);
    }
    texts.retain(|letter| letter.channel == Channel::Sms);
    texts
}

/// Somebody with a phone beside an app and two addresses.
async fn with_phone() -> (World, Arc<Postbox>, Person) {
    let (world, postbox, mut person, _) = world().await;
    enrol(&world, &postbox, &mut person, (NUMBER, 3)).await;
    (world, postbox, person)
}

#[tokio::test]
async fn phones_are_told_of_every_step() {
    let (world, postbox, person) = with_phone().await;
    let spoken = world.attempt().origin.lang;
    world.services.reminders.note(person.user).await.expect("the store works");
    world.begin_recovery(&person).await;
    let due = world.now().after(WAIT);
    let begun = texts(&postbox, (3, 6)).await;
    let [Letter { to, lang, content: Content::RecoveryBegun { due_at, .. }, .. }] = &begun[..] else {
        panic!("{begun:?}")
    };
    assert_eq!((to.as_str(), *due_at, lang), (NUMBER, due, &spoken));

    world.pass(WAIT.saturating_sub(Duration::from_hours(24)));
    assert_eq!(world.services.reminders.run().await.expect("the store works"), 1);
    let reminded = texts(&postbox, (6, 9)).await;
    assert!(matches!(&reminded[..], [Letter { content: Content::RecoveryBegun { .. }, .. }]), "{reminded:?}");

    world.pass(Duration::from_hours(24));
    let login = world.first_proof(&person).await;
    assert!(matches!(world.send_recovery(&person, &login).await, SendOutcome::Sent));
    let asked = texts(&postbox, (9, 12)).await;
    assert!(matches!(&asked[..], [Letter { content: Content::RecoveryDue { .. }, .. }]), "{asked:?}");

    let (outcome, _) = world.complete(&person, &login, code_of(&postbox, 9).await).await;
    assert!(is_signed_in(&outcome), "{outcome:?}");
    postbox.until(|postbox| postbox.told(Notice::RecoveryCompleted).len() == 3).await;
    assert_eq!(postbox.told(Notice::RecoveryCompleted), [NUMBER, ADDRESS, super::SECOND], "the phone that it removed");
}

#[tokio::test]
async fn phones_are_told_that_it_is_cancelled() {
    let (world, postbox, person) = with_phone().await;
    world.begin_recovery(&person).await;
    let outcome = world.cancel(&person, CancelWith::Session(person.session.clone()), true).await;
    assert_eq!(outcome, CancelOutcome::Cancelled);
    postbox.until(|postbox| postbox.told(Notice::RecoveryCancelled).len() == 3).await;
    assert!(postbox.told(Notice::RecoveryCancelled).contains(&NUMBER.to_owned()));
}

/// Nobody has asked for them, so they are paid when they are sent.
#[tokio::test]
async fn what_a_phone_is_told_is_paid_out_of_the_budget() {
    let postbox = Postbox::new();
    let carrier = Arc::clone(&postbox);
    let world = World::with(move |options| {
        recovers(options, carrier);
        options.sms.price = 1000;
        options.sms.budget_per_day = 0;
    })
    .await;
    let (mut person, _) = world.register_with_totp("ada").await;
    enrol(&world, &postbox, &mut person, (ADDRESS, 1)).await;
    enrol(&world, &postbox, &mut person, (NUMBER, 2)).await;
    world.begin_recovery(&person).await;
    assert_eq!(texts(&postbox, (2, 3)).await.len(), 0);
    assert_eq!((world.told("message.refused").await, world.told("message.failed").await), (1, 1));
}
