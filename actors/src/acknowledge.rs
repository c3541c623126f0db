//! When a revocation may be answered (HAZARDS H2).
//!
//! A command that took something away (a session, a family, a factor, a password) is stored, but a node may hold the user
//! in memory as it was before. Who is answered "done" relies on it that nobody accepts any more what is gone. Who can still
//! accept it, after the commit?
//!
//! 1. *The owner, by the view in force*, if the command was decided elsewhere, in its place. It is told to drop what is
//!    older than the revision, and its answer is waited for. If it is this node, the actor that committed holds the new
//!    state already; another one of the same user, its successor on this node, is told before anybody is answered
//!    (`Shared::supersede`), on a node that is alone too.
//! 2. *Whoever owned the user before*, and has not read the newer view yet. It trusts its memory for at most
//!    [`BOUND`](cluster::BOUND) after a read of the view began; this node has read the newer view, so that every read which
//!    begins after that shows it. So a bound after this node first saw the owner own, nobody before it trusts anything:
//!    `Authority::quiet_from`.
//! 3. *Whoever comes to own the user later.* It may keep only what it loads after it read a view that came after the one
//!    read here; the load begins after the commit, so it sees it.
//!
//! Nobody else keeps anything. For 3 to hold the view must be read by a read that *began after the commit*: a view of which
//! nothing was seen by such a read came into force after the commit.
//!
//! An owner that does not answer begins another term (epoch + 1), and stays in the view. As of its new term it gained the
//! user in a view that came after the one read, so it is as in 3; as of the old one it is as in 2: a bound later it does not
//! trust its memory, unless it has read the new view, and then it trusts only what it loaded since. Who is to tell it may be
//! a command without a way to any node, so nothing more is done to it: whether it is dead is for gossip to find.
//!
//! It rests on what `docs/cluster.md` takes for granted: an epoch never falls unnoticed; a node has one state of a user; the
//! conditional writes of all nodes have one Paxos electorate; reads of the view are monotonic (blocking read repair). A
//! virtual machine whose clocks all stood still, frozen or put back to a snapshot, is outside the promise.
//!
//! All of this runs beside the actor's mailbox, in a task of its own: other commands of that user are not held up. It goes
//! on when nobody waits for the answer any more, for a while, since what is revoked should be dead even so. If the deadline
//! comes first the answer is that the change is stored but not yet known everywhere. There is a place for it before the
//! commit, or the command is refused. An owner that nobody told in the end, since who was to tell it died or gave up, or
//! since a retry no longer sees that something was taken away, finds out by itself: what it has in memory is validated
//! every half minute (`account/memory`).

use std::{sync::Arc, time::Duration};

use cluster::{Authority, BOUND, Caller, Member, placement};
use parking_lot::Mutex;
use ractor::ActorId;
use schema::{Revision, UserId};
use serde_json::value::RawValue;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    task::JoinSet,
    time::Instant,
};

use crate::{
    account::{Answer, Shared},
    call::{CallError, Deadline},
    domain::command::Revoked,
    peer_service::{self, Ask, Told},
    views::Views,
};

/// Acknowledgements under way on this node, at most.
const MAX_UNDER_WAY: usize = 10_000;
/// An owner is given this long to drop what it holds, before another term of it is begun.
const INVALIDATE_WITHIN: Duration = Duration::from_secs(1);
/// What was done in an owner's place is answered after the owner was told, or after this long.
const TELL_WITHIN: Duration = Duration::from_millis(300);
/// It is gone on with for this long, even if nobody waits any more.
const EFFORT: Duration = Duration::from_secs(5);
/// The answer that it did not work leaves this long before the deadline.
const MARGIN: Duration = Duration::from_millis(200);
/// Between two tries to read the view or to move it.
const PAUSE: Duration = Duration::from_millis(50);

/// Tells other nodes of revocations, and answers them when they are known.
pub(crate) struct Acknowledger {
    pub(crate) authority: Arc<Authority>,
    pub(crate) peers: Arc<dyn Caller>,
    pub(crate) views: Arc<Views>,
    under_way: Mutex<JoinSet<()>>,
    slots: Arc<Semaphore>,
}

/// Whom to answer, and whether others must know before.
pub(crate) struct Reply {
    to: oneshot::Sender<Answer>,
    due: Due,
}

/// What is to be done before an answer, if its outcome is a revocation.
pub(crate) struct Due {
    pub(crate) shared: Arc<Shared>,
    /// The actor that answers, and holds what it commits.
    pub(crate) by: ActorId,
    pub(crate) revoked: Revoked,
    pub(crate) user: UserId,
    pub(crate) deadline: Deadline,
    /// The place among what is under way.
    pub(crate) slot: Option<OwnedSemaphorePermit>,
}

impl Reply {
    /// The way to answer a command.
    pub(crate) const fn new(to: oneshot::Sender<Answer>, due: Due) -> Self {
        Self { to, due }
    }

    /// Answers that there is no outcome. Who asked may have gone; then it is for nobody, here and below.
    pub(crate) fn failed(self, error: CallError) {
        let _ = self.to.send(Err(error));
    }

    /// Is there a place for telling others of this outcome? To be asked before it is committed.
    pub(crate) fn admit(&mut self, outcome: &RawValue) -> bool {
        let due = &mut self.due;
        if due.slot.is_none() && !due.shared.authority.is_alone() && (due.revoked)(outcome) {
            due.slot = due.shared.acknowledger.slot();
            return due.slot.is_some();
        }
        true
    }

    /// Answers with the outcome, as of this revision: at once, or when nobody accepts any more what it took away.
    pub(crate) fn outcome(self, outcome: Box<RawValue>, revision: Option<Revision>) {
        let Self { to, due } = self;
        let Some(revision) = revision.filter(|_| (due.revoked)(&outcome)) else {
            return drop(to.send(Ok(outcome)));
        };
        due.shared.supersede(due.user, revision, due.by);
        if due.shared.authority.is_alone() {
            return drop(to.send(Ok(outcome)));
        }
        let acknowledger = &due.shared.acknowledger;
        match due.slot.or_else(|| acknowledger.slot()) {
            Some(slot) => {
                let (user, deadline) = (due.user, due.deadline);
                acknowledger.begin(Pending { to, outcome, revision, user, deadline, slot });
            }
            // Nothing was committed just now: it was stored before.
            None => drop(to.send(Err(not_known()))),
        }
    }
}

impl Reply {
    /// Answers with the outcome of a commit that made this revision. One made in an owner's place is told to the owner
    /// first, if it answers: the person's next request may come to it, and must find what was done just now.
    pub(crate) fn committed(self, outcome: Box<RawValue>, revision: Revision) {
        let Due { shared, user, revoked, .. } = &self.due;
        let authority = &shared.authority;
        if authority.is_alone() || revoked(&outcome) || authority.owns(user.as_bytes()).is_some() {
            return self.outcome(outcome, Some(revision));
        }
        let (acknowledger, user) = (Arc::clone(&shared.acknowledger), *user);
        match (placement::owner(&authority.view(), user.as_bytes()), acknowledger.slot()) {
            (Some(owner), Some(slot)) => acknowledger.tell(owner.clone(), self.to, outcome, (user, revision, slot)),
            _ => drop(self.to.send(Ok(outcome))),
        }
    }
}

/// A revocation that is stored and not yet answered.
struct Pending {
    to: oneshot::Sender<Answer>,
    outcome: Box<RawValue>,
    revision: Revision,
    user: UserId,
    deadline: Deadline,
    slot: OwnedSemaphorePermit,
}

impl Acknowledger {
    pub(crate) fn new(authority: Arc<Authority>, peers: Arc<dyn Caller>, views: Arc<Views>) -> Self {
        Self { authority, peers, views, under_way: Mutex::default(), slots: Arc::new(Semaphore::new(MAX_UNDER_WAY)) }
    }

    /// A place among what is under way, if there is one.
    fn slot(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.slots).try_acquire_owned().ok()
    }

    fn begin(self: &Arc<Self>, pending: Pending) {
        let this = Arc::clone(self);
        self.spawn(async move { this.run(pending).await });
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut under_way = self.under_way.lock();
        while let Some(ended) = under_way.try_join_next() {
            if let Err(error) = ended {
                tracing::error!(%error, "an acknowledgement failed; its caller was told nothing");
            }
        }
        under_way.spawn(work);
    }

    fn tell(
        self: &Arc<Self>,
        owner: Member,
        to: oneshot::Sender<Answer>,
        outcome: Box<RawValue>,
        (user, revision, slot): (UserId, Revision, OwnedSemaphorePermit),
    ) {
        let this = Arc::clone(self);
        self.spawn(async move {
            let _slot = slot;
            // What it holds is bounded in age, should it not answer.
            let _ = tokio::time::timeout(TELL_WITHIN, this.invalidate(user, revision, &owner)).await;
            let _ = to.send(Ok(outcome));
        });
    }

    /// Returns when nothing is under way any more, or `within` has passed.
    pub(crate) async fn stop(&self, within: Duration) {
        let mut under_way = std::mem::take(&mut *self.under_way.lock());
        let _ = tokio::time::timeout(within, async { while under_way.join_next().await.is_some() {} }).await;
    }

    async fn run(&self, pending: Pending) {
        let asked = cluster::now();
        let Pending { to, outcome, revision, user, deadline, slot: _slot } = pending;
        let mut known = std::pin::pin!(self.make_known(user, revision, asked));
        let end = deadline.instant().max(asked + EFFORT);
        // A little early, so that who waits hears it before giving up.
        let early = deadline.instant() - (deadline.remaining() / 10).min(MARGIN);
        let answer = tokio::time::timeout_at(early, known.as_mut()).await;
        let done = answer.is_ok();
        let _ = to.send(answer.map(|()| outcome).map_err(|_| not_known()));
        if !done && tokio::time::timeout_at(end, known).await.is_err() {
            metrics::counter!("doorward_revocations_unacknowledged_total").increment(1);
            tracing::error!(%user, "a revocation is stored, but it is not known whether every node heard of it");
        }
    }

    /// Returns when nobody accepts any more what `revision` took away. `committed` is after the commit.
    async fn make_known(&self, user: UserId, revision: Revision, committed: Instant) {
        let (mut told, mut renewed): (Option<Member>, bool) = (None, false);
        let mut asked = committed;
        loop {
            let Some(view) =
                self.views.since(asked).await.map_err(|error| tracing::warn!(%error, "acknowledging")).ok()
            else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let Some(owner) = placement::owner(&view, user.as_bytes()) else {
                return tokio::time::sleep(BOUND).await;
            };
            let me = (&owner.node, owner.generation) == (self.authority.me(), self.authority.generation());
            // One that came after an owner which was told, or after its term, gained the user after the commit (3).
            let later = told.as_ref().is_some_and(|told| !told.is_same_term(owner));
            if me || later || renewed || self.invalidate(user, revision, owner).await {
                return self.quiet(user).await;
            }
            tracing::warn!(node = %owner.node, epoch = view.epoch, "an owner does not answer: it begins another term");
            match self.views.renew(&view, owner, committed).await {
                Ok(true) => {
                    renewed = true;
                    metrics::counter!("doorward_owners_renewed_total").increment(1);
                }
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, "acknowledging");
                    tokio::time::sleep(PAUSE).await;
                }
            }
            told = Some(owner.clone());
            asked = cluster::now();
        }
    }

    /// Tells the owner; says whether it answered that it has dropped what is older.
    async fn invalidate(&self, user: UserId, revision: Revision, owner: &Member) -> bool {
        let ask = Ask::<&(), &()>::Invalidate { user, revision, generation: owner.generation };
        let deadline = Deadline::after(INVALIDATE_WITHIN);
        // One call may be for the revocations of several requests.
        let call = peer_service::Call { user, trace: None, ask, in_place: true, deadline };
        matches!(peer_service::call(self.peers.as_ref(), owner, &call).await, Ok(Told::Invalidated))
    }

    /// Waits until nobody trusts what it held before the present owner owned.
    async fn quiet(&self, user: UserId) {
        match self.authority.quiet_from(user.as_bytes()) {
            Some(at) => tokio::time::sleep_until(at).await,
            None => tokio::time::sleep(BOUND).await,
        }
    }
}

fn not_known() -> CallError {
    CallError::Unavailable("the change is stored, but not yet known everywhere".to_owned())
}
