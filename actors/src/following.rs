//! What a member of a cluster follows for as long as its services live: each second, the generations of clients and keys and
//! the level of the data; when the view changes, what nodes left behind that have gone. And, also on a node that is alone, the
//! recoveries that wait.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use parking_lot::Mutex;
use schema::Kind;
use tokio::task::JoinSet;

use crate::{
    feature_level::{FeatureLevel, LevelError},
    generations::Generations,
    key_ring::KeyRing,
    reminders::Reminders,
    shipper::{self, Shipper},
};

/// How often it is seen whether the view has changed; and before a task that panicked is begun again.
const LOOK: Duration = Duration::from_secs(1);

/// The tasks that follow; they end when this is dropped.
#[derive(Debug)]
pub(crate) struct Following(Mutex<JoinSet<()>>);

impl Following {
    /// Begins. On a node that is alone there is nothing to follow but what waits.
    pub(crate) fn start(
        generations: &Generations,
        keys: &KeyRing,
        shipper: &Shipper,
        level: &FeatureLevel,
        reminders: &Reminders,
    ) -> Self {
        let mut tasks = JoinSet::new();
        let reminders = reminders.clone();
        run(&mut tasks, "reminders", move || {
            let reminders = reminders.clone();
            async move { reminders.follow().await }
        });
        if !generations.is_alone() {
            let (reader, moved) = (generations.clone(), generations.clone());
            let (keys, shipper, level) = (keys.clone(), shipper.clone(), level.clone());
            // In this order: what moves with the first read is a move.
            run(&mut tasks, "keys", move || {
                let (keys, moves) = (keys.clone(), moved.moves(Kind::Keyring));
                async move { keys.follow(moves).await }
            });
            run(&mut tasks, "shipper", move || recover(shipper.clone()));
            let owing = generations.clone();
            run(&mut tasks, "announcements", move || {
                let owing = owing.clone();
                async move { owing.pay().await }
            });
            run(&mut tasks, "level", move || keep_up(level.clone()));
            run(&mut tasks, "generations", move || {
                let reader = reader.clone();
                async move { reader.follow().await }
            });
        }
        Self(Mutex::new(tasks))
    }

    /// Ends.
    pub(crate) fn stop(&self) {
        self.0.lock().abort_all();
    }
}

/// Runs what `begin` makes until it returns; begins it again if it panics.
fn run<F, Fut>(tasks: &mut JoinSet<()>, name: &'static str, mut begin: F)
where
    F: FnMut() -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    tasks.spawn(async move {
        while AssertUnwindSafe(begin()).catch_unwind().await.is_err() {
            tracing::error!(task = name, "a task panicked and is begun again");
            tokio::time::sleep(LOOK).await;
        }
    });
}

/// Ships what others left: when the view has changed, until that succeeds, and now and then.
async fn recover(shipper: Shipper) {
    let (mut seen, mut last) = (0, cluster::now());
    loop {
        tokio::time::sleep(LOOK).await;
        let (epoch, now) = (shipper.epoch(), cluster::now());
        if epoch == seen && now < last + shipper::TICK {
            continue;
        }
        match shipper.recover().await {
            Ok(shipped) => {
                if shipped > 0 {
                    tracing::info!(shipped, "events were shipped that another node had left");
                }
                (seen, last) = (epoch, now);
            }
            Err(error) => tracing::warn!(%error, "what other nodes left is not shipped yet"),
        }
    }
}

/// Reads the level of the data. Who runs the services ends when this node is too old ([`FeatureLevel::outgrown`]).
async fn keep_up(level: FeatureLevel) {
    loop {
        // A node that has just come is not ready before it knows.
        tokio::time::sleep(if level.is_known() { LOOK } else { LOOK / 10 }).await;
        match level.follow().await {
            Ok(()) => {}
            Err(error @ LevelError::TooOld { .. }) => tracing::error!(%error, "this node must stop"),
            Err(error) => tracing::warn!(%error, "the level of the data cannot be read"),
        }
    }
}
