//! Master keys are replaced in steps, of which none leaves a node that cannot open what another one seals (HAZARDS H19).

use std::{sync::Arc, time::Duration};

use actors::{
    data_keys::{DataKeysError, RotationError, open_vault},
    domain::command::SignInOutcome,
    vault::MasterKeys,
};
use schema::KeyId;

use crate::{
    house::House,
    support::{World, master_keys},
};

const K2: &str = "k2:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
const OTHER_K2: &str = "k2:AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=";

fn ring(second: &str) -> MasterKeys {
    MasterKeys::parse(&format!("{} {second}", master_keys().to_text().expose())).expect("a ring")
}

fn id(text: &str) -> KeyId {
    text.parse().expect("an id")
}

/// Nodes of these rings.
async fn house(rings: &[(&str, MasterKeys)]) -> House {
    let mut house = House::of(&[]).await;
    for (name, ring) in rings {
        house.add(name, |options| options.master_keys = ring.clone()).await;
    }
    house.put_view(&rings.iter().map(|(name, _)| *name).collect::<Vec<_>>()).await;
    house.all_read().await;
    house
}

#[tokio::test]
async fn a_key_is_not_activated_before_every_node_has_it_and_has_the_same() {
    let lacking = house(&[("a", ring(K2)), ("b", master_keys())]).await;
    let refused = lacking.world("a").services.data_keys.activate(&id("k2")).await;
    assert!(matches!(&refused, Err(RotationError::NotThere { node, .. }) if node == "b"), "{refused:?}");
    let differing = house(&[("a", ring(K2)), ("b", ring(OTHER_K2))]).await;
    let refused = differing.world("a").services.data_keys.activate(&id("k2")).await;
    assert!(matches!(&refused, Err(RotationError::Differs { node, .. }) if node == "b"), "{refused:?}");
    let refused = differing.world("a").services.data_keys.activate(&id("k3")).await;
    assert!(matches!(refused, Err(RotationError::NotHere(_))), "{refused:?}");
    assert_eq!(differing.world("a").services.vault.active(), &id("k1"));
}

#[tokio::test]
async fn every_node_seals_with_the_new_key_when_it_is_acknowledged() {
    let house = house(&[("a", ring(K2)), ("b", ring(K2))]).await;
    house.stand_still().await;
    house.world("a").services.data_keys.activate(&id("k2")).await.expect("activates");
    for node in ["a", "b"] {
        assert_eq!(house.world(node).services.vault.active(), &id("k2"), "{node}");
    }
}

#[tokio::test]
async fn what_is_stored_is_sealed_anew_and_the_old_key_retired_when_nothing_rests_on_it() {
    let world = World::with(|options| options.master_keys = ring(K2)).await;
    let (person, app) = world.register_with_totp("ada").await;
    let keys = &world.services.data_keys;
    keys.activate(&id("k2")).await.expect("activates");
    assert!(matches!(keys.retire(&id("k2")).await, Err(RotationError::Active(_))));
    assert!(matches!(keys.retire(&id("k1")).await, Err(RotationError::TooEarly)));
    world.pass(Duration::from_mins(3));
    assert!(matches!(keys.retire(&id("k1")).await, Err(RotationError::InUse { what: "a secret", .. })));
    let done = keys.reseal(None).await.expect("seals anew");
    assert_eq!((done.looked_at, done.resealed, done.next), (2, 4, None), "three signing keys and a seed");
    assert_eq!(keys.reseal(None).await.expect("works").resealed, 0, "what is done is not done twice");

    // The actor had loaded the seed before; the code is right all the same, and the password is hashed anew with it.
    assert!(matches!(keys.retire(&id("k1")).await, Err(RotationError::InUse { what: "a password", .. })));
    let login = world.first_proof(&person).await;
    let outcome = world.type_totp(&person, &login, app.code(world.now())).await;
    assert!(matches!(outcome, SignInOutcome::SignedIn(_)), "{outcome:?}");
    assert!(matches!(keys.retire(&id("k1")).await, Err(RotationError::InUse { what: "a set of backup codes", .. })));
}

#[tokio::test]
async fn a_ring_without_a_retired_key_is_good_and_one_without_a_known_key_is_not() {
    let world = World::with(|options| options.master_keys = ring(K2)).await;
    let keys = &world.services.data_keys;
    keys.activate(&id("k2")).await.expect("activates");
    keys.reseal(None).await.expect("seals anew");
    world.pass(Duration::from_mins(3));
    let (store, entropy) = (Arc::clone(&world.store), world.entropy.as_ref());
    let only = MasterKeys::parse(K2).expect("a ring");
    let refused = open_vault(store.as_ref(), &only, entropy, world.now()).await.err();
    assert!(matches!(&refused, Some(DataKeysError::Missing(id)) if id == "k1"), "{refused:?}");
    keys.retire(&id("k1")).await.expect("retires");
    let vault = open_vault(store.as_ref(), &only, entropy, world.now()).await.expect("opens");
    assert_eq!(vault.active(), &id("k2"));
    let refused = open_vault(store.as_ref(), &master_keys(), entropy, world.now()).await.err();
    assert!(matches!(&refused, Some(DataKeysError::Missing(id)) if id == "k2"), "{refused:?}");
    let listed = keys.list().await.expect("lists");
    let known: Vec<_> = listed.iter().map(|key| (key.id.as_str(), key.active, key.known_since.is_some())).collect();
    assert_eq!(known, [("k1", false, false), ("k2", true, true)]);
}
