//! Names that several nodes claim and sweep (HAZARDS H9).

use std::{pin::pin, time::Duration};

use actors::registration::RegisterError;
use futures_util::future::join_all;
use schema::BrowserId;

use crate::{
    house::House,
    support::{Fault, new_account, soon},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_register_one_name_on_three_nodes_at_once_one_has_it() {
    let house = House::of(&["a", "b", "c"]).await;
    let tries = (0..12).map(|n| {
        let world = &house.nodes[n % 3].world;
        async move {
            let browser = BrowserId::from_bytes([u8::try_from(n).expect("few"); 16]);
            world.services.registration.register(&world.attempt(), new_account("ada", browser), soon()).await
        }
    });
    let ended = join_all(tries).await;
    assert_eq!(ended.iter().filter(|end| end.is_ok()).count(), 1, "{ended:?}");
    let taken = |end: &Result<_, RegisterError>| matches!(end, Ok(_) | Err(RegisterError::NameTaken));
    assert!(ended.iter().all(taken), "{ended:?}");
}

/// A node stands still with a name in its hands and the account on its way; another node sweeps the name and gives it away.
/// What the first one commits when it goes on comes to nothing.
#[tokio::test]
async fn a_name_that_a_lost_node_held_is_swept_by_another_and_stays_with_its_new_owner() {
    let house = House::of(&["a", "b"]).await;
    let (a, b) = (house.world("a"), house.world("b"));
    house.put_view(&["a"]).await;
    house.all_read().await;
    a.store.script([Fault::Hold]);
    let lost = a.attempt();
    let registration = a.services.registration.clone();
    let mut registering =
        pin!(registration.register(&lost, new_account("ada", BrowserId::from_bytes([1; 16])), soon()));
    tokio::select! {
        _ = &mut registering => panic!("held"),
        () = a.store.something_waits() => {}
    }
    house.put_view(&["b"]).await;
    house.reads("b").await;
    b.pass(Duration::from_mins(2));
    let new = new_account("ada", BrowserId::from_bytes([2; 16]));
    let (owner, _) = b.services.registration.register(&b.attempt(), new, soon()).await.expect("registers");
    a.store.let_go();
    let ended = registering.await;
    assert!(ended.is_err(), "{ended:?}");
    assert_eq!(b.services.sign_in.holder("ada").await.expect("works"), Some(owner));
}
