//! Keys: signing keys are published before they sign, master keys and store belong together (HAZARDS H19); and what the
//! client registry keeps in memory.

use std::{sync::Arc, time::Duration};

use actors::{
    clock::MockClock,
    data_keys::{DataKeysError, open_vault},
    entropy::{Entropy, SeededEntropy},
    generations::Generations,
    key_ring::{KeyRing, KeyRingOptions, Rotation},
    vault::{MasterKeys, Purpose},
};
use cluster::{Authority, Generation};
use schema::{
    Kind, PartitionKey, Store, Timestamp,
    embedded::{EmbeddedStore, Options},
    record::{SigningAlg, SigningKeyState},
};

use crate::support::{START, World, master_keys};

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn a_rotated_key_is_published_for_the_lead_before_it_signs_and_the_old_one_after() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let app = world.app("shop").await;
    let keys = &world.services.keys;
    let signing = || keys.shown().signer(SigningAlg::ES256).expect("a key").kid().clone();
    let old = signing();
    let listed = keys.rotate(Some(SigningAlg::ES256)).await.expect("rotates");
    let pending = listed.iter().find(|key| matches!(key.state, SigningKeyState::Pending { .. })).expect("the next key");
    assert!(keys.shown().jwks.contains(pending.kid.as_str()));
    assert_eq!(signing(), old);
    let (grant, attempt) = world.grant(&person, &world.code(&person, &app).await).await;
    let tokens = world.services.tokens.issue(&keys.shown(), &grant, &attempt.seed, SigningAlg::RS256).expect("signs");

    world.pass(HOUR);
    // The schedule is looked at once a minute, and whenever somebody asks for a rotation.
    keys.rotate(Some(SigningAlg::EdDSA)).await.expect("rotates");
    assert_eq!(signing(), pending.kid);
    assert!(keys.shown().jwks.contains(old.as_str()));
    let hint = tokens.id_token.expect("openid was granted");
    world.services.tokens.read_id_token_hint(&keys.shown(), hint.expose()).expect("verifies");
    let at = grant.issued_at;
    world
        .services
        .tokens
        .verify_access(&keys.shown(), tokens.access_token.expose(), at)
        .expect("a retired key still verifies");

    world.pass(Rotation::default().retain);
    keys.rotate(Some(SigningAlg::EdDSA)).await.expect("rotates");
    assert!(!keys.shown().jwks.contains(old.as_str()));
    assert!(world.services.tokens.verify_access(&keys.shown(), tokens.access_token.expose(), at).is_err());
}

#[tokio::test]
async fn asking_twice_makes_one_next_key() {
    let world = World::new().await;
    let (other, _) = world.second_node().await;
    let (a, b) = tokio::join!(world.services.keys.rotate(None), other.keys.rotate(None));
    let (a, b) = (a.expect("rotates"), b.expect("rotates"));
    world.services.keys.rotate(None).await.expect("rotates");
    let key = PartitionKey::new(Kind::Keyring, "signing");
    let stored = world.store.load(&key, &["key/"]).await.expect("works");
    assert_eq!((stored.items.len(), a.len(), b.len()), (6, 6, 6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_keepers_of_a_new_store_make_one_set_of_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let store: Arc<dyn Store> = Arc::new(EmbeddedStore::open(folder.path(), &Options::default()).expect("opens"));
    let entropy: Arc<SeededEntropy> = Arc::new(SeededEntropy::new(7));
    let vault =
        open_vault(store.as_ref(), &master_keys(), entropy.as_ref(), Timestamp::default()).await.expect("opens");
    let vault = Arc::new(vault);
    let start = || {
        let store = Arc::clone(&store);
        let clock = Arc::new(MockClock::new(START));
        let entropy: Arc<dyn Entropy> = Arc::clone(&entropy) as Arc<dyn Entropy>;
        let authority = Arc::new(Authority::member("one".parse().expect("a name"), Generation(1)));
        let generations = Generations::new(Arc::clone(&store), clock.clone(), Arc::clone(&entropy), authority);
        KeyRing::start(KeyRingOptions {
            store,
            clock,
            entropy,
            generations,
            vault: Arc::clone(&vault),
            rotation: Rotation::default(),
        })
    };
    let (a, b) = tokio::join!(start(), start());
    let (a, b) = (a.expect("starts"), b.expect("starts"));
    assert_eq!((a.shown().list.len(), b.shown().list.len()), (3, 3));
    assert_eq!(a.shown().jwks, b.shown().jwks);
}

#[tokio::test]
async fn a_store_opens_with_the_ring_that_it_was_sealed_with_and_no_other() {
    let world = World::new().await;
    let (store, entropy, now) = (world.store.as_ref(), world.entropy.as_ref(), world.now());
    let sealed = world.services.vault.seal(Purpose::Code, &[], b"x", entropy);
    let other = MasterKeys::parse("k1:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=").expect("a ring");
    let refused = open_vault(store, &other, entropy, now).await.err();
    assert!(matches!(refused, Some(DataKeysError::Canary(ref id)) if id == "k1"), "{refused:?}");
    let lost = MasterKeys::parse("k2:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=").expect("a ring");
    let refused = open_vault(store, &lost, entropy, now).await.err();
    assert!(matches!(refused, Some(DataKeysError::Missing(ref id)) if id == "k1"), "{refused:?}");
    // A second key may be added in front: it opens nothing yet and seals nothing until activated.
    let both = format!("k2:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI= {}", master_keys().to_text().expose());
    let vault = open_vault(store, &MasterKeys::parse(&both).expect("a ring"), entropy, now).await.expect("opens");
    assert_eq!(vault.active().as_str(), "k1");
    assert_eq!(*vault.open(Purpose::Code, &[], &sealed).expect("the same incarnation"), b"x");
    // Nor does the store know it: a ring without it is good until then.
    open_vault(store, &master_keys(), entropy, now).await.expect("opens");
}

/// A registration that is being read while it is deleted must not come to life in memory.
#[tokio::test]
async fn a_client_deleted_while_it_is_read_is_not_remembered() {
    let world = World::new().await;
    let app = world.app("shop").await;
    world.store.hold_load(Kind::Client);
    let clients = world.services.clients.clone();
    let mut reading = std::pin::pin!(clients.get(&app.client));
    tokio::select! {
        biased;
        _ = &mut reading => panic!("the read is held"),
        () = world.store.something_waits() => {}
    }
    world.services.clients.delete(&app.client).await.expect("deletes");
    world.store.let_go();
    assert!(reading.await.expect("works").is_some(), "it was there when it was read");
    assert!(world.services.clients.get(&app.client).await.expect("works").is_none());
}
