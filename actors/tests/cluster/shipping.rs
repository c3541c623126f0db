//! Events that a node did not live to ship, and messages that it did not live to send.

use std::time::Duration;

use actors::{
    domain::command::{BeginAddress, BeginAddressOutcome},
    notifier::NotCarried,
};
use schema::record::Channel;

use crate::{
    house::House,
    postbox::Postbox,
    support::{Cut, Fault, Person, soon},
};

const LONG: Duration = Duration::from_mins(11);

#[tokio::test]
async fn what_a_dead_node_left_is_shipped_once_by_who_takes_over() {
    let house = House::of(&["a", "b"]).await;
    let (mine, theirs) = (house.person_of("a").await, house.person_of("b").await);
    house.stand_still().await;
    let (a, b) = (house.world("a"), house.world("b"));
    b.services.shipper.settled().await;
    let before = a.audit().await.len();
    // Every append of b fails from now on: what it commits stays in the partition.
    b.store.script_appends(std::iter::repeat_n(Fault::Unavailable, 5000));
    assert_eq!(house.logs_out("b", &theirs, soon()).await, Ok(true));
    assert_eq!(a.audit().await.len(), before);
    // Meanwhile a ships what is its own, and moves its cursor on, past the note of b.
    a.pass(LONG);
    assert_eq!(house.logs_out("a", &mine, soon()).await, Ok(true));
    tokio::time::sleep(LONG).await;
    a.services.shipper.recover().await.expect("recovers");
    assert_eq!(a.audit().await.len(), before + 1, "b is there: what it has is its own to ship");

    b.store.cut(Cut::All);
    house.put_view(&["a"]).await;
    house.reads("a").await;
    a.services.shipper.recover().await.expect("recovers");
    assert_eq!(a.audit().await.len(), before + 2);
    a.services.shipper.recover().await.expect("recovers");
    assert_eq!(a.audit().await.len(), before + 2, "once");
}

/// A node that was thought dead and was not: what it commits after it was taken over from is its own again.
#[tokio::test]
async fn a_node_that_was_only_thought_dead_loses_nothing() {
    let house = House::of(&["a", "b"]).await;
    let first = house.person_of("b").await;
    let second = another_of(&house, "b").await;
    house.stand_still().await;
    let (a, b) = (house.world("a"), house.world("b"));
    b.services.shipper.settled().await;
    let before = a.audit().await.len();
    b.store.script_appends(std::iter::repeat_n(Fault::Unavailable, 5000));
    assert_eq!(house.logs_out("b", &first, soon()).await, Ok(true));
    house.put_view(&["a"]).await;
    house.reads("a").await;
    a.services.shipper.recover().await.expect("recovers");
    assert_eq!(a.audit().await.len(), before + 1);
    a.pass(LONG);
    a.services.shipper.recover().await.expect("recovers");
    // It has not heard yet that it is out, and dies with this.
    let command = actors::domain::command::EndSession { session: second.session.session };
    let attempt = b.attempt();
    assert_eq!(b.services.accounts.ask(second.user, &attempt, command, soon()).await, Ok(true));
    b.store.cut(Cut::All);
    a.services.shipper.recover().await.expect("recovers");
    assert_eq!(a.audit().await.len(), before + 2);
}

/// A message that a node did not live to send, because its provider took none, is sent once by the node that is left.
#[tokio::test]
async fn a_code_that_a_dead_node_did_not_send_is_sent_once_by_who_is_left() {
    let (works, refuses) = (Postbox::new(), Postbox::refusing(NotCarried::Later("not now".to_owned())));
    let house = House::with_postboxes([("a", &works), ("b", &refuses)]).await;
    let person = house.person_of("b").await;
    house.stand_still().await;
    let (a, b) = (house.world("a"), house.world("b"));
    let (session, address) = (person.session.clone(), "ada@example.org".to_owned());
    let channel = Channel::Email;
    let begin =
        BeginAddress { session, channel, name: String::new(), address: address.clone(), link: true, count: None };
    let begun = b.services.accounts.ask(person.user, &b.attempt(), begin, soon()).await.expect("answers");
    assert!(matches!(begun, BeginAddressOutcome::Begun { .. }), "{begun:?}");
    refuses.until(|postbox| postbox.asked() == 1).await;

    b.store.cut(Cut::All);
    house.put_view(&["a"]).await;
    house.reads("a").await;
    a.services.shipper.recover().await.expect("recovers");
    a.services.shipper.recover().await.expect("recovers");
    assert_eq!(a.services.notifier.owed(), 1, "it is found");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(works.asked(), 0, "b may be sending it");
    // From now on b could send it, but it must ask the store whose it is.
    a.pass(Duration::from_secs(31));
    *refuses.refusal.lock() = None;
    house.reads("a").await;
    assert_eq!(works.letter(1).await.to, address);
    while a.services.notifier.owed() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    a.services.shipper.recover().await.expect("recovers");
    tokio::time::sleep(Duration::from_mins(3)).await;
    assert_eq!((works.asked(), works.taken(), refuses.taken()), (1, 1, 0));
    assert_eq!(a.told("message.sent").await, 1);
}

/// Somebody else whom this node owns.
async fn another_of(house: &House, name: &str) -> Person {
    for n in 0.. {
        let person = house.world(name).register(&format!("another-{n}")).await;
        if house.order(person.user).await[0] == name {
            return person;
        }
    }
    unreachable!("somebody is found")
}
