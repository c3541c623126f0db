//! Reads the view each second, tells the [`Authority`], and does what the [`Keeper`] proposes.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use thiserror::Error;
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::{
    Authority, BOUND, Keeper, Member, View, ViewStore, ViewStoreError,
    keeper::{Proposal, Reason},
    task::Tasks,
};

/// How often the view is read, at the latest; jitter makes it up to a tenth earlier.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long a read may take.
const READ_TIMEOUT: Duration = Duration::from_millis(300);
/// How long a write may take.
const WRITE_TIMEOUT: Duration = Duration::from_secs(1);
/// When to try again after a failure.
const RETRY: Duration = Duration::from_millis(100);
/// A round that begins this much late tells that this node stood still.
const STALL: Duration = Duration::from_secs(1);

/// What the steward needs.
pub struct StewardOptions {
    /// Told of every view that is read.
    pub authority: Arc<Authority>,
    /// Where the view is kept.
    pub store: Arc<dyn ViewStore>,
    /// Who is alive, this node included. Without gossip: this node, for ever.
    pub live: watch::Receiver<Vec<Member>>,
    /// This node.
    pub me: Member,
}

impl std::fmt::Debug for StewardOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StewardOptions").field("me", &self.me).finish_non_exhaustive()
    }
}

/// This node cannot be a member any more.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum StewardError {
    /// A later start of this node is in the view.
    #[error("a later start of this node has taken its place")]
    Superseded,
}

/// Keeps this node's place in the cluster; it stops when this is dropped.
#[derive(Debug)]
pub struct Steward {
    shared: Arc<Shared>,
    _tasks: Tasks,
}

struct Shared {
    authority: Arc<Authority>,
    store: Arc<dyn ViewStore>,
    live: watch::Receiver<Vec<Member>>,
    keeper: Mutex<Keeper>,
    view: watch::Sender<Arc<View>>,
    last_read: Mutex<Option<Instant>>,
    nudge: Notify,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("keeper", &*self.keeper.lock()).finish_non_exhaustive()
    }
}

impl Steward {
    /// Begins to read the view. This node comes in with [`Steward::join`].
    pub fn start(options: StewardOptions) -> Self {
        let StewardOptions { authority, store, live, me } = options;
        let shared = Arc::new(Shared {
            view: watch::Sender::new(authority.view()),
            authority,
            store,
            live,
            keeper: Mutex::new(Keeper::new(me)),
            last_read: Mutex::new(None),
            nudge: Notify::new(),
        });
        let mut tasks = Tasks::default();
        let worker = Arc::clone(&shared);
        tasks.run("steward", move || Arc::clone(&worker).run());
        Self { shared, _tasks: tasks }
    }

    /// The newest view read, as it changes.
    pub fn view(&self) -> watch::Receiver<Arc<View>> {
        self.shared.view.subscribe()
    }

    /// This node, as it is or should be in the view.
    pub fn me(&self) -> Member {
        self.shared.keeper.lock().me().clone()
    }

    /// Is this node in the view that was read last, recently, by a clock that is right?
    pub fn is_settled(&self) -> bool {
        let authority = &self.shared.authority;
        let in_view =
            self.shared.view.borrow().member(authority.me()).is_some_and(|me| me.generation == authority.generation());
        in_view && authority.is_fresh(crate::now()) && !authority.is_suspended()
    }

    /// Brings this node into the view, and keeps it there from now on.
    pub async fn join(&self) -> Result<(), StewardError> {
        self.wish(Keeper::ready);
        self.until(|me| me.is_some()).await
    }

    /// Lets this node own nothing any more. Returns when the view says so and every node has read that or trusts nothing.
    pub async fn drain(&self) -> Result<(), StewardError> {
        self.wish(Keeper::drain);
        self.until(|me| me.is_none_or(|me| me.draining)).await?;
        tokio::time::sleep(BOUND).await;
        Ok(())
    }

    /// Takes this node out of the view for good.
    pub async fn leave(&self) -> Result<(), StewardError> {
        self.wish(Keeper::leave);
        self.until(|me| me.is_none()).await
    }

    fn wish(&self, wish: impl FnOnce(&mut Keeper)) {
        wish(&mut self.shared.keeper.lock());
        self.shared.nudge.notify_one();
    }

    /// Waits for a view in which this start of this node is as asked for.
    async fn until(&self, mut is_so: impl FnMut(Option<&Member>) -> bool) -> Result<(), StewardError> {
        let (node, generation) = (self.shared.authority.me(), self.shared.authority.generation());
        let mut views = self.shared.view.subscribe();
        let superseded = |view: &View| view.member(node).is_some_and(|member| member.generation > generation);
        let settled = views.wait_for(|view| {
            let mine = view.member(node).filter(|member| member.generation == generation);
            // Before the first read nothing is known.
            view.epoch > 0 && (is_so(mine) || superseded(view))
        });
        match settled.await {
            Ok(view) if superseded(&view) => Err(StewardError::Superseded),
            Ok(_) => Ok(()),
            // This holds the sender.
            Err(_) => Err(StewardError::Superseded),
        }
    }
}

impl Shared {
    async fn run(self: Arc<Self>) {
        let mut live = self.live.clone();
        let mut next = crate::now();
        for round in 0_u64.. {
            tokio::select! {
                // All lead to the same round; without a die, a simulation of a seed is always the same.
                biased;
                () = tokio::time::sleep_until(next) => {}
                () = changed(&mut live) => {}
                () = self.nudge.notified() => {}
            }
            let began = crate::now();
            let read = self.read().await;
            if began > next + STALL || crate::now() > began + READ_TIMEOUT + STALL {
                tracing::warn!("this node stood still");
                self.keeper.lock().stood_still(crate::now());
            }
            next = match read {
                Ok(view) => {
                    let alive = live.borrow_and_update().clone();
                    let again_at = self.keep(&view, &alive).await;
                    let regular = crate::now() + INTERVAL - self.jitter(round, 100);
                    again_at.map_or(regular, |again_at| again_at.min(regular))
                }
                Err(_) => crate::now() + RETRY + self.jitter(round, 50),
            };
        }
    }

    /// Considers the view and writes another. Says when to ask the keeper again.
    async fn keep(&self, view: &View, alive: &[Member]) -> Option<Instant> {
        let (verdict, is_new) = {
            let mut keeper = self.keeper.lock();
            let was = keeper.is_superseded();
            (keeper.consider(view, alive, crate::now()), keeper.is_superseded() && !was)
        };
        if is_new {
            tracing::error!("a later start of this node is in the view: this one has no say any more");
        }
        let Some(proposal) = verdict.proposal else { return verdict.again_at };
        // Written or not, a read says what holds. Two that are in each other's way part by their names.
        let pause = match self.replace(view, &proposal).await {
            Ok(true) => Duration::ZERO,
            Ok(false) => self.jitter(view.epoch, 50),
            Err(_) => RETRY + self.jitter(view.epoch, 50),
        };
        Some(crate::now() + pause)
    }

    /// Up to so many milliseconds, by this node's name.
    fn jitter(&self, seed: u64, below_ms: u64) -> Duration {
        Duration::from_millis(xxh3_64_with_seed(self.authority.me().as_str().as_bytes(), seed) % below_ms)
    }

    async fn replace(&self, view: &View, proposal: &Proposal) -> Result<bool, ViewStoreError> {
        let Proposal { next, reason } = proposal;
        let written = tokio::time::timeout(WRITE_TIMEOUT, self.store.replace(view.epoch, next)).await;
        let written = written.unwrap_or_else(|_| Err(ViewStoreError("not written in time".to_owned())));
        match &written {
            Ok(true) => {
                metrics::counter!("doorward_cluster_view_changes_total", "reason" => reason.word()).increment(1);
                let dead = if let Reason::Dead(nodes) = reason { &**nodes } else { &[] };
                tracing::info!(epoch = next.epoch, reason = reason.word(), ?dead, "the view was changed");
            }
            // Another was first.
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, reason = reason.word(), "the view could not be changed"),
        }
        written
    }

    fn measure(&self, read_began: Option<Instant>) {
        let mut last = self.last_read.lock();
        *last = read_began.or(*last);
        if let Some(began) = *last {
            let age = crate::now().saturating_duration_since(began);
            metrics::gauge!("doorward_cluster_view_age_seconds").set(age.as_secs_f64());
        }
        let view = self.view.borrow();
        #[expect(clippy::cast_precision_loss, reason = "a gauge, far below 2^52")]
        metrics::gauge!("doorward_cluster_epoch").set(view.epoch as f64);
        metrics::gauge!("doorward_cluster_members").set(u32::try_from(view.members.len()).unwrap_or(u32::MAX));
    }

    async fn read(&self) -> Result<View, ViewStoreError> {
        let began = crate::now();
        metrics::counter!("doorward_cluster_view_reads_total").increment(1);
        let read = tokio::time::timeout(READ_TIMEOUT, self.store.read()).await;
        let read = read.unwrap_or_else(|_| Err(ViewStoreError("not read in time".to_owned())));
        let read = read.and_then(|view| {
            let taken = self.authority.observe(view.clone(), began, crate::now());
            if taken { Ok(view) } else { Err(ViewStoreError::late()) }
        });
        if read.is_ok() {
            let newest = self.authority.view();
            self.view.send_if_modified(|seen| {
                let changed = *seen != newest;
                *seen = newest;
                changed
            });
        } else {
            metrics::counter!("doorward_cluster_view_read_failures_total").increment(1);
        }
        self.measure(read.is_ok().then_some(began));
        read
    }
}

/// Waits for a change of who is alive; for ever, if nobody tells any more.
async fn changed(live: &mut watch::Receiver<Vec<Member>>) {
    if live.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
