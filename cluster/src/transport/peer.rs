//! Another node, as this one calls it: at most one connection, made when it is needed.

use std::{
    io, mem,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use parking_lot::Mutex;
use rand::{Rng, RngExt as _};
use tokio::{
    net::{TcpStream, lookup_host},
    sync::watch,
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::client::TlsStream;

use super::{
    Shared,
    frame::{Hello, Welcome, spoken},
    limits::{CONNECT_TIMEOUT, FIRST_BACK_OFF, LONGEST_BACK_OFF, MAX_HOSTS, MAX_IN_FLIGHT},
    link::Link,
    tls::server_name,
    wire::{Ended, Reader, read_greeting, write_greeting},
};
use crate::{CallFailure, Envelope, Generation, Member, NodeId};

/// Why calls to a node fail that is out of the view.
const LEFT: &str = "the node has left";
/// Why calls to a former start of a node fail.
const CHANGED: &str = "the node's address or generation has changed";

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
    /// It is out of the view and in no map any more: who still has it in hand connects no more.
    left: bool,
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
            left: false,
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

    /// Ends the connection for good; calls that wait get their failure, and so does every later one. Should the node come
    /// back, it is another peer.
    pub(super) fn leave(&self) {
        let mut state = self.state.lock();
        state.left = true;
        state.round += 1;
        state.attempt = None;
        if let Some(link) = state.link.take() {
            link.end(LEFT);
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
            Ok(Err(_)) => Err(not_sent("this node is stopping")),
            Err(_) => Err(not_sent("no connection within the deadline")),
        }
    }

    fn open_or_attempt(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        member: &Member,
    ) -> Result<Result<Arc<Link>, watch::Receiver<Option<Outcome>>>, CallFailure> {
        let mut state = self.state.lock();
        if state.left {
            return Err(not_sent(LEFT));
        }
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
            let why = if state.left { LEFT } else { CHANGED };
            if let Ok(link) = outcome {
                link.end(why);
            }
            return Err(not_sent(why));
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
                let pause = pause(state.failures, &mut *shared.dice.lock());
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
            link.end(CHANGED);
        }
        Ok(())
    }
}

/// How long no attempt is made, after this many failures before the last one.
fn pause(failures: u32, dice: &mut impl Rng) -> Duration {
    let longest = FIRST_BACK_OFF.saturating_mul(1 << failures.min(8)).min(LONGEST_BACK_OFF);
    longest.mul_f64(dice.random_range(0.5..=1.0))
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

/// A connection to the node at its address, on which both have greeted.
pub(super) async fn greet(
    shared: &Shared,
    node: &NodeId,
    address: &str,
) -> Result<(TlsStream<TcpStream>, Welcome), Ended> {
    let hosts = lookup_host(address).await?.take(MAX_HOSTS).collect();
    race(hosts, |host| greet_at(shared, node, host)).await
}

/// The first host that is reached. Each gets a head start on the next, which begins at once when it fails; all have begun
/// when half of the time for connecting is over. So none that says nothing takes the time of those after it.
async fn race<T, F>(hosts: Vec<SocketAddr>, reach: impl Fn(SocketAddr) -> F) -> Result<T, Ended>
where
    F: Future<Output = Result<T, Ended>>,
{
    let head_start = CONNECT_TIMEOUT / 2 / u32::try_from(hosts.len().max(1)).unwrap_or(u32::MAX);
    let (mut hosts, mut racing) = (hosts.into_iter(), FuturesUnordered::new());
    let mut last = Ended::Io(io::Error::other("the address has no host"));
    loop {
        racing.extend(hosts.next().map(&reach));
        match timeout(head_start, racing.next()).await {
            Ok(Some(Ok(reached))) => return Ok(reached),
            Ok(Some(Err(ended))) => last = ended,
            Ok(None) => return Err(last),
            // The next one begins beside it.
            Err(_) => {}
        }
    }
}

/// Connects to one host of the address, proves both names and greets.
async fn greet_at(shared: &Shared, node: &NodeId, host: SocketAddr) -> Result<(TlsStream<TcpStream>, Welcome), Ended> {
    let connector = shared.tls.read().connector.clone();
    let name = server_name(node).map_err(io::Error::other)?;
    let stream = TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    let mut stream = connector.connect(name, stream).await?;
    let hello = Hello { node: shared.me.clone(), versions: spoken() };
    write_greeting(&mut stream, &hello.write()).await?;
    let welcome = Welcome::read(read_greeting(&mut stream).await?)?;
    Ok((stream, welcome))
}

#[cfg(test)]
mod tests;
