//! How much of what was seen: a history without it shows nothing.

/// How much was seen in one history, or in many.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) answers: u64,
    pub(crate) commits: u64,
    pub(crate) conflicts: u64,
    /// Outcomes that the store did not tell.
    pub(crate) unknown: u64,
    /// Of those, the ones that the ring told.
    pub(crate) resolved: u64,
    /// Deliveries that were answered from the ring.
    pub(crate) recorded: u64,
    pub(crate) from_memory: u64,
    pub(crate) in_place: u64,
    pub(crate) revocations: u64,
    pub(crate) acknowledged: u64,
    pub(crate) epochs: u64,
}

impl Counts {
    pub(crate) const fn add(&mut self, other: &Self) {
        self.answers += other.answers;
        self.commits += other.commits;
        self.conflicts += other.conflicts;
        self.unknown += other.unknown;
        self.resolved += other.resolved;
        self.recorded += other.recorded;
        self.from_memory += other.from_memory;
        self.in_place += other.in_place;
        self.revocations += other.revocations;
        self.acknowledged += other.acknowledged;
        self.epochs += other.epochs;
    }
}
