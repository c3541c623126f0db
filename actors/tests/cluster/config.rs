//! Clients, policies and signing keys that another node changed (HAZARDS H4).

use std::{pin::pin, sync::Arc, time::Duration};

use actors::{
    clients::ClientError,
    clock::MockClock,
    domain::{assurance::Acr, command::ChangePasswordOutcome, operation::PASSWORD_CHANGE},
    entropy::SeededEntropy,
    operator::{Operator, Request, Response},
};
use cluster::{Authority, BOUND, Generation};
use schema::{
    AttemptId, ClientId, Commit, Kind, Operation, Partition, PartitionKey, Put, Revision, Store, WriteSet,
    record::{Policy, PolicyMode, PolicyScope, SigningAlg, SigningKeyState},
};
use serde_json::value::RawValue;

use crate::{
    house::House,
    support::{Cut, MemoryStore, PASSWORD, START, World, soon},
};

/// Longer than a node takes to read the generations, to try again what it owes, and to see that somebody has gone.
const SOON: Duration = Duration::from_secs(3);

impl House {
    /// Is there such a client, as this node says?
    async fn knows(&self, at: &str, client: &ClientId) -> bool {
        self.world(at).services.clients.get(client).await.expect("works").is_some()
    }

    /// Everybody reads the generations now.
    async fn all_read_generations(&self) {
        for node in &self.nodes {
            node.world.services.generations.read().await.expect("reads");
        }
    }
}

#[tokio::test]
async fn a_client_is_kept_in_memory_while_the_generations_are_fresh() {
    let house = House::of(&["a", "b"]).await;
    let app = house.world("a").app("shop").await;
    house.all_read_generations().await;
    assert!(house.knows("b", &app.client).await);
    let (loads, _) = house.world("b").store.operations();
    assert!(house.knows("b", &app.client).await);
    assert_eq!(house.world("b").store.operations().0, loads, "from memory");
}

/// The very client that was looked for in vain: what is absent is not kept, so creating needs no news.
#[tokio::test]
async fn a_client_that_was_absent_is_found_as_soon_as_it_is_there() {
    let house = House::of(&["a", "b"]).await;
    let store = &house.world("a").store;
    let generations = PartitionKey::new(Kind::Cluster, "generations");
    let before = store.load(&generations, &[]).await.expect("works").revision;
    let app = house.world("a").app("shop").await;
    assert_eq!(store.load(&generations, &[]).await.expect("works").revision, before, "creating moves nothing");
    let key = PartitionKey::new(Kind::Client, &app.client);
    let made = store.load(&key, &[""]).await.expect("works");
    house.world("a").services.clients.delete(&app.client).await.expect("deletes");
    house.all_read_generations().await;
    assert!(!house.knows("b", &app.client).await);
    let gone = store.load(&key, &[""]).await.expect("works");
    put_back(store.as_ref(), key, gone.revision, made).await;
    assert!(house.knows("b", &app.client).await, "the generation has not moved, and it is looked up all the same");
}

/// What a partition held is there again, as if it had been made a moment ago.
async fn put_back(store: &dyn Store, partition: PartitionKey, expected: Option<Revision>, held: Partition) {
    let operation =
        Operation { id: AttemptId::from_bytes([7; 16]), digest: [0; 32], outcome: RawValue::NULL.to_owned() };
    let puts = held.items.into_iter().map(|(key, body)| Put { key, body }).collect();
    let write = WriteSet {
        partition,
        expected,
        first: Revision::first(7),
        operation,
        at: START,
        puts,
        deletes: Vec::new(),
        partition_expires_at: None,
        note_dirty: false,
    };
    assert!(matches!(store.commit(write).await, Ok(Commit::Committed(_))));
}

#[tokio::test]
async fn a_client_that_was_deleted_elsewhere_is_gone_everywhere_when_that_is_acknowledged() {
    let house = House::of(&["a", "b", "c"]).await;
    let app = house.world("a").app("shop").await;
    house.all_read_generations().await;
    house.stand_still().await;
    for node in ["a", "b", "c"] {
        assert!(house.knows(node, &app.client).await);
    }
    let before = cluster::now();
    house.world("a").services.clients.delete(&app.client).await.expect("deletes");
    assert!(cluster::now() >= before + BOUND, "it is acknowledged when nobody may answer from before");
    for node in ["a", "b", "c"] {
        assert!(!house.knows(node, &app.client).await, "{node}");
    }
}

/// The process dies between the commit and the news of it. The danger is real: another node goes on as before. Whoever
/// takes over from the dead one tells.
#[tokio::test]
async fn a_change_that_was_committed_and_not_told_is_told_by_who_takes_over() {
    let house = House::of(&["a", "b"]).await;
    let app = house.world("a").app("shop").await;
    house.all_read_generations().await;
    assert!(house.knows("b", &app.client).await);
    let (a, b) = (house.world("a"), house.world("b"));
    {
        a.store.hold_load(Kind::Client);
        let mut deleting = pin!(a.services.clients.delete(&app.client));
        tokio::select! {
            biased;
            _ = &mut deleting => panic!("held"),
            () = a.store.something_waits() => {}
        }
        // The next load is that of the delivery.
        a.store.hold_load(Kind::Client);
        a.store.let_go();
        tokio::select! {
            biased;
            _ = &mut deleting => panic!("held"),
            () = a.store.something_waits() => {}
        }
        a.store.cut(Cut::All);
    }
    b.services.generations.read().await.expect("reads");
    assert!(house.knows("b", &app.client).await, "nobody told");
    house.put_view(&["b"]).await;
    house.reads("b").await;
    b.services.shipper.recover().await.expect("recovers");
    b.services.generations.read().await.expect("reads");
    assert!(!house.knows("b", &app.client).await);
}

/// Deletes a client, of which the other node must be told, while nobody can be.
async fn deletes_in_vain(house: &House, client: &ClientId) -> Response {
    house.stand_still().await;
    house.all_read_generations().await;
    assert!(house.knows("b", client).await);
    let a = house.world("a");
    a.store.cut(Cut::Generations);
    let operator = Operator::new(a.services.clone());
    operator.run("operator uid 0".to_owned(), Request::ClientDelete(client.clone()), soon()).await
}

fn is_not_known_everywhere(response: &Response) -> bool {
    matches!(response, Response::Refused { message } if message.contains("not yet known everywhere"))
}

/// A command that ends, or a node that is stopped: whoever comes next finds what it left.
#[tokio::test]
async fn a_change_that_could_not_be_told_before_an_orderly_stop_is_told_by_who_is_left() {
    let house = House::of(&["a", "b"]).await;
    let app = house.world("a").app("shop").await;
    let refused = deletes_in_vain(&house, &app.client).await;
    assert!(is_not_known_everywhere(&refused), "{refused:?}");
    house.world("a").services.stop(Duration::from_secs(5)).await;
    tokio::time::sleep(SOON).await;
    assert!(house.knows("b", &app.client).await, "nobody told");
    house.put_view(&["b"]).await;
    house.reads("b").await;
    tokio::time::sleep(SOON).await;
    house.reads("b").await;
    tokio::time::sleep(SOON).await;
    assert!(!house.knows("b", &app.client).await);
    assert_eq!(house.world("b").told("client.deleted").await, 1, "it was deleted, whoever knew");
}

#[tokio::test]
async fn a_change_that_could_not_be_told_is_told_once_that_is_possible() {
    let house = House::of(&["a", "b"]).await;
    let app = house.world("a").app("shop").await;
    let refused = deletes_in_vain(&house, &app.client).await;
    assert!(is_not_known_everywhere(&refused), "{refused:?}");
    house.world("a").store.cut(Cut::Nothing);
    tokio::time::sleep(SOON).await;
    assert!(!house.knows("b", &app.client).await);
}

#[tokio::test]
async fn what_meets_a_short_failure_is_told_before_it_is_acknowledged() {
    let house = House::of(&["a", "b"]).await;
    let app = house.world("a").app("shop").await;
    let (heals, deletes) = tokio::join!(
        async {
            while house.world("a").store.cut_is(Cut::Nothing) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
            house.world("a").store.cut(Cut::Nothing);
        },
        deletes_in_vain(&house, &app.client),
    );
    let () = heals;
    assert!(matches!(deletes, Response::Changed { .. }), "{deletes:?}");
    assert!(!house.knows("b", &app.client).await);
}

/// The first one died before it could tell, and its notes are not read yet.
#[tokio::test]
async fn who_deletes_again_tells_what_the_first_one_could_not() {
    let house = House::of(&["a", "b", "c"]).await;
    let app = house.world("a").app("shop").await;
    deletes_in_vain(&house, &app.client).await;
    house.world("a").store.cut(Cut::All);
    let again = house.world("c").services.clients.delete(&app.client).await;
    assert!(matches!(again, Err(ClientError::Unknown(_))), "{again:?}");
    tokio::time::sleep(SOON).await;
    assert!(!house.knows("b", &app.client).await);
}

#[tokio::test]
async fn a_policy_that_is_removed_again_is_told_of_though_there_was_none_any_more() {
    let house = House::of(&["a", "b", "c"]).await;
    let scope = PolicyScope::Everybody;
    let policy = Policy::new(scope.clone(), PolicyMode::Required { from: START }, Acr::Mfa.as_str(), START);
    house.stand_still().await;
    house.all_read_generations().await;
    let (a, b, c) = (house.world("a"), house.world("b"), house.world("c"));
    a.services.policies.set(policy).await.expect("a policy that can be met");
    assert_eq!(b.services.policies.all().await.expect("loads").len(), 1);
    a.store.cut(Cut::Generations);
    let error = a.services.policies.remove(&scope).await.expect_err("not known everywhere");
    assert!(error.to_string().contains("not yet known everywhere"), "{error}");
    a.store.cut(Cut::All);
    assert!(!c.services.policies.remove(&scope).await.expect("removes"));
    tokio::time::sleep(SOON).await;
    assert!(b.services.policies.all().await.expect("loads").is_empty());
}

#[tokio::test]
async fn a_node_that_cannot_read_the_generations_answers_nothing_from_memory_after_the_bound() {
    let house = House::of(&["a", "b"]).await;
    let app = house.world("a").app("shop").await;
    house.stand_still().await;
    house.all_read_generations().await;
    assert!(house.knows("b", &app.client).await);
    house.world("b").store.cut(Cut::All);
    assert!(house.knows("b", &app.client).await, "within the bound");
    tokio::time::sleep(BOUND).await;
    assert!(house.world("b").services.clients.get(&app.client).await.is_err());
    house.world("b").store.cut(Cut::Nothing);
    assert!(house.knows("b", &app.client).await, "validated, whether the generations are known or not");
}

#[tokio::test]
async fn after_a_jump_of_the_clocks_a_client_is_looked_up_until_the_generations_are_read_again() {
    let house = House::of(&["a", "b"]).await;
    let app = house.world("a").app("shop").await;
    house.stand_still().await;
    house.all_read_generations().await;
    assert!(house.knows("b", &app.client).await);
    let (loads, node) = (|| house.world("b").store.operations().0, house.node("b"));
    let before = loads();
    node.authority.unsettle(cluster::now());
    assert!(house.knows("b", &app.client).await);
    assert!(loads() > before, "validated");
    tokio::time::advance(std::time::Duration::from_millis(1)).await;
    house.all_read_generations().await;
    let before = loads();
    assert!(house.knows("b", &app.client).await);
    assert_eq!(loads(), before, "from memory");
    node.authority.suspend(true);
    assert!(house.knows("b", &app.client).await);
    assert!(loads() > before, "the clock is off");
}

/// The policies go with the command, from the node that takes it to the owner, who decides.
#[tokio::test]
async fn a_policy_that_was_set_through_one_node_guards_what_another_one_is_asked() {
    let house = House::of(&["a", "b"]).await;
    let person = house.person_of("a").await;
    house.all_read_generations().await;
    let (a, b) = (house.world("a"), house.world("b"));
    assert!(b.services.policies.all().await.expect("loads").is_empty(), "from now on in memory");
    let scope = PolicyScope::Operation { client: None, operation: PASSWORD_CHANGE.to_owned() };
    let policy = Policy::new(scope.clone(), PolicyMode::Required { from: START }, Acr::Mfa.as_str(), START);
    a.services.policies.set(policy).await.expect("a policy that can be met");
    let (outcome, _) = b.change_password(&person, PASSWORD, "seven quiet lanterns drifting").await;
    assert!(matches!(outcome, ChangePasswordOutcome::NotFresh), "{outcome:?}");
    assert!(b.services.policies.remove(&scope).await.expect("removes"));
    let (outcome, _) = a.change_password(&person, PASSWORD, "seven quiet lanterns drifting").await;
    assert!(matches!(outcome, ChangePasswordOutcome::Changed(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_signing_key_is_published_by_every_node_when_its_rotation_is_acknowledged() {
    let house = House::of(&["a", "b"]).await;
    house.stand_still().await;
    let listed = house.world("a").services.keys.rotate(Some(SigningAlg::ES256)).await.expect("rotates");
    let next = listed.iter().find(|key| matches!(key.state, SigningKeyState::Pending { .. })).expect("the next key");
    let theirs = house.world("b").services.keys.shown();
    assert!(theirs.jwks.contains(next.kid.as_str()));
    assert_eq!(theirs.jwks, house.world("a").services.keys.shown().jwks);
}

/// The move of the generation is known, and the load that it calls for fails: nobody is answered by the old keys, and it is
/// tried again soon, not with the next look at the plan.
#[tokio::test]
async fn keys_that_could_not_be_loaded_are_not_used_and_are_loaded_soon() {
    let house = House::of(&["a", "b"]).await;
    house.stand_still().await;
    let (a, b) = (&house.world("a").services.keys, house.world("b"));
    // What moves the first time is known; so both have a set of a generation that they know.
    a.rotate(Some(SigningAlg::EdDSA)).await.expect("rotates");
    assert_eq!(b.services.keys.current().await.expect("loads").list.len(), 4);
    b.store.cut(Cut::Keys);
    a.rotate(Some(SigningAlg::ES256)).await.expect("rotates");
    assert_eq!(b.services.keys.shown().list.len(), 4, "it was not loaded");
    assert!(b.services.keys.current().await.is_err(), "and is not used");
    b.store.cut(Cut::Nothing);
    assert_eq!(b.services.keys.current().await.expect("loads").list.len(), 5, "for who asks");
    b.store.cut(Cut::Keys);
    a.rotate(Some(SigningAlg::RS256)).await.expect("rotates");
    b.store.cut(Cut::Nothing);
    tokio::time::sleep(std::time::Duration::from_secs(11)).await;
    assert_eq!(b.services.keys.shown().list.len(), 6, "though nobody asked");
}

#[tokio::test]
async fn keys_are_told_from_memory_while_the_generations_are_fresh_and_by_nobody_cut_off() {
    let house = House::of(&["a", "b"]).await;
    house.stand_still().await;
    let b = house.world("b");
    house.all_read_generations().await;
    let first = b.services.keys.current().await.expect("loads");
    let (loads, _) = b.store.operations();
    assert!(Arc::ptr_eq(&first, &b.services.keys.current().await.expect("remembers")));
    assert_eq!(b.store.operations().0, loads, "from memory");
    b.store.cut(Cut::All);
    assert!(b.services.keys.current().await.is_ok(), "within the bound");
    tokio::time::sleep(BOUND).await;
    assert!(b.services.keys.current().await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_that_start_at_once_on_a_new_store_have_one_set_of_keys_and_one_vault() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let clock = Arc::new(MockClock::new(START));
    let start = |name: &'static str, seed: u64| {
        let (store, clock) = (Arc::clone(&store), Arc::clone(&clock));
        World::node(store, clock, SeededEntropy::new(seed), move |options| {
            options.authority = Arc::new(Authority::member(name.parse().expect("a name"), Generation(1)));
        })
    };
    let (a, b, c) = tokio::join!(start("a", 1), start("b", 2), start("c", 3));
    let jwks = |world: &World| world.services.keys.shown().jwks.clone();
    assert_eq!(a.services.keys.shown().list.len(), 3);
    assert_eq!((jwks(&a), jwks(&a)), (jwks(&b), jwks(&c)));
    let sealed = a.services.vault.seal(actors::vault::Purpose::Code, &[], b"x", a.entropy.as_ref());
    assert!(c.services.vault.open(actors::vault::Purpose::Code, &[], &sealed).is_ok());
}

/// Guesses at a name that nobody has meet in the store, since every node counts them itself. None is lost to the others,
/// and the name is closed by as many as at somebody's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_on_three_nodes_at_once_are_all_answered_and_close_the_name() {
    let house = House::of(&["a", "b", "c"]).await;
    let guesses = (0..60).map(|n| {
        let world = &house.nodes[n % 3].world;
        async move { world.type_password("nobody", "not the password at all", &world.login(), None).await }
    });
    let answers = futures_util::future::join_all(guesses).await;
    let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    assert!(refused.is_empty(), "{refused:?}");
    for node in &house.nodes {
        let outcome = node.world.guess("nobody", "anything").await;
        assert!(matches!(outcome, actors::domain::command::SignInOutcome::Throttled { .. }), "{outcome:?}");
    }
}
