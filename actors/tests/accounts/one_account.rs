//! What an operator does about the second steps of one account: one device is removed, or one is asked for whatever the policies say.

use std::{sync::Arc, time::Duration};

use actors::{
    domain::{
        assurance::Acr,
        command::{CheckSession, ExplainPolicies, JudgeSession, SignInOutcome},
        letter::Notice,
        policy::{Strength, Verdict},
    },
    operator::{Operator, Request, Response},
};
use schema::record::{Policy, PolicyMethod, PolicyMode, PolicyScope};

use crate::{
    addresses::{enrol, world},
    postbox::Postbox,
    support::{PASSWORD, Person, World, soon},
};

const ME: &str = "operator uid 0";
const MAIL: &str = "ada@example.org";

async fn ask(world: &World, request: Request) -> Response {
    Operator::new(world.services.clone()).run(ME.to_owned(), request, soon()).await
}

async fn remove(world: &World, device: &str) -> Response {
    ask(world, Request::UserMfaRemove { user: "ada".to_owned(), device: device.to_owned() }).await
}

async fn require(world: &World, required: bool) -> Response {
    ask(world, Request::UserMfaRequire { user: "ada".to_owned(), required }).await
}

async fn lives(world: &World, person: &Person) -> bool {
    let command = CheckSession { session: person.session.clone() };
    world.services.accounts.ask(person.user, &world.attempt(), command, soon()).await.expect("answers").is_some()
}

async fn verdict(world: &World, person: &Person, policies: Vec<Policy>) -> Verdict {
    let command = JudgeSession {
        session: person.session.clone(),
        policies,
        client: None,
        operations: std::collections::BTreeSet::new(),
        begun_at: None,
        without: None,
    };
    let verdict = world.services.accounts.ask(person.user, &world.attempt(), command, soon()).await;
    verdict.expect("answers").expect("the session lives")
}

/// Ada with an address and an app, signed in anew by the app.
async fn with_two() -> (World, Arc<Postbox>, Person, Person) {
    let (world, postbox) = world().await;
    let mut ada = world.register("ada").await;
    enrol(&world, &postbox, &mut ada, (MAIL, 1)).await;
    let app = world.enrol(&mut ada).await;
    world.pass(Duration::from_secs(31));
    let by_app = world.sign_in(&ada, Some(&app)).await;
    (world, postbox, ada, by_app)
}

#[tokio::test]
async fn one_device_is_removed_with_the_sessions_and_tokens_that_rest_on_it() {
    let (world, postbox, _, by_app) = with_two().await;
    let mut bystander = world.register("bob").await;
    world.enrol(&mut bystander).await;
    let shop = world.app("shop").await;
    let (grant, _) = world.grant(&by_app, &world.code(&by_app, &shop).await).await;
    assert!(lives(&world, &by_app).await && world.counts(&by_app, grant.family).await);

    let removed = remove(&world, "Phone").await;
    assert!(matches!(removed, Response::Changed { changed: true, .. }), "{removed:?}");
    assert!(!lives(&world, &by_app).await, "it rests on the app");
    assert!(!world.counts(&by_app, grant.family).await);
    assert!(lives(&world, &bystander).await);
    postbox.until(|postbox| !postbox.told(Notice::AuthenticatorRemoved).is_empty()).await;
    assert_eq!(postbox.told(Notice::AuthenticatorRemoved), [MAIL]);
    let audit = world.audit().await;
    let event = audit.iter().rfind(|event| event.kind == "factor.revoked").expect("told");
    assert_eq!((event.actor.as_str(), &event.facts["method"]), (ME, &"totp".into()));

    // The codes by e-mail are left, and the backup codes with them.
    let Response::User { overview, .. } = ask(&world, Request::UserShow("ada".to_owned())).await else {
        panic!("shown")
    };
    assert_eq!((overview.totps.len(), overview.emails.len(), overview.backup_codes_left), (0, 1, 10));
    assert!(matches!(world.guess("ada", PASSWORD).await, SignInOutcome::SecondFactor { .. }));
    let gone = remove(&world, "Phone").await;
    assert!(
        matches!(&gone, Response::Refused { message } if message.contains("has no second factor \"Phone\"")),
        "{gone:?}"
    );

    let removed = remove(&world, MAIL).await;
    assert!(matches!(removed, Response::Changed { changed: true, .. }), "{removed:?}");
    let Response::User { overview, .. } = ask(&world, Request::UserShow("ada".to_owned())).await else {
        panic!("shown")
    };
    assert_eq!(overview.backup_codes_left, 0, "they go with the last one");
    assert!(matches!(world.guess("ada", PASSWORD).await, SignInOutcome::SignedIn(_)));
}

#[tokio::test]
async fn a_session_that_rests_on_another_device_stays() {
    let (world, _, _, by_app) = with_two().await;
    let removed = remove(&world, MAIL).await;
    assert!(matches!(removed, Response::Changed { changed: true, .. }), "{removed:?}");
    assert!(lives(&world, &by_app).await);
}

#[tokio::test]
async fn a_device_is_named_by_its_id_where_others_are_called_so() {
    let world = World::new().await;
    let (mut ada, first) = world.register_with_totp("ada").await;
    let second = world.enrol(&mut ada).await;
    let several = remove(&world, "Phone").await;
    assert!(matches!(&several, Response::Refused { message } if message.contains("name it by its id")), "{several:?}");
    let removed = remove(&world, &first.factor.to_string()).await;
    assert!(matches!(removed, Response::Changed { changed: true, .. }), "{removed:?}");
    let Response::User { overview, .. } = ask(&world, Request::UserShow("ada".to_owned())).await else {
        panic!("shown")
    };
    assert_eq!(overview.totps.iter().map(|totp| totp.factor).collect::<Vec<_>>(), [second.factor]);
    for nothing in ["", "Tablet", "0000"] {
        assert!(matches!(remove(&world, nothing).await, Response::Refused { .. }), "{nothing}");
    }
}

#[tokio::test]
async fn a_second_step_is_asked_for_of_one_account_without_any_policy() {
    let world = World::new().await;
    let mut ada = world.register("ada").await;
    let bob = world.register("bob").await;
    assert_eq!(verdict(&world, &ada, Vec::new()).await, Verdict::Met);
    for changed in [true, false] {
        let response = require(&world, true).await;
        assert!(matches!(response, Response::Changed { changed: c, .. } if c == changed), "{response:?}");
    }
    let Verdict::Enrol { methods, hardware: false, all: false } = verdict(&world, &ada, Vec::new()).await else {
        panic!("one must be set up")
    };
    assert_eq!(methods.len(), 4, "whichever: {methods:?}");
    assert_eq!(verdict(&world, &bob, Vec::new()).await, Verdict::Met);
    // A looser policy changes nothing, a stricter one counts as well.
    let policy = |mode, any_of: &[PolicyMethod]| Policy {
        any_of: any_of.iter().copied().collect(),
        ..Policy::new(PolicyScope::Everybody, mode, Acr::Mfa.as_str(), world.now())
    };
    let off = policy(PolicyMode::Off, &[]);
    assert!(matches!(verdict(&world, &ada, vec![off]).await, Verdict::Enrol { methods, .. } if methods.len() == 4));
    let required = PolicyMode::Required { from: world.now() };
    let by_app = policy(required, &[PolicyMethod::Totp]);
    let strict = verdict(&world, &ada, vec![by_app]).await;
    assert!(matches!(&strict, Verdict::Enrol { methods, .. } if methods.len() == 1), "{strict:?}");

    let explain = ExplainPolicies { policies: Vec::new(), client: None, operation: None };
    let explained = world.services.accounts.ask(ada.user, &world.attempt(), explain.clone(), soon()).await;
    let explained = explained.expect("answers").expect("an account");
    let [one] = explained.as_slice() else { panic!("{explained:?}") };
    assert_eq!(
        (&one.scope, one.strength, one.applies, one.strictest),
        (&PolicyScope::Account, Strength::Required, true, true)
    );
    assert!(one.missing.is_some());

    world.enrol(&mut ada).await;
    assert!(matches!(verdict(&world, &ada, Vec::new()).await, Verdict::Met | Verdict::StepUp));
    assert!(matches!(require(&world, false).await, Response::Changed { changed: true, .. }));
    assert!(matches!(require(&world, false).await, Response::Changed { changed: false, .. }));
    let explained = world.services.accounts.ask(ada.user, &world.attempt(), explain, soon()).await;
    assert_eq!(explained.expect("answers").expect("an account"), []);
    for kind in ["mfa.required", "mfa.not_required"] {
        assert!(world.audit().await.iter().any(|event| event.kind == kind && event.actor == ME), "{kind}");
    }
    let nobody = ask(&world, Request::UserMfaRequire { user: "nobody".to_owned(), required: true }).await;
    assert!(matches!(nobody, Response::Refused { .. }), "{nobody:?}");
    let policy = Policy::new(PolicyScope::Account, required, Acr::Mfa.as_str(), world.now());
    assert!(world.services.policies.set(policy).await.is_err(), "it is kept with the account");
}
