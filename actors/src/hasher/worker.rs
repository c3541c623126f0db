//! One hash thread: takes jobs, hashes in memory blocks of its own that it keeps from one hash to the next, and gives
//! the blocks back when it has been idle for a while.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::oneshot;
use zeroize::{Zeroize, Zeroizing};

use super::{Argon2Params, HashError, queue::Queue};
use crate::clock::Clock;

/// What a thread is asked to compute.
pub(super) struct Job {
    pub(super) input: Zeroizing<Vec<u8>>,
    pub(super) salt: Vec<u8>,
    pub(super) params: Argon2Params,
    /// Bytes of the answer.
    pub(super) output: usize,
    /// When it was queued, monotonic.
    pub(super) queued: Duration,
    pub(super) reply: oneshot::Sender<Result<Zeroizing<Vec<u8>>, HashError>>,
}

impl Job {
    /// Nobody may be waiting any more, so a failure to answer is none.
    pub(super) fn refuse(self) {
        let _ = self.reply.send(Err(HashError::Overloaded));
    }
}

/// What the threads and the callers share.
pub(super) struct Shared {
    queue: Mutex<Queue<Job>>,
    wake: Condvar,
    pub(super) clock: Arc<dyn Clock>,
}

impl Shared {
    pub(super) fn new(capacity: usize, clock: Arc<dyn Clock>) -> Self {
        Self { queue: Mutex::new(Queue::new(capacity)), wake: Condvar::new(), clock }
    }

    /// The queue stays whole whatever a thread that held it did: its operations do not panic half-way.
    pub(super) fn queue(&self) -> MutexGuard<'_, Queue<Job>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wake_one(&self) {
        self.wake.notify_one();
    }

    pub(super) fn close(&self) {
        let waiting = self.queue().close();
        waiting.into_iter().for_each(Job::refuse);
        self.wake.notify_all();
    }
}

/// The thread's life: until the queue is closed. Without work for `idle` it gives its memory back.
pub(super) fn run(shared: &Shared, idle: Duration) {
    let mut blocks: Vec<Block> = Vec::new();
    while let Some(next) = next(shared, (!blocks.is_empty()).then_some(idle)) {
        let Next::Job(job) = next else {
            release(&mut blocks);
            continue;
        };
        let waited = shared.clock.monotonic().saturating_sub(job.queued);
        metrics::histogram!("doorward_kdf_queue_seconds").record(waited.as_secs_f64());
        let answer = compute(&job, &mut blocks);
        metrics::counter!("doorward_password_hashes_total").increment(1);
        let _ = job.reply.send(answer);
    }
    release(&mut blocks);
}

enum Next {
    Job(Job),
    Idle,
}

/// Waits for a job, for at most `patience` if that is bounded. `None`: the queue is closed.
fn next(shared: &Shared, patience: Option<Duration>) -> Option<Next> {
    let mut queue = shared.queue();
    loop {
        let expired = queue.expired(shared.clock.monotonic(), |job| job.reply.is_closed());
        expired.into_iter().for_each(Job::refuse);
        if let Some(job) = queue.pop() {
            return Some(Next::Job(job));
        }
        if queue.is_closed() {
            return None;
        }
        if let Some(patience) = patience {
            let (guard, timeout) = shared.wake.wait_timeout(queue, patience).unwrap_or_else(PoisonError::into_inner);
            queue = guard;
            if timeout.timed_out() && queue.is_empty() {
                return Some(Next::Idle);
            }
        } else {
            queue = shared.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn compute(job: &Job, blocks: &mut Vec<Block>) -> Result<Zeroizing<Vec<u8>>, HashError> {
    let Argon2Params { m_kib, t, p } = job.params;
    let refuse = |_| HashError::Unreadable("its parameters are none of Argon2's");
    let params = Params::new(m_kib, t, p, Some(job.output)).map_err(refuse)?;
    if blocks.len() < params.block_count() {
        blocks.resize(params.block_count(), Block::new());
    }
    let mut output = Zeroizing::new(vec![0; job.output]);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into_with_memory(&job.input, &job.salt, &mut output, blocks.as_mut_slice()).map_err(refuse)?;
    Ok(output)
}

/// What the blocks hold comes from a password: zeroised, then returned to the allocator.
fn release(blocks: &mut Vec<Block>) {
    blocks.iter_mut().for_each(Zeroize::zeroize);
    *blocks = Vec::new();
}

#[cfg(test)]
mod tests {
    use schema::Timestamp;

    use super::*;
    use crate::{clock::MockClock, hasher::Priority};

    fn shared() -> Shared {
        Shared::new(4, Arc::new(MockClock::new(Timestamp::from_millis(0))))
    }

    type Answer = oneshot::Receiver<Result<Zeroizing<Vec<u8>>, HashError>>;

    fn job() -> (Job, Answer) {
        let (reply, answer) = oneshot::channel();
        let params = Argon2Params { m_kib: 8, t: 1, p: 1 };
        let input = Zeroizing::new(b"x".to_vec());
        (Job { input, salt: vec![7; 16], params, output: 32, queued: Duration::ZERO, reply }, answer)
    }

    #[test]
    fn a_thread_that_holds_memory_and_has_no_work_is_told_to_give_it_back() {
        let shared = shared();
        assert!(matches!(next(&shared, Some(Duration::ZERO)), Some(Next::Idle)));
        let (job, _answer) = job();
        let mut blocks = Vec::new();
        assert!(compute(&job, &mut blocks).is_ok());
        assert_eq!(blocks.len(), 8);
        release(&mut blocks);
        assert_eq!(blocks.capacity(), 0);
    }

    #[test]
    fn a_thread_ends_when_the_queue_is_closed() {
        let shared = shared();
        shared.close();
        run(&shared, Duration::ZERO);
    }

    #[test]
    fn a_job_that_nobody_waits_for_is_not_hashed() {
        let shared = shared();
        let (job, answer) = job();
        drop(answer);
        assert!(shared.queue().push(job, Priority::KnownDevice, Duration::MAX).is_ok());
        assert!(matches!(next(&shared, Some(Duration::ZERO)), Some(Next::Idle)));
    }
}
