//! What goes wrong when: a plan that only the seed decides.

use std::time::Duration;

use rand::{RngExt as _, rngs::StdRng, seq::IndexedRandom as _};

/// What can be done to the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// `kill -9` of a node; it is started again at the end.
    Kill(usize),
    /// SIGSTOP of a node.
    Pause(usize),
    /// SIGTERM of a node, which drains; it is started again at the end.
    Stop(usize),
    /// A node's clock is set so many seconds off: within what is allowed to decide, or so far that it must not.
    Clock(usize, i8),
    /// A node does not reach the other nodes.
    CutFromPeers(usize),
    /// A node does not reach the store.
    CutFromStore(usize),
    /// Every packet of a node takes longer, and some are lost.
    Slow(usize),
    /// `kill -9` of one of the store's nodes; it is started again at the end.
    KillStore(usize),
    /// SIGSTOP of one of the store's nodes.
    PauseStore(usize),
}

/// What this house can suffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Possible {
    pub(crate) nodes: usize,
    /// Nodes of the store; none for the embedded one.
    pub(crate) stores: usize,
    /// Is each in a network of its own?
    pub(crate) networks: bool,
    /// Can clocks be moved?
    pub(crate) clocks: bool,
}

/// A fault, when it begins and how long it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) at: Duration,
    pub(crate) fault: Fault,
    pub(crate) lasts: Duration,
}

impl Fault {
    /// What it happens to; two faults never happen to one thing at once.
    const fn hits(self) -> (bool, usize) {
        match self {
            Self::Kill(n)
            | Self::Pause(n)
            | Self::Stop(n)
            | Self::Clock(n, _)
            | Self::CutFromPeers(n)
            | Self::CutFromStore(n)
            | Self::Slow(n) => (true, n),
            // One of the store's nodes at a time: it must keep its majority, or nothing is shown.
            Self::KillStore(_) | Self::PauseStore(_) => (false, 0),
        }
    }

    /// The node that is told to end.
    pub(crate) const fn stops(self) -> Option<usize> {
        if let Self::Stop(n) = self { Some(n) } else { None }
    }

    fn draw(possible: Possible, rng: &mut StdRng) -> Self {
        let node = rng.random_range(0..possible.nodes);
        let mut menu = vec![Self::Kill(node), Self::Pause(node), Self::Stop(node)];
        if possible.networks {
            menu.extend([Self::CutFromPeers(node), Self::CutFromStore(node), Self::Slow(node)]);
        }
        if possible.clocks {
            // A node that is alone has nobody to tell it that its clock is far off.
            let near = possible.nodes == 1 || rng.random();
            let off = if near { rng.random_range(1..=4) } else { rng.random_range(6..=100) };
            menu.push(Self::Clock(node, if rng.random() { off } else { -off }));
        }
        if possible.stores > 0 {
            let store = rng.random_range(0..possible.stores);
            menu.extend([Self::KillStore(store), Self::PauseStore(store)]);
        }
        *menu.choose(rng).unwrap_or(&Self::Kill(node))
    }
}

/// Before the first fault people have lived for so long, or for a tenth of the span if that is less.
const QUIET: Duration = Duration::from_secs(20);

/// While a node that is alone is away nobody is served, so nothing is seen: for this part of the span at once, or for a second,
/// if that is more.
const AWAY: f64 = 1.0 / 20.0;

/// Faults over `span`. At least one node is left alone at any time where there are several.
pub(crate) fn plan(possible: Possible, span: Duration, rng: &mut StdRng) -> Vec<Planned> {
    let mut planned: Vec<Planned> = Vec::new();
    let mut at = QUIET.min(span / 10);
    while at < span {
        let fault = Fault::draw(possible, rng);
        let mut longest: f64 = if matches!(fault, Fault::Pause(_) | Fault::PauseStore(_)) { 30.0 } else { 12.0 };
        if possible.nodes == 1 {
            longest = longest.min(AWAY * span.as_secs_f64()).max(1.0);
        }
        let lasts = Duration::from_secs_f64(rng.random_range(0.5..longest)).min(span.saturating_sub(at));
        let current = || planned.iter().filter(|other| other.at + other.lasts > at);
        let same = current().any(|other| other.fault.hits() == fault.hits());
        let nodes = current().filter(|other| other.fault.hits().0).count();
        let room = possible.nodes == 1 || nodes + 1 < possible.nodes || !fault.hits().0;
        if !same && room {
            planned.push(Planned { at, fault, lasts });
        }
        at += Duration::from_secs_f64(rng.random_range(0.5..6.0));
    }
    planned
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    const ALL: Possible = Possible { nodes: 3, stores: 3, networks: true, clocks: true };
    const ALONE: Possible = Possible { nodes: 1, stores: 0, networks: false, clocks: true };

    fn planned(seed: u64, possible: Possible) -> Vec<Planned> {
        plan(possible, Duration::from_mins(10), &mut StdRng::seed_from_u64(seed))
    }

    #[test]
    fn the_seed_alone_decides() {
        assert_eq!(planned(1, ALL), planned(1, ALL));
        assert_ne!(planned(1, ALL), planned(2, ALL));
    }

    #[test]
    fn one_node_is_left_alone_and_the_store_keeps_its_majority() {
        for seed in 0..200 {
            let plan = planned(seed, ALL);
            for one in &plan {
                let during = plan.iter().filter(|p| p.at <= one.at && p.at + p.lasts > one.at);
                let (nodes, stores): (Vec<&Planned>, Vec<&Planned>) = during.partition(|p| p.fault.hits().0);
                assert!(nodes.len() <= 2 && stores.len() <= 1, "seed {seed}: {nodes:?} {stores:?}");
            }
        }
    }

    #[test]
    fn a_long_run_is_not_quiet_for_longer_than_a_short_one() {
        let plan = plan(ALL, Duration::from_hours(24), &mut StdRng::seed_from_u64(5));
        assert_eq!(plan.iter().map(|planned| planned.at).min(), Some(QUIET));
    }

    #[test]
    fn an_embedded_node_is_only_killed_paused_and_stopped() {
        let possible = Possible { clocks: false, ..ALONE };
        let plan = planned(3, possible);
        assert!(plan.len() > 20);
        assert!(plan.iter().all(|p| matches!(p.fault, Fault::Kill(0) | Fault::Pause(0) | Fault::Stop(0))));
    }

    #[test]
    fn the_clock_of_a_node_that_is_alone_stays_within_what_may_decide() {
        let plan = planned(4, ALONE);
        let off: Vec<_> = plan
            .iter()
            .filter_map(|p| if let Fault::Clock(0, off) = p.fault { Some(off.abs()) } else { None })
            .collect();
        assert!(off.len() > 5 && off.iter().all(|off| (1..=4).contains(off)), "{off:?}");
    }

    #[test]
    fn in_a_short_run_a_node_that_is_alone_serves_more_than_half_of_the_time() {
        let span = Duration::from_secs(45);
        for seed in 0..200 {
            let plan = plan(ALONE, span, &mut StdRng::seed_from_u64(seed));
            let away: Duration = plan.iter().map(|planned| planned.lasts).sum();
            assert!(plan.len() > 5 && away < span / 2, "seed {seed}: {} faults, {away:?}", plan.len());
        }
    }
}
