//! What goes wrong when: a plan that only the seed decides.

use std::time::Duration;

use rand::{
    RngExt as _,
    rngs::StdRng,
    seq::{IndexedRandom as _, SliceRandom as _},
};
use serde::Serialize;

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

/// What is done, to whomever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) enum Kind {
    Kill,
    Pause,
    Stop,
    Clock,
    CutFromPeers,
    CutFromStore,
    Slow,
    KillStore,
    PauseStore,
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

impl Kind {
    const ALL: [Self; 9] = [
        Self::Kill,
        Self::Pause,
        Self::Stop,
        Self::Clock,
        Self::CutFromPeers,
        Self::CutFromStore,
        Self::Slow,
        Self::KillStore,
        Self::PauseStore,
    ];

    /// Those that can happen to this house.
    pub(crate) fn possible(house: Possible) -> Vec<Self> {
        Self::ALL.into_iter().filter(|kind| kind.is_possible(house)).collect()
    }

    const fn is_possible(self, house: Possible) -> bool {
        match self {
            Self::Kill | Self::Pause | Self::Stop => true,
            Self::Clock => house.clocks,
            Self::CutFromPeers => house.networks && house.nodes > 1,
            Self::CutFromStore | Self::Slow => house.networks,
            Self::KillStore | Self::PauseStore => house.stores > 0,
        }
    }

    /// How many things it can happen to.
    const fn things(self, house: Possible) -> usize {
        if matches!(self, Self::KillStore | Self::PauseStore) { house.stores } else { house.nodes }
    }
}

impl Fault {
    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::Kill(_) => Kind::Kill,
            Self::Pause(_) => Kind::Pause,
            Self::Stop(_) => Kind::Stop,
            Self::Clock(..) => Kind::Clock,
            Self::CutFromPeers(_) => Kind::CutFromPeers,
            Self::CutFromStore(_) => Kind::CutFromStore,
            Self::Slow(_) => Kind::Slow,
            Self::KillStore(_) => Kind::KillStore,
            Self::PauseStore(_) => Kind::PauseStore,
        }
    }

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

    /// A fault of this kind that happens to thing `n`.
    fn of(kind: Kind, n: usize, house: Possible, rng: &mut StdRng) -> Self {
        match kind {
            Kind::Kill => Self::Kill(n),
            Kind::Pause => Self::Pause(n),
            Kind::Stop => Self::Stop(n),
            Kind::Clock => {
                // A node that is alone has nobody to tell it that its clock is far off.
                let near = house.nodes == 1 || rng.random();
                let off = if near { rng.random_range(1..=4) } else { rng.random_range(6..=100) };
                Self::Clock(n, if rng.random() { off } else { -off })
            }
            Kind::CutFromPeers => Self::CutFromPeers(n),
            Kind::CutFromStore => Self::CutFromStore(n),
            Kind::Slow => Self::Slow(n),
            Kind::KillStore => Self::KillStore(n),
            Kind::PauseStore => Self::PauseStore(n),
        }
    }
}

/// A run that takes this long has time for everything: for every kind of fault, too.
pub(crate) const LONG: Duration = Duration::from_secs(90);

/// Before the first fault people have lived for so long, or for a tenth of the span if that is less.
const QUIET: Duration = Duration::from_secs(20);

/// While a node that is alone is away nobody is served, so nothing is seen: for this part of the span at once, or for a second,
/// if that is more.
const AWAY: f64 = 1.0 / 20.0;

/// How long a fault may last, in seconds, and how long after its beginning the next one may begin: in the first round of a
/// long run, so that it is over long before the run is, whatever is drawn; and after it.
const ROUND: (f64, f64) = (5.0, 2.5);
const FREE: (f64, f64) = (12.0, 6.0);
/// The same of a pause after that round: others must do without a node for longer than they wait for it.
const LONGEST_PAUSE: f64 = 30.0;

/// Faults over `span`. At least one node is left alone at any time where there are several. If it is [`LONG`], every kind that
/// is possible happens once before any is drawn.
pub(crate) fn plan(house: Possible, span: Duration, rng: &mut StdRng) -> Vec<Planned> {
    let kinds = Kind::possible(house);
    let mut owed = if span < LONG { Vec::new() } else { kinds.clone() };
    owed.shuffle(rng);
    let mut planned: Vec<Planned> = Vec::new();
    let mut at = QUIET.min(span / 10);
    while at < span {
        let (longest, pause) = if owed.is_empty() { FREE } else { ROUND };
        let fault = if owed.is_empty() {
            let kind = *kinds.choose(rng).unwrap_or(&Kind::Kill);
            let fault = Fault::of(kind, rng.random_range(0..kind.things(house)), house, rng);
            fits(&planned, house, at, fault).then_some((fault, longest_of(fault, longest)))
        } else {
            one_that_is_owed(&mut owed, &planned, (house, at), rng).map(|fault| (fault, longest))
        };
        if let Some((fault, longest)) = fault {
            let away = AWAY * span.as_secs_f64();
            let longest = if house.nodes == 1 { longest.min(away).max(1.0) } else { longest };
            let lasts = Duration::from_secs_f64(rng.random_range(0.5..longest)).min(span.saturating_sub(at));
            planned.push(Planned { at, fault, lasts });
        }
        at += Duration::from_secs_f64(rng.random_range(0.5..pause));
    }
    planned
}

const fn longest_of(fault: Fault, otherwise: f64) -> f64 {
    if matches!(fault, Fault::Pause(_) | Fault::PauseStore(_)) { LONGEST_PAUSE } else { otherwise }
}

/// The first kind that is owed and can happen to something now, with what it happens to; it is owed no more.
fn one_that_is_owed(
    owed: &mut Vec<Kind>,
    planned: &[Planned],
    (house, at): (Possible, Duration),
    rng: &mut StdRng,
) -> Option<Fault> {
    let mut one_of = |kind: Kind| {
        let mut things: Vec<usize> = (0..kind.things(house)).collect();
        things.shuffle(rng);
        let mut faults = things.into_iter().map(|n| Fault::of(kind, n, house, rng));
        faults.find(|fault| fits(planned, house, at, *fault))
    };
    let (place, fault) = owed.iter().enumerate().find_map(|(place, kind)| Some((place, one_of(*kind)?)))?;
    owed.remove(place);
    Some(fault)
}

/// May this begin beside what goes on at that time?
fn fits(planned: &[Planned], house: Possible, at: Duration, fault: Fault) -> bool {
    // They are in the order in which they begin, and none lasts longer than the longest pause.
    let late = |other: &&Planned| other.at.as_secs_f64() + LONGEST_PAUSE > at.as_secs_f64();
    let current = || planned.iter().rev().take_while(late).filter(|other| other.at + other.lasts > at);
    let same = current().any(|other| other.fault.hits() == fault.hits());
    let nodes = current().filter(|other| other.fault.hits().0).count();
    let room = house.nodes == 1 || nodes + 1 < house.nodes || !fault.hits().0;
    !same && room
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    const ALL: Possible = Possible { nodes: 3, stores: 3, networks: true, clocks: true };
    const ALONE: Possible = Possible { nodes: 1, stores: 0, networks: false, clocks: true };
    /// All kinds of houses: a script makes one to nine nodes, on a cluster or not, where networks and clocks are there or not.
    const HOUSES: [Possible; 8] = [
        ALL,
        ALONE,
        Possible { networks: false, ..ALL },
        Possible { clocks: false, ..ALL },
        Possible { nodes: 1, ..ALL },
        Possible { nodes: 2, ..ALL },
        Possible { nodes: 9, ..ALL },
        Possible { nodes: 3, stores: 0, networks: false, clocks: false },
    ];
    const SEEDS: u64 = 200;

    fn planned(seed: u64, possible: Possible) -> Vec<Planned> {
        plan(possible, Duration::from_mins(10), &mut StdRng::seed_from_u64(seed))
    }

    #[test]
    fn the_seed_alone_decides() {
        assert_eq!(planned(1, ALL), planned(1, ALL));
        assert_ne!(planned(1, ALL), planned(2, ALL));
    }

    /// Every house, every seed, and spans that are long.
    fn long_plans() -> impl Iterator<Item = (Possible, u64, Vec<Planned>)> {
        let spans = [LONG, Duration::from_mins(10)];
        let cases = HOUSES.into_iter().flat_map(move |house| spans.map(|span| (house, span)));
        cases.flat_map(|(house, span)| {
            (0..SEEDS).map(move |seed| (house, seed, plan(house, span, &mut StdRng::seed_from_u64(seed))))
        })
    }

    #[test]
    fn one_node_is_left_alone_and_the_store_keeps_its_majority() {
        for (house, seed, plan) in long_plans() {
            for one in &plan {
                let during = plan.iter().filter(|p| p.at <= one.at && p.at + p.lasts > one.at);
                let (nodes, stores): (Vec<&Planned>, Vec<&Planned>) = during.partition(|p| p.fault.hits().0);
                let mut hit: Vec<_> = nodes.iter().map(|p| p.fault.hits()).collect();
                hit.sort_unstable();
                hit.dedup();
                let alone = house.nodes.max(2) - nodes.len();
                assert!(alone >= 1 && stores.len() <= 1, "{house:?}, seed {seed}: {nodes:?} {stores:?}");
                assert_eq!(hit.len(), nodes.len(), "{house:?}, seed {seed}: two things happen to one node: {nodes:?}");
            }
        }
    }

    #[test]
    fn in_a_long_run_every_kind_that_is_possible_happens_and_no_other_and_all_of_them_early() {
        for (house, seed, plan) in long_plans() {
            let begun = |kind| plan.iter().filter(|p| p.fault.kind() == kind).map(|p| p.at).min();
            for kind in Kind::ALL {
                let first = begun(kind);
                let early = first.is_some_and(|at| at < LONG);
                assert_eq!(early, kind.is_possible(house), "{house:?}, seed {seed}: {kind:?} at {first:?}");
                assert!(early || first.is_none(), "{house:?}, seed {seed}: {kind:?} at {first:?}");
            }
        }
    }

    #[test]
    fn the_order_of_the_first_round_differs_from_seed_to_seed() {
        let first = |seed| planned(seed, ALL)[0].fault.kind();
        for kind in Kind::ALL {
            assert!((0..SEEDS).any(|seed| first(seed) == kind), "{kind:?} is never the first");
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
