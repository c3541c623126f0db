//! The main job: register, enrol, sign in, get tokens.

use std::time::Duration;

use actors::domain::{
    assurance::Acr,
    command::{CheckSession, RedeemOutcome, SignInOutcome},
};
use schema::record::SigningAlg;

use crate::support::{PASSWORD, World, refresh_of, soon};

#[tokio::test]
async fn a_person_registers_enrols_signs_in_and_an_application_gets_tokens() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    world.pass(Duration::from_secs(30));
    let login = world.login();
    let (outcome, _) = world.type_password("ADA", PASSWORD, &login, None).await.expect("answers");
    assert!(
        matches!(outcome, SignInOutcome::SecondFactor { expires_at, .. } if expires_at > world.now()),
        "{outcome:?}"
    );
    assert!(matches!(world.type_totp(&person, &login, app.code(world.now())).await, SignInOutcome::SignedIn(_)));

    world.pass(Duration::from_secs(30));
    let person = world.sign_in(&person, Some(&app)).await;
    let client = world.app("shop").await;
    let issued = world.code_for(&person, &client, "openid profile").await;
    world.pass(Duration::from_secs(5));
    let (grant, attempt) = world.grant(&person, &issued).await;
    assert_eq!(grant.assurance.amr, ["mfa", "otp", "pwd"]);
    assert_eq!((grant.assurance.acr, grant.generation), (Acr::Mfa, 1));
    assert_eq!(grant.profile.user_name, "ada");
    let keys = world.services.keys.shown();
    let tokens = world.services.tokens.issue(&keys, &grant, &attempt.seed, SigningAlg::RS256).expect("signs");
    let access =
        world.services.tokens.verify_access(&keys, tokens.access_token.expose(), world.now()).expect("verifies");
    assert_eq!((access.locator.user, access.locator.family), (person.user, grant.family));
    assert_eq!(access.claims.sub, person.user.to_string());
    let id_token = tokens.id_token.expect("openid was granted");
    let id = world.services.tokens.read_id_token_hint(&keys, id_token.expose()).expect("verifies");
    assert_eq!((id.sub, id.acr), (person.user.to_string(), Acr::Mfa.as_str().to_owned()));
    assert!(world.counts(&person, grant.family).await);

    let opened = world.services.tokens.locators().open_refresh(tokens.refresh_token.expose()).expect("opens");
    let refresh = refresh_of(&grant, &attempt);
    assert_eq!((opened.generation, &opened.secret_hash), (1, &refresh.secret_hash));
    let (outcome, _) = world.refresh(&person, refresh).await;
    assert!(matches!(outcome, RedeemOutcome::Granted(next) if next.generation == 2));
    let kinds: Vec<String> = world.audit().await.into_iter().map(|event| event.kind).collect();
    for kind in ["account.registered", "factor.activated", "login.first_factor", "login.succeeded", "code.redeemed"] {
        assert!(kinds.iter().any(|known| known == kind), "{kind}: {kinds:?}");
    }
}

/// The password alone, typed twice into one login, must never replace the second factor.
#[tokio::test]
async fn a_password_typed_again_while_the_second_factor_is_awaited_signs_nobody_in() {
    let world = World::new().await;
    let (person, _) = world.register_with_totp("ada").await;
    let login = world.first_proof(&person).await;
    let (outcome, _) = world.type_password("ada", PASSWORD, &login, None).await.expect("answers");
    assert!(matches!(outcome, SignInOutcome::SecondFactor { .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_login_without_a_second_factor_is_complete_with_the_password() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let again = world.sign_in(&person, None).await;
    let check = CheckSession { session: again.session.clone() };
    let view = world.services.accounts.ask(person.user, &world.attempt(), check, soon()).await.expect("answers");
    let view = view.expect("alive");
    assert_eq!((view.assurance.acr, view.fresh, view.second_factor), (Acr::OneFactor, true, false));
    // The first browser's session lives on beside it.
    let check = CheckSession { session: person.session };
    let view = world.services.accounts.ask(person.user, &world.attempt(), check, soon()).await.expect("answers");
    assert!(view.is_some());
}
