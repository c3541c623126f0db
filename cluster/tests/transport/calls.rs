//! Calls and their answers.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use cluster::{Caller, Envelope, NodeId, Service};
use tokio::{task::JoinSet, time::Instant};

use crate::support::{Echo, ask, caller, certified, envelope, in_ms, server};

#[tokio::test]
async fn a_call_is_answered() {
    let dir = certified(&["a", "b"]);
    let (_b, to) = server(dir.path(), "b", Echo).await;
    let a = caller(dir.path(), "a");
    assert_eq!(ask(&a, &to, b"hello").await, Ok(Bytes::from_static(b"hello")));
}

/// Says who called, and what came with it.
struct Mirror;

#[async_trait]
impl Service for Mirror {
    async fn serve(&self, from: &NodeId, envelope: Envelope, deadline: Instant) -> Bytes {
        let left = deadline.saturating_duration_since(cluster::now()).as_millis();
        assert!(left <= 5_000 && left + 1_000 >= envelope.remaining_ms.into(), "{left} ms of {envelope:?}");
        format!("{from} {} {:?} {:?}", envelope.in_place, envelope.traceparent, envelope.key).into()
    }
}

#[tokio::test]
async fn the_service_sees_who_calls_and_all_that_the_envelope_carries() {
    let dir = certified(&["a", "b"]);
    let (_b, to) = server(dir.path(), "b", Mirror).await;
    let a = caller(dir.path(), "a");
    let traceparent = Bytes::from_static(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    let call = Envelope { in_place: true, traceparent, ..envelope("") };
    let answer = a.call(&to, call, in_ms(5_000)).await.expect("an answer");
    assert_eq!(answer, r#"a true b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" b"user""#);
}

#[tokio::test]
async fn a_thousand_calls_at_once_each_get_their_own_answer() {
    let dir = certified(&["a", "b"]);
    let (_b, to) = server(dir.path(), "b", Echo).await;
    let a = Arc::new(caller(dir.path(), "a"));
    let mut calls = JoinSet::new();
    for number in 0..1000_u32 {
        let (a, to) = (Arc::clone(&a), to.clone());
        calls.spawn(async move {
            let payload = number.to_string().repeat(1 + number as usize % 300);
            let answer = a.call(&to, envelope(payload.clone()), in_ms(10_000)).await;
            assert_eq!(answer, Ok(payload.into()));
        });
    }
    calls.join_all().await;
}

#[tokio::test]
async fn the_longest_payload_passes_and_a_longer_one_is_not_sent() {
    let dir = certified(&["a", "b"]);
    let (_b, to) = server(dir.path(), "b", Echo).await;
    let a = caller(dir.path(), "a");
    let longest = Bytes::from(vec![7; 1 << 20]);
    assert_eq!(a.call(&to, envelope(longest.clone()), in_ms(10_000)).await, Ok(longest));
    let failure = a.call(&to, envelope(vec![7; (1 << 20) + 1]), in_ms(10_000)).await;
    assert!(matches!(failure, Err(cluster::CallFailure::NotSent(_))), "{failure:?}");
}
