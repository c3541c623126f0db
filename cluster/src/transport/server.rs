//! The answering side: takes connections, checks who calls, and serves what it has room for.

use std::{collections::HashMap, io, net::IpAddr, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{AbortHandle, AbortRegistration, Abortable},
    stream::FuturesUnordered,
};
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    pin,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Instant, sleep, timeout, timeout_at},
};
use tokio_rustls::server::TlsStream;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{
    Shared,
    frame::{Frame, Hello, MAX_ANSWER, Refusal, Welcome, common, spoken},
    limits::{
        Entered, Gate, HANDSHAKE_TIMEOUT, LONGEST_DEADLINE, MAX_CONNECTIONS, MAX_GREETING, MAX_IN_FLIGHT, MAX_KIB,
        MAX_VISITS, SILENCE,
    },
    tls::{VISITOR, names},
    wire::{Ended, Outbox, Reader, Unqueued, read_greeting, room, write_all, write_greeting},
};
use crate::{Envelope, NodeId, Service};

/// Pause after the system refused to take a connection, say for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What all connections of one listener share.
pub(super) struct Server {
    shared: Arc<Shared>,
    service: Arc<dyn Service>,
    greeting: Gate<IpAddr>,
    nodes: Gate<NodeId>,
    visitors: Gate<NodeId>,
}

impl Server {
    pub(super) fn new(shared: Arc<Shared>, service: Arc<dyn Service>) -> Arc<Self> {
        let (greeting, nodes, visitors) = (Gate::new(MAX_GREETING), Gate::new(MAX_CONNECTIONS), Gate::new(MAX_VISITS));
        Arc::new(Self { shared, service, greeting, nodes, visitors })
    }

    /// Takes connections until the transport stops.
    pub(super) async fn accept(self: Arc<Self>, listener: TcpListener) {
        loop {
            let accepted = tokio::select! {
                () = self.shared.draining.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            let (stream, from) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "cannot take a connection of a peer");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Some(entered) = self.greeting.enter(from.ip()) else {
                self.shared.meter.turned_away.increment(1);
                continue;
            };
            self.shared.tasks.spawn(Arc::clone(&self).connection(stream, entered));
        }
    }

    /// One connection, from its greeting to its end.
    async fn connection(self: Arc<Self>, stream: TcpStream, greeting: Entered<IpAddr>) {
        let greeted = tokio::select! {
            () = self.shared.over.cancelled() => return,
            greeted = timeout(HANDSHAKE_TIMEOUT, self.greet(stream)) => greeted,
        };
        let (stream, node, _entered) = match greeted.unwrap_or_else(|_| Err(Turned::Slow)) {
            Ok(greeted) => greeted,
            Err(why) => {
                self.shared.meter.turned_away.increment(1);
                tracing::info!(%why, "turned a connection away");
                return;
            }
        };
        drop(greeting);
        self.shared.meter.accepted.increment(1);
        let (reader, writer) = tokio::io::split(stream);
        let reader = Reader::new(reader, self.shared.meter.read.clone());
        let ended = self.serve(node.clone(), reader, writer).await;
        tracing::debug!(peer = %node, %ended, "connection of a peer ended");
    }

    /// The handshake and the greeting: afterwards the caller's name is proved and a version agreed on.
    async fn greet(&self, stream: TcpStream) -> Result<(TlsStream<TcpStream>, NodeId, Entered<NodeId>), Turned> {
        stream.set_nodelay(true)?;
        let acceptor = self.shared.tls.read().acceptor.clone();
        let mut stream = acceptor.accept(stream).await?;
        let hello = Hello::read(read_greeting(&mut stream).await?).map_err(Ended::from)?;
        let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        if !certificate.is_some_and(|certificate| names(certificate, &hello.node)) {
            return Err(Turned::Name(hello.node));
        }
        let gate = if stream.get_ref().1.alpn_protocol() == Some(VISITOR) { &self.visitors } else { &self.nodes };
        let Some(entered) = gate.enter(hello.node.clone()) else { return Err(Turned::TooMany(hello.node)) };
        let version = common(&spoken(), &hello.versions);
        write_greeting(&mut stream, &Welcome { version, versions: spoken() }.write()).await?;
        if version.is_none() {
            // The caller is told; closing is left to it, so that what was written arrives.
            let _ = read_greeting(&mut stream).await;
            return Err(Turned::Version(hello));
        }
        Ok((stream, hello.node, entered))
    }

    async fn serve<R, W>(&self, node: NodeId, reader: Reader<R>, io: W) -> Ended
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let (outbox, queue) = Outbox::new();
        let writing = write_all(io, queue, self.shared.meter.written.clone(), |_| ());
        pin!(writing);
        let ended = {
            let desk = Desk::new(node, Arc::clone(&self.service), Arc::clone(&self.shared), outbox);
            // No more than MAX_IN_FLIGHT wait in it: each has taken its place.
            let (begin, begun) = mpsc::unbounded_channel();
            // The calls end with the connection: nobody waits for any of them.
            tokio::select! {
                () = self.shared.over.cancelled() => None,
                ended = desk.read(reader, &begin) => Some(ended),
                ended = desk.answer_all(begun) => Some(ended),
                ended = &mut writing => Some(ended),
            }
        };
        match ended {
            Some(ended) => ended,
            // What was answered is still written.
            None => timeout(SILENCE, writing).await.unwrap_or(Ended::Stalled),
        }
    }
}

/// Why a connection was turned away.
#[derive(Debug, thiserror::Error)]
enum Turned {
    #[error("its handshake took too long")]
    Slow,
    #[error("its certificate is not the one of the node {0}")]
    Name(NodeId),
    #[error("the node {0} has too many connections")]
    TooMany(NodeId),
    #[error("the node {} speaks no wire version that this node speaks but {:?}", .0.node, .0.versions)]
    Version(Hello),
    #[error("{0}")]
    Ended(#[from] Ended),
}

impl From<io::Error> for Turned {
    fn from(error: io::Error) -> Self {
        Self::Ended(error.into())
    }
}

/// The calls of one connection.
struct Desk {
    /// Who calls.
    node: NodeId,
    service: Arc<dyn Service>,
    shared: Arc<Shared>,
    outbox: Outbox,
    /// For calls that were taken and have not ended, cancelled ones included.
    places: Arc<Semaphore>,
    /// For the bytes of calls that are being served.
    room: Arc<Semaphore>,
    /// Those that are being served, to be ended when nobody waits any more. A cancelled one is not here any more, and its
    /// id may be another's.
    calls: Mutex<HashMap<u64, AbortHandle>>,
}

/// A call that was taken.
struct Taken {
    id: u64,
    envelope: Envelope,
    deadline: Instant,
    place: OwnedSemaphorePermit,
    room: OwnedSemaphorePermit,
    end: AbortRegistration,
    /// A transport that stops waits for it.
    counted: TaskTrackerToken,
}

impl Desk {
    fn new(node: NodeId, service: Arc<dyn Service>, shared: Arc<Shared>, outbox: Outbox) -> Self {
        let (places, room) = (Arc::new(Semaphore::new(MAX_IN_FLIGHT)), Arc::new(Semaphore::new(MAX_KIB)));
        Self { node, service, shared, outbox, places, room, calls: Mutex::default() }
    }

    async fn read<R: AsyncRead + Unpin>(&self, mut reader: Reader<R>, begin: &mpsc::UnboundedSender<Taken>) -> Ended {
        loop {
            let frame = match reader.next().await.and_then(|bytes| Ok(Frame::read(bytes)?)) {
                Ok(frame) => frame,
                Err(ended) => return ended,
            };
            let refused = match frame {
                Frame::Call(id, body) => self.take(id, body, begin).err().map(|refusal| Frame::Refused(id, refusal)),
                Frame::Cancel(id) => {
                    self.drop_call(id);
                    None
                }
                Frame::Beat => None,
                Frame::Answer(..) | Frame::Refused(..) => return Ended::Protocol,
            };
            // Nothing more is read from a peer that does not take its refusals.
            if let Some(refused) = refused {
                self.shared.meter.refused.increment(1);
                if self.outbox.put(refused).await == Err(Unqueued::Ended) {
                    return Ended::Closed;
                }
            }
        }
    }

    /// Lets a call begin, or says why not.
    fn take(&self, id: u64, body: Bytes, begin: &mpsc::UnboundedSender<Taken>) -> Result<(), Refusal> {
        if self.shared.draining.is_cancelled() {
            return Err(Refusal::Stopping);
        }
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Refusal::Overloaded)?;
        let room = room(&self.room, body.len()).ok_or(Refusal::Overloaded)?;
        let envelope = Envelope::decode(body).map_err(|_| Refusal::Malformed)?;
        let left = Duration::from_millis(envelope.remaining_ms.into()).min(LONGEST_DEADLINE);
        let deadline = crate::now() + left;
        let mut calls = self.calls.lock();
        if calls.contains_key(&id) {
            return Err(Refusal::Malformed);
        }
        let (handle, end) = AbortHandle::new_pair();
        let counted = self.shared.serving.token();
        begin.send(Taken { id, envelope, deadline, place, room, end, counted }).map_err(|_| Refusal::Stopping)?;
        calls.insert(id, handle);
        Ok(())
    }

    /// Serves the calls, in the task of their connection: what each does there itself is to read a request, to wait for an
    /// actor and to write an answer.
    async fn answer_all(&self, mut begun: mpsc::UnboundedReceiver<Taken>) -> Ended {
        let mut serving = FuturesUnordered::new();
        loop {
            tokio::select! {
                taken = begun.recv() => match taken {
                    Some(taken) => serving.push(self.answer(taken)),
                    None => return Ended::Closed,
                },
                // Disabled while there are none.
                Some(()) = serving.next() => {}
            }
        }
    }

    async fn answer(&self, taken: Taken) {
        let Taken { id, envelope, deadline, place: _place, room, end, counted: _counted } = taken;
        let serving = AssertUnwindSafe(self.service.serve(&self.node, envelope, deadline)).catch_unwind();
        let served = Abortable::new(timeout_at(deadline, serving), end).await;
        // Whoever cancelled has taken the handle out; what has the id now is another call.
        if served.is_ok() {
            self.calls.lock().remove(&id);
        }
        let frame = match served {
            Ok(Ok(Ok(answer))) if answer.len() <= MAX_ANSWER => Some(Frame::Answer(id, answer)),
            Ok(Ok(_)) => Some(Frame::Refused(id, Refusal::Failed)),
            // Its deadline has passed, or its caller has gone.
            Ok(Err(_)) | Err(_) => None,
        };
        drop(room);
        if let Some(frame) = frame {
            self.shared.meter.served.increment(1);
            self.say(id, frame).await;
        }
    }

    /// Queues an answer. One that finds no room is not kept until there is some: its caller hears that it failed.
    async fn say(&self, id: u64, frame: Frame) {
        if self.outbox.offer(frame) == Err(Unqueued::Full) {
            let _ = self.outbox.put(Frame::Refused(id, Refusal::Failed)).await;
        }
    }

    fn drop_call(&self, id: u64) {
        let call = self.calls.lock().remove(&id);
        if let Some(call) = call {
            call.abort();
        }
    }
}

#[cfg(test)]
mod tests;
