//! What refresh tokens are good for once more is required of an account than their sign-in amounts to.

use actors::domain::{
    assurance::Acr,
    command::{ChangeRole, RedeemOutcome, Refresh, Refusal, RequireMfa},
    policy::AT_ONCE,
};
use schema::record::{Policy, PolicyMode, PolicyScope};

use crate::support::{Person, World, refresh_of, soon};

fn is_ended(outcome: &RedeemOutcome) -> bool {
    matches!(outcome, RedeemOutcome::Refused(Refusal::Ended))
}

/// An operator asks for a second step of this account, or no more.
async fn require(world: &World, person: &Person, required: bool) {
    let outcome = world.services.accounts.ask(person.user, &world.attempt(), RequireMfa { required }, soon()).await;
    assert_eq!(outcome.expect("answers"), Some(true));
}

#[tokio::test]
async fn a_family_ends_where_a_second_step_is_asked_for_that_it_does_not_rest_on() {
    let world = World::new().await;
    let mut person = world.register("ada").await;
    let app = world.app("shop").await;
    let (weak, by_password) = world.grant(&person, &world.code_for(&person, &app, "openid offline_access").await).await;
    world.enrol(&mut person).await;
    let (strong, by_both) = world.grant(&person, &world.code(&person, &app).await).await;
    require(&world, &person, true).await;
    let (outcome, _) = world.refresh(&person, refresh_of(&weak, &by_password)).await;
    assert!(is_ended(&outcome), "{outcome:?}");
    assert!(!world.counts(&person, weak.family).await);
    let audit = world.audit().await;
    let told = audit.iter().find(|event| event.kind == "token.refused").expect("told");
    assert_eq!((&told.facts["reason"], &told.facts["client"]), (&"policy".into(), &app.client.as_str().into()));
    let (outcome, _) = world.refresh(&person, refresh_of(&strong, &by_both)).await;
    assert!(matches!(outcome, RedeemOutcome::Granted(_)), "{outcome:?}");
    require(&world, &person, false).await;
    let (outcome, _) = world.refresh(&person, refresh_of(&weak, &by_password)).await;
    assert!(is_ended(&outcome), "what has ended stays so: {outcome:?}");
}

#[tokio::test]
async fn a_policy_ends_the_families_of_those_whom_it_concerns_from_its_day_on() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let app = world.app("shop").await;
    let (mut grant, mut attempt) = world.grant(&person, &world.code(&person, &app).await).await;
    let policy = |scope, from| Policy::new(scope, PolicyMode::Required { from }, Acr::Mfa.as_str(), world.now());
    let staff = || PolicyScope::Role { role: "staff".to_owned() };
    let other = PolicyScope::Client { client: "c_other".parse().expect("a client id") };
    let tomorrow = world.now().after(std::time::Duration::from_hours(24));
    for passes in [policy(staff(), AT_ONCE), policy(other, AT_ONCE), policy(PolicyScope::Everybody, tomorrow)] {
        let command = Refresh { policies: vec![passes], ..refresh_of(&grant, &attempt) };
        let (RedeemOutcome::Granted(next), by) = world.refresh(&person, command).await else {
            panic!("it is not concerned")
        };
        (grant, attempt) = (*next, by);
    }
    let give = ChangeRole { role: "staff".to_owned(), given: true };
    world.services.accounts.ask(person.user, &world.attempt(), give, soon()).await.expect("answers");
    let command = Refresh { policies: vec![policy(staff(), AT_ONCE)], ..refresh_of(&grant, &attempt) };
    let (outcome, _) = world.refresh(&person, command).await;
    assert!(is_ended(&outcome), "{outcome:?}");
    assert!(!world.counts(&person, grant.family).await);
}
