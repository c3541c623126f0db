//! A network in memory, for tests of what calls other nodes: many nodes in one process, whose links lose, delay and cut.
//! And how fast a simulation runs.
//!
//! Everything random comes from the seed and all time is tokio's, so that a test on a paused clock and one thread runs the
//! same each time. A call is served within the caller's own task: nothing runs beside it.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use rand::{RngExt as _, SeedableRng, rngs::StdRng};
use tokio::time::{Instant, sleep, timeout_at};

use crate::{
    CallFailure, Caller, Envelope, Member, NodeId, Service,
    transport::{CONNECT_TIMEOUT, SILENCE},
};

/// What a link does to calls in one direction.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    /// Nothing passes.
    pub cut: bool,
    /// Each way takes up to this, at random.
    pub delay: Duration,
    /// The part of calls, 0 to 1, that is lost before it is delivered.
    pub lose_call: f64,
    /// The part of calls, 0 to 1, that is served and whose answer is lost.
    pub lose_answer: f64,
}

/// How fast seeds are run, for who reads the output. Nothing that is simulated sees this clock.
#[derive(Debug)]
pub struct Pace(std::time::Instant);

impl Pace {
    /// The first seed begins.
    pub fn begin() -> Self {
        #[expect(clippy::disallowed_methods, reason = "what is told is how long the machine took")]
        Self(std::time::Instant::now())
    }

    /// A line about so many seeds.
    pub fn of(&self, seeds: u32) -> String {
        let seconds = self.0.elapsed().as_secs_f64();
        let minute = f64::from(seeds) * 60.0 / seconds.max(0.001);
        format!("{seeds} seeds in {seconds:.1} s, {minute:.0} a minute")
    }
}

/// The network.
#[derive(Clone)]
pub struct SimNetwork(Arc<Mutex<State>>);

struct State {
    dice: StdRng,
    nodes: HashMap<NodeId, Arc<dyn Service>>,
    links: HashMap<(NodeId, NodeId), Weather>,
}

impl fmt::Debug for SimNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimNetwork").finish_non_exhaustive()
    }
}

impl SimNetwork {
    /// A network without nodes, in fair weather.
    pub fn new(seed: u64) -> Self {
        let state = State { dice: StdRng::seed_from_u64(seed), nodes: HashMap::new(), links: HashMap::new() };
        Self(Arc::new(Mutex::new(state)))
    }

    /// A node answers from now on.
    pub fn serve(&self, node: NodeId, service: Arc<dyn Service>) {
        self.0.lock().nodes.insert(node, service);
    }

    /// A node answers no more. What it is serving loses its answer.
    pub fn crash(&self, node: &NodeId) {
        self.0.lock().nodes.remove(node);
    }

    /// Sets the weather from one node to another; the way back is another link.
    pub fn set(&self, from: &NodeId, to: &NodeId, weather: Weather) {
        self.0.lock().links.insert((from.clone(), to.clone()), weather);
    }

    /// What the node `me` calls others with.
    pub fn caller(&self, me: NodeId) -> SimCaller {
        SimCaller { me, network: self.clone() }
    }

    /// The service of `to`, if it can be reached from `from`.
    fn reach(&self, from: &NodeId, to: &NodeId) -> Option<Arc<dyn Service>> {
        let state = self.0.lock();
        let open = |from: &NodeId, to: &NodeId| !state.weather(from, to).cut;
        (open(from, to) && open(to, from)).then(|| state.nodes.get(to).cloned()).flatten()
    }

    fn delay(&self, from: &NodeId, to: &NodeId) -> Duration {
        let mut state = self.0.lock();
        let longest = state.weather(from, to).delay;
        longest.mul_f64(state.dice.random_range(0.0..=1.0))
    }

    /// Throws the dice for both losses, always, so that one does not shift the other.
    fn losses(&self, from: &NodeId, to: &NodeId) -> (bool, bool) {
        let mut state = self.0.lock();
        let Weather { lose_call, lose_answer, .. } = state.weather(from, to);
        (state.dice.random_bool(lose_call), state.dice.random_bool(lose_answer))
    }
}

impl State {
    fn weather(&self, from: &NodeId, to: &NodeId) -> Weather {
        self.links.get(&(from.clone(), to.clone())).copied().unwrap_or_default()
    }
}

/// One node's end of the network.
#[derive(Clone, Debug)]
pub struct SimCaller {
    me: NodeId,
    network: SimNetwork,
}

#[async_trait]
impl Caller for SimCaller {
    async fn call(&self, to: &Member, mut envelope: Envelope, deadline: Instant) -> Result<Bytes, CallFailure> {
        let left = deadline.saturating_duration_since(crate::now()).as_millis();
        envelope.remaining_ms = u32::try_from(left).unwrap_or(u32::MAX);
        timeout_at(deadline, self.pass(&to.node, envelope, deadline)).await.unwrap_or(Err(CallFailure::TimedOut))
    }
}

impl SimCaller {
    async fn pass(&self, to: &NodeId, envelope: Envelope, deadline: Instant) -> Result<Bytes, CallFailure> {
        let (me, network) = (&self.me, &self.network);
        if network.reach(me, to).is_none() {
            sleep(CONNECT_TIMEOUT).await;
            return Err(CallFailure::NotSent("no connection in time".to_owned()));
        }
        let (call_lost, answer_lost) = network.losses(me, to);
        sleep(network.delay(me, to)).await;
        let service = network.reach(me, to).filter(|_| !call_lost);
        let Some(service) = service else { return Self::silence().await };
        let answer = service.serve(me, envelope, deadline).await;
        sleep(network.delay(to, me)).await;
        // A node that was started anew meanwhile does not know the call.
        let same = network.reach(me, to).is_some_and(|now| Arc::ptr_eq(&now, &service));
        if answer_lost || !same { Self::silence().await } else { Ok(answer) }
    }

    /// What was sent is not answered, and that is noticed as the real transport notices it.
    async fn silence() -> Result<Bytes, CallFailure> {
        sleep(SILENCE).await;
        Err(CallFailure::Lost("the peer was silent".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::{Generation, Role};

    #[derive(Default)]
    struct Counts(AtomicU32);

    #[async_trait]
    impl Service for Counts {
        async fn serve(&self, _: &NodeId, envelope: Envelope, _: Instant) -> Bytes {
            self.0.fetch_add(1, Ordering::Relaxed);
            envelope.payload
        }
    }

    fn name(text: &str) -> NodeId {
        text.parse().expect("a name")
    }

    /// What a hundred calls from `a` to `b` in this weather come to, and how many were served.
    async fn hundred(seed: u64, weather: Weather) -> (Vec<Result<Bytes, CallFailure>>, u32) {
        let (network, counts) = (SimNetwork::new(seed), Arc::new(Counts::default()));
        network.serve(name("b"), Arc::clone(&counts) as _);
        network.set(&name("a"), &name("b"), weather);
        let to = Member {
            node: name("b"),
            generation: Generation(1),
            roles: vec![Role::Actors],
            address: "".into(),
            level: 0,
            draining: false,
            term: 1,
        };
        let (caller, mut results) = (network.caller(name("a")), Vec::new());
        for _ in 0..100 {
            let empty = Bytes::new();
            let envelope = Envelope {
                key: empty.clone(),
                remaining_ms: 0,
                in_place: false,
                traceparent: empty.clone(),
                payload: empty,
            };
            results.push(caller.call(&to, envelope, crate::now() + Duration::from_secs(5)).await);
        }
        (results, counts.0.load(Ordering::Relaxed))
    }

    #[tokio::test(start_paused = true)]
    async fn losses_are_before_or_after_the_service_and_the_same_for_a_seed() {
        let delay = Duration::from_millis(20);
        let (fair, served) = hundred(1, Weather { delay, ..Weather::default() }).await;
        assert!(fair.iter().all(Result::is_ok) && served == 100);
        let (lost, served) = hundred(1, Weather { lose_call: 0.3, ..Weather::default() }).await;
        let answered = lost.iter().filter(|result| result.is_ok()).count();
        assert!(served as usize == answered && (50..90).contains(&answered), "{answered} of {served}");
        assert_eq!(hundred(1, Weather { lose_call: 0.3, ..Weather::default() }).await.0, lost);
        let (lost, served) = hundred(1, Weather { lose_answer: 0.3, ..Weather::default() }).await;
        assert!(served == 100 && lost.iter().any(|result| matches!(result, Err(CallFailure::Lost(_)))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cut_link_reaches_nobody_in_the_time_of_an_attempt() {
        let began = crate::now();
        let (results, served) = hundred(1, Weather { cut: true, ..Weather::default() }).await;
        assert!(results.iter().all(|result| matches!(result, Err(CallFailure::NotSent(_)))) && served == 0);
        assert_eq!(began.elapsed(), CONNECT_TIMEOUT * 100);
    }
}
