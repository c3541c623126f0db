//! Loads that many ask for at once: those of one partition share a load, and all together a bounded pool (HAZARDS H4).

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use schema::StoreError;
use tokio::{sync::Semaphore, time::Instant};

/// Loads under way, at most.
const POOL: usize = 64;

/// The last load of a partition: when it began, and what it found. Held while one is under way.
type Turn<V> = Arc<tokio::sync::Mutex<Option<(Instant, Result<V, Arc<str>>)>>>;

/// Loads of one kind.
pub(crate) struct SharedLoads<V> {
    turns: Mutex<HashMap<Box<str>, Turn<V>>>,
    pool: Semaphore,
}

/// Takes part in the load of one partition, until dropped.
struct Part<'a, V> {
    turns: &'a Mutex<HashMap<Box<str>, Turn<V>>>,
    id: &'a str,
    turn: Turn<V>,
}

impl<V> Drop for Part<'_, V> {
    fn drop(&mut self) {
        let mut turns = self.turns.lock();
        // The map's and this one: nobody else takes part.
        if Arc::strong_count(&self.turn) == 2 {
            turns.remove(self.id);
        }
    }
}

impl<V: Clone> SharedLoads<V> {
    pub(crate) fn new() -> Self {
        Self { turns: Mutex::default(), pool: Semaphore::new(POOL) }
    }

    /// What a load of `id` that began at `asked` or later finds. `wait`: for a place in the pool; otherwise a full pool is
    /// an error at once.
    pub(crate) async fn since<F>(&self, id: &str, asked: Instant, wait: bool, load: F) -> Result<V, StoreError>
    where
        F: Future<Output = Result<V, StoreError>> + Send,
    {
        let turn = Arc::clone(self.turns.lock().entry(id.into()).or_default());
        let part = Part { turns: &self.turns, id, turn };
        let mut last = part.turn.lock().await;
        if let Some((began, found)) = &*last
            && *began >= asked
        {
            return found.clone().map_err(|reason| StoreError::Unavailable(reason.to_string()));
        }
        let busy = |_| StoreError::Unavailable("too much must be looked up in the store".to_owned());
        let place = if wait {
            self.pool.acquire().await.map_err(|_| StoreError::Unavailable("stopped".to_owned()))?
        } else {
            self.pool.try_acquire().map_err(busy)?
        };
        let began = cluster::now();
        let found = load.await;
        drop(place);
        *last = Some((began, found.as_ref().map(V::clone).map_err(|error| error.to_string().into())));
        found
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_share_the_next_load_and_leave_nothing_behind() {
        let (loads, count) = (SharedLoads::new(), AtomicUsize::new(0));
        let ask = || async {
            let asked = cluster::now();
            let load = async {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                Ok(count.fetch_add(1, Ordering::Relaxed))
            };
            loads.since("one", asked, true, load).await.expect("loads")
        };
        let found = join_all((0..100).map(|_| ask())).await;
        // The first's, and all others', which asked before it began or within the same instant.
        assert!(found.iter().all(|number| *number <= 1), "{found:?}");
        assert!(loads.turns.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_pool_refuses_who_does_not_wait() {
        let loads = SharedLoads::new();
        let ids: Vec<String> = (0..=POOL).map(|n| n.to_string()).collect();
        let never = |id: &str| {
            let asked = cluster::now();
            let id = id.to_owned();
            let loads = &loads;
            async move { loads.since(&id, asked, false, std::future::pending::<Result<(), _>>()).await }
        };
        let all = join_all(ids.iter().map(|id| never(id)));
        let refused = tokio::time::timeout(std::time::Duration::from_millis(1), async {
            let (held, last) = ids.split_at(POOL);
            let held = join_all(held.iter().map(|id| never(id)));
            tokio::select! {
                biased;
                _ = held => panic!("they do not end"),
                refused = never(&last[0]) => refused,
            }
        });
        assert!(refused.await.expect("at once").is_err());
        drop(all);
    }
}
