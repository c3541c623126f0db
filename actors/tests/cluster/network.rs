//! A network between the nodes of a test. What is sent goes through the bytes of its envelope, and is carried out by the
//! other node whether or not the caller still waits; what goes wrong on the way is the test's to say.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use cluster::{CallFailure, Caller, Envelope, Member, NodeId, Service};
use parking_lot::Mutex;
use tokio::{
    sync::{Notify, oneshot},
    task::JoinSet,
    time::Instant,
};

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// It is carried out and answered.
    Works,
    /// It is not sent.
    NotSent,
    /// It is lost on the way.
    LostBefore,
    /// It is carried out, and its answer is lost.
    LostAfter,
    /// It is carried out; its answer never comes.
    NeverAnswered,
    /// It is carried out, and the node says that it could not be served: its actor went in the middle, and no other one began.
    Failed,
    /// The connection takes no more.
    Full,
    /// The other side speaks another version inside the envelope.
    Garbled,
}

/// The network.
#[derive(Default)]
pub(crate) struct Network {
    nodes: Mutex<HashMap<NodeId, Arc<dyn Service>>>,
    ways: Mutex<HashMap<NodeId, VecDeque<Way>>>,
    cut: Mutex<HashSet<(NodeId, NodeId)>>,
    paused: Mutex<HashSet<NodeId>>,
    resumed: Notify,
    calls: Mutex<Vec<(NodeId, NodeId, bool)>>,
    under_way: Mutex<JoinSet<()>>,
}

impl Network {
    /// A node answers from now on.
    pub(crate) fn attach(&self, node: NodeId, service: Arc<dyn Service>) {
        self.nodes.lock().insert(node, service);
    }

    /// The next calls to a node meet this, one each.
    pub(crate) fn script(&self, to: &NodeId, ways: impl IntoIterator<Item = Way>) {
        self.ways.lock().entry(to.clone()).or_default().extend(ways);
    }

    /// Between these two nothing is sent any more, or again.
    pub(crate) fn cut(&self, one: &NodeId, other: &NodeId, cut: bool) {
        let mut all = self.cut.lock();
        for pair in [(one.clone(), other.clone()), (other.clone(), one.clone())] {
            if cut {
                all.insert(pair)
            } else {
                all.remove(&pair)
            };
        }
    }

    /// A node stands still: what reaches it waits.
    pub(crate) fn pause(&self, node: &NodeId, paused: bool) {
        if paused {
            self.paused.lock().insert(node.clone());
        } else {
            self.paused.lock().remove(node);
            self.resumed.notify_waiters();
        }
    }

    /// Every call so far: from, to, in place.
    pub(crate) fn calls(&self) -> Vec<(NodeId, NodeId, bool)> {
        self.calls.lock().clone()
    }

    async fn awake(&self, node: &NodeId) {
        loop {
            let resumed = self.resumed.notified();
            if !self.paused.lock().contains(node) {
                return;
            }
            resumed.await;
        }
    }
}

/// A node's end of the network.
pub(crate) struct End {
    pub(crate) from: NodeId,
    pub(crate) network: Arc<Network>,
}

#[async_trait]
impl Caller for End {
    fn proved_name(&self) -> Option<&NodeId> {
        Some(&self.from)
    }

    async fn call(&self, to: &Member, envelope: Envelope, deadline: Instant) -> Result<Bytes, CallFailure> {
        let network = Arc::clone(&self.network);
        network.calls.lock().push((self.from.clone(), to.node.clone(), envelope.in_place));
        let way = network.ways.lock().get_mut(&to.node).and_then(VecDeque::pop_front).unwrap_or(Way::Works);
        if network.cut.lock().contains(&(self.from.clone(), to.node.clone())) || way == Way::NotSent {
            return Err(CallFailure::NotSent("cut".to_owned()));
        }
        match way {
            Way::Full => return Err(CallFailure::Overloaded),
            Way::LostBefore => return Err(CallFailure::Lost("cut".to_owned())),
            _ => {}
        }
        let service = network.nodes.lock().get(&to.node).map(Arc::clone);
        let service = service.ok_or_else(|| CallFailure::NotSent("nobody".to_owned()))?;
        let mut envelope =
            Envelope::decode(envelope.encode(cluster::WIRE_VERSION).expect("short enough")).expect("the same version");
        if way == Way::Garbled {
            envelope.payload = Bytes::from_static(b"{\"V2\":{}}");
        }
        let (reply, answer) = oneshot::channel();
        let (from, node, inner) = (self.from.clone(), to.node.clone(), Arc::clone(&network));
        network.under_way.lock().spawn(async move {
            inner.awake(&node).await;
            let answer = service.serve(&from, envelope, deadline).await;
            inner.awake(&node).await;
            match way {
                Way::LostAfter => drop(reply),
                // Kept as long as somebody waits.
                Way::NeverAnswered => {
                    let mut reply = reply;
                    reply.closed().await;
                }
                Way::Failed => drop(reply.send(Bytes::from_static(b"{\"V1\":{\"Failed\":\"Unreachable\"}}"))),
                _ => drop(reply.send(answer)),
            }
        });
        match tokio::time::timeout_at(deadline, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(CallFailure::Lost("cut".to_owned())),
            Err(_) => Err(CallFailure::TimedOut),
        }
    }
}
