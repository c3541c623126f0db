//! Which view should follow: pure, from the view that was read, who is alive, and the time.
//!
//! 1. A node that is ready puts itself in, or puts right what the view says of it.
//! 2. A member that gossip has seen dead for a while is taken out, by the first living member at once, by the others a
//!    little later each, in case the first cannot. Only a side that has at least half of the members takes out others.
//!    Whose turn is not yet looks whether another has done it, so that nobody goes by the old view until the next regular read.
//! 3. A node that was taken out though it lives comes back, each time twice as late, and takes out nobody until it has
//!    been in for [`SETTLED`]. So of two halves that both reach the store one stays, and the other knocks now and then.
//! 4. Who leaves takes itself out and does not come back.
//!
//! Each proposal changes only the members that it names. The store's compare-and-set decides between proposals.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::Instant;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::{Generation, Member, NodeId, View};

/// How long gossip must have found a member dead that it had found alive before.
pub const CONFIRMED: Duration = Duration::from_millis(250);
/// How long a member may be in the view without gossip ever having heard of it.
pub const UNHEARD: Duration = Duration::from_secs(10);
/// How long a node must have been in the view before it takes out others.
pub const SETTLED: Duration = Duration::from_secs(3);
/// How long a node that stood still believes what it knew of others.
const AFTER_STALL: Duration = Duration::from_secs(2);
/// How much later than the one before it each further member acts.
const STAGGER: Duration = Duration::from_millis(300);
/// How long after another might have taken out a member this node looks, and again so much later until its own turn.
const LOOK: Duration = Duration::from_millis(150);
/// The first wait of a node that was taken out.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait of a node that was taken out. Who is alive is back in the view this much later.
pub const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How long a node must be in the view for its wait to be the first again.
const FORGIVEN: Duration = Duration::from_mins(1);

/// How long a node that is not in the view is remembered to have been heard.
const REMEMBERED: Duration = Duration::from_mins(10);

/// Why a view was proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// This node comes in.
    Join,
    /// What the view says of this node is not so.
    Correct,
    /// This node leaves.
    Leave,
    /// These members are dead.
    Dead(Vec<NodeId>),
}

impl Reason {
    /// A word for logs and metrics.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Correct => "correct",
            Self::Leave => "leave",
            Self::Dead(_) => "dead",
        }
    }
}

/// A view that should follow the one that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The view; its epoch is one more than that of the one read.
    pub next: View,
    /// Why.
    pub reason: Reason,
}

/// What the keeper thinks of a view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What to put in its place.
    pub proposal: Option<Proposal>,
    /// When to ask again though nothing may have happened.
    pub again_at: Option<Instant>,
}

/// What this node wants to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    /// Not ready yet.
    Wait,
    Stay,
    Leave,
}

/// A start of a node.
type Start = (NodeId, Generation);

/// Remembers what the rules need of the past.
#[derive(Clone, Debug)]
pub struct Keeper {
    me: Member,
    wish: Wish,
    /// A later start of this node is in the view: this one has no say any more.
    superseded: bool,
    /// Members of the view that gossip finds dead, and since when.
    dead: BTreeMap<Start, Instant>,
    /// Whom gossip has found alive, and when last. Whoever comes back without having been heard since is dead as before.
    heard: BTreeMap<Start, Instant>,
    /// Since when this node has been in the view.
    in_since: Option<Instant>,
    /// How long it waits when it is taken out the next time.
    wait: Duration,
    /// Before this it does not come (back) in, and takes out nobody.
    not_in_before: Option<Instant>,
    no_removal_before: Option<Instant>,
}

/// The view without that member, for who cannot reach it and must not wait.
pub fn without(view: &View, node: &NodeId) -> View {
    view.followed_by(view.members.iter().filter(|member| member.node != *node).cloned().collect())
}

/// The view in which that member begins another term, for who cannot tell it that something was revoked: nobody trusts what
/// it held before, and it stays, and owns what it owned. `None` if it is not there, or would not notice, since its version
/// knows of no terms.
pub fn renewed(view: &View, node: &NodeId) -> Option<View> {
    let mut members = view.members.clone();
    let member = members.iter_mut().find(|member| member.node == *node && member.term > 0)?;
    member.term += 1;
    Some(view.followed_by(members))
}

impl Keeper {
    /// A node that is not ready yet.
    pub const fn new(me: Member) -> Self {
        Self {
            me,
            wish: Wish::Wait,
            superseded: false,
            dead: BTreeMap::new(),
            heard: BTreeMap::new(),
            in_since: None,
            wait: FIRST_WAIT,
            not_in_before: None,
            no_removal_before: None,
        }
    }

    /// This node, as it should be in the view.
    pub const fn me(&self) -> &Member {
        &self.me
    }

    /// Is a later start of this node in the view? Then this one is over.
    pub const fn is_superseded(&self) -> bool {
        self.superseded
    }

    /// This node may come in.
    pub fn ready(&mut self) {
        if self.wish == Wish::Wait {
            self.wish = Wish::Stay;
        }
    }

    /// This node owns nothing from now on.
    pub const fn drain(&mut self) {
        self.me.draining = true;
    }

    /// This node goes, for good.
    pub const fn leave(&mut self) {
        self.wish = Wish::Leave;
    }

    /// This node stood still: what it knows of the others is old.
    pub fn stood_still(&mut self, now: Instant) {
        self.dead.clear();
        self.no_removal_before = Some(now + AFTER_STALL);
    }

    /// Looks at a view that was read, and at who is alive.
    pub fn consider(&mut self, view: &View, live: &[Member], now: Instant) -> Verdict {
        self.note_others(view, live, now);
        self.note_myself(view, now);
        if self.superseded {
            return Verdict::default();
        }
        if let Some(verdict) = self.put_myself_right(view, now) {
            return verdict;
        }
        if self.wish == Wish::Stay { self.take_out_the_dead(view, live, now) } else { Verdict::default() }
    }

    fn note_others(&mut self, view: &View, live: &[Member], now: Instant) {
        let members: BTreeSet<Start> = view.members.iter().map(start).collect();
        let alive: BTreeSet<Start> = live.iter().map(start).collect();
        self.dead.retain(|start, _| members.contains(start) && !alive.contains(start));
        let remembered = |at: &Instant| now.saturating_duration_since(*at) < REMEMBERED;
        self.heard.retain(|start, at| members.contains(start) || remembered(at));
        self.heard.extend(alive.iter().cloned().map(|start| (start, now)));
        for start in members.difference(&alive) {
            self.dead.entry(start.clone()).or_insert(now);
        }
    }

    fn note_myself(&mut self, view: &View, now: Instant) {
        let mine = view.member(&self.me.node);
        self.superseded = mine.is_some_and(|member| member.generation > self.me.generation);
        if let Some(member) = mine.filter(|member| member.generation == self.me.generation) {
            // An operator may have set it, through another node.
            self.me.draining |= member.draining;
            // Another node may have begun another term of this one.
            self.me.term = self.me.term.max(member.term);
            let since = *self.in_since.get_or_insert(now);
            if now.saturating_duration_since(since) >= FORGIVEN {
                self.wait = FIRST_WAIT;
            }
        } else if self.in_since.take().is_some() {
            self.not_in_before = Some(now + self.wait);
            self.wait = (self.wait * 2).min(LONGEST_WAIT);
        }
    }

    fn put_myself_right(&self, view: &View, now: Instant) -> Option<Verdict> {
        let mine = view.member(&self.me.node);
        let (next, reason) = match (self.wish, mine) {
            (Wish::Wait, _) | (Wish::Leave, None) => return Some(Verdict::default()),
            (Wish::Leave, Some(_)) => (without(view, &self.me.node), Reason::Leave),
            (Wish::Stay, Some(member)) if *member == self.me => return None,
            (Wish::Stay, Some(member)) if member.generation == self.me.generation => {
                (self.with_me(view), Reason::Correct)
            }
            (Wish::Stay, _) => {
                if let Some(again_at) = self.not_in_before.filter(|before| now < *before) {
                    return Some(Verdict { proposal: None, again_at: Some(again_at) });
                }
                (self.with_me(view), Reason::Join)
            }
        };
        Some(Verdict { proposal: Some(Proposal { next, reason }), again_at: None })
    }

    fn with_me(&self, view: &View) -> View {
        let mut members = view.members.clone();
        match members.iter_mut().find(|member| member.node == self.me.node) {
            Some(member) => *member = self.me.clone(),
            None => members.push(self.me.clone()),
        }
        view.followed_by(members)
    }

    fn take_out_the_dead(&self, view: &View, live: &[Member], now: Instant) -> Verdict {
        let names: BTreeSet<&NodeId> = live.iter().map(|member| &member.node).chain([&self.me.node]).collect();
        let mut alive: Vec<_> = view.members.iter().map(|m| &m.node).filter(|node| names.contains(node)).collect();
        if alive.len() * 2 < view.members.len() {
            return Verdict::default();
        }
        alive.sort_unstable();
        let rank = alive.iter().position(|node| **node == self.me.node).unwrap_or(alive.len());
        let settled = self.in_since.map_or(now, |since| since + SETTLED);
        let earliest = self.no_removal_before.map_or(settled, |before| before.max(settled));
        let mine = |first: Instant| first.max(earliest) + self.stagger(rank, view.epoch);
        let dead = view.members.iter().filter_map(|member| Some((member.node.clone(), self.due(member, live)?)));
        let dead: BTreeMap<_, _> = dead.collect();
        let my_turn = |(node, first): (&NodeId, &Instant)| (mine(*first) <= now).then(|| node.clone());
        let nodes: Vec<NodeId> = dead.iter().filter_map(my_turn).collect();
        if nodes.is_empty() {
            let look = |first: Instant| mine(first).min(first.max(now) + LOOK);
            return Verdict { proposal: None, again_at: dead.into_values().map(look).min() };
        }
        let next = view.followed_by(view.members.iter().filter(|m| !nodes.contains(&m.node)).cloned().collect());
        Verdict { proposal: Some(Proposal { next, reason: Reason::Dead(nodes) }), again_at: None }
    }

    /// When a member may be taken out by the first who lives; `None` if it is not dead.
    fn due(&self, member: &Member, live: &[Member]) -> Option<Instant> {
        if member.node == self.me.node {
            return None;
        }
        let since = *self.dead.get(&start(member))?;
        let restarted = live.iter().any(|other| other.node == member.node && other.generation > member.generation);
        Some(match (restarted, self.heard.contains_key(&start(member))) {
            (true, _) => since,
            (false, true) => since + CONFIRMED,
            (false, false) => since + UNHEARD,
        })
    }

    /// How much later than the first this node acts. The jitter differs by node and epoch.
    fn stagger(&self, rank: usize, epoch: u64) -> Duration {
        let Some(rank) = u32::try_from(rank.min(8)).ok().filter(|rank| *rank > 0) else { return Duration::ZERO };
        let jitter = xxh3_64_with_seed(self.me.node.as_str().as_bytes(), epoch) % 200;
        STAGGER * rank + Duration::from_millis(jitter)
    }
}

fn start(member: &Member) -> Start {
    (member.node.clone(), member.generation)
}
