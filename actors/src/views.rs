//! Reads of the view that a command asks for, beside those that every node makes each second. Many who ask at once share a
//! read.

use std::{sync::Arc, time::Duration};

use cluster::{Authority, Member, View, ViewStore, ViewStoreError, keeper};
use tokio::{sync::Mutex, time::Instant};

/// A read that another one has overtaken is made again, as often as this. What came later is overtaken only by what is
/// later still.
const TRIES: usize = 3;
/// One read of the view takes this long at most (HAZARDS H4).
const READ_WITHIN: Duration = Duration::from_millis(300);
/// From here terms begin at least this far apart. Nodes read the view each second; who misses an epoch validates everything.
const PACE: Duration = Duration::from_millis(500);

/// The view's row, and what this node makes of it.
pub(crate) struct Views {
    store: Arc<dyn ViewStore>,
    authority: Arc<Authority>,
    /// When the last successful read from here began. Held while one is under way.
    read: Mutex<Option<Instant>>,
    /// The last term that was begun from here. Held while one is.
    renewed: Mutex<Option<Renewal>>,
}

/// A term that was begun.
struct Renewal {
    of: Member,
    /// When that began, and when it was done.
    began: Instant,
    done: Instant,
}

impl Views {
    pub(crate) fn new(store: Arc<dyn ViewStore>, authority: Arc<Authority>) -> Self {
        Self { store, authority, read: Mutex::new(None), renewed: Mutex::new(None) }
    }

    /// A view that was read by a read which began after `asked`, or a newer one. A read that brings an older view than is
    /// known says nothing, and is made again.
    pub(crate) async fn since(&self, asked: Instant) -> Result<Arc<View>, ViewStoreError> {
        let mut read = self.read.lock().await;
        if read.is_some_and(|began| began > asked) {
            return Ok(self.authority.view());
        }
        for _ in 0..TRIES {
            let began = cluster::now();
            let view = tokio::time::timeout(READ_WITHIN, self.store.read())
                .await
                .map_err(|_| ViewStoreError("it was not read in time".to_owned()))??;
            if self.authority.observe(view, began, cluster::now()) {
                *read = Some(began);
                return Ok(self.authority.view());
            }
        }
        Err(ViewStoreError::late())
    }

    /// Has a term begin, after `view`, in which nothing is trusted that this member held before; it stays in the view. `false`:
    /// `view` was in force no more. Those who committed before it was begun share a term.
    pub(crate) async fn renew(&self, view: &View, member: &Member, committed: Instant) -> Result<bool, ViewStoreError> {
        let mut last = self.renewed.lock().await;
        if let Some(Renewal { of, began, done }) = &*last {
            if (&of.node, of.generation) == (&member.node, member.generation) && *began >= committed {
                return Ok(true);
            }
            if self.authority.view().epoch == view.epoch {
                tokio::time::sleep_until(*done + PACE).await;
            }
        }
        let began = cluster::now();
        let next = keeper::renewed(view, &member.node);
        let begun = match &next {
            Some(next) => self.store.replace(view.epoch, next).await?,
            None => self.out_and_in(view, member).await?,
        };
        if begun {
            *last = Some(Renewal { of: member.clone(), began, done: cluster::now() });
        }
        // So that those who wait here see what is in force; one that cannot be read is read by them.
        let _ = self.since(cluster::now()).await;
        Ok(begun)
    }

    /// For a version that knows of no terms: for an epoch it is no member. Whether it reads that epoch or misses it, it
    /// trusts nothing of before.
    async fn out_and_in(&self, view: &View, member: &Member) -> Result<bool, ViewStoreError> {
        let out = keeper::without(view, &member.node);
        if !self.store.replace(view.epoch, &out).await? {
            return Ok(false);
        }
        // If it does not come in again here, it does by itself a little later.
        match self.store.replace(out.epoch, &out.followed_by(view.members.clone())).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(node = %member.node, "a member that was taken out for an epoch stays out"),
            Err(error) => tracing::warn!(%error, node = %member.node, "a member that was taken out may stay out"),
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use cluster::Generation;

    use super::*;

    fn view(epoch: u64, name: &str) -> View {
        View { epoch, ..View::alone(name.parse().expect("a name"), Generation(1)) }
    }

    /// A row whose first reads are overtaken by others, which return epoch 9.
    struct Overtaken {
        authority: Arc<Authority>,
        late: usize,
        reads: AtomicUsize,
    }

    #[async_trait]
    impl ViewStore for Overtaken {
        async fn read(&self) -> Result<View, ViewStoreError> {
            let read = self.reads.fetch_add(1, Ordering::Relaxed);
            let began = cluster::now();
            tokio::time::sleep(Duration::from_millis(1)).await;
            let overtaking = u64::try_from(read).expect("few");
            if read < self.late {
                self.authority.observe(view(9 + overtaking, "a"), began, cluster::now());
                return Ok(view(8, "b"));
            }
            Ok(view(9, "a"))
        }

        async fn replace(&self, _: u64, _: &View) -> Result<bool, ViewStoreError> {
            Ok(false)
        }
    }

    fn overtaken(late: usize) -> (Views, Arc<Overtaken>) {
        let authority = Arc::new(Authority::member("a".parse().expect("a name"), Generation(1)));
        let row = Arc::new(Overtaken { authority: Arc::clone(&authority), late, reads: AtomicUsize::new(0) });
        (Views::new(Arc::clone(&row) as _, authority), row)
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_that_was_overtaken_is_made_again() {
        let (views, row) = overtaken(1);
        let asked = cluster::now();
        assert_eq!(views.since(asked).await.expect("read").epoch, 9);
        assert_eq!(row.reads.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn many_who_want_a_read_share_one_that_began_after_they_asked() {
        let (views, row) = overtaken(0);
        let asked = cluster::now();
        let all = futures_util::future::join_all((0..1_000).map(|_| views.since(asked))).await;
        assert!(all.iter().all(Result::is_ok));
        assert_eq!(row.reads.load(Ordering::Relaxed), 2, "the first began with the questions, not after them");
        tokio::time::sleep(Duration::from_millis(5)).await;
        views.since(cluster::now()).await.expect("read");
        assert_eq!(row.reads.load(Ordering::Relaxed), 3, "a later question is another");
    }

    #[tokio::test(start_paused = true)]
    async fn an_older_view_than_is_known_is_no_answer() {
        let (views, _) = overtaken(usize::MAX);
        let asked = cluster::now();
        views.since(asked).await.expect_err("nothing that was read says anything");
    }

    #[tokio::test(start_paused = true)]
    async fn a_row_that_was_lost_is_no_longer_in_force() {
        let (views, row) = overtaken(0);
        let start = cluster::now();
        row.authority.observe(view(20, "b"), start, start);
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert_eq!(views.since(start).await.expect("read").epoch, 9);
        assert_eq!(row.authority.view().epoch, 9);
    }
}
