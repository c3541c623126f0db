//! What was measured, and what follows from it; nothing here measures.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

use super::counters::Counters;
use crate::schedule::float;

/// How much more CPU a request may cost than on the cluster that is compared with.
pub(super) const TOLERATED: f64 = 0.1;

/// One interval in which a cluster served nobody.
#[derive(Clone, Copy, Debug)]
pub(super) struct Idle {
    pub(super) took: Duration,
    pub(super) cpu: Duration,
    pub(super) counted: Counters,
}

/// Visits that failed, by what they met.
pub(super) type Failures = BTreeMap<String, usize>;

/// One interval of load.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    pub(super) done: usize,
    pub(super) failures: Failures,
    /// Of all processes.
    pub(super) cpu: Duration,
    pub(super) took: Duration,
    /// Calls to another node, by visit.
    pub(super) hops: f64,
}

impl Loaded {
    /// CPU time of one visit in milliseconds, less what the processes take each second without any.
    fn cpu_ms(&self, idle_ms_per_sec: f64) -> f64 {
        (1000.0 * self.cpu.as_secs_f64() - idle_ms_per_sec * self.took.as_secs_f64()) / float(self.done.max(1))
    }
}

/// What a cluster costs that serves nobody, by node and second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Membership {
    pub(super) nodes: usize,
    pub(super) cpu_ms: f64,
    /// Bytes of gossip sent.
    pub(super) gossip_bytes: f64,
    /// Bytes of heartbeats on the connections between nodes.
    pub(super) peer_bytes: f64,
    /// Reads of the view and of the generations.
    pub(super) reads: f64,
}

impl Membership {
    pub(super) fn of(nodes: usize, idle: &[Idle]) -> Self {
        let each = |of: fn(&Idle) -> f64| {
            median(idle.iter().map(|idle| of(idle) / idle.took.as_secs_f64() / float(nodes)).collect())
        };
        Self {
            nodes,
            cpu_ms: each(|idle| 1000.0 * idle.cpu.as_secs_f64()),
            gossip_bytes: each(|idle| idle.counted.gossip_bytes),
            peer_bytes: each(|idle| idle.counted.peer_bytes),
            reads: each(|idle| idle.counted.reads),
        }
    }

    /// CPU time of all nodes together, in milliseconds per second.
    fn all_ms(&self) -> f64 {
        self.cpu_ms * float(self.nodes)
    }
}

/// What a visit costs on a cluster.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Cost {
    pub(super) nodes: usize,
    /// CPU time of all nodes, less that of membership; the median of the rounds.
    pub(super) cpu_ms_per_visit: f64,
    /// Each round.
    pub(super) rounds: Vec<f64>,
    pub(super) hops_per_visit: f64,
    pub(super) failures: Failures,
    /// What it cost in a round by what the cluster that is compared with cost in the same round; the median of the rounds.
    pub(super) ratio: f64,
}

impl Cost {
    pub(super) fn of(membership: &Membership, rounds: &[Loaded]) -> Self {
        let each: Vec<_> = rounds.iter().map(|round| round.cpu_ms(membership.all_ms())).collect();
        let mut failures = Failures::new();
        for (kind, count) in rounds.iter().flat_map(|round| &round.failures) {
            *failures.entry(kind.clone()).or_default() += count;
        }
        Self {
            nodes: membership.nodes,
            cpu_ms_per_visit: median(each.clone()),
            rounds: each,
            hops_per_visit: median(rounds.iter().map(|round| round.hops).collect()),
            failures,
            ratio: 1.0,
        }
    }

    /// The same, compared with another.
    pub(super) fn against(self, first: &Self) -> Self {
        let ratios = self.rounds.iter().zip(&first.rounds).map(|(own, first)| own / first);
        Self { ratio: median(ratios.collect()), ..self }
    }

    /// Is it not much dearer than what it was compared with?
    pub(super) fn is_within(&self) -> bool {
        self.ratio <= 1.0 + TOLERATED
    }
}

/// The middle one, or the mean of the two in the middle.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    match figures.len() {
        0 => f64::NAN,
        count => f64::midpoint(figures[(count - 1) / 2], figures[count / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idle(cpu_ms: u64) -> Idle {
        let counted = Counters { hops: 0.0, gossip_bytes: 3000.0, peer_bytes: 600.0, reads: 6.0 };
        Idle { took: Duration::from_secs(2), cpu: Duration::from_millis(cpu_ms), counted }
    }

    fn loaded(cpu_ms: u64) -> Loaded {
        let failures = Failures::from([("refresh: 503".to_owned(), 1)]);
        Loaded { done: 100, failures, cpu: Duration::from_millis(cpu_ms), took: Duration::from_secs(2), hops: 0.5 }
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!((median(vec![3.0, 1.0, 2.0]), median(vec![4.0, 1.0, 2.0, 3.0])), (2.0, 2.5));
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn membership_is_told_by_node_and_second() {
        let membership = Membership::of(3, &[idle(30), idle(60), idle(600)]);
        let expected = Membership { nodes: 3, cpu_ms: 10.0, gossip_bytes: 500.0, peer_bytes: 100.0, reads: 1.0 };
        assert_eq!(membership, expected);
    }

    #[test]
    fn a_visit_costs_what_the_nodes_take_beyond_what_they_take_idle() {
        let membership = Membership::of(3, &[idle(60)]);
        let cost = Cost::of(&membership, &[loaded(160), loaded(260), loaded(360)]);
        assert_eq!((cost.cpu_ms_per_visit, cost.hops_per_visit), (2.0, 0.5));
        assert_eq!(cost.failures, Failures::from([("refresh: 503".to_owned(), 3)]));
        assert_eq!(cost.rounds, [1.0, 2.0, 3.0]);
    }

    /// What slows the machine down for a round slows all of them down.
    #[test]
    fn clusters_are_compared_round_by_round() {
        let cost = |rounds: [u64; 3]| Cost::of(&Membership::of(1, &[idle(0)]), &rounds.map(loaded));
        let ratio = cost([1050, 2100, 4400]).against(&cost([1000, 2000, 4000])).ratio;
        assert!((ratio - 1.05).abs() < 1e-9, "{ratio}");
    }

    #[test]
    fn a_tenth_more_is_tolerated_and_no_more() {
        let membership = Membership::of(1, &[idle(0)]);
        let cost = |cpu_ms| Cost::of(&membership, &[loaded(cpu_ms)]);
        let ratio = |cpu_ms| cost(cpu_ms).against(&cost(1000));
        assert!(ratio(1090).is_within() && ratio(700).is_within());
        assert!(!ratio(1110).is_within());
        assert!(!Cost { ratio: f64::NAN, ..cost(1) }.is_within(), "what was not measured is not within");
    }
}
