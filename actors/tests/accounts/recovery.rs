//! Accounts whose second factors are all lost: the wait, who ends it, and the end.

mod ended;
mod phones;

use std::{sync::Arc, time::Duration};

use actors::{
    ServicesOptions,
    call::CallError,
    domain::{
        assurance::Acr,
        command::{
            BeginRecovery, CancelOutcome, CancelRecovery, CancelWith, CheckSession, CompleteRecovery, IssueReset,
            IssueResetOutcome, LoginRef, MailReset, Overview, RecoveryView, ResetMfa, ResetPassword,
            ResetPasswordOutcome, SendOutcome, SendRecoveryCode, ShowRecovery, SignInOutcome, SignedIn,
            VerifySentCodeOutcome,
        },
        context::Attempt,
        factor::totp::Code,
        letter::{Content, Letter, Notice},
        recovery::OPEN_FOR,
    },
    secret::sha256_b64,
};
use futures_util::future::join_all;
use schema::record::Channel;

use crate::{
    addresses::{WRONG, enrol, other, send},
    postbox::Postbox,
    support::{
        PASSWORD, Person, World, everything_told,
        person::{Authenticator, hash_of},
        session_ref, soon,
    },
};

const WAIT: Duration = Duration::from_hours(3 * 24);
const ADDRESS: &str = "ada@example.org";
const SECOND: &str = "ada@work.example";
const ANOTHER: &str = "seventeen green teapots dancing";

/// Accounts are recovered, and letters go there.
fn recovers(options: &mut ServicesOptions, postbox: Arc<Postbox>) {
    options.carriers.push(postbox);
    options.settings.recovery_wait = WAIT;
}

/// A world in which accounts are recovered, and somebody with an app and two addresses.
async fn world() -> (World, Arc<Postbox>, Person, Authenticator) {
    let postbox = Postbox::new();
    let carrier = Arc::clone(&postbox);
    let world = World::with(move |options| recovers(options, carrier)).await;
    let (mut person, app) = world.register_with_totp("ada").await;
    enrol(&world, &postbox, &mut person, (ADDRESS, 1)).await;
    enrol(&world, &postbox, &mut person, (SECOND, 2)).await;
    (world, postbox, person, app)
}

impl World {
    async fn view(&self, person: &Person, login: &LoginRef) -> RecoveryView {
        let show = ShowRecovery { login: login.clone(), policies: Vec::new() };
        self.services.accounts.ask(person.user, &self.attempt(), show, soon()).await.expect("answers")
    }

    /// The password is typed, and the recovery begun.
    async fn begin_recovery(&self, person: &Person) -> RecoveryView {
        let begin = BeginRecovery { login: self.first_proof(person).await, policies: Vec::new() };
        let view = self.services.accounts.ask(person.user, &self.attempt(), begin, soon()).await.expect("answers");
        // Before time passes: a letter is worth something until the recovery is due.
        while self.services.notifier.owed() > 0 {
            tokio::task::yield_now().await;
        }
        view
    }

    async fn send_recovery(&self, person: &Person, login: &LoginRef) -> SendOutcome {
        let send = SendRecoveryCode { login: login.clone(), policies: Vec::new() };
        self.services.accounts.ask(person.user, &self.attempt(), send, soon()).await.expect("answers")
    }

    async fn complete(&self, person: &Person, login: &LoginRef, code: Code) -> (VerifySentCodeOutcome, Attempt) {
        let attempt = self.attempt();
        let complete = CompleteRecovery { login: login.clone(), code, policies: Vec::new() };
        (self.services.accounts.ask(person.user, &attempt, complete, soon()).await.expect("answers"), attempt)
    }

    async fn cancel(&self, person: &Person, with: CancelWith, confirmed: bool) -> CancelOutcome {
        let cancel = CancelRecovery { with, confirmed };
        self.services.accounts.ask(person.user, &self.attempt(), cancel, soon()).await.expect("answers")
    }

    /// The link in a letter.
    fn link(&self, letter: &Letter) -> CancelWith {
        let token = match &letter.content {
            Content::RecoveryBegun { token, .. }
            | Content::RecoveryCode { token, .. }
            | Content::RecoveryDue { token } => token,
            other => panic!("no link in {other:?}"),
        };
        let locator = self.services.tokens.locators().open_recovery(token.expose()).expect("opens");
        CancelWith::Link { recovery: locator.recovery, secret_hash: locator.secret_hash }
    }

    /// A recovery that is due, a login in which the password was given, and the code that was sent for it.
    async fn due(&self, postbox: &Postbox, person: &Person) -> (LoginRef, Code) {
        self.begin_recovery(person).await;
        self.pass(WAIT);
        let login = self.first_proof(person).await;
        let before = postbox.taken();
        assert!(matches!(self.send_recovery(person, &login).await, SendOutcome::Sent));
        (login, code_of(postbox, before).await)
    }

    async fn overview(&self, person: &Person) -> actors::domain::command::OverviewOutcome {
        let overview = self.services.accounts.ask(person.user, &self.attempt(), Overview, soon()).await;
        overview.expect("answers").expect("an account")
    }
}

/// The code among the letters after the first `before`.
async fn code_of(postbox: &Postbox, before: usize) -> Code {
    for n in before + 1.. {
        if let Content::RecoveryCode { code, .. } = postbox.letter(n).await.content {
            return code;
        }
    }
    unreachable!("letters are waited for")
}

fn signed_in(outcome: VerifySentCodeOutcome) -> SignedIn {
    match outcome {
        VerifySentCodeOutcome::Judged(SignInOutcome::SignedIn(signed_in)) => signed_in,
        other => panic!("{other:?}"),
    }
}

fn is_signed_in(outcome: &VerifySentCodeOutcome) -> bool {
    matches!(outcome, VerifySentCodeOutcome::Judged(SignInOutcome::SignedIn(_)))
}

#[tokio::test]
async fn a_right_password_tells_whether_a_recovery_can_be_completed() {
    let (world, _postbox, person, _) = world().await;
    let told = async || {
        let typed = world.type_password(&person.name, PASSWORD, &world.login(), None).await;
        let (SignInOutcome::SecondFactor { ways, .. }, _) = typed.expect("answers") else { panic!("it is right") };
        ways.recovery
    };
    assert!(!told().await, "none was begun");
    world.begin_recovery(&person).await;
    assert!(!told().await, "it waits");
    world.pass(WAIT);
    assert!(told().await);
    world.pass(OPEN_FOR);
    assert!(!told().await, "it is over");
}

#[tokio::test]
async fn after_the_wait_the_password_and_a_mailed_code_remove_every_factor_and_sign_in_with_what_was_proved() {
    let (world, postbox, person, app) = world().await;
    let shop = world.app("shop").await;
    let (grant, _) = world.grant(&person, &world.code(&person, &shop).await).await;
    let begun = world.begin_recovery(&person).await;
    assert_eq!(begun, RecoveryView::Waiting { begun_at: world.now(), due_at: world.now().after(WAIT) });
    let told = [postbox.letter(3).await, postbox.letter(4).await];
    let mut addresses: Vec<&str> = told.iter().map(|letter| letter.to.as_str()).collect();
    addresses.sort_unstable();
    assert_eq!(addresses, [ADDRESS, SECOND], "every address is told");
    assert_eq!(world.overview(&person).await.totps.len(), 1, "nothing changes while it waits");

    world.pass(WAIT);
    let login = world.first_proof(&person).await;
    let due = world.view(&person, &login).await;
    assert!(matches!(&due, RecoveryView::Due { to, sent: None, .. } if to == "a•••@e•••.org"), "{due:?}");
    assert!(matches!(world.send_recovery(&person, &login).await, SendOutcome::Sent));
    let letters = [postbox.letter(5).await, postbox.letter(6).await];
    for letter in &letters {
        match &letter.content {
            Content::RecoveryCode { .. } => assert_eq!(letter.to, ADDRESS),
            Content::RecoveryDue { .. } => assert_eq!(letter.to, SECOND),
            other => panic!("{other:?}"),
        }
    }
    let (outcome, attempt) = world.complete(&person, &login, code_of(&postbox, 4).await).await;
    let signed_in = signed_in(outcome);
    let check = CheckSession { session: session_ref(&attempt, &signed_in) };
    let view = world.services.accounts.ask(person.user, &world.attempt(), check, soon()).await;
    let view = view.expect("answers").expect("a session");
    assert_eq!((view.assurance.acr, view.fresh, view.second_factor), (Acr::TwoStep, true, false));
    assert_eq!(view.assurance.amr, ["email", "otp", "pwd"], "never mfa");
    let overview = world.overview(&person).await;
    assert!(overview.totps.is_empty() && overview.emails.is_empty() && overview.trusted.is_empty());
    assert_eq!((overview.backup_codes_left, overview.sessions.len()), (0, 1));
    assert!(overview.recovery.is_none() && overview.email_verified);
    assert!(!world.counts(&person, grant.family).await, "tokens end");
    postbox.until(|postbox| postbox.notices().iter().filter(|n| **n == Notice::RecoveryCompleted).count() == 2).await;
    for kind in ["recovery.begun", "recovery.code_sent", "recovery.completed"] {
        assert_eq!(world.told(kind).await, 1, "{kind}");
    }
    let gone = world.type_backup_code(&person, &login, &app.backup[0]).await;
    assert_eq!(gone, SignInOutcome::Wrong, "backup codes are void");
}

#[tokio::test]
async fn nothing_is_sent_before_it_is_due_and_nothing_after_its_week() {
    let (world, postbox, person, _) = world().await;
    world.begin_recovery(&person).await;
    world.pass(WAIT.saturating_sub(Duration::from_secs(1)));
    let login = world.first_proof(&person).await;
    assert!(matches!(world.view(&person, &login).await, RecoveryView::Waiting { .. }));
    assert!(matches!(world.send_recovery(&person, &login).await, SendOutcome::Ended));
    let guess = actors::domain::factor::totp::parse_code("123456").expect("six digits");
    assert_eq!(world.complete(&person, &login, guess).await.0, VerifySentCodeOutcome::NoCode);
    assert!(!world.items(person.user).await.contains(&"throttle/recovery".to_owned()), "no guess, no count");
    world.pass(Duration::from_secs(1) + OPEN_FOR.saturating_sub(Duration::from_mins(1)));
    let login = world.first_proof(&person).await;
    assert!(matches!(world.send_recovery(&person, &login).await, SendOutcome::Sent));
    let code = code_of(&postbox, 4).await;
    world.pass(Duration::from_mins(1));
    assert_eq!(world.complete(&person, &login, code).await.0, VerifySentCodeOutcome::NoCode, "it is over");
    assert!(matches!(world.view(&person, &login).await, RecoveryView::Open { wait } if wait == WAIT));
}

/// Who knows the password must neither shorten the wait nor fill the owner's mailbox.
#[tokio::test]
async fn beginning_another_changes_nothing_and_tells_nobody() {
    let (world, postbox, person, _) = world().await;
    let first = world.begin_recovery(&person).await;
    for _ in 0..5 {
        world.pass(Duration::from_hours(1));
        assert_eq!(world.begin_recovery(&person).await, first);
    }
    postbox.until(|postbox| postbox.taken() == 4).await;
    assert_eq!(world.told("recovery.begun").await, 1);
}

/// Or whoever reads the mail would have both proofs.
#[tokio::test]
async fn a_password_that_a_mailed_link_has_set_is_no_first_proof_before_it_came_with_two_factors() {
    let (world, postbox, person, app) = world().await;
    world.begin_recovery(&person).await;
    let sent = world
        .services
        .accounts
        .ask(person.user, &world.attempt(), MailReset { device: None }, soon())
        .await
        .expect("answers");
    assert!(sent);
    let mut token = None;
    for n in 3..=5 {
        if let Content::PasswordReset { token: found } = postbox.letter(n).await.content {
            token = Some(found);
        }
    }
    let locator = world.services.tokens.locators().open_reset(token.expect("a link").expose()).expect("opens");
    reset(&world, &person, (locator.reset, locator.secret_hash)).await;
    assert!(world.overview(&person).await.recovery.is_none(), "it was of the old password");
    let login = world.login();
    world.type_password("ada", ANOTHER, &login, None).await.expect("answers");
    assert_eq!(world.view(&person, &login).await, RecoveryView::NotOffered);
    // A code by mail proves no more than the mail.
    assert!(matches!(send(&world, &person, (Channel::Email, &login)).await, SendOutcome::Ended));
    world.pass(Duration::from_mins(1));
    let outcome = world.type_totp(&person, &login, app.code(world.now())).await;
    assert!(matches!(outcome, SignInOutcome::SignedIn(_)), "{outcome:?}");
    let login = world.login();
    world.type_password("ada", ANOTHER, &login, None).await.expect("answers");
    assert!(matches!(world.view(&person, &login).await, RecoveryView::Open { .. }), "its owner used it");
}

async fn reset(world: &World, person: &Person, (reset, secret_hash): (schema::ResetId, String)) {
    let hash = hash_of(&world.services, ANOTHER).await;
    let reset = ResetPassword { reset, secret_hash, new_hash: Some(hash) };
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), reset, soon()).await.expect("answers");
    assert_eq!(outcome, ResetPasswordOutcome::Done);
}

#[tokio::test]
async fn a_password_that_an_operators_link_has_set_is_a_first_proof() {
    let (world, _, person, _) = world().await;
    let attempt = world.attempt();
    let issued = world.services.accounts.ask(person.user, &attempt, IssueReset, soon()).await.expect("answers");
    let IssueResetOutcome::Issued { reset: id, .. } = issued else { panic!("{issued:?}") };
    reset(&world, &person, (id, sha256_b64(&IssueReset::secret(&attempt.seed)))).await;
    let login = world.login();
    world.type_password("ada", ANOTHER, &login, None).await.expect("answers");
    assert!(matches!(world.view(&person, &login).await, RecoveryView::Open { .. }));
}

#[tokio::test]
async fn a_code_completes_the_login_that_it_was_sent_for_alone() {
    let (world, postbox, person, _) = world().await;
    let (login, code) = world.due(&postbox, &person).await;
    postbox.until(|postbox| postbox.taken() == 6).await;
    let another = world.first_proof(&person).await;
    assert_eq!(world.complete(&person, &another, code.clone()).await.0, VerifySentCodeOutcome::NoCode);
    // Not even where a code is awaited.
    let before = postbox.taken();
    assert!(matches!(world.send_recovery(&person, &another).await, SendOutcome::Sent));
    let sent = code_of(&postbox, before).await;
    assert_ne!(String::from(sent), String::from(code.clone()));
    assert_eq!(world.complete(&person, &another, code.clone()).await.0, WRONG);
    assert!(is_signed_in(&world.complete(&person, &login, code).await.0));
}

/// HAZARDS H12: codes of a recovery are no fresh set of guesses, and give none to others.
#[tokio::test]
async fn wrong_codes_close_the_recovery_and_count_with_all_others() {
    let (world, postbox, person, app) = world().await;
    let (login, code) = world.due(&postbox, &person).await;
    for _ in 0..5 {
        assert_eq!(world.complete(&person, &login, other(&code)).await.0, WRONG);
    }
    let (outcome, _) = world.complete(&person, &login, code.clone()).await;
    assert!(matches!(outcome, VerifySentCodeOutcome::Judged(SignInOutcome::Throttled { .. })), "{outcome:?}");
    let nothing = actors::domain::factor::totp::parse_code("000000").expect("six digits");
    let mut failures = 5;
    while failures < 100 {
        world.pass(Duration::from_mins(70));
        let login = world.first_proof(&person).await;
        for _ in 0..5 {
            if failures < 100 && world.type_totp(&person, &login, nothing.clone()).await == SignInOutcome::Wrong {
                failures += 1;
            }
        }
    }
    world.pass(Duration::from_hours(2));
    let login = world.first_proof(&person).await;
    let before = postbox.taken();
    assert!(matches!(world.send_recovery(&person, &login).await, SendOutcome::Sent));
    let (outcome, _) = world.complete(&person, &login, code_of(&postbox, before).await).await;
    assert_eq!(outcome, VerifySentCodeOutcome::Judged(SignInOutcome::Suspended), "the common cap holds here");
    assert_eq!(world.type_totp(&person, &login, app.code(world.now())).await, SignInOutcome::Suspended);
}

#[tokio::test]
async fn what_failed_at_a_recovery_is_forgotten_with_the_factors() {
    let (world, postbox, person, _) = world().await;
    let (login, code) = world.due(&postbox, &person).await;
    assert_eq!(world.complete(&person, &login, other(&code)).await.0, WRONG);
    let throttle = "throttle/recovery".to_owned();
    assert!(world.items(person.user).await.contains(&throttle));
    world.services.accounts.ask(person.user, &world.attempt(), ResetMfa, soon()).await.expect("answers");
    assert!(!world.items(person.user).await.contains(&throttle));
}

/// By whichever node looks, and however many do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_before_the_end_every_address_is_reminded_once() {
    let (world, postbox, person, _) = world().await;
    let carrier = Arc::clone(&postbox);
    let (second, _) = world.second_node_with(|options| recovers(options, carrier)).await;
    world.services.reminders.note(person.user).await.expect("the store works");
    world.begin_recovery(&person).await;
    postbox.until(|postbox| postbox.taken() == 4).await;
    world.pass(WAIT.saturating_sub(Duration::from_hours(25)));
    assert_eq!(world.services.reminders.run().await.expect("the store works"), 0, "not yet");
    world.pass(Duration::from_hours(1));
    let (one, other) = tokio::join!(world.services.reminders.run(), second.reminders.run());
    assert_eq!(one.expect("the store works") + other.expect("the store works"), 1);
    let mut addresses = Vec::new();
    for n in 5..=6 {
        let letter = postbox.letter(n).await;
        assert!(matches!(letter.content, Content::RecoveryBegun { .. }), "{letter:?}");
        let looked = world.cancel(&person, world.link(&letter), false).await;
        assert!(matches!(looked, CancelOutcome::Good { .. }), "{looked:?}");
        addresses.push(letter.to);
    }
    addresses.sort_unstable();
    assert_eq!(addresses, [ADDRESS, SECOND]);
    assert_eq!(world.services.reminders.run().await.expect("the store works"), 0);
    everything_told(&second, person.user).await;
    assert_eq!(world.told_of(person.user, "recovery.reminded").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_presentations_of_the_code_at_two_owners_one_completes_it() {
    let (world, postbox, person, _) = world().await;
    let (login, code) = world.due(&postbox, &person).await;
    let carrier = Arc::clone(&postbox);
    let (second, _) = world.second_node_with(|options| recovers(options, carrier)).await;
    let tries = (0..64).map(|n| {
        let services = if n % 2 == 0 { &world.services } else { &second };
        let complete = CompleteRecovery { login: login.clone(), code: code.clone(), policies: Vec::new() };
        let attempt = world.attempt();
        async move { services.accounts.ask(person.user, &attempt, complete, soon()).await }
    });
    let outcomes: Vec<Result<_, CallError>> = join_all(tries).await;
    let completed = outcomes.iter().filter(|outcome| outcome.as_ref().is_ok_and(is_signed_in)).count();
    assert_eq!(completed, 1, "{outcomes:?}");
    everything_told(&second, person.user).await;
    assert_eq!(world.told_of(person.user, "recovery.completed").await, 1);
}
