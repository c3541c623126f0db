//! The simulated store: the row of the view and one register for each key, each operation at one moment.

use cluster::View;

use crate::world::Key;

/// What a node asks of the store.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    ReadView,
    ReplaceView { expected: u64, next: View },
    Load(Key),
    Commit { key: Key, expected: u64 },
}

/// What it answers.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    View(View),
    Replaced(bool),
    Loaded(u64),
    /// The new revision, or none on a conflict.
    Committed(Option<u64>),
}

/// The truth. A register holds its revision, and each write of it revokes what was before.
#[derive(Debug, Default)]
pub(crate) struct Store {
    view: View,
    /// The view before the last change, and until when a read may still return it, if reads are not monotonic.
    former: (View, u64),
    registers: [u64; 4],
}

impl Store {
    /// Executes one operation at `now`. `stale` says how long after a change a read may return what was before,
    /// and whether this one does.
    pub(crate) fn execute(&mut self, ask: &Ask, now: u64, (stale_ms, stale): (u64, bool)) -> Answer {
        match ask {
            Ask::ReadView if stale && now < self.former.1 => Answer::View(self.former.0.clone()),
            Ask::ReadView => Answer::View(self.view.clone()),
            Ask::ReplaceView { expected, next } => {
                let applied = self.view.epoch == *expected;
                if applied {
                    let mut next = next.clone();
                    for member in next.members.iter_mut().filter(|member| member.term == 0) {
                        // Who writes and does not know of terms leaves them as they are.
                        let same = self.view.member(&member.node).filter(|old| old.generation == member.generation);
                        member.term = same.map_or(0, |old| old.term);
                    }
                    self.former = (std::mem::replace(&mut self.view, next), now + stale_ms);
                }
                Answer::Replaced(applied)
            }
            Ask::Load(key) => Answer::Loaded(self.registers[*key]),
            Ask::Commit { key, expected } => {
                let register = &mut self.registers[*key];
                let applied = *register == *expected;
                *register += u64::from(applied);
                Answer::Committed(applied.then_some(*register))
            }
        }
    }

    pub(crate) const fn view(&self) -> &View {
        &self.view
    }
}
