//! Properties of the keeper: many of them over one row, time and gossip as the test says.

use std::{collections::BTreeSet, time::Duration};

use cluster::{
    Generation, Keeper, Member, NodeId, Role, View,
    keeper::{self, Proposal, Reason},
};
use proptest::prelude::*;
use tokio::time::Instant;

fn member(ix: usize, generation: u64) -> Member {
    Member {
        node: format!("n{ix}").parse().expect("a name"),
        generation: Generation(generation),
        roles: vec![if ix % 3 == 2 { Role::Http } else { Role::Actors }],
        address: format!("10.0.0.{ix}:9000").into(),
        level: 1,
        draining: false,
        term: 1,
    }
}

fn names(view: &View) -> BTreeSet<String> {
    view.members.iter().map(|member| member.node.to_string()).collect()
}

/// Keepers that take turns at one row. Node i hears node j if `hears(i, j)`.
struct House {
    keepers: Vec<Keeper>,
    view: View,
    now: Instant,
    changes: Vec<Reason>,
}

impl House {
    fn new(count: usize, view: View) -> Self {
        let mut keepers: Vec<_> = (0..count).map(|ix| Keeper::new(member(ix, 2))).collect();
        keepers.iter_mut().for_each(Keeper::ready);
        Self { keepers, view, now: cluster::now(), changes: Vec::new() }
    }

    /// Lets time pass in steps of 100 ms; `runs` says who takes part.
    fn pass(&mut self, time: Duration, runs: &dyn Fn(usize) -> bool, hears: &dyn Fn(usize, usize) -> bool) {
        let end = self.now + time;
        while self.now < end {
            self.now += Duration::from_millis(100);
            for ix in (0..self.keepers.len()).filter(|ix| runs(*ix)) {
                let heard = (0..self.keepers.len()).filter(|of| *of == ix || (runs(*of) && hears(ix, *of)));
                let live: Vec<_> = heard.map(|of| member(of, 2)).collect();
                self.turn(ix, &live);
            }
        }
    }

    fn turn(&mut self, ix: usize, live: &[Member]) {
        let verdict = self.keepers[ix].consider(&self.view, live, self.now);
        if let Some(Proposal { next, reason }) = verdict.proposal {
            self.check(ix, &next, &reason, live);
            self.changes.push(reason);
            self.view = next;
        }
    }

    /// What holds for each proposal.
    fn check(&self, ix: usize, next: &View, reason: &Reason, live: &[Member]) {
        let me = self.keepers[ix].me();
        let touched: BTreeSet<&NodeId> = match reason {
            Reason::Dead(nodes) => nodes.iter().collect(),
            Reason::Join | Reason::Correct | Reason::Leave => BTreeSet::from([&me.node]),
        };
        assert_eq!(next.epoch, self.view.epoch + 1);
        assert_ne!(next.members, self.view.members, "a proposal changes something");
        let others = |view: &View| -> Vec<Member> {
            view.members.iter().filter(|member| !touched.contains(&member.node)).cloned().collect()
        };
        assert_eq!(others(next), others(&self.view), "the others stay as they are");
        if let Reason::Dead(nodes) = reason {
            assert!(next.members.len() * 2 >= self.view.members.len(), "never a majority");
            let removed = self.view.members.iter().filter(|member| nodes.contains(&member.node));
            assert!(removed.into_iter().all(|member| !live.contains(member)), "never one that lives");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whoever_dies_the_view_becomes_those_who_live_and_then_stays(
        count in 1..7_usize,
        dead in proptest::collection::vec(any::<bool>(), 7),
        old in proptest::collection::vec(0..9_usize, 0..4),
    ) {
        let old = BTreeSet::from_iter(old).into_iter().map(|ix| member(ix, 1)).collect();
        let mut house = House::new(count, View { epoch: 5, members: old });
        house.pass(Duration::from_secs(40), &|_| true, &|_, _| true);
        let everyone: BTreeSet<_> = (0..count).map(|ix| format!("n{ix}")).collect();
        // Whoever is left over from before was never heard of, and may be the majority.
        prop_assert!(names(&house.view).is_superset(&everyone));
        let alone = names(&house.view) == everyone;
        let lives = |ix: usize| !dead[ix];
        let living: BTreeSet<_> = (0..count).filter(|ix| lives(*ix)).map(|ix| format!("n{ix}")).collect();
        house.pass(Duration::from_secs(40), &lives, &|_, _| true);
        if alone && living.len() * 2 >= count {
            prop_assert_eq!(names(&house.view), living);
        } else if alone {
            prop_assert_eq!(names(&house.view), everyone, "a minority takes out nobody");
        }
        let epoch = house.view.epoch;
        house.pass(Duration::from_mins(2), &lives, &|_, _| true);
        prop_assert_eq!(house.view.epoch, epoch, "no change when nothing changed");
    }

    #[test]
    fn whatever_gossip_says_no_proposal_breaks_the_rules(
        heard in proptest::collection::vec(any::<u32>(), 60),
    ) {
        let mut house = House::new(5, View::default());
        for mask in heard {
            let hears = |by: usize, of: usize| (mask >> (by * 5 + of)) & 1 == 1;
            house.pass(Duration::from_secs(1), &|_| true, &hears);
        }
        house.pass(Duration::from_mins(2), &|_| true, &|_, _| true);
        prop_assert_eq!(house.view.members.len(), 5, "in the end all who live are in");
    }
}

#[test]
fn of_two_halves_that_both_reach_the_store_one_stays_and_the_other_knocks_now_and_then() {
    let mut house = House::new(4, View::default());
    house.pass(Duration::from_secs(20), &|_| true, &|_, _| true);
    assert_eq!(house.view.members.len(), 4);
    let split = |by: usize, of: usize| (by < 2) == (of < 2);
    house.pass(Duration::from_secs(10), &|_| true, &split);
    house.changes.clear();
    house.pass(Duration::from_mins(10), &|_| true, &split);
    let stayed = if names(&house.view).contains("n0") { ["n0", "n1"] } else { ["n2", "n3"] };
    let removed = house.changes.iter().filter_map(|r| if let Reason::Dead(n) = r { Some(n) } else { None }).flatten();
    assert!(removed.into_iter().all(|node| !stayed.contains(&node.as_str())), "{:?}", house.changes);
    assert!(house.changes.len() < 120, "{} changes in 10 minutes", house.changes.len());
}

#[test]
fn a_member_that_gossip_never_heard_of_is_given_time() {
    let mut house = House::new(2, View::default());
    house.pass(Duration::from_secs(5), &|_| true, &|_, _| true);
    let mut members = house.view.members.clone();
    members.push(member(8, 1));
    house.view = house.view.followed_by(members);
    house.pass(keeper::UNHEARD.saturating_sub(Duration::from_millis(500)), &|_| true, &|_, _| true);
    assert_eq!(house.view.members.len(), 3);
    house.pass(Duration::from_secs(1), &|_| true, &|_, _| true);
    assert_eq!(house.view.members.len(), 2);
}

#[test]
fn a_node_that_stood_still_takes_out_nobody_at_once() {
    let mut house = House::new(2, View::default());
    house.pass(Duration::from_secs(10), &|_| true, &|_, _| true);
    house.now += Duration::from_secs(20);
    let now = house.now;
    house.keepers[0].stood_still(now);
    house.pass(Duration::from_millis(1_500), &|ix| ix == 0, &|_, _| false);
    assert_eq!(house.view.members.len(), 2);
    house.pass(Duration::from_secs(1), &|ix| ix == 0, &|_, _| false);
    assert_eq!(house.view.members.len(), 1);
}

#[test]
fn a_node_without_actors_is_a_member_as_any_other() {
    let mut house = House::new(3, View::default());
    house.pass(Duration::from_secs(10), &|_| true, &|_, _| true);
    assert!(house.view.member(&"n2".parse().expect("a name")).is_some_and(|member| !member.owns_keys()));
    house.pass(Duration::from_secs(10), &|ix| ix == 2, &|_, _| true);
    assert_eq!(house.view.members.len(), 3, "one of three");
    house.pass(Duration::from_secs(10), &|ix| ix != 1, &|_, _| true);
    assert_eq!(names(&house.view), ["n0", "n2"].map(str::to_owned).into());
}
