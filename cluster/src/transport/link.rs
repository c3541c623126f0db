//! The calling end of one connection: which calls wait for an answer, and what becomes of them when it ends.

use std::{
    collections::HashMap,
    mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{mpsc, oneshot},
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    frame::{Frame, Refusal},
    meter::Meter,
    wire::{Ended, Outbox, Queued, Reader, Unqueued, write_all},
};
use crate::{CallFailure, Envelope};

/// A connection on which this node calls another.
#[derive(Debug)]
pub(super) struct Link {
    /// The wire version that both ends settled on.
    version: u16,
    outbox: Outbox,
    next_id: AtomicU64,
    waiting: Mutex<Waiting>,
    /// Ends the tasks.
    over: CancellationToken,
}

#[derive(Debug, Default)]
struct Waiting {
    calls: HashMap<u64, Call>,
    /// Why the link is over.
    ended: Option<String>,
}

#[derive(Debug)]
struct Call {
    answer: oneshot::Sender<Result<Bytes, CallFailure>>,
    /// It may have reached the peer.
    written: bool,
}

impl Call {
    fn fail(self, why: &str) {
        let failure = if self.written { CallFailure::Lost } else { CallFailure::NotSent };
        let _ = self.answer.send(Err(failure(why.to_owned())));
    }
}

impl Link {
    /// A link, and what is to be written to it.
    pub(super) fn new(version: u16, over: CancellationToken) -> (Arc<Self>, mpsc::Receiver<Queued>) {
        let (outbox, queue) = Outbox::new();
        let link = Self { version, outbox, next_id: AtomicU64::new(1), waiting: Mutex::default(), over };
        (Arc::new(link), queue)
    }

    /// May calls still be made on it?
    pub(super) fn is_open(&self) -> bool {
        self.waiting.lock().ended.is_none()
    }

    /// Sends an envelope and waits for its answer.
    pub(super) async fn call(&self, mut envelope: Envelope, deadline: Instant) -> Result<Bytes, CallFailure> {
        let left = deadline.saturating_duration_since(crate::now()).as_millis();
        envelope.remaining_ms = u32::try_from(left).unwrap_or(u32::MAX);
        let body = envelope.encode(self.version).map_err(|error| CallFailure::NotSent(error.to_string()))?;
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        {
            let mut waiting = self.waiting.lock();
            if let Some(why) = &waiting.ended {
                return Err(CallFailure::NotSent(why.clone()));
            }
            waiting.calls.insert(id, Call { answer, written: false });
        }
        let guard = Abandon { link: self, id };
        self.outbox.offer(Frame::Call(id, body)).map_err(|error| match error {
            Unqueued::Full => CallFailure::Overloaded,
            Unqueued::Ended => CallFailure::NotSent("the connection has just ended".to_owned()),
        })?;
        match timeout_at(deadline, answered).await {
            Ok(Ok(result)) => {
                mem::forget(guard);
                result
            }
            Ok(Err(_)) => Err(CallFailure::Lost("the connection has ended".to_owned())),
            Err(_) => Err(guard.give_up()),
        }
    }

    /// Ends the link: every call that waits gets its failure, and no other one begins.
    pub(super) fn end(&self, why: &str) {
        let calls = {
            let mut waiting = self.waiting.lock();
            if waiting.ended.is_none() {
                waiting.ended = Some(why.to_owned());
            }
            mem::take(&mut waiting.calls)
        };
        for call in calls.into_values() {
            call.fail(why);
        }
        self.over.cancel();
    }

    /// Reads and writes until the link is over.
    pub(super) async fn run<R, W>(
        self: Arc<Self>,
        reader: Reader<R>,
        io: W,
        queue: mpsc::Receiver<Queued>,
        meter: Meter,
    ) where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let ended = tokio::select! {
            () = self.over.cancelled() => Ended::Closed,
            ended = self.read(reader) => ended,
            ended = write_all(io, queue, meter.written.clone(), |batch| self.before_writing(batch)) => ended,
        };
        tracing::debug!(%ended, "connection to a peer ended");
        self.end(&ended.to_string());
    }

    async fn read<R: AsyncRead + Unpin>(&self, mut reader: Reader<R>) -> Ended {
        loop {
            let frame = match reader.next().await.and_then(|bytes| Ok(Frame::read(bytes)?)) {
                Ok(frame) => frame,
                Err(ended) => return ended,
            };
            match frame {
                Frame::Answer(id, body) => self.settle(id, Ok(body)),
                Frame::Refused(id, refusal) => self.settle(id, Err(refused(refusal))),
                Frame::Beat => {}
                Frame::Call(..) | Frame::Cancel(_) => return Ended::Protocol,
            }
        }
    }

    /// Gives a call its answer; one that nobody waits for any more is dropped.
    fn settle(&self, id: u64, result: Result<Bytes, CallFailure>) {
        if let Some(call) = self.waiting.lock().calls.remove(&id) {
            let _ = call.answer.send(result);
        }
    }

    /// Notes which calls may reach the peer from now on; what was given up before stays unwritten.
    fn before_writing(&self, batch: &mut Vec<Queued>) {
        let mut waiting = self.waiting.lock();
        batch.retain(|queued| {
            let Frame::Call(id, _) = queued.frame else { return true };
            waiting.calls.get_mut(&id).is_some_and(|call| {
                call.written = true;
                true
            })
        });
    }
}

fn refused(refusal: Refusal) -> CallFailure {
    match refusal {
        Refusal::Overloaded => CallFailure::Overloaded,
        Refusal::Malformed => CallFailure::NotSent("the peer could not read the call".to_owned()),
        Refusal::Stopping => CallFailure::NotSent("the peer is stopping".to_owned()),
        Refusal::Failed => CallFailure::Lost("the peer failed to answer".to_owned()),
    }
}

/// Tells the peer, if need be, when nobody waits for a call any more.
struct Abandon<'a> {
    link: &'a Link,
    id: u64,
}

impl Abandon<'_> {
    /// The deadline has passed.
    fn give_up(self) -> CallFailure {
        let failure = if self.withdraw() {
            CallFailure::TimedOut
        } else {
            CallFailure::NotSent("the deadline passed before it was written".to_owned())
        };
        mem::forget(self);
        failure
    }

    /// Takes the call back; may it have reached the peer?
    fn withdraw(&self) -> bool {
        let call = self.link.waiting.lock().calls.remove(&self.id);
        let written = call.is_none_or(|call| call.written);
        if written {
            // With no room for it the peer finds the deadline passed instead.
            let _ = self.link.outbox.offer(Frame::Cancel(self.id));
        }
        written
    }
}

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        self.withdraw();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::*;
    use crate::{
        WIRE_VERSION,
        transport::{
            limits::{MAX_KIB, MAX_QUEUED},
            staged::envelope,
        },
    };

    /// Makes calls on a link of which nothing is written; says how many were refused.
    fn refused(calls: usize, payload: usize) -> usize {
        let (link, queue) = Link::new(WIRE_VERSION, CancellationToken::new());
        let deadline = crate::now() + Duration::from_mins(1);
        let call = || Box::pin(link.call(envelope(vec![7; payload]), deadline));
        let mut calls: Vec<_> = (0..calls).map(|_| call()).collect();
        let ended: Vec<_> = calls.iter_mut().filter_map(FutureExt::now_or_never).collect();
        assert!(ended.iter().all(|result| *result == Err(CallFailure::Overloaded)), "{ended:?}");
        let waiting = calls.len() - ended.len();
        assert_eq!((queue.len(), link.waiting.lock().calls.len()), (waiting, waiting), "nothing is kept of the others");
        ended.len()
    }

    #[tokio::test]
    async fn calls_beyond_what_may_wait_to_be_written_are_refused_and_not_kept() {
        let longest = 1 << 20;
        // With its head each is a little longer than the sixteenth part of the room.
        assert_eq!((MAX_KIB / 1024, refused(20, longest)), (16, 5));
        assert_eq!(refused(MAX_QUEUED + 7, 0), 7);
    }

    #[tokio::test]
    async fn what_was_written_makes_room() {
        let (link, mut queue) = Link::new(WIRE_VERSION, CancellationToken::new());
        let deadline = crate::now() + Duration::from_mins(1);
        let call = || Box::pin(link.call(envelope(vec![7; 1 << 20]), deadline));
        let mut waiting: Vec<_> = (0..15).map(|_| call()).collect();
        assert!(waiting.iter_mut().all(|call| call.now_or_never().is_none()));
        assert_eq!(call().await, Err(CallFailure::Overloaded));
        drop(queue.recv().await);
        assert!(call().now_or_never().is_none());
    }
}
