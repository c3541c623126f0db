//! The calls of one connection, taken and answered by hand.

use std::future::pending;

use tempfile::TempDir;
use tokio::task::unconstrained;

use super::*;
use crate::{
    WIRE_VERSION,
    transport::{
        Transport,
        peer::greet,
        staged::{Echo, certified, envelope, name, transport},
        wire::Queued,
    },
};

/// Answers nobody.
struct Stuck;

#[async_trait::async_trait]
impl Service for Stuck {
    async fn serve(&self, _: &NodeId, _: Envelope, _: Instant) -> Bytes {
        pending().await
    }
}

/// Answers everybody with as much as is allowed.
struct Verbose;

#[async_trait::async_trait]
impl Service for Verbose {
    async fn serve(&self, _: &NodeId, _: Envelope, _: Instant) -> Bytes {
        vec![7; MAX_ANSWER].into()
    }
}

/// A desk with what feeds it and what it says.
struct Staged {
    desk: Desk,
    begin: mpsc::UnboundedSender<Taken>,
    said: mpsc::Receiver<Queued>,
    _node: (Transport, TempDir),
}

fn staged(service: impl Service) -> (Staged, mpsc::UnboundedReceiver<Taken>) {
    let dir = certified();
    let node = transport(dir.path(), "b");
    let (outbox, said) = Outbox::new();
    let shared = Arc::clone(&node.shared);
    let desk = Desk::new(name("a"), Arc::new(service), shared, outbox);
    let (begin, begun) = mpsc::unbounded_channel();
    (Staged { desk, begin, said, _node: (node, dir) }, begun)
}

impl Staged {
    fn take(&self, id: u64) -> Result<(), Refusal> {
        let body = envelope("hello").encode(WIRE_VERSION).expect("short enough");
        self.desk.take(id, body, &self.begin)
    }
}

#[tokio::test]
async fn pairs_of_a_call_and_its_cancel_do_not_pile_up() {
    let (staged, begun) = staged(Stuck);
    let taken = (0..3 * MAX_IN_FLIGHT as u64).filter(|id| {
        let taken = staged.take(*id).is_ok();
        staged.desk.drop_call(*id);
        taken
    });
    assert_eq!((taken.count(), begun.len()), (MAX_IN_FLIGHT, MAX_IN_FLIGHT));
    assert_eq!(staged.take(0), Err(Refusal::Overloaded));
    assert!(unconstrained(staged.desk.answer_all(begun)).now_or_never().is_none());
    assert_eq!(staged.desk.places.available_permits(), MAX_IN_FLIGHT, "whoever is ended gives its place back");
}

#[tokio::test]
async fn a_call_under_the_id_of_a_cancelled_one_is_a_call_as_any_other() {
    let (staged, begun) = staged(Stuck);
    assert_eq!(staged.take(1), Ok(()));
    staged.desk.drop_call(1);
    assert_eq!(staged.take(1), Ok(()), "the id is free again");
    let answering = unconstrained(staged.desk.answer_all(begun));
    pin!(answering);
    assert!((&mut answering).now_or_never().is_none());
    assert_eq!(staged.desk.places.available_permits(), MAX_IN_FLIGHT - 1);
    assert_eq!(staged.take(1), Err(Refusal::Malformed), "the second is still being served");
    staged.desk.drop_call(1);
    assert!((&mut answering).now_or_never().is_none());
    assert_eq!(staged.desk.places.available_permits(), MAX_IN_FLIGHT, "and can be cancelled");
}

#[tokio::test]
async fn answers_that_find_no_room_are_not_kept_and_their_callers_hear_of_it() {
    let (mut staged, begun) = staged(Verbose);
    for id in 0..20 {
        assert_eq!(staged.take(id), Ok(()));
    }
    assert!(unconstrained(staged.desk.answer_all(begun)).now_or_never().is_none());
    let (mut answers, mut failed) = (0, 0);
    while let Ok(queued) = staged.said.try_recv() {
        match queued.frame {
            Frame::Answer(_, answer) if answer.len() == MAX_ANSWER => answers += 1,
            Frame::Refused(_, Refusal::Failed) => failed += 1,
            other => panic!("{other:?}"),
        }
    }
    // With its head each is a little longer than the sixteenth part of the room.
    assert_eq!((answers, failed), (15, 5));
}

#[tokio::test]
async fn what_the_answering_end_writes_is_sent_at_once() {
    let dir = certified();
    let (a, b) = (transport(dir.path(), "a"), transport(dir.path(), "b"));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let server = Server::new(Arc::clone(&b.shared), Arc::new(Echo));
    let (_calling, greeted) = tokio::join!(greet(&a.shared, &b.shared.me, &address), async {
        let (stream, _) = listener.accept().await.expect("a connection");
        server.greet(stream).await
    });
    let (stream, ..) = greeted.expect("a connection");
    assert!(stream.get_ref().0.nodelay().expect("an open socket"));
}
