//! The bounded queue between callers and the writer thread. A caller waits for a place without blocking its thread; the
//! writer takes everything that has gathered at once, which is what makes a group.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::Semaphore;

/// How many requests may wait or be under way; also the most that one group holds.
pub(super) const CAPACITY: usize = 1024;

/// The queue is closed: nothing was taken.
pub(super) struct Closed;

pub(super) struct Queue<T> {
    places: Semaphore,
    state: Mutex<State<T>>,
    gathered: Condvar,
}

struct State<T> {
    requests: Vec<T>,
    closed: bool,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        Self {
            places: Semaphore::new(CAPACITY),
            state: Mutex::new(State { requests: Vec::new(), closed: false }),
            gathered: Condvar::new(),
        }
    }

    /// Waits for a place and puts `request` there. Dropping the future before it is done leaves nothing behind.
    pub(super) async fn push(&self, request: T) -> Result<(), Closed> {
        let place = self.places.acquire().await.map_err(|_| Closed)?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return Err(Closed);
        }
        // The place comes back through `done`, once the request is answered.
        place.forget();
        state.requests.push(request);
        self.gathered.notify_one();
        Ok(())
    }

    /// Blocks until there are requests and takes them all; `None` once the queue is closed and empty. With a `patience`,
    /// an empty list says that nothing came for as long.
    pub(super) fn take(&self, patience: Option<Duration>) -> Option<Vec<T>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = |state: &mut State<T>| state.requests.is_empty() && !state.closed;
        let mut state = match patience {
            Some(patience) => {
                self.gathered.wait_timeout_while(state, patience, idle).unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.gathered.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner),
        };
        let requests = std::mem::take(&mut state.requests);
        (!requests.is_empty() || !state.closed).then_some(requests)
    }

    /// `count` requests were answered; others may take their places.
    pub(super) fn done(&self, count: usize) {
        self.places.add_permits(count);
    }

    /// Takes no more requests. Those already there are still handed out.
    pub(super) fn close(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.places.close();
        self.gathered.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_queue_says_so_and_a_closed_one_ends() {
        let queue: Queue<()> = Queue::new();
        assert_eq!(queue.take(Some(Duration::ZERO)), Some(Vec::new()));
        queue.close();
        assert_eq!(queue.take(Some(Duration::ZERO)), None);
        assert_eq!(queue.take(None), None);
    }
}
