//! Hashes and their text, peppers, and who is served when there is too much to do.

use std::task::{Context, Poll, Waker};

use schema::Timestamp;

use super::*;
use crate::clock::MockClock;

/// The cheapest that Argon2 allows.
const CHEAP: Argon2Params = Argon2Params { m_kib: 8, t: 1, p: 1 };
const LATER: Duration = Duration::from_secs(10);

fn options(clock: Arc<dyn Clock>) -> HasherOptions {
    HasherOptions { params: CHEAP, threads: NonZero::new(1), queue: 4, pepper: None, clock }
}

fn clock() -> Arc<MockClock> {
    Arc::new(MockClock::new(Timestamp::from_millis(0)))
}

fn hasher() -> Hasher {
    Hasher::new(options(clock())).expect("threads start")
}

/// A hasher whose threads never come, so that what waits stays waiting.
fn idle(clock: Arc<dyn Clock>) -> Hasher {
    let shared = Arc::new(Shared::new(4, clock));
    Hasher { shared, params: CHEAP, pepper: None, dummy: String::new() }
}

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn peppers(active: &str) -> Peppers {
    let key = |(id, byte): (&str, u8)| (id.parse().expect("an id"), Secret::new([byte; 32]));
    let place = usize::from(active == "k2");
    Peppers::new([("k1", 1), ("k2", 2)].map(key).into(), Arc::new(AtomicUsize::new(place)))
}

#[tokio::test]
async fn a_hash_verifies_its_own_secret_alone() {
    let hasher = hasher();
    let phc = hasher.hash(&secret("right"), [7; 16], CHEAP, Priority::Unknown, LATER).await.expect("hashes");
    assert!(phc.starts_with("$argon2id$v=19$m=8,t=1,p=1$BwcHBwcHBwcHBwcHBwcHBw$"), "{phc}");
    assert_eq!(hasher.verify(&secret("right"), &phc, Priority::Unknown, LATER).await, Ok(true));
    assert_eq!(hasher.verify(&secret("wrong"), &phc, Priority::KnownDevice, LATER).await, Ok(false));
    assert!(!hasher.needs_rehash(&phc, CHEAP));
    assert!(hasher.needs_rehash(&phc, Argon2Params { t: 2, ..CHEAP }));
}

#[tokio::test]
async fn it_verifies_what_the_reference_implementation_made() {
    // `echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1` of the reference implementation, from its test suite.
    let phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    let hasher = hasher();
    assert_eq!(hasher.verify(&secret("password"), phc, Priority::Unknown, LATER).await, Ok(true));
    assert_eq!(hasher.verify(&secret("differentpassword"), phc, Priority::Unknown, LATER).await, Ok(false));
}

#[tokio::test]
async fn blocks_that_served_a_large_hash_serve_a_small_one() {
    let hasher = hasher();
    let mut made = Vec::new();
    for m_kib in [8, 64, 8] {
        let params = Argon2Params { m_kib, ..CHEAP };
        made.push(hasher.hash(&secret("x"), [7; 16], params, Priority::Unknown, LATER).await.expect("hashes"));
    }
    assert_eq!(made[0], made[2]);
    assert_ne!(made[0], made[1]);
}

#[tokio::test]
async fn the_dummy_costs_a_hash_and_matches_nothing() {
    let hasher = hasher();
    assert!(!hasher.needs_rehash(&hasher.dummy, CHEAP));
    assert_eq!(hasher.verify_dummy(&secret("anything"), Priority::Unknown, LATER).await, Ok(false));
}

#[tokio::test]
async fn a_hash_names_its_pepper_and_outlives_a_change_of_it() {
    let with = |active: &str| {
        Hasher::new(HasherOptions { pepper: Some(peppers(active)), ..options(clock()) }).expect("starts")
    };
    let (old, new, bare) = (with("k1"), with("k2"), hasher());
    let phc = old.hash(&secret("right"), [7; 16], CHEAP, Priority::Unknown, LATER).await.expect("hashes");
    assert!(phc.contains(",keyid=azE$"), "{phc}");
    assert_eq!(new.verify(&secret("right"), &phc, Priority::Unknown, LATER).await, Ok(true));
    assert_eq!(new.verify(&secret("wrong"), &phc, Priority::Unknown, LATER).await, Ok(false));
    assert!(new.needs_rehash(&phc, CHEAP) && !old.needs_rehash(&phc, CHEAP));
    let lost = bare.verify(&secret("right"), &phc, Priority::Unknown, LATER).await;
    assert!(matches!(lost, Err(HashError::Unreadable(_))), "{lost:?}");
    let unpeppered = phc.replace(",keyid=azE", "");
    assert_eq!(bare.verify(&secret("right"), &unpeppered, Priority::Unknown, LATER).await, Ok(false));
}

#[tokio::test]
async fn hashes_that_ask_for_too_much_work_are_refused_unhashed() {
    let hasher = hasher();
    let with = |params: &str| format!("$argon2id$v=19${params}$BwcHBwcHBwcHBwcHBwcHBw$BwcHBwcHBwcHBwcHBwcHBw");
    for bomb in
        ["m=4194304,t=1,p=1", "m=8,t=4000000,p=1", "m=262144,t=32,p=1", "m=65536,t=1,p=255", "m=8,t=1,p=0", "m=8,t=1"]
    {
        let answer = hasher.verify(&secret("x"), &with(bomb), Priority::Unknown, LATER).await;
        assert!(matches!(answer, Err(HashError::Unreadable(_))), "{bomb}: {answer:?}");
    }
    for other in ["", "plain", "$argon2i$v=19$m=8,t=1,p=1$BwcHBwcHBwc$BwcHBwcHBwcHBwcH", "$2b$10$abc"] {
        let answer = hasher.verify(&secret("x"), other, Priority::Unknown, LATER).await;
        assert!(matches!(answer, Err(HashError::Unreadable(_))), "{other}: {answer:?}");
        assert!(hasher.needs_rehash(other, CHEAP));
    }
}

#[tokio::test]
async fn a_job_whose_deadline_passed_is_refused_unhashed() {
    let clock = clock();
    clock.advance(LATER);
    let hasher = Hasher::new(options(clock)).expect("threads start");
    let answer = hasher.hash(&secret("x"), [7; 16], CHEAP, Priority::KnownDevice, LATER).await;
    assert_eq!(answer, Err(HashError::Overloaded));
}

#[test]
fn a_full_queue_refuses_at_once_and_keeps_half_for_known_devices() {
    let hasher = idle(clock());
    let (x, mut context) = (secret("x"), Context::from_waker(Waker::noop()));
    let mut ask = |priority| {
        let mut asked = Box::pin(hasher.hash(&x, [7; 16], CHEAP, priority, LATER));
        let state = asked.as_mut().poll(&mut context);
        (asked, state)
    };
    let waiting: Vec<_> = [Priority::Unknown, Priority::Unknown].map(&mut ask).into();
    assert!(waiting.iter().all(|(_, state)| state.is_pending()));
    assert_eq!(ask(Priority::Unknown).1, Poll::Ready(Err(HashError::Overloaded)));
    let known: Vec<_> = [Priority::KnownDevice, Priority::KnownDevice].map(&mut ask).into();
    assert!(known.iter().all(|(_, state)| state.is_pending()));
    assert_eq!(ask(Priority::KnownDevice).1, Poll::Ready(Err(HashError::Overloaded)));
}

#[tokio::test]
async fn dropping_the_hasher_refuses_what_waits() {
    let hasher = idle(clock());
    let (reply, answer) = oneshot::channel();
    let job = Job {
        input: Zeroizing::new(Vec::new()),
        salt: vec![7; 16],
        params: CHEAP,
        output: OUTPUT,
        queued: Duration::ZERO,
        reply,
    };
    assert!(hasher.shared.queue().push(job, Priority::Unknown, LATER).is_ok());
    drop(hasher);
    assert_eq!(answer.await.expect("answered"), Err(HashError::Overloaded));
}
