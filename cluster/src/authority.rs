//! What this node may answer from memory (HAZARDS H1 to H3).
//!
//! The store decides who owns what: one row holds the view, and every node reads it each second. From these reads alone
//! follows, for one key at one moment:
//!
//! | question | answer |
//! |---|---|
//! | [`Authority::route`] | where the owner is, by the newest view read |
//! | [`Authority::owns`] | is it this node, so that what is loaded now may be kept: the [`Tenure`] of a record |
//! | [`Authority::trusts`] | may a record of that tenure be answered from, without asking the store |
//! | [`Authority::quiet_from`] | from when on nobody but the owner may trust a record of this key |
//!
//! A record is trusted if the last successful read of the view began less than [`BOUND`] ago, the clocks are settled,
//! the key has been this node's, in one term of it, in every view since the record was loaded or validated, and the first of
//! those views was read at least [`BOUND`] ago. For then whoever owned the key before has either read that view or stopped
//! trusting.
//!
//! The epoch of the row only grows, unless the row was lost or brought back from a copy. A read that begins after another
//! one returned a newer epoch, or the same epoch with other members, tells of that: what it read holds from then on, and
//! nothing that was loaded before is trusted. See [`Authority::observe`].
//!
//! Time is handed in, so that all of this is a function of what was read and when. The monotonic clock stands still while
//! the machine sleeps; so each look asks as well whether it has slept, and that unsettles like a jump.
//!
//! What is decided by the wall clock is another matter ([`Authority::vouches`]): a commit with tomorrow's time binds every
//! node until tomorrow. So whoever decides shows the clock that it decides by, and one that has moved since it was last
//! found right decides nothing until it is measured anew.

mod sleep;
pub(crate) mod wall;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use parking_lot::RwLock;
use tokio::{sync::Notify, time::Instant};

use self::{
    sleep::Sleep,
    wall::{Hands, Look, Wall},
};
use crate::{Generation, Member, NodeId, View, placement};

/// How old the last read of the view may be, counted from its beginning, while records in memory are trusted. After an
/// acknowledged revocation no node accepts what was revoked; this is what an acknowledgement may have to wait for.
pub const BOUND: Duration = Duration::from_secs(2);

/// Views remembered. More changes than this within one tenure break it, which costs one validation.
const REMEMBERED: usize = 64;

/// Where a call goes. One hop at most: who is called as the owner and is not says so, and does not pass it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// The owner is this node.
    Local,
    /// The owner is that member.
    Remote(Member),
    /// No member of the view owns keys.
    Nowhere,
}

/// The epoch in which a record was last loaded or validated by the owner of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tenure {
    /// How often the views had lost their continuity here: epochs are compared only with those of the same row.
    breaks: u64,
    epoch: u64,
}

/// A view, and when it was first read here.
#[derive(Debug)]
struct Seen {
    view: Arc<View>,
    since: Instant,
}

#[derive(Debug, Default)]
struct Reads {
    /// Views of consecutive epochs, the newest last; empty before the first read.
    views: VecDeque<Seen>,
    /// When the last successful read began.
    began: Option<Instant>,
    /// How often who owned what came to be unknown for a while.
    breaks: u64,
    /// When the epoch was last seen to fall. A read that began earlier may still return what was before.
    fell: Option<Instant>,
    /// When the clocks last jumped.
    jumped: Option<Instant>,
    /// The clock is too far off to decide anything, or has jumped and was not measured since.
    suspended: bool,
    wall: Wall,
}

/// What this node may answer from memory. One per node, shared by all who ask.
#[derive(Debug)]
pub struct Authority {
    me: NodeId,
    generation: Generation,
    /// Alone with its store, which nobody else can open: everything is local and always trusted.
    alone: bool,
    sleep: Sleep,
    reads: RwLock<Reads>,
    /// The clock is to be measured.
    doubt: Notify,
}

impl Authority {
    /// A node whose store nobody else can open.
    pub fn alone(me: NodeId, generation: Generation, now: Instant) -> Self {
        let view = Arc::new(View::alone(me.clone(), generation));
        let views = VecDeque::from([Seen { view, since: now }]);
        let reads = Reads { views, began: Some(now), ..Reads::default() };
        Self {
            me,
            generation,
            alone: true,
            sleep: Sleep::of_machine(),
            reads: RwLock::new(reads),
            doubt: Notify::new(),
        }
    }

    /// A node of a cluster, which has not read the view yet and owns nothing.
    pub fn member(me: NodeId, generation: Generation) -> Self {
        Self {
            me,
            generation,
            alone: false,
            sleep: Sleep::of_machine(),
            reads: RwLock::default(),
            doubt: Notify::new(),
        }
    }

    /// This node.
    pub const fn me(&self) -> &NodeId {
        &self.me
    }

    /// Which start of it.
    pub const fn generation(&self) -> Generation {
        self.generation
    }

    /// Is nobody else able to open the store?
    pub const fn is_alone(&self) -> bool {
        self.alone
    }

    /// The newest view read; the empty one before the first.
    pub fn view(&self) -> Arc<View> {
        self.reads.read().views.back().map_or_else(|| Arc::new(View::default()), |seen| Arc::clone(&seen.view))
    }

    /// The view was read: the read began at `began` and ended at `now`. Says whether it was taken; it is ignored if it is
    /// older than one that another read, which ended later than this one began, has returned.
    ///
    /// An older view by a later read means that the row was lost or brought back from a copy, and so does another view of
    /// the same epoch. It is in force all the same, and who owned what in between is not known.
    pub fn observe(&self, view: View, began: Instant, now: Instant) -> bool {
        if self.alone {
            return true;
        }
        self.look(now);
        self.reads.write().take(view, began, now)
    }

    /// The clocks jumped: nothing in memory is trusted until a read of the view has begun after `now` and succeeded.
    pub fn unsettle(&self, now: Instant) {
        let mut reads = self.reads.write();
        reads.jumped = reads.jumped.max(Some(now));
    }

    /// Notices that the machine has slept.
    fn look(&self, now: Instant) {
        if let Some(slept) = self.sleep.look() {
            // `now` may have been taken before the sleep, and a read may have begun in between.
            self.unsettle(now.max(crate::now()));
            self.sleep.noted(slept);
            tracing::warn!("this machine has slept: nothing in memory is trusted until the view is read");
        }
    }

    /// Says whether this node's clock is too far off. While it is, the node owns nothing and decides nothing.
    pub fn suspend(&self, off: bool) {
        self.reads.write().suspended = off;
    }

    /// Is this node's clock too far off to decide anything, or not known to be right since it jumped?
    pub fn is_suspended(&self) -> bool {
        self.reads.read().suspended
    }

    /// May something be decided by this wall clock? To be asked with the very time that is decided by: between two looks of
    /// a watch a clock may be set and a decision be made.
    ///
    /// A clock that was set since it was last found right suspends a member until it is measured ([`Authority::doubted`]).
    /// A node that is alone has nothing to measure it by, and nobody else's decisions to go against: whoever set it is
    /// believed, and told of in the log.
    pub fn vouches(&self, hands: Hands) -> bool {
        {
            let reads = self.reads.read();
            if reads.suspended || reads.wall.look(hands) == Some(Look::Steady) {
                return !reads.suspended;
            }
        }
        let mut reads = self.reads.write();
        match reads.wall.look(hands) {
            // The first look, or another one saw the jump.
            None => reads.wall.is_right(hands),
            Some(Look::Steady) => {}
            Some(Look::Jumped(by_ms)) if self.alone => {
                reads.wall.is_right(hands);
                tracing::warn!(
                    by_ms,
                    "the clock of this machine was set; what is decided from now on is decided by it"
                );
            }
            Some(Look::Jumped(by_ms)) => {
                tracing::error!(by_ms, "the clock of this machine was set: nothing is decided until it is measured");
                self.distrust(&mut reads);
            }
        }
        !reads.suspended
    }

    /// This node's clock was found right when it was read so.
    pub fn clock_is_right(&self, hands: Hands) {
        let mut reads = self.reads.write();
        reads.wall.is_right(hands);
        reads.suspended = false;
    }

    /// The clocks moved apart: nothing in memory is trusted, and a member decides nothing until its clock is measured.
    pub fn doubt(&self) {
        if !self.alone {
            self.distrust(&mut self.reads.write());
        }
    }

    fn distrust(&self, reads: &mut Reads) {
        reads.jumped = reads.jumped.max(Some(crate::now()));
        reads.suspended = true;
        self.doubt.notify_one();
    }

    /// Returns when the clock is to be measured at once. For the one who measures it.
    pub async fn doubted(&self) {
        self.doubt.notified().await;
    }

    /// Was the view read recently enough for anything to be trusted?
    pub fn is_fresh(&self, now: Instant) -> bool {
        if self.alone {
            return true;
        }
        self.look(now);
        self.reads.read().fresh(now)
    }

    /// Can the age at `now` of what began at `began` be told? Not if the clocks have jumped since, or the machine has
    /// slept, or the clock is too far off.
    pub fn is_settled_since(&self, began: Instant, now: Instant) -> bool {
        if self.alone {
            return true;
        }
        self.look(now);
        let reads = self.reads.read();
        reads.settled(began) && !reads.suspended
    }

    /// Where the owner of `key` is.
    pub fn route(&self, key: &[u8]) -> Route {
        let reads = self.reads.read();
        let Some(owner) = reads.views.back().and_then(|seen| placement::owner(&seen.view, key)) else {
            return Route::Nowhere;
        };
        if self.is_me(owner) && !reads.suspended { Route::Local } else { Route::Remote(owner.clone()) }
    }

    /// The tenure of a record of `key` that is loaded or validated from now on; `None` if this node does not own the
    /// key, so that nothing of it may be kept.
    pub fn owns(&self, key: &[u8]) -> Option<Tenure> {
        let reads = self.reads.read();
        let newest = reads.views.back()?;
        let mine = !reads.suspended && placement::owner(&newest.view, key).is_some_and(|owner| self.is_me(owner));
        mine.then_some(Tenure { breaks: reads.breaks, epoch: newest.view.epoch })
    }

    /// May a record of this tenure be answered from at `now`? To be asked after the answer is formed.
    pub fn trusts(&self, key: &[u8], tenure: Tenure, now: Instant) -> bool {
        if self.alone {
            return true;
        }
        self.look(now);
        let reads = self.reads.read();
        if !reads.fresh(now) || reads.suspended {
            return false;
        }
        let Some(run) = reads.run(key) else { return false };
        let unbroken = tenure.breaks == reads.breaks && tenure.epoch >= run.epoch;
        self.is_me(run.owner) && unbroken && now >= run.since + BOUND
    }

    /// From when on nobody trusts a record of `key` but the owner in the newest view; `None` if nobody owns it or no view
    /// was read.
    pub fn quiet_from(&self, key: &[u8]) -> Option<Instant> {
        let reads = self.reads.read();
        if self.alone {
            return reads.began;
        }
        reads.run(key).map(|run| run.since + BOUND)
    }

    fn is_me(&self, member: &Member) -> bool {
        member.node == self.me && member.generation == self.generation
    }
}

/// The views without a break, up to the newest, in which one start of one node owns a key, in one term.
struct Run<'a> {
    owner: &'a Member,
    /// The first of them.
    epoch: u64,
    /// When that was first read.
    since: Instant,
}

impl Reads {
    /// See [`Authority::observe`].
    fn take(&mut self, view: View, began: Instant, now: Instant) -> bool {
        let view = Arc::new(view);
        if self.fell.is_some_and(|fell| began <= fell) {
            return false;
        }
        match self.views.back() {
            Some(newest) if view == newest.view => {}
            Some(newest) if view.epoch < newest.view.epoch && began <= newest.since => return false,
            Some(newest) if view.epoch <= newest.view.epoch => {
                let before = newest.view.epoch;
                tracing::error!(
                    before,
                    now = view.epoch,
                    "the row of the view was lost or put back under running nodes: nothing in memory is trusted"
                );
                self.break_off();
                (self.fell, self.began) = (Some(now), None);
                self.views.push_back(Seen { view, since: now });
            }
            newest => {
                if newest.is_some_and(|newest| newest.view.epoch + 1 != view.epoch) {
                    // Who owned what in between is not known.
                    self.break_off();
                }
                if self.views.len() == REMEMBERED {
                    self.views.pop_front();
                }
                self.views.push_back(Seen { view, since: now });
            }
        }
        self.began = self.began.max(Some(began));
        true
    }

    fn break_off(&mut self) {
        self.views.clear();
        self.breaks += 1;
    }

    fn fresh(&self, now: Instant) -> bool {
        self.began.is_some_and(|began| now.saturating_duration_since(began) < BOUND && self.settled(began))
    }

    fn settled(&self, began: Instant) -> bool {
        self.jumped.is_none_or(|jumped| began > jumped)
    }

    fn run(&self, key: &[u8]) -> Option<Run<'_>> {
        let newest = self.views.back()?;
        let owner = placement::owner(&newest.view, key)?;
        let mut run = Run { owner, epoch: newest.view.epoch, since: newest.since };
        for seen in self.views.iter().rev().skip(1) {
            if !placement::owner(&seen.view, key).is_some_and(|before| before.is_same_term(owner)) {
                break;
            }
            (run.epoch, run.since) = (seen.view.epoch, seen.since);
        }
        Some(run)
    }
}

#[cfg(test)]
mod tests;
