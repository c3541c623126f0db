//! What is stored by a newer version, or left behind (HAZARDS H15).

use std::time::Duration;

use actors::{
    call::CallError,
    clients::ClientError,
    domain::command::{DisableUser, Overview, SignInOutcome},
};
use schema::{AttemptId, Body, Commit, Kind, Operation, PartitionKey, Put, Revision, Store as _, WriteSet};
use serde_json::value::RawValue;

use crate::support::{PASSWORD, World, code_at, soon};

/// Another version of the product writes an item.
async fn write(world: &World, key: &PartitionKey, item: &str, json: &str) {
    let partition = world.store.load(key, &[]).await.expect("works");
    let body = Body { json: RawValue::from_string(json.to_owned()).expect("JSON"), expires_at: None };
    let write = WriteSet {
        partition: key.clone(),
        expected: partition.revision,
        first: Revision::first(1),
        operation: Operation {
            id: AttemptId::from_bytes([3; 16]),
            digest: [0; 32],
            outcome: RawValue::NULL.to_owned(),
        },
        at: world.now(),
        puts: vec![Put { key: item.into(), body }],
        deletes: Vec::new(),
        partition_expires_at: None,
        note_dirty: false,
    };
    assert!(matches!(world.store.commit(write).await, Ok(Commit::Committed(_))));
}

async fn text(world: &World, key: &PartitionKey, item: &str) -> String {
    let partition = world.store.load(key, &[""]).await.expect("works");
    partition.items[item].json.get().to_owned()
}

#[tokio::test]
async fn what_a_newer_version_wrote_is_kept_byte_for_byte() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let key = PartitionKey::new(Kind::User, person.user);
    let account = text(&world, &key, "account").await;
    let known = account.strip_suffix('}').expect("an object");
    write(&world, &key, "account", &format!("{known},\"later\":{{ \"x\": 1.50 }}}}")).await;
    write(&world, &key, "later/1", "{\"v\":7,\"min_reader\":7, \"y\":[ ]}").await;
    assert!(world.services.accounts.ask(person.user, &world.attempt(), DisableUser, soon()).await.expect("works"));
    assert!(text(&world, &key, "account").await.contains("\"later\":{ \"x\": 1.50 }"));
    assert_eq!(text(&world, &key, "later/1").await, "{\"v\":7,\"min_reader\":7, \"y\":[ ]}");
}

#[tokio::test]
async fn a_body_that_only_a_newer_version_can_judge_makes_its_user_unavailable() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let key = PartitionKey::new(Kind::User, person.user);
    let account = text(&world, &key, "account").await;
    write(&world, &key, "account", &account.replacen("\"min_reader\":1", "\"min_reader\":9", 1)).await;
    let world = world.killed_and_restarted().await;
    let asked = world.services.accounts.ask(person.user, &world.attempt(), Overview, soon()).await;
    assert!(matches!(asked, Err(CallError::Unavailable(_))), "{asked:?}");
    let signed_in = world.type_password("ada", PASSWORD, &world.login(), None).await;
    assert!(matches!(signed_in, Err(CallError::Unavailable(_))), "{signed_in:?}");
}

#[tokio::test]
async fn what_ended_a_day_ago_is_removed_with_the_next_commit() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let (factor, _) = world.begin_totp(&person).await;
    let confirm = actors::domain::command::ConfirmTotp {
        session: person.session.clone(),
        factor,
        code: code_at(b"another seed of 20 by", world.now()),
        backup: Vec::new(),
    };
    world.services.accounts.ask(person.user, &world.attempt(), confirm, soon()).await.expect("answers");
    let app = world.app("shop").await;
    let issued = world.code(&person, &app).await;
    let left = |items: &[String], prefix: &str| items.iter().any(|key| key.starts_with(prefix));
    let items = world.items(person.user).await;
    let ended = ["totp/", "throttle/totp/", "code/"];
    assert!(ended.iter().all(|prefix| left(&items, prefix)), "{items:?}");
    world.pass(Duration::from_hours(24));
    let outcome = world.guess("ada", "not the password at all").await;
    assert_eq!(outcome, SignInOutcome::Wrong);
    assert!(left(&world.items(person.user).await, "code/"), "what proves consumption stays a day past its end");
    world.pass(Duration::from_hours(1));
    let again = world.sign_in(&person, None).await;
    world.code(&again, &app).await;
    world.pass(Duration::from_mins(10));
    world.code(&again, &app).await;
    let items = world.items(person.user).await;
    assert!(!left(&items, &format!("code/{}", issued.code)), "{items:?}");
    assert!(!left(&items, "totp/") && !left(&items, "throttle/totp/"), "{items:?}");
}

/// It may be what forbids something.
#[tokio::test]
async fn a_client_of_which_a_newer_version_says_more_is_served_by_that_version_alone() {
    let world = World::new().await;
    let app = world.app("shop").await;
    let clients = &world.services.clients;
    let key = PartitionKey::new(Kind::Client, &app.client);
    let registration = text(&world, &key, "registration").await;
    let known = registration.strip_suffix('}').expect("an object");
    write(&world, &key, "registration", &format!("{known},\"require_par\":true}}")).await;
    assert!(clients.get(&app.client).await.expect("works").is_none());
    let refused = clients.rotate_secret(&app.client).await;
    assert!(matches!(refused, Err(ClientError::Newer(_))), "{:?}", refused.err());
    assert!(clients.get(&app.client).await.expect("works").is_none());
    assert!(text(&world, &key, "registration").await.contains("require_par"));
    clients.delete(&app.client).await.expect("an operator may remove it");
}
