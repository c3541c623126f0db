//! The level that data may be written in (HAZARDS H15).

use std::sync::Arc;

use actors::feature_level::{FeatureLevel, LEVEL, LevelError};
use cluster::Member;
use schema::{
    AttemptId, Kind, Operation, PartitionKey, Put, Revision, Store as _, WriteSet,
    record::{self, Unknown},
};
use serde_json::value::RawValue;

use crate::{
    house::{House, member},
    support::{START, World},
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
