//! The level that data may be written in (HAZARDS H15).

use std::sync::Arc;

use actors::{
    domain::{assurance::Acr, policy::AT_ONCE},
    feature_level::{FeatureLevel, LEVEL, LevelError},
    operator::{Operator, Request, Response},
    policies::STEPS_LEVEL,
};
use cluster::Member;
use schema::{
    AttemptId, Kind, Operation, PartitionKey, Put, Revision, Store as _, WriteSet,
    record::{self, Policy, PolicyMethod, PolicyMode, PolicyScope, Unknown},
};
use serde_json::value::RawValue;

use crate::{
    house::{House, member},
    support::{START, World, soon},
};

fn at(name: &str, level: u32) -> Member {
    Member { level, ..member(name) }
}

/// A newer version has raised the level of this store.
async fn raised(world: &World, level: u32) {
    let row = record::FeatureLevel { level, unknown: Unknown::default() };
    let operation =
        Operation { id: AttemptId::from_bytes([5; 16]), digest: [0; 32], outcome: RawValue::NULL.to_owned() };
    let key = PartitionKey::new(Kind::Cluster, "level");
    let write = WriteSet {
        expected: world.store.load(&key, &[]).await.expect("loads").revision,
        partition: key,
        first: Revision::first(7),
        operation,
        at: START,
        puts: vec![Put::record("level", &row, None)],
        deletes: Vec::new(),
        partition_expires_at: None,
        note_dirty: false,
    };
    world.store.commit(write).await.expect("commits");
}

#[tokio::test]
async fn the_level_is_raised_when_nobody_in_the_view_is_below_and_never_lowered() {
    let house = House::of(&["a", "b"]).await;
    let level = |name: &str| house.world(name).services.level.clone();
    house.put_members(vec![at("a", LEVEL), at("b", LEVEL - 1)]).await;
    house.all_read().await;
    level("a").follow().await.expect("follows");
    assert_eq!(level("a").current(), LEVEL - 1);
    house.put_members(vec![at("a", LEVEL), at("b", LEVEL)]).await;
    house.all_read().await;
    level("a").follow().await.expect("follows");
    level("b").follow().await.expect("follows");
    assert_eq!((level("a").current(), level("b").current()), (LEVEL, LEVEL));
    house.put_members(vec![at("a", LEVEL), at("b", LEVEL - 1)]).await;
    house.all_read().await;
    level("a").follow().await.expect("follows");
    assert_eq!(level("a").current(), LEVEL);
}

/// Sign-ins at an older node end with one second step, so nothing that takes two is asked for while there is one.
#[tokio::test]
async fn what_takes_several_steps_is_required_once_no_older_node_is_in_the_view() {
    let house = House::of(&["a", "b"]).await;
    house.put_members(vec![at("a", LEVEL), at("b", STEPS_LEVEL - 1)]).await;
    house.all_read().await;
    let a = house.world("a");
    a.services.level.follow().await.expect("follows");
    let operator = Operator::new(a.services.clone());
    let set = |policy: Policy| operator.run("operator uid 0".to_owned(), Request::PolicySet(Box::new(policy)), soon());
    let policy = |scope: PolicyScope, least: Acr, any_of: &[PolicyMethod]| Policy {
        any_of: any_of.iter().copied().collect(),
        ..Policy::new(scope, PolicyMode::Required { from: AT_ONCE }, least.as_str(), START)
    };
    let both = || {
        let all_of = [PolicyMethod::Totp, PolicyMethod::Passkey].into();
        Policy { all_of, ..policy(PolicyScope::Role { role: "admin".to_owned() }, Acr::Mfa, &[]) }
    };
    let by_mail = || policy(PolicyScope::Role { role: "staff".to_owned() }, Acr::TwoStep, &[PolicyMethod::Email]);
    let by_app = || policy(PolicyScope::Everybody, Acr::Mfa, &[PolicyMethod::Totp]);
    let refused = |response: &Response, why: &str| {
        assert!(matches!(response, Response::Refused { message } if message.contains(why)), "{response:?}");
    };
    refused(&set(both()).await, "not every node of the cluster understands");
    assert!(matches!(set(by_mail()).await, Response::Policies(_)));
    refused(&set(by_app()).await, "together with that of role/staff at a node of an earlier version");
    house.put_members(vec![at("a", LEVEL), at("b", LEVEL)]).await;
    house.all_read().await;
    a.services.level.follow().await.expect("follows");
    for policy in [both(), by_app()] {
        let set = set(policy).await;
        assert!(matches!(set, Response::Policies(_)), "{set:?}");
    }
}

#[tokio::test]
async fn a_node_below_the_level_of_the_data_does_not_start_and_one_that_runs_hears_of_it() {
    let house = House::of(&["a"]).await;
    let world = house.world("a");
    raised(world, LEVEL + 1).await;
    let (store, clock, entropy) = (Arc::clone(&world.store), Arc::clone(&world.clock), Arc::clone(&world.entropy));
    let opened = FeatureLevel::open(store, clock, entropy, Arc::clone(&house.node("a").authority)).await;
    assert!(matches!(opened, Err(LevelError::TooOld { stored }) if stored == LEVEL + 1), "{opened:?}");
    let mut outgrown = std::pin::pin!(world.services.level.outgrown());
    tokio::select! {
        biased;
        error = &mut outgrown => panic!("not read yet: {error}"),
        followed = world.services.level.follow() => assert!(matches!(followed, Err(LevelError::TooOld { .. }))),
    }
    assert!(matches!(outgrown.await, LevelError::TooOld { stored } if stored == LEVEL + 1));
}
