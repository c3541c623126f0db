//! One hash thread: takes jobs, hashes in memory blocks of its own that it keeps from one hash to the next, and gives
//! the blocks back after [`IDLE`].

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::oneshot;
use zeroize::{Zeroize, Zeroizing};

use super::{Argon2Params, HashError, queue::Queue};
use crate::clock::Clock;

/// A thread without work for this long gives its memory back.
const IDLE: Duration = Duration::from_secs(30);

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

/// The thread's life: until the queue is closed.
pub(super) fn run(shared: &Shared) {
    let mut blocks: Vec<Block> = Vec::new();
    while let Some(next) = next(shared, !blocks.is_empty()) {
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

/// Waits for a job; with blocks in hand for at most [`IDLE`]. `None`: the queue is closed.
fn next(shared: &Shared, holds_blocks: bool) -> Option<Next> {
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
        if holds_blocks {
            let (guard, timeout) = shared.wake.wait_timeout(queue, IDLE).unwrap_or_else(PoisonError::into_inner);
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
