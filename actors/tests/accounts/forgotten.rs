//! Links for a forgotten password: to whom they go, who takes them from whom, and when they end.

use std::time::Duration;

use actors::domain::{
    command::{IssueReset, IssueResetOutcome, MailReset, ResetPassword, ResetPasswordOutcome, SendOutcome},
    letter::Content,
};
use schema::record::Channel;

use crate::{
    addresses::{send, world},
    email::{ADDRESS, registered},
    support::{World, person::hash_of, soon},
};

/// Somebody asks for a link, from one of the user's devices or from elsewhere. Was it sent?
async fn ask(world: &World, user: schema::UserId, device: Option<schema::DeviceId>) -> bool {
    let command = MailReset { device };
    world.services.accounts.ask(user, &world.attempt(), command, soon()).await.expect("answers")
}

#[tokio::test]
async fn a_link_goes_to_the_confirmed_address_once_a_minute_and_those_before_live_on() {
    let (world, postbox) = world().await;
    let (person, _) = registered(&world, &postbox).await;
    let stranger = world.register("mallory").await;
    assert!(!ask(&world, stranger.user, None).await, "there is no confirmed address");
    let issued = world.services.accounts.ask(person.user, &world.attempt(), IssueReset, soon()).await;
    let Ok(IssueResetOutcome::Issued { reset, .. }) = issued else { panic!("{issued:?}") };
    assert!(ask(&world, person.user, None).await);
    let letter = postbox.letter(2).await;
    let Content::PasswordReset { token } = &letter.content else { panic!("{letter:?}") };
    assert_eq!(letter.to, ADDRESS);
    let link = world.services.tokens.locators().open_reset(token.expose()).expect("opens");
    assert_eq!(link.user, person.user);
    assert!(!ask(&world, person.user, None).await, "too early");
    world.pass(Duration::from_mins(1));
    assert!(ask(&world, person.user, None).await);
    let items = world.items(person.user).await;
    assert!(items.contains(&format!("reset/{}", link.reset)), "whoever asks takes no link from its owner: {items:?}");
    assert!(items.contains(&format!("reset/{reset}")), "{items:?}");
}

/// HAZARDS H12: who can ask for a link has proved nothing, so it takes no message from whoever has.
#[tokio::test]
async fn asking_for_links_uses_up_nothing_of_the_messages_that_codes_need() {
    let (world, postbox) = world().await;
    let (person, _) = registered(&world, &postbox).await;
    let mut sent = 0;
    for _ in 0..20 {
        sent += usize::from(ask(&world, person.user, None).await);
        world.pass(Duration::from_mins(1));
    }
    assert_eq!(sent, 5, "links have a bound of their own");
    let login = world.first_proof(&person).await;
    assert!(matches!(send(&world, &person, (Channel::Email, &login)).await, SendOutcome::Sent));
}

/// Strangers may ask as often as they like: the owner's browser still gets a link, once a minute, and up to a bound of its own.
#[tokio::test]
async fn links_that_strangers_ask_for_use_up_none_of_a_known_devices() {
    let (world, postbox) = world().await;
    let (person, _) = registered(&world, &postbox).await;
    let ask = async |device| ask(&world, person.user, device).await;
    for _ in 0..10 {
        ask(None).await;
        world.pass(Duration::from_mins(1));
    }
    assert!(!ask(None).await, "five an hour");
    assert!(!ask(Some(schema::DeviceId::from_bytes([9; 16]))).await, "no device of this user");
    assert!(ask(Some(person.device)).await);
    assert!(!ask(Some(person.device)).await, "too early");
    let mut more = 0;
    for _ in 0..10 {
        world.pass(Duration::from_mins(1));
        more += usize::from(ask(Some(person.device)).await);
    }
    assert_eq!(more, 4, "five an hour");
}

/// Who asks has proved nothing, so it voids nothing; once a link was used there is no other.
#[tokio::test]
async fn an_earlier_link_is_good_until_one_of_them_is_used() {
    let (world, postbox) = world().await;
    let (person, _) = registered(&world, &postbox).await;
    let mut links = Vec::new();
    for n in 2..=4 {
        assert!(ask(&world, person.user, None).await);
        let Content::PasswordReset { token } = postbox.letter(n).await.content else { panic!("no link") };
        links.push(world.services.tokens.locators().open_reset(token.expose()).expect("opens"));
        world.pass(Duration::from_mins(1));
    }
    let follow = async |n: usize, new_hash: Option<String>| {
        let command = ResetPassword { reset: links[n].reset, secret_hash: links[n].secret_hash.clone(), new_hash };
        world.services.accounts.ask(person.user, &world.attempt(), command, soon()).await.expect("answers")
    };
    for n in 0..3 {
        assert!(matches!(follow(n, None).await, ResetPasswordOutcome::Good { .. }), "link {n}");
    }
    let hash = hash_of(&world.services, "seventeen green teapots dancing").await;
    assert_eq!(follow(0, Some(hash.clone())).await, ResetPasswordOutcome::Done);
    for n in 0..3 {
        assert_eq!(follow(n, None).await, ResetPasswordOutcome::Ended, "link {n}");
        assert_eq!(follow(n, Some(hash.clone())).await, ResetPasswordOutcome::Ended, "link {n}");
    }
}
