//! Passkeys that a maker vouches for: kept with the key, judged anew at each use, and unknown to nodes of an earlier version.

use actors::{
    domain::{
        assurance::Acr,
        command::{ConfirmOutcome, ConfirmPasskeyOutcome},
        factor::passkey::attestation::{AttestationDemand, TrustAnchors},
    },
    testing::{SoftKey, SoftMaker, Traits, unattested},
};

use crate::{
    passkeys::{ISSUER, begun, confirm, confirm_by, creation, session},
    support::{Person, World},
};

fn trusting(maker: &SoftMaker) -> AttestationDemand {
    AttestationDemand::Direct(TrustAnchors::read(maker.root().as_bytes(), []).expect("an authority"))
}

const fn is_activated(outcome: &ConfirmPasskeyOutcome) -> bool {
    matches!(outcome, ConfirmPasskeyOutcome::Judged(ConfirmOutcome::Activated { .. }))
}

/// What a sign-in with the key amounts to.
async fn reached(world: &World, person: &mut Person, key: &mut SoftKey) -> Acr {
    let login = world.login();
    session(world, person, &login, key).await.assurance.acr
}

#[tokio::test]
async fn who_vouched_is_kept_and_whether_that_counts_is_asked_at_each_use() {
    let (maker, successor) = (SoftMaker::new("Maker"), SoftMaker::new("Successor"));
    let world = World::with(|options| options.settings.attestation = trusting(&maker)).await;
    let mut person = world.register("ada").await;
    let factor = begun(&world, &person, "Key").await;
    let options = creation(&world, &person, factor).await.expect("it awaits its key");
    let batch = maker.batch(None, 2030);
    let statement = |making: &actors::testing::Making<'_>| batch.packed(making);
    let (mut key, answer) = SoftKey::make_attested(&options, ISSUER, Traits::WITH_PIN, statement);
    let outcome = confirm(&world, &mut person, factor, &answer).await;
    assert!(is_activated(&outcome), "{outcome:?}");
    let told = world.audit().await.into_iter().find(|event| event.kind == "factor.activated").expect("it is told");
    assert_eq!(told.facts["attested_by"], maker.fingerprint());
    assert_eq!(reached(&world, &mut person, &mut key).await, Acr::PhishingResistantHardware);

    let world = world.killed_and_restarted_with(|options| options.settings.attestation = trusting(&successor)).await;
    assert_eq!(
        reached(&world, &mut person, &mut key).await,
        Acr::PhishingResistant,
        "nobody trusts the maker any more"
    );
    let world = world.killed_and_restarted().await;
    assert_eq!(reached(&world, &mut person, &mut key).await, Acr::PhishingResistant, "nobody is trusted");
    let world = world.killed_and_restarted_with(|options| options.settings.attestation = trusting(&maker)).await;
    assert_eq!(reached(&world, &mut person, &mut key).await, Acr::PhishingResistantHardware, "it was kept");
}

/// A node of an earlier version that took the answer asked for nothing, and could not read why it was refused.
#[tokio::test]
async fn for_a_node_that_asks_for_no_attestation_a_key_is_as_it_was_before() {
    let maker = SoftMaker::new("Maker");
    let anchors = TrustAnchors::read(maker.root().as_bytes(), []).expect("an authority");
    let require = AttestationDemand::Require(anchors);
    let world = World::with(|options| options.settings.attestation = require).await;
    let mut person = world.register("ada").await;
    let factor = begun(&world, &person, "Key").await;
    let options = creation(&world, &person, factor).await.expect("it awaits its key");
    let (mut key, answer) = SoftKey::make_attested(&options, ISSUER, Traits::WITH_PIN, unattested);
    let refused = confirm(&world, &mut person, factor, &answer).await;
    assert!(matches!(refused, ConfirmPasskeyOutcome::Unattested), "{refused:?}");
    assert_eq!(world.told("factor.activation_failed").await, 1);
    let outcome = confirm_by(&world, &mut person, (factor, &answer), false).await;
    assert!(is_activated(&outcome), "{outcome:?}");
    assert_eq!(reached(&world, &mut person, &mut key).await, Acr::PhishingResistant);
}
