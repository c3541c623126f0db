//! Registration under an e-mail address: nobody learns what is there, one account has an address, and a link is good once.

use std::time::Duration;

use actors::{
    domain::{
        command::{MailReset, Overview, SignInOutcome},
        email,
        factor::password::Weakness,
        letter::Content,
        policy::AT_ONCE,
    },
    locator::{Locators, RegistrationLocator},
    registration::RegisterError,
    registration_by_email::GoodLink,
    secret::Secret,
};
use futures_util::future::join_all;
use schema::{
    BrowserId, ClaimId, Kind, LoginId, PartitionKey, Store as _, UserId,
    claim::{self, Claimed},
    record::{PendingRegistration, PolicyMode, PolicyScope},
};

use crate::{
    addresses::world,
    password_length::{SHORT, set},
    postbox::Postbox,
    support::{Fault, PASSWORD, World, random, soon},
};

const ADDRESS: &str = "ada@example.org";

/// Somebody types an address; the message is number `n`.
async fn ask(world: &World, postbox: &Postbox, (address, n): (&str, usize)) -> Content {
    begin(world, address, None).await;
    postbox.letter(n).await.content
}

async fn begin(world: &World, address: &str, login: Option<LoginId>) {
    let address = email::identifier(address).expect("an address");
    let attempt = world.attempt();
    let begun = world.services.registration.begin_by_email(&attempt, address, login, soon());
    begun.await.expect("answers");
}

fn open(world: &World, content: Content) -> RegistrationLocator {
    let Content::Registration { token } = content else { panic!("no link: {content:?}") };
    let locators = Locators { vault: &world.services.vault, entropy: world.services.entropy.as_ref() };
    locators.open_registration(token.0.expose()).expect("opens")
}

async fn look(world: &World, link: &RegistrationLocator) -> Option<GoodLink> {
    let attempt = world.attempt();
    let looked = world.services.registration.look_at(&attempt, link.clone(), soon());
    looked.await.expect("answers")
}

/// Chooses a password; the user, if there is an account then.
async fn complete(world: &World, link: &RegistrationLocator) -> Result<UserId, RegisterError> {
    let good = look(world, link).await.ok_or(RegisterError::Link)?;
    let (attempt, browser) = (world.attempt(), BrowserId::from_bytes(random(world)));
    let password = Secret::new(PASSWORD.to_owned());
    let registration = &world.services.registration;
    registration.complete_by_email(&attempt, &good, (&password, browser), soon()).await.map(|_| link.user)
}

async fn holder(world: &World, name: &str) -> Option<UserId> {
    world.services.sign_in.holder(name).await.expect("the store works")
}

#[tokio::test]
async fn a_link_leads_to_an_account_whose_address_is_proved_and_signs_in() {
    let (world, postbox) = world().await;
    let login = LoginId::from_bytes(random(&world));
    begin(&world, "Ada@Example.ORG", Some(login)).await;
    let letter = postbox.letter(1).await;
    assert_eq!(letter.to, "Ada@example.org");
    let link = open(&world, letter.content);
    assert_eq!(link.login, Some(login));
    for _ in 0..3 {
        let good = look(&world, &link).await.expect("looking consumes nothing");
        assert_eq!((good.address(), good.user()), ("Ada@example.org", link.user));
    }
    assert_eq!(holder(&world, ADDRESS).await, None, "there is no account before a password is chosen");
    let user = complete(&world, &link).await.expect("registers");
    assert_eq!(holder(&world, ADDRESS).await, Some(user));
    let overview = world.services.accounts.ask(user, &world.attempt(), Overview, soon()).await;
    let overview = overview.expect("answers").expect("an account");
    assert_eq!((overview.user_name.as_str(), overview.email.as_deref()), ("Ada@example.org", Some("Ada@example.org")));
    assert!(overview.email_verified);
    for spelling in [ADDRESS, "ADA@EXAMPLE.ORG", " ada@example.org "] {
        let signed_in = world.guess(spelling, PASSWORD).await;
        assert!(matches!(signed_in, SignInOutcome::SignedIn(_)), "{spelling}: {signed_in:?}");
    }
    assert!(matches!(world.guess("ada", PASSWORD).await, SignInOutcome::Wrong), "the address is no user name");
    assert!(look(&world, &link).await.is_none());
    let again = complete(&world, &link).await;
    assert!(matches!(again, Err(RegisterError::Link)), "{again:?}");
    let items = world.items(user).await;
    assert!(items.contains(&"account".to_owned()) && !items.contains(&"registration".to_owned()), "{items:?}");
}

#[tokio::test]
async fn fewer_characters_do_where_a_second_factor_is_required_of_everybody() {
    let (world, postbox) = world().await;
    let link = open(&world, ask(&world, &postbox, (ADDRESS, 1)).await);
    let good = look(&world, &link).await.expect("good");
    let choose = async || {
        let (attempt, browser) = (world.attempt(), BrowserId::from_bytes(random(&world)));
        let short = Secret::new(SHORT.to_owned());
        world.services.registration.complete_by_email(&attempt, &good, (&short, browser), soon()).await
    };
    let refused = choose().await;
    assert!(matches!(refused, Err(RegisterError::Password(Weakness::TooShort { min: 15, len: 8 }))), "{refused:?}");
    set(&world, PolicyScope::Everybody, PolicyMode::Required { from: AT_ONCE }).await;
    choose().await.expect("registers");
}

#[tokio::test]
async fn an_address_that_has_an_account_gets_other_words_and_no_link() {
    let (world, postbox) = world().await;
    let link = open(&world, ask(&world, &postbox, (ADDRESS, 1)).await);
    let user = complete(&world, &link).await.expect("registers");
    let content = ask(&world, &postbox, ("ADA@example.org", 2)).await;
    assert!(matches!(content, Content::Registered), "{content:?}");
    let letter = postbox.letter(2).await;
    assert_eq!((letter.to.as_str(), letter.user_name.as_str()), (ADDRESS, ADDRESS));
    assert_eq!(holder(&world, ADDRESS).await, Some(user));
    assert_eq!((world.told("registration.begun").await, world.told("registration.repeated").await), (1, 1));
    // A user name is another name, also where its account told this address.
    let other = world.register("ada").await;
    assert_ne!(other.user, user);
}

#[tokio::test]
async fn whoever_is_told_of_an_account_is_told_a_few_times_and_no_more() {
    let (world, postbox) = world().await;
    let link = open(&world, ask(&world, &postbox, (ADDRESS, 1)).await);
    complete(&world, &link).await.expect("registers");
    for _ in 0..2 {
        begin(&world, ADDRESS, None).await;
    }
    assert_eq!(world.told("registration.repeated").await, 1, "once a minute");
    for _ in 0..9 {
        world.pass(Duration::from_mins(1));
        begin(&world, ADDRESS, None).await;
    }
    assert_eq!(world.told("registration.repeated").await, 5, "five an hour");
    postbox.until(|postbox| postbox.taken() == 6).await;
    // They take no link for a forgotten password from its owner.
    let reset = world.services.accounts.ask(link.user, &world.attempt(), MailReset { device: None }, soon()).await;
    assert!(reset.expect("answers"));
    let letter = postbox.letter(7).await;
    assert!(matches!(letter.content, Content::PasswordReset { .. }), "{letter:?}");
}

#[tokio::test]
async fn a_link_is_good_for_an_hour_for_its_own_user_and_what_is_left_of_it_goes() {
    let (world, postbox) = world().await;
    let one = open(&world, ask(&world, &postbox, (ADDRESS, 1)).await);
    let other = open(&world, ask(&world, &postbox, ("bob@example.org", 2)).await);
    let swapped = RegistrationLocator { secret_hash: other.secret_hash.clone(), ..one.clone() };
    assert!(look(&world, &swapped).await.is_none());
    world.pass(Duration::from_hours(1) - Duration::from_millis(1));
    assert!(look(&world, &one).await.is_some());
    world.pass(Duration::from_millis(1));
    assert!(look(&world, &one).await.is_none());
    let late = complete(&world, &other).await;
    assert!(matches!(late, Err(RegisterError::Link)), "{late:?}");
    let key = PartitionKey::new(Kind::User, one.user);
    let kept = world.store.load(&key, &["registration"]).await.expect("works");
    let pending: PendingRegistration = kept.get(&key, "registration").expect("reads").expect("for a day yet");
    assert!(!pending.link.contains(&one.secret_hash), "what is kept is a keyed hash");
    assert_eq!(holder(&world, ADDRESS).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_links_to_one_address_used_at_once_one_makes_the_account() {
    let (world, postbox) = world().await;
    let mut links = Vec::new();
    for n in 1..=4 {
        links.push(open(&world, ask(&world, &postbox, (ADDRESS, n)).await));
    }
    // Each of them four times: of one link the first counts, of all links the first.
    let tries = (0..16).map(|n| complete(&world, &links[n % 4]));
    let outcomes = join_all(tries).await;
    let made: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
    assert_eq!(made.len(), 1, "{outcomes:?}");
    assert_eq!(holder(&world, ADDRESS).await, Some(*made[0]));
    assert_eq!(world.told_of(*made[0], "account.registered").await, 1);
    for outcome in &outcomes {
        assert!(matches!(outcome, Ok(_) | Err(RegisterError::Link)), "{outcome:?}");
    }
}

#[tokio::test]
async fn an_account_that_was_not_made_gives_its_address_back_at_once() {
    let (world, postbox) = world().await;
    let link = open(&world, ask(&world, &postbox, (ADDRESS, 1)).await);
    let good = look(&world, &link).await.expect("good");
    // What became of the message is a commit as well.
    while world.items(link.user).await.iter().any(|item| item.starts_with("message/")) {
        tokio::task::yield_now().await;
    }
    world.store.script([Fault::Unavailable]);
    let (password, browser) = (Secret::new(PASSWORD.to_owned()), BrowserId::from_bytes(random(&world)));
    let failed =
        world.services.registration.complete_by_email(&world.attempt(), &good, (&password, browser), soon()).await;
    assert!(matches!(failed, Err(RegisterError::Call(_))), "{failed:?}");
    assert_eq!(complete(&world, &link).await.expect("registers"), link.user);
}

/// A node died between the claim and the account: the claim is nobody's, so the next who asks gets a link again.
#[tokio::test]
async fn a_claim_that_never_came_to_count_keeps_nobody_out() {
    let (world, postbox) = world().await;
    let nobody = PartitionKey::new(Kind::User, UserId::from_random(random(&world)));
    let claim = ClaimId::from_bytes(random(&world));
    let claimed = claim::claim(world.store.as_ref(), "email/ada@example.org", &nobody, claim, world.now()).await;
    assert_eq!(claimed.expect("works"), Claimed::Won);
    let first = open(&world, ask(&world, &postbox, (ADDRESS, 1)).await);
    let early = complete(&world, &first).await;
    assert!(matches!(early, Err(RegisterError::Link)), "for a minute it may be under way: {early:?}");
    world.pass(Duration::from_secs(61));
    assert_eq!(complete(&world, &first).await.expect("registers"), first.user);
}

#[tokio::test]
async fn a_weak_password_uses_up_no_link_and_a_known_owner_keeps_the_account_after_a_restart() {
    let (world, postbox) = world().await;
    let link = open(&world, ask(&world, &postbox, (ADDRESS, 1)).await);
    let good = look(&world, &link).await.expect("good");
    for weak in ["short", "ada@example.org and more", "passwordpassword"] {
        let (password, browser) = (Secret::new(weak.to_owned()), BrowserId::from_bytes(random(&world)));
        let registration = &world.services.registration;
        let refused = registration.complete_by_email(&world.attempt(), &good, (&password, browser), soon()).await;
        assert!(matches!(refused, Err(RegisterError::Password(_))), "{weak}: {refused:?}");
    }
    let user = complete(&world, &link).await.expect("registers");
    let world = world.killed_and_restarted().await;
    assert_eq!(holder(&world, ADDRESS).await, Some(user));
    assert!(matches!(world.guess(ADDRESS, PASSWORD).await, SignInOutcome::SignedIn(_)));
}

#[tokio::test]
async fn guesses_at_an_address_close_it_in_all_its_spellings_whether_it_has_an_account_or_not() {
    let (world, postbox) = world().await;
    let link = open(&world, ask(&world, &postbox, (ADDRESS, 1)).await);
    complete(&world, &link).await.expect("registers");
    for name in ["Ada@Example.org", "nobody@example.org"] {
        for n in 0..5 {
            let spelling = if n % 2 == 0 { name.to_owned() } else { name.to_uppercase() };
            assert_eq!(world.guess(&spelling, "one that is not right").await, SignInOutcome::Wrong, "{spelling}");
        }
        let closed = world.guess(&name.to_lowercase(), PASSWORD).await;
        assert!(matches!(closed, SignInOutcome::Throttled { .. }), "{name}: {closed:?}");
    }
}

/// Until there is an account the partition ends with its link; with one it is permanent.
#[tokio::test]
async fn what_strangers_asked_for_does_not_stay_and_what_came_of_it_does() {
    let (world, postbox) = world().await;
    let link = open(&world, ask(&world, &postbox, (ADDRESS, 1)).await);
    let gone = open(&world, ask(&world, &postbox, ("bob@example.org", 2)).await);
    world.services.shipper.settled().await;
    let user = complete(&world, &link).await.expect("registers");
    world.everybody_rests().await;
    assert!(world.items(gone.user).await.contains(&"registration".to_owned()));
    world.pass(Duration::from_hours(30));
    world.clean_up().await;
    assert_eq!(world.items(gone.user).await, [""; 0]);
    assert!(world.items(user).await.contains(&"account".to_owned()));
    assert_eq!(holder(&world, ADDRESS).await, Some(user));
}
