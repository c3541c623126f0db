//! How long a password must be: less where a second factor is demanded of its user wherever they sign in.

use std::time::Duration;

use actors::{
    account::{ChangePasswordRequest, Request},
    domain::{
        assurance::Acr,
        command::{
            ChangePasswordOutcome, ChangeRole, IssueReset, IssueResetOutcome, RequireMfa, ResetPassword,
            ResetPasswordOutcome, SignInOutcome,
        },
        factor::password::Weakness,
        policy::AT_ONCE,
    },
    registration::{ADMIN, NewAccount, RegisterError},
    secret::sha256_b64,
};
use schema::{
    BrowserId, UserId,
    record::{Policy, PolicyMode, PolicyScope},
};

use crate::support::{PASSWORD, World, new_account, random, soon};

/// Eight characters that nobody guesses soon.
pub(crate) const SHORT: &str = "vQ8#mzt2";
const DAY: Duration = Duration::from_hours(24);
const REQUIRED: PolicyMode = PolicyMode::Required { from: AT_ONCE };

pub(crate) async fn set(world: &World, scope: PolicyScope, mode: PolicyMode) {
    put(world, policy(world, scope, mode)).await;
}

fn policy(world: &World, scope: PolicyScope, mode: PolicyMode) -> Policy {
    Policy::new(scope, mode, Acr::Mfa.as_str(), world.now())
}

async fn put(world: &World, policy: Policy) {
    world.services.policies.set(policy).await.expect("a policy that can be met");
}

fn role(name: &str) -> PolicyScope {
    PolicyScope::Role { role: name.to_owned() }
}

fn short_account(world: &World, name: &str) -> NewAccount {
    NewAccount { password: SHORT.to_owned().into(), ..new_account(name, BrowserId::from_bytes(random(world))) }
}

/// Somebody registers with eight characters; or how many they must be.
async fn register(world: &World, name: &str) -> Result<UserId, usize> {
    let registered = world.services.registration.register(&world.attempt(), short_account(world, name), soon()).await;
    match registered {
        Ok((user, _)) => Ok(user),
        Err(RegisterError::Password(Weakness::TooShort { min, len: 8 })) => Err(min),
        Err(other) => panic!("{other:?}"),
    }
}

/// How many characters a new password of this user must have.
async fn least(world: &World, user: UserId) -> usize {
    let rule = world.services.registration.rule_of(user, &world.attempt(), soon()).await;
    rule.expect("answers").min_len
}

#[tokio::test]
async fn who_registers_needs_fifteen_characters_unless_a_second_factor_is_required_by_now() {
    let world = World::new().await;
    assert_eq!(register(&world, "ada").await, Err(15), "there is no policy");
    for mode in [PolicyMode::Off, PolicyMode::Recommended] {
        set(&world, PolicyScope::Everybody, mode).await;
        assert_eq!(register(&world, "ada").await, Err(15), "{mode:?}");
    }
    let client = "c_shop".parse().expect("a client id");
    for scope in [role("staff"), role(ADMIN), PolicyScope::Client { client }] {
        set(&world, scope.clone(), REQUIRED).await;
        assert_eq!(register(&world, "ada").await, Err(15), "{scope}");
    }
    let tomorrow = PolicyMode::Required { from: world.now().after(DAY) };
    set(&world, PolicyScope::Everybody, tomorrow).await;
    assert_eq!(register(&world, "ada").await, Err(15), "announced");
    world.pass(DAY);
    register(&world, "ada").await.expect("its day has come");
    let graced = Policy { grace_days: Some(1), ..policy(&world, PolicyScope::Everybody, REQUIRED) };
    put(&world, graced).await;
    assert_eq!(register(&world, "bob").await, Err(15), "the password is enough for a day");
    let skipped = Policy { skips: Some(1), ..policy(&world, PolicyScope::Everybody, REQUIRED) };
    put(&world, skipped).await;
    assert_eq!(register(&world, "bob").await, Err(15), "the password is enough once");
}

#[tokio::test]
async fn the_policy_of_administrators_counts_for_the_first_one() {
    let world = World::new().await;
    let registration = &world.services.registration;
    let (link, _) = registration.setup_link().await.expect("works").expect("nobody is there yet");
    let new = short_account(&world, "root");
    let browser = new.browser;
    let refused = registration.set_up(&world.attempt(), link.expose(), new, soon()).await;
    assert!(matches!(refused, Err(RegisterError::Password(Weakness::TooShort { min: 15, .. }))), "{refused:?}");
    set(&world, role(ADMIN), REQUIRED).await;
    assert_eq!(registration.rule_of_first_admin().await.expect("works").min_len, 8);
    assert_eq!(registration.rule_of_registration().await.expect("works").min_len, 15);
    let new = NewAccount { browser, ..short_account(&world, "root") };
    registration.set_up(&world.attempt(), link.expose(), new, soon()).await.expect("registers");
}

#[tokio::test]
async fn the_policies_of_a_users_roles_count_and_what_is_asked_of_the_account_alone_does_not() {
    let world = World::new().await;
    let user = world.register("ada").await.user;
    let give = async |given: bool| {
        let command = ChangeRole { role: "staff".to_owned(), given };
        world.services.accounts.ask(user, &world.attempt(), command, soon()).await.expect("answers");
    };
    assert_eq!(least(&world, user).await, 15);
    let alone = world.services.accounts.ask(user, &world.attempt(), RequireMfa { required: true }, soon()).await;
    assert_eq!(alone.expect("answers"), Some(true));
    set(&world, role("staff"), REQUIRED).await;
    assert_eq!(least(&world, user).await, 15, "a code by e-mail is enough for what is asked of the account");
    give(true).await;
    assert_eq!(least(&world, user).await, 8);
    give(false).await;
    assert_eq!(least(&world, user).await, 15);
    set(&world, PolicyScope::Everybody, PolicyMode::Recommended).await;
    assert_eq!(least(&world, user).await, 15);
    set(&world, PolicyScope::Everybody, REQUIRED).await;
    assert_eq!(least(&world, user).await, 8);
}

#[tokio::test]
async fn what_is_required_from_a_day_on_counts_from_that_day_of_that_account_on() {
    let world = World::new().await;
    let user = world.register("ada").await.user;
    set(&world, PolicyScope::Everybody, PolicyMode::Required { from: world.now().after(DAY) }).await;
    assert_eq!(least(&world, user).await, 15);
    world.pass(DAY);
    assert_eq!(least(&world, user).await, 8);
    let graced = Policy { grace_days: Some(3), ..policy(&world, PolicyScope::Everybody, REQUIRED) };
    put(&world, graced).await;
    assert_eq!(least(&world, user).await, 15);
    world.pass(2 * DAY);
    assert_eq!(least(&world, user).await, 8);
    assert_eq!(register(&world, "bob").await, Err(15), "whose days have not begun");
}

/// Nobody is locked out by what operators decide later; the next password is measured anew.
#[tokio::test]
async fn a_short_password_stays_good_where_the_policy_is_loosened_and_the_next_one_is_long() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let registration = &world.services.registration;
    let hash = async || {
        let rule = registration.rule_of(person.user, &world.attempt(), soon()).await.expect("answers");
        registration.hash_new_password(&rule, &SHORT.to_owned().into(), &["ada"], soon()).await
    };
    let refused = hash().await;
    assert!(matches!(refused, Err(RegisterError::Password(Weakness::TooShort { min: 15, len: 8 }))), "{refused:?}");
    set(&world, PolicyScope::Everybody, REQUIRED).await;
    let change = ChangePasswordRequest {
        session: person.session.clone(),
        device: Some(person.device),
        current: PASSWORD.to_owned().into(),
        new_hash: hash().await.expect("long enough"),
    };
    let request = Request::ChangePassword(change);
    let changed: ChangePasswordOutcome =
        world.services.accounts.request(person.user, &world.attempt(), request, soon()).await.expect("answers");
    assert!(matches!(changed, ChangePasswordOutcome::Changed(_)), "{changed:?}");
    let reset = async |hash: String| {
        let attempt = world.attempt();
        let issued = world.services.accounts.ask(person.user, &attempt, IssueReset, soon()).await.expect("answers");
        let IssueResetOutcome::Issued { reset, .. } = issued else { panic!("{issued:?}") };
        let secret_hash = sha256_b64(&IssueReset::secret(&attempt.seed));
        let set = ResetPassword { reset, secret_hash, new_hash: Some(hash) };
        let done = world.services.accounts.ask(person.user, &world.attempt(), set, soon()).await.expect("answers");
        assert_eq!(done, ResetPasswordOutcome::Done);
    };
    reset(hash().await.expect("long enough")).await;
    set(&world, PolicyScope::Everybody, PolicyMode::Off).await;
    let signed_in = world.guess("ada", SHORT).await;
    assert!(matches!(signed_in, SignInOutcome::SignedIn(_)), "{signed_in:?}");
    assert!(matches!(hash().await, Err(RegisterError::Password(Weakness::TooShort { min: 15, len: 8 }))));
}
