//! The queue in front of the hash threads: bounded, with a deadline per job, and half of it kept for known devices
//! (HAZARDS H11). No clock and no thread in here.

use std::{collections::VecDeque, time::Duration};

/// Who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Somebody on a device that completed a sign-in of this user.
    KnownDevice,
    /// Anybody else.
    Unknown,
}

/// Jobs in two lines. `T` is what a thread works on.
#[derive(Debug)]
pub(super) struct Queue<T> {
    known: VecDeque<Waiting<T>>,
    unknown: VecDeque<Waiting<T>>,
    capacity: usize,
    /// Whose turn it is when both wait.
    known_next: bool,
    closed: bool,
}

#[derive(Debug)]
struct Waiting<T> {
    job: T,
    deadline: Duration,
}

impl<T> Queue<T> {
    /// A queue for at most `capacity` jobs, at least 2.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            known: VecDeque::new(),
            unknown: VecDeque::new(),
            capacity: capacity.max(2),
            known_next: true,
            closed: false,
        }
    }

    /// Takes a job, or gives it back where there is no room for it. Unknown devices fill half of the queue at most.
    pub(super) fn push(&mut self, job: T, priority: Priority, deadline: Duration) -> Result<(), T> {
        let full = self.known.len() + self.unknown.len() >= self.capacity;
        let share_spent = priority == Priority::Unknown && self.unknown.len() >= self.capacity / 2;
        if self.closed || full || share_spent {
            return Err(job);
        }
        let line = match priority {
            Priority::KnownDevice => &mut self.known,
            Priority::Unknown => &mut self.unknown,
        };
        line.push_back(Waiting { job, deadline });
        Ok(())
    }

    /// The next job, alternating between the lines where both wait, so that neither starves the other.
    pub(super) fn pop(&mut self) -> Option<T> {
        let (first, second) =
            if self.known_next { (&mut self.known, &mut self.unknown) } else { (&mut self.unknown, &mut self.known) };
        if let Some(waiting) = first.pop_front() {
            self.known_next = !self.known_next;
            return Some(waiting.job);
        }
        second.pop_front().map(|waiting| waiting.job)
    }

    /// Takes out what was not begun by its deadline, or what nobody waits for any more.
    pub(super) fn expired(&mut self, now: Duration, abandoned: impl Fn(&T) -> bool) -> Vec<T> {
        let mut out = Vec::new();
        for line in [&mut self.known, &mut self.unknown] {
            let over = |waiting: &Waiting<T>| waiting.deadline <= now || abandoned(&waiting.job);
            if line.iter().any(over) {
                let (gone, kept): (VecDeque<_>, VecDeque<_>) = line.drain(..).partition(over);
                *line = kept;
                out.extend(gone.into_iter().map(|waiting| waiting.job));
            }
        }
        out
    }

    /// Takes no more jobs; gives back those that wait.
    pub(super) fn close(&mut self) -> Vec<T> {
        self.closed = true;
        self.known.drain(..).chain(self.unknown.drain(..)).map(|waiting| waiting.job).collect()
    }

    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty() && self.unknown.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{Priority::*, *};

    const LATER: Duration = Duration::from_secs(9);

    #[test]
    fn unknown_devices_fill_half_of_the_queue_and_known_ones_all_of_it() {
        let mut queue = Queue::new(4);
        assert_eq!(queue.push(1, Unknown, LATER), Ok(()));
        assert_eq!(queue.push(2, Unknown, LATER), Ok(()));
        assert_eq!(queue.push(3, Unknown, LATER), Err(3));
        assert_eq!(queue.push(4, KnownDevice, LATER), Ok(()));
        assert_eq!(queue.push(5, KnownDevice, LATER), Ok(()));
        assert_eq!(queue.push(6, KnownDevice, LATER), Err(6));
    }

    #[test]
    fn the_lines_take_turns_and_each_is_first_come_first_served() {
        let mut queue = Queue::new(8);
        for (job, priority) in [(1, Unknown), (2, Unknown), (3, Unknown), (10, KnownDevice), (11, KnownDevice)] {
            assert_eq!(queue.push(job, priority, LATER), Ok(()));
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, [10, 1, 11, 2, 3]);
    }

    #[test]
    fn what_is_past_its_deadline_or_abandoned_is_taken_out() {
        let mut queue = Queue::new(8);
        for (job, seconds) in [(1, 5), (2, 1), (3, 5), (4, 2)] {
            assert_eq!(queue.push(job, Unknown, Duration::from_secs(seconds)), Ok(()));
        }
        assert_eq!(queue.expired(Duration::from_secs(2), |job| *job == 3), [2, 3, 4]);
        assert_eq!((queue.pop(), queue.pop()), (Some(1), None));
    }

    #[test]
    fn a_closed_queue_gives_back_what_waits_and_takes_nothing() {
        let mut queue = Queue::new(8);
        assert_eq!(queue.push(1, Unknown, LATER), Ok(()));
        assert_eq!(queue.close(), [1]);
        assert_eq!(queue.push(2, KnownDevice, LATER), Err(2));
    }
}
