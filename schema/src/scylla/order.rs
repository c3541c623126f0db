//! The order in which the replicas of a partition are tried for a conditional write: that of the ring, alike in every
//! process, so that conditional writes of one partition meet at one coordinator. Several would cost each other their
//! ballots.
//!
//! The driver has such an order and keeps to it for what it knows to be conditional: serial reads by their level, and
//! single statements of which ScyllaDB says so. A batch it takes for a plain write, whose replicas are in an order that
//! each process draws for itself.

use std::{sync::Arc, time::Duration};

use scylla::{
    cluster::{ClusterState, NodeRef},
    errors::RequestAttemptError,
    policies::load_balancing::{FallbackPlan, LoadBalancingPolicy, RoutingInfo},
    routing::Shard,
};

/// Another policy that is told of each request that it is conditional.
#[derive(Debug)]
pub(super) struct InOrder(Arc<dyn LoadBalancingPolicy>);

impl InOrder {
    /// For requests that are conditional, all of them.
    pub(super) fn of(policy: Arc<dyn LoadBalancingPolicy>) -> Arc<dyn LoadBalancingPolicy> {
        Arc::new(Self(policy))
    }
}

fn conditional<'a>(request: &RoutingInfo<'a>) -> RoutingInfo<'a> {
    let mut request = request.clone();
    request.is_confirmed_lwt = true;
    request
}

/// The same node, for as long as the cluster's state is borrowed: what the other policy chose is borrowed from the
/// changed request too.
fn same<'a>(
    cluster: &'a ClusterState,
    (chosen, shard): (NodeRef<'_>, Option<Shard>),
) -> Option<(NodeRef<'a>, Option<Shard>)> {
    let node = cluster.get_nodes_info().iter().find(|node| node.host_id == chosen.host_id)?;
    Some((node, shard))
}

impl LoadBalancingPolicy for InOrder {
    fn pick<'a>(
        &'a self,
        request: &'a RoutingInfo<'_>,
        cluster: &'a ClusterState,
    ) -> Option<(NodeRef<'a>, Option<Shard>)> {
        same(cluster, self.0.pick(&conditional(request), cluster)?)
    }

    fn fallback<'a>(&'a self, request: &'a RoutingInfo<'_>, cluster: &'a ClusterState) -> FallbackPlan<'a> {
        let request = conditional(request);
        let plan: Vec<_> = self.0.fallback(&request, cluster).filter_map(|chosen| same(cluster, chosen)).collect();
        Box::new(plan.into_iter())
    }

    fn on_request_success(&self, request: &RoutingInfo<'_>, latency: Duration, node: NodeRef<'_>) {
        self.0.on_request_success(&conditional(request), latency, node);
    }

    fn on_request_failure(
        &self,
        request: &RoutingInfo<'_>,
        latency: Duration,
        node: NodeRef<'_>,
        error: &RequestAttemptError,
    ) {
        self.0.on_request_failure(&conditional(request), latency, node, error);
    }

    fn name(&self) -> String {
        format!("{}, in the order of the ring", self.0.name())
    }
}
