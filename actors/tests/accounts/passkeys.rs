//! Passkeys: enrolment, sign-in with and without a name, challenges that are used once, copies, removal.

use std::time::Duration;

use actors::{
    Services,
    domain::{
        assurance::Acr,
        command::{
            BeginPasskey, BeginPasskeyOutcome, Ceremony, CheckSession, ConfirmOutcome, ConfirmPasskey,
            ConfirmPasskeyOutcome, DisableUser, LoginRef, Overview, OverviewOutcome, RemoveOutcome, RemovePasskey,
            RenameOutcome, RenamePasskey, ResetMfa, SessionView, ShowLoginPasskeys, ShowPasskey, SignInOutcome,
            VerifyPasskey, VerifyPasskeyOutcome, Ways,
        },
        factor::passkey::{Challenge, Making, RelyingParty, Verification},
        letter::Notice,
        limits,
    },
    testing::{SoftKey, Traits},
};
use futures_util::future::join_all;
use schema::{FactorId, Timestamp, record::FactorState};
use serde_json::Value;

use crate::{
    addresses, email,
    support::{PASSWORD, Person, World, random, session_ref, soon},
};

pub(crate) const ISSUER: &str = "http://localhost:11080";
const GOOGLE: &str = "Google Password Manager";
const UNKNOWN: VerifyPasskeyOutcome = VerifyPasskeyOutcome::Unknown;
const WRONG: VerifyPasskeyOutcome = VerifyPasskeyOutcome::Judged(SignInOutcome::Wrong);

fn rp() -> RelyingParty {
    RelyingParty::of(ISSUER).expect("a name")
}

fn options<T: serde::Serialize>(of: &T) -> Value {
    serde_json::to_value(of).expect("JSON")["publicKey"].clone()
}

pub(crate) async fn begun(world: &World, person: &Person, name: &str) -> FactorId {
    let command = BeginPasskey { session: person.session.clone(), name: name.to_owned() };
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), command, soon()).await.expect("answers");
    let BeginPasskeyOutcome::Begun { factor } = outcome else { panic!("{outcome:?}") };
    factor
}

/// What the browser is asked to have made, if anything awaits it.
pub(crate) async fn creation(world: &World, person: &Person, factor: FactorId) -> Option<Value> {
    let command = ShowPasskey { session: person.session.clone(), factor };
    let shown = world.services.accounts.ask(person.user, &world.attempt(), command, soon()).await.expect("answers")?;
    let known: Vec<_> = shown.known.iter().collect();
    let attestation = world.services.attestation();
    let making =
        Making { user: person.user, user_name: &shown.user_name, known: &known, allow_synced: true, attestation };
    Some(options(&rp().creation("Doorward", &making, &shown.challenge).expect("options")))
}

pub(crate) async fn confirm(
    world: &World,
    person: &mut Person,
    factor: FactorId,
    answer: &Value,
) -> ConfirmPasskeyOutcome {
    let attested = world.services.attestation().anchors().is_some();
    confirm_by(world, person, (factor, answer), attested).await
}

/// The same, by a node that asks for attestation, or by one that knows nothing of it.
pub(crate) async fn confirm_by(
    world: &World,
    person: &mut Person,
    (factor, answer): (FactorId, &Value),
    attested: bool,
) -> ConfirmPasskeyOutcome {
    let attempt = world.attempt();
    let backup = world.services.hashes.backup_codes(&attempt.seed, soon()).await.expect("hashes");
    let answer = serde_json::from_value(answer.clone()).expect("an answer");
    let command = ConfirmPasskey { session: person.session.clone(), factor, answer, backup, attested };
    let outcome = world.services.accounts.ask(person.user, &attempt, command, soon()).await.expect("answers");
    if let ConfirmPasskeyOutcome::Judged(ConfirmOutcome::Activated { signed_in, .. }) = &outcome {
        person.session = session_ref(&attempt, signed_in);
    }
    outcome
}

/// Enrols a passkey.
pub(crate) async fn enrol(world: &World, person: &mut Person, traits: Traits) -> (FactorId, SoftKey) {
    let factor = begun(world, person, "").await;
    let options = creation(world, person, factor).await.expect("it awaits its key");
    let (key, answer) = SoftKey::make(&options, ISSUER, traits);
    let outcome = confirm(world, person, factor, &answer).await;
    let activated = matches!(outcome, ConfirmPasskeyOutcome::Judged(ConfirmOutcome::Activated { .. }));
    assert!(activated, "{outcome:?}");
    (factor, key)
}

async fn registered(world: &World, traits: Traits) -> (Person, FactorId, SoftKey) {
    let mut person = world.register("ada").await;
    let (factor, key) = enrol(world, &mut person, traits).await;
    (person, factor, key)
}

fn ceremony(world: &World) -> Ceremony {
    let challenge = Challenge::new(random(world));
    Ceremony { challenge, expires_at: world.now().after(Duration::from_mins(15)) }
}

/// The key's answer to a ceremony, for a login.
fn answered(login: &LoginRef, ceremony: &Ceremony, key: &mut SoftKey) -> VerifyPasskey {
    let options = options(&rp().request(&ceremony.challenge, Verification::Preferred, &[]));
    let answer = serde_json::from_value(key.sign(&options)).expect("an answer");
    VerifyPasskey { login: login.clone(), ceremony: ceremony.clone(), answer }
}

async fn verify(services: &Services, world: &World, person: &Person, command: VerifyPasskey) -> VerifyPasskeyOutcome {
    services.accounts.ask(person.user, &world.attempt(), command, soon()).await.expect("answers")
}

/// Signs a new challenge for a login.
pub(crate) async fn present(
    world: &World,
    person: &Person,
    login: &LoginRef,
    key: &mut SoftKey,
) -> VerifyPasskeyOutcome {
    let command = answered(login, &ceremony(world), key);
    verify(&world.services, world, person, command).await
}

fn is_signed_in(outcome: &VerifyPasskeyOutcome) -> bool {
    matches!(outcome, VerifyPasskeyOutcome::Judged(SignInOutcome::SignedIn(_)))
}

/// Signs in, and looks at the session.
pub(crate) async fn session(world: &World, person: &mut Person, login: &LoginRef, key: &mut SoftKey) -> SessionView {
    let (attempt, command) = (world.attempt(), answered(login, &ceremony(world), key));
    let outcome = world.services.accounts.ask(person.user, &attempt, command, soon()).await.expect("answers");
    let VerifyPasskeyOutcome::Judged(SignInOutcome::SignedIn(signed_in)) = outcome else { panic!("{outcome:?}") };
    person.session = session_ref(&attempt, &signed_in);
    person.browser = login.browser;
    let check = CheckSession { session: person.session.clone() };
    let view = world.services.accounts.ask(person.user, &world.attempt(), check, soon()).await;
    view.expect("answers").expect("a session")
}

async fn overview(world: &World, person: &Person) -> OverviewOutcome {
    let overview = world.services.accounts.ask(person.user, &world.attempt(), Overview, soon()).await;
    overview.expect("answers").expect("an account")
}

#[tokio::test]
async fn a_passkey_is_activated_by_the_key_that_was_made_for_its_challenge() {
    let world = World::new().await;
    let mut person = world.register("ada").await;
    let factor = begun(&world, &person, "").await;
    let mut options = creation(&world, &person, factor).await.expect("it awaits its key");
    let challenge = options["challenge"].take();
    options["challenge"] = Challenge::new([1; 32]).text().into();
    let (_, answer) = SoftKey::make(&options, ISSUER, Traits::SYNCED);
    let outcome = confirm(&world, &mut person, factor, &answer).await;
    assert!(matches!(outcome, ConfirmPasskeyOutcome::Judged(ConfirmOutcome::Wrong)), "{outcome:?}");
    assert!(overview(&world, &person).await.passkeys.is_empty());

    options["challenge"] = challenge;
    let (key, answer) = SoftKey::make(&options, ISSUER, Traits::SYNCED);
    let before = person.session.clone();
    let outcome = confirm(&world, &mut person, factor, &answer).await;
    let ConfirmPasskeyOutcome::Judged(ConfirmOutcome::Activated { backup_taken, .. }) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(backup_taken && before.secret_hash != person.session.secret_hash);
    let again = confirm(&world, &mut person, factor, &answer).await;
    assert!(matches!(again, ConfirmPasskeyOutcome::Judged(ConfirmOutcome::AlreadyActivated)), "{again:?}");
    assert!(creation(&world, &person, factor).await.is_none());

    let account = overview(&world, &person).await;
    assert_eq!((account.passkeys.len(), account.backup_codes_left), (1, 10));
    let passkey = &account.passkeys[0];
    assert!(matches!(passkey.state, FactorState::Activated { .. }));
    assert_eq!((passkey.name.as_str(), passkey.kind.as_deref()), (GOOGLE, Some(GOOGLE)), "named after its kind");
    assert_eq!((passkey.credential.clone(), passkey.backup_eligible), (key.id(), true));
    assert_eq!(passkey.last_used_at, None);
}

#[tokio::test]
async fn making_a_key_proves_nothing_for_the_session() {
    let world = World::new().await;
    let (person, ..) = registered(&world, Traits::WITH_PIN).await;
    let check = CheckSession { session: person.session.clone() };
    let view = world.services.accounts.ask(person.user, &world.attempt(), check, soon()).await;
    let view = view.expect("answers").expect("a session");
    assert_eq!((view.assurance.acr, view.assurance.amr.as_slice()), (Acr::OneFactor, &["pwd".to_owned()][..]));
    assert!(!view.fresh && view.ways.passkey && view.without_app);
}

#[tokio::test]
async fn a_passkey_that_verifies_its_user_signs_in_alone() {
    let world = World::new().await;
    let (mut person, _, mut key) = registered(&world, Traits::SYNCED).await;
    let view = session(&world, &mut person, &world.login(), &mut key).await;
    assert_eq!(view.assurance.acr, Acr::PhishingResistant);
    assert_eq!(view.assurance.amr, ["mfa", "pop", "swk", "user"]);
    assert!(view.fresh);
    assert!(overview(&world, &person).await.passkeys[0].last_used_at.is_some());
}

#[tokio::test]
async fn a_passkey_without_verification_is_a_second_factor_and_never_stands_alone() {
    let world = World::new().await;
    let (mut person, _, mut key) = registered(&world, Traits::PLAIN).await;
    assert_eq!(present(&world, &person, &world.login(), &mut key).await, WRONG);
    let login = world.login();
    let (outcome, _) = world.type_password("ada", PASSWORD, &login, None).await.expect("answers");
    let by_passkey = Ways { passkey: true, backup_code: true, ..Ways::default() };
    assert!(matches!(outcome, SignInOutcome::SecondFactor { ways, .. } if ways == by_passkey), "{outcome:?}");
    let show = ShowLoginPasskeys { login: login.clone() };
    let shown = world.services.accounts.ask(person.user, &world.attempt(), show, soon()).await.expect("answers");
    assert_eq!(shown.expect("a login").iter().map(|key| key.id.clone()).collect::<Vec<_>>(), [key.id()]);
    let view = session(&world, &mut person, &login, &mut key).await;
    assert_eq!(view.assurance.acr, Acr::PhishingResistant);
    assert_eq!(view.assurance.amr, ["hwk", "mfa", "pop", "pwd", "user"]);
}

#[tokio::test]
async fn a_challenge_is_answered_once_whatever_login_the_answer_is_shown_to() {
    let world = World::new().await;
    let (person, _, mut key) = registered(&world, Traits::SYNCED).await;
    let (login, asked) = (world.login(), ceremony(&world));
    let answer = answered(&login, &asked, &mut key);
    assert!(is_signed_in(&verify(&world.services, &world, &person, answer.clone()).await));
    assert_eq!(verify(&world.services, &world, &person, answer.clone()).await, WRONG);
    // The same login begins anew, with the password this time.
    world.type_password("ada", PASSWORD, &login, None).await.expect("answers");
    assert_eq!(verify(&world.services, &world, &person, answer.clone()).await, WRONG);
    let elsewhere = VerifyPasskey { login: world.login(), ..answer.clone() };
    assert_eq!(verify(&world.services, &world, &person, elsewhere).await, WRONG);
    // Another signature by the same key is no other answer.
    assert_eq!(verify(&world.services, &world, &person, answered(&login, &asked, &mut key)).await, WRONG);
    let world = world.killed_and_restarted().await;
    assert_eq!(verify(&world.services, &world, &person, answer.clone()).await, WRONG);
    world.pass(Duration::from_mins(15));
    let late = verify(&world.services, &world, &person, answer).await;
    assert_eq!(late, VerifyPasskeyOutcome::Judged(SignInOutcome::LoginEnded));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_presentations_of_one_answer_to_two_owners_one_signs_in() {
    let world = World::new().await;
    let (person, _, mut key) = registered(&world, Traits::SYNCED).await;
    let (other, _) = world.second_node().await;
    let answer = answered(&world.login(), &ceremony(&world), &mut key);
    let tries = (0..64).map(|n| {
        let services = if n % 2 == 0 { &world.services } else { &other };
        let (attempt, command) = (world.attempt(), VerifyPasskey { login: world.login(), ..answer.clone() });
        async move { services.accounts.ask(person.user, &attempt, command, soon()).await }
    });
    let outcomes = join_all(tries).await;
    let signed_in = outcomes.iter().filter(|outcome| matches!(outcome, Ok(outcome) if is_signed_in(outcome))).count();
    assert_eq!(signed_in, 1, "{outcomes:?}");
}

#[tokio::test]
async fn used_challenges_are_never_dropped_so_that_who_has_too_many_waits() {
    let world = World::new().await;
    let (person, _, mut key) = registered(&world, Traits::SYNCED).await;
    let asked = ceremony(&world);
    let first = answered(&world.login(), &asked, &mut key);
    assert!(is_signed_in(&verify(&world.services, &world, &person, first.clone()).await));
    for _ in 1..limits::MAX_CHALLENGES {
        let outcome = present(&world, &person, &world.login(), &mut key).await;
        assert!(is_signed_in(&outcome), "{outcome:?}");
    }
    let full = present(&world, &person, &world.login(), &mut key).await;
    let waits = |until: Timestamp| until > world.now();
    let throttled = matches!(full, VerifyPasskeyOutcome::Judged(SignInOutcome::Throttled { until }) if waits(until));
    assert!(throttled, "{full:?}");
    assert_eq!(verify(&world.services, &world, &person, first).await, WRONG);
    world.pass(Duration::from_hours(25));
    assert!(is_signed_in(&present(&world, &person, &world.login(), &mut key).await));
    assert!(is_signed_in(&present(&world, &person, &world.login(), &mut key).await));
}

#[tokio::test]
async fn a_counter_that_was_seen_is_refused_and_told_to_the_owner_once() {
    let (world, postbox) = addresses::world().await;
    let (mut person, _) = email::registered(&world, &postbox).await;
    let (_, mut key) = enrol(&world, &mut person, Traits::WITH_PIN).await;
    key.counter = 5;
    assert!(is_signed_in(&present(&world, &person, &world.login(), &mut key).await));
    // A copy that was made at 5.
    key.counter = 5;
    let copied = answered(&world.login(), &ceremony(&world), &mut key);
    assert_eq!(verify(&world.services, &world, &person, copied.clone()).await, WRONG);
    assert_eq!(verify(&world.services, &world, &person, copied).await, WRONG);
    postbox.until(|postbox| postbox.notices().contains(&Notice::PasskeyCopied)).await;
    let counted = |notice: &&Notice| **notice == Notice::PasskeyCopied;
    assert_eq!(postbox.notices().iter().filter(counted).count(), 1);
    let failed: Vec<_> = world.audit().await.into_iter().filter(|event| event.kind == "login.failed").collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0].facts["reason"], "counter");
    // The owner's own key is ahead of it, and goes on.
    key.counter = 7;
    assert!(is_signed_in(&present(&world, &person, &world.login(), &mut key).await));
}

#[tokio::test]
async fn keys_that_do_not_count_are_not_taken_for_copies() {
    let world = World::new().await;
    let (person, _, mut key) = registered(&world, Traits::SYNCED).await;
    for _ in 0..3 {
        assert!(is_signed_in(&present(&world, &person, &world.login(), &mut key).await));
    }
}

#[tokio::test]
async fn without_a_first_proof_an_answer_that_is_not_good_writes_nothing() {
    let world = World::new().await;
    let (person, _, mut key) = registered(&world, Traits::SYNCED).await;
    let commits = world.audit().await.len();
    let stranger = world.register("bob").await;
    let before = world.audit().await.len();
    assert!(before > commits);
    let nobody = Person { user: schema::UserId::from_bytes([3; 16]), ..person.clone() };
    assert_eq!(present(&world, &nobody, &world.login(), &mut key).await, UNKNOWN);
    assert_eq!(present(&world, &stranger, &world.login(), &mut key).await, UNKNOWN);
    key.user = Some(stranger.user.as_bytes().to_vec());
    assert_eq!(present(&world, &person, &world.login(), &mut key).await, WRONG);
    key.user = Some(person.user.as_bytes().to_vec());
    key.origin = "http://localhost:11081".to_owned();
    assert_eq!(present(&world, &person, &world.login(), &mut key).await, WRONG);
    assert_eq!(world.audit().await.len(), before, "the log learns of it from the edge");
    key.origin = ISSUER.to_owned();
    let login = world.first_proof(&person).await;
    key.origin = "https://localhost:11080".to_owned();
    assert_eq!(present(&world, &person, &login, &mut key).await, WRONG);
    assert_eq!(world.told("login.failed").await, 1, "a login under way is told of");
}

/// In a login under way, too: the account has looked at neither.
#[tokio::test]
async fn a_passkey_that_is_unknown_or_too_late_is_told_to_the_audit_log_alone() {
    let world = World::new().await;
    let (person, _, mut key) = registered(&world, Traits::SYNCED).await;
    let login = world.first_proof(&person).await;
    let stranger = world.register("bob").await;
    let asked = ceremony(&world);
    let late = answered(&login, &asked, &mut key);
    let sign_in = &world.services.sign_in;
    let unknown = sign_in.second_passkey(stranger.user, &world.attempt(), late.clone(), soon()).await;
    assert_eq!(unknown.expect("answers"), UNKNOWN);
    world.pass(asked.expires_at.since(world.now()));
    let before = world.items(person.user).await;
    let ended = VerifyPasskeyOutcome::Judged(SignInOutcome::LoginEnded);
    let second = sign_in.second_passkey(person.user, &world.attempt(), late.clone(), soon()).await;
    world.pass(Duration::from_secs(1));
    let first = sign_in.passkey(person.user, &world.attempt(), late, soon()).await;
    assert_eq!((second.expect("answers"), first.expect("answers")), (ended.clone(), ended));
    assert_eq!(world.items(person.user).await, before);
    let told: Vec<_> = world.audit().await.into_iter().filter(|event| event.kind == "login.failed").collect();
    let reasons: Vec<_> = told.iter().map(|event| (event.user, event.facts["reason"].as_str())).collect();
    let expected = [(Some(stranger.user), Some("unknown")), (Some(person.user), Some("over")), (None, Some("over"))];
    assert_eq!(reasons, expected);
}

#[tokio::test]
async fn a_disabled_users_passkey_is_answered_as_one_that_is_not_right() {
    let world = World::new().await;
    let (person, _, mut key) = registered(&world, Traits::SYNCED).await;
    world.services.accounts.ask(person.user, &world.attempt(), DisableUser, soon()).await.expect("answers");
    assert_eq!(present(&world, &person, &world.login(), &mut key).await, WRONG);
}

#[tokio::test]
async fn where_passkeys_must_stay_on_their_device_no_other_is_taken() {
    let world = World::with(|options| options.settings.allow_synced_passkeys = false).await;
    let mut person = world.register("ada").await;
    let factor = begun(&world, &person, "Phone").await;
    let options = creation(&world, &person, factor).await.expect("it awaits its key");
    let (_, answer) = SoftKey::make(&options, ISSUER, Traits::SYNCED);
    let outcome = confirm(&world, &mut person, factor, &answer).await;
    assert!(matches!(outcome, ConfirmPasskeyOutcome::Synced), "{outcome:?}");
    let (_, answer) = SoftKey::make(&options, ISSUER, Traits::WITH_PIN);
    let outcome = confirm(&world, &mut person, factor, &answer).await;
    assert!(matches!(outcome, ConfirmPasskeyOutcome::Judged(ConfirmOutcome::Activated { .. })), "{outcome:?}");
    assert_eq!(overview(&world, &person).await.passkeys[0].name, "Phone");
}

#[tokio::test]
async fn a_removed_passkey_takes_its_sessions_proofs_and_families_with_it() {
    let world = World::new().await;
    let (mut person, factor, mut key) = registered(&world, Traits::SYNCED).await;
    let stale = RemovePasskey { session: person.session.clone(), factor };
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), stale, soon()).await.expect("answers");
    assert_eq!(outcome, RemoveOutcome::NotFresh, "it takes the passkey, or a backup code, to remove it");

    let app = world.app("shop").await;
    let view = session(&world, &mut person, &world.login(), &mut key).await;
    assert!(view.fresh);
    let issued = world.code(&person, &app).await;
    let (grant, _) = world.grant(&person, &issued).await;
    assert!(world.counts(&person, grant.family).await);
    let remove = RemovePasskey { session: person.session.clone(), factor };
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), remove, soon()).await.expect("answers");
    assert_eq!(outcome, RemoveOutcome::Removed);
    assert!(!world.counts(&person, grant.family).await, "the family rested on it");
    let check = CheckSession { session: person.session.clone() };
    let view = world.services.accounts.ask(person.user, &world.attempt(), check, soon()).await.expect("answers");
    assert!(view.is_none(), "nothing is proved in the session any more");
    assert_eq!(present(&world, &person, &world.login(), &mut key).await, UNKNOWN);
    assert!(matches!(world.guess("ada", PASSWORD).await, SignInOutcome::SignedIn(_)), "it was the last one");
    let account = overview(&world, &person).await;
    assert_eq!((account.passkeys.len(), account.backup_codes_left), (0, 0));
}

#[tokio::test]
async fn who_has_lost_a_passkey_removes_it_with_two_other_factors() {
    let world = World::new().await;
    let mut person = world.register("ada").await;
    let app = world.enrol(&mut person).await;
    let (factor, _) = enrol(&world, &mut person, Traits::SYNCED).await;
    world.pass(Duration::from_mins(1));
    let person = world.sign_in(&person, Some(&app)).await;
    let remove = RemovePasskey { session: person.session.clone(), factor };
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), remove, soon()).await.expect("answers");
    assert_eq!(outcome, RemoveOutcome::Removed);
}

#[tokio::test]
async fn a_passkey_is_renamed_and_an_operator_revokes_it() {
    let world = World::new().await;
    let (person, factor, mut key) = registered(&world, Traits::SYNCED).await;
    let rename = RenamePasskey { session: person.session.clone(), factor, name: "Ada's phone".to_owned() };
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), rename, soon()).await.expect("answers");
    assert_eq!(outcome, RenameOutcome::Renamed);
    assert_eq!(overview(&world, &person).await.passkeys[0].name, "Ada's phone");
    let revoked = world.services.accounts.ask(person.user, &world.attempt(), ResetMfa, soon()).await.expect("answers");
    assert_eq!(revoked, 1);
    assert_eq!(present(&world, &person, &world.login(), &mut key).await, UNKNOWN);
}

#[tokio::test]
async fn a_user_has_five_passkeys_at_most() {
    let world = World::new().await;
    let (mut person, _, mut key) = registered(&world, Traits::SYNCED).await;
    session(&world, &mut person, &world.login(), &mut key).await;
    for _ in 1..limits::MAX_FACTORS_PER_METHOD {
        enrol(&world, &mut person, Traits::WITH_PIN).await;
    }
    let command = BeginPasskey { session: person.session.clone(), name: String::new() };
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), command, soon()).await.expect("answers");
    assert!(matches!(outcome, BeginPasskeyOutcome::TooMany), "{outcome:?}");
}

#[tokio::test]
async fn a_passkey_renews_the_session_that_asks_for_fresh_proofs() {
    let world = World::new().await;
    let (mut person, _, mut key) = registered(&world, Traits::SYNCED).await;
    let before = person.session.session;
    let login = LoginRef { renews: Some(person.session.clone()), ..world.login_of(&person) };
    let view = session(&world, &mut person, &login, &mut key).await;
    assert_eq!((view.session, view.fresh), (before, true));
}

#[tokio::test]
async fn what_a_passkey_is_made_for_is_shown_to_fresh_proofs_alone() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let factor = begun(&world, &person, "").await;
    assert!(creation(&world, &person, factor).await.is_some());
    world.pass(Duration::from_mins(10));
    assert!(creation(&world, &person, factor).await.is_none());
}
