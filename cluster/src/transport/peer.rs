//! Another node, as this one calls it: at most one connection, made when it is needed.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use parking_lot::Mutex;
use rand::RngExt as _;
use tokio::{
    net::{TcpStream, lookup_host},
    sync::watch,
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::client::TlsStream;

use super::{
    Shared,
    frame::{Hello, Welcome, spoken},
    limits::{CONNECT_TIMEOUT, FIRST_BACK_OFF, LONGEST_BACK_OFF, MAX_IN_FLIGHT},
    link::Link,
    tls::server_name,
    wire::{Ended, Reader, read_greeting, write_greeting},
};
use crate::{CallFailure, Envelope, Generation, Member, NodeId};

/// What an attempt to connect came to.
type Outcome = Result<Arc<Link>, CallFailure>;

/// A node that this one calls.
#[derive(Debug)]
pub(super) struct Peer {
    node: NodeId,
    in_flight: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    address: Box<str>,
    generation: Generation,
    /// Counts the attempts, so that one of another address or generation is told apart.
    round: u64,
    link: Option<Arc<Link>>,
    /// The attempt that is being made; all who want to call wait for the same one.
    attempt: Option<watch::Receiver<Option<Outcome>>>,
    failures: u32,
    /// No attempt before this, and why the last one failed.
    pause: Option<(Instant, CallFailure)>,
}

impl Peer {
    pub(super) fn new(member: &Member) -> Self {
        let state = State {
            address: member.address.clone(),
            generation: member.generation,
            round: 0,
            link: None,
            attempt: None,
            failures: 0,
            pause: None,
        };
        Self { node: member.node.clone(), in_flight: AtomicUsize::new(0), state: Mutex::new(state) }
    }

    /// Calls the node, over a connection that is made first if there is none.
    pub(super) async fn call(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        member: &Member,
        envelope: Envelope,
        deadline: Instant,
    ) -> Result<Bytes, CallFailure> {
        let _counted = InFlight::enter(self, shared).ok_or(CallFailure::Overloaded)?;
        let link = self.link(shared, member, deadline).await?;
        link.call(envelope, deadline).await
    }

    /// Ends the connection; calls that wait get their failure.
    pub(super) fn leave(&self, why: &str) {
        let mut state = self.state.lock();
        state.round += 1;
        state.attempt = None;
        if let Some(link) = state.link.take() {
            link.end(why);
        }
    }

    /// The open connection, or the one that an attempt brings before the deadline.
    async fn link(self: &Arc<Self>, shared: &Arc<Shared>, member: &Member, deadline: Instant) -> Outcome {
        let mut attempt = match self.open_or_attempt(shared, member)? {
            Ok(link) => return Ok(link),
            Err(attempt) => attempt,
        };
        match timeout_at(deadline, attempt.wait_for(Option::is_some)).await {
            Ok(Ok(outcome)) => outcome.clone().unwrap_or_else(|| Err(not_sent("no connection"))),
            Ok(Err(_)) => Err(not_sent("this node is stopping, or the node's address has changed")),
            Err(_) => Err(not_sent("no connection within the deadline")),
        }
    }

    fn open_or_attempt(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        member: &Member,
    ) -> Result<Result<Arc<Link>, watch::Receiver<Option<Outcome>>>, CallFailure> {
        let mut state = self.state.lock();
        state.follow(member)?;
        if let Some(link) = state.link.take_if(|link| !link.is_open()) {
            tracing::debug!(peer = %self.node, ?link, "the connection has ended");
        }
        if let Some(link) = &state.link {
            return Ok(Ok(Arc::clone(link)));
        }
        if let Some(attempt) = &state.attempt {
            return Ok(Err(attempt.clone()));
        }
        if let Some((until, failure)) = &state.pause
            && crate::now() < *until
        {
            return Err(failure.clone());
        }
        let (tell, attempt) = watch::channel(None);
        state.attempt = Some(attempt.clone());
        state.round += 1;
        let (peer, shared, address, round) = (Arc::clone(self), Arc::clone(shared), state.address.clone(), state.round);
        let tracker = shared.tasks.clone();
        tracker.spawn(async move {
            let outcome = tokio::select! {
                () = shared.over.cancelled() => return,
                outcome = connect(&shared, &peer.node, &address) => outcome,
            };
            tell.send_replace(Some(peer.settle(&shared, round, outcome)));
        });
        Ok(Err(attempt))
    }

    /// Notes what an attempt came to.
    fn settle(&self, shared: &Shared, round: u64, outcome: Outcome) -> Outcome {
        let mut state = self.state.lock();
        if state.round != round {
            if let Ok(link) = outcome {
                link.end("the node's address or generation has changed");
            }
            return Err(not_sent("the node's address or generation has changed"));
        }
        state.attempt = None;
        match &outcome {
            Ok(link) => {
                shared.meter.connected.increment(1);
                (state.failures, state.pause) = (0, None);
                state.link = Some(Arc::clone(link));
            }
            Err(failure) => {
                shared.meter.unconnected.increment(1);
                let pause = back_off(state.failures).mul_f64(shared.dice.lock().random_range(0.5..=1.0));
                state.failures = state.failures.saturating_add(1);
                state.pause = Some((crate::now() + pause, failure.clone()));
                tracing::debug!(peer = %self.node, %failure, ?pause, "cannot connect to a peer");
            }
        }
        outcome
    }
}

impl State {
    /// Takes over the member's address and generation. A caller whose view is older than what is known reaches nobody:
    /// the start of the node that it means is over.
    fn follow(&mut self, member: &Member) -> Result<(), CallFailure> {
        if member.generation < self.generation {
            return Err(not_sent("that start of the node is over"));
        }
        if member.generation == self.generation && member.address == self.address {
            return Ok(());
        }
        (self.address, self.generation) = (member.address.clone(), member.generation);
        self.round += 1;
        (self.attempt, self.pause, self.failures) = (None, None, 0);
        if let Some(link) = mem::take(&mut self.link) {
            link.end("the node's address or generation has changed");
        }
        Ok(())
    }
}

/// The longest pause after this many failures before the last one.
fn back_off(failures: u32) -> Duration {
    FIRST_BACK_OFF.saturating_mul(1 << failures.min(8)).min(LONGEST_BACK_OFF)
}

fn not_sent(why: &str) -> CallFailure {
    CallFailure::NotSent(why.to_owned())
}

/// A call that is in flight.
struct InFlight<'a> {
    peer: &'a Peer,
    shared: &'a Shared,
}

impl<'a> InFlight<'a> {
    fn enter(peer: &'a Peer, shared: &'a Shared) -> Option<Self> {
        let counted = Self { peer, shared };
        shared.meter.in_flight.increment(1.0);
        // Counted before it is compared, so that no two calls take the last place.
        let before = peer.in_flight.fetch_add(1, Ordering::Relaxed);
        (before < MAX_IN_FLIGHT).then_some(counted)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.shared.meter.in_flight.decrement(1.0);
        self.peer.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Makes a connection, and a link that runs on it.
async fn connect(shared: &Arc<Shared>, node: &NodeId, address: &str) -> Outcome {
    let made = timeout(CONNECT_TIMEOUT, greet(shared, node, address)).await;
    let (stream, welcome) = match made {
        Err(_) => return Err(not_sent("no connection in time")),
        Ok(Err(ended)) => return Err(CallFailure::NotSent(ended.to_string())),
        Ok(Ok(made)) => made,
    };
    let version = welcome.version.filter(|version| spoken().contains(version));
    let Some(version) = version else {
        tracing::warn!(
            peer = %node, ours = ?spoken(), theirs = ?welcome.versions,
            "a peer speaks no wire version that this node speaks: update nodes one release at a time"
        );
        return Err(CallFailure::Version);
    };
    let (link, queue) = Link::new(version, shared.over.child_token());
    let (reader, writer) = tokio::io::split(stream);
    let reader = Reader::new(reader, shared.meter.read.clone());
    shared.tasks.spawn(Arc::clone(&link).run(reader, writer, queue, shared.meter.clone()));
    Ok(link)
}

async fn greet(shared: &Shared, node: &NodeId, address: &str) -> Result<(TlsStream<TcpStream>, Welcome), Ended> {
    let connector = shared.tls.read().connector.clone();
    let name = server_name(node).map_err(std::io::Error::other)?;
    let stream = dial(address).await?;
    let mut stream = connector.connect(name, stream).await?;
    let hello = Hello { node: shared.me.clone(), versions: spoken() };
    write_greeting(&mut stream, &hello.write()).await?;
    let welcome = Welcome::read(read_greeting(&mut stream).await?)?;
    Ok((stream, welcome))
}

/// Connects to the first of the address' hosts that answers.
async fn dial(address: &str) -> Result<TcpStream, Ended> {
    let mut last = None;
    for host in lookup_host(address).await? {
        match TcpStream::connect(host).await {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| std::io::Error::other("the address has no host")).into())
}
