//! How far the copying of a store is, as its bar shows it. Each of the three steps goes through everything once, at a pace of
//! its own, so each has its own count.

use schema::export::copy::Step;

/// What a bar shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) what: &'static str,
    pub(super) done: u64,
    /// Of how many; 0 where nobody knows.
    pub(super) of: u64,
    /// Does a step begin, or begin again?
    pub(super) begins: bool,
}

/// A copying, as its steps tell of it.
#[derive(Debug)]
pub(super) struct Course {
    /// Entries of the source, roughly.
    about: u64,
    /// Entries that were in the target before those that are counted now.
    before: u64,
    last: Option<(Step, u64)>,
}

impl Course {
    /// Of a source with about `source` entries, into a target that has `target` of them: more than a few, where it was cut
    /// short before.
    pub(super) const fn new(source: u64, target: u64) -> Self {
        Self { about: source, before: target, last: None }
    }

    /// What to show once `done` entries of a step are done. A step whose store did not answer counts from nothing again: the
    /// copying goes on where it was, a comparison begins anew.
    pub(super) fn at(&mut self, step: Step, done: u64) -> Shown {
        let last = self.last.replace((step, done));
        let again = last.is_none_or(|(before, so_far)| before != step || so_far > done);
        if let Some((Step::Copying, so_far)) = last {
            if step == Step::Copying && again {
                self.before += so_far;
            } else if step != Step::Copying {
                // Everything was copied, so that this is no guess any more.
                self.about = self.before + so_far;
            }
        }
        let (what, done) = match step {
            Step::Copying => ("1 of 3, copying", self.before + done),
            Step::ReadingSource => ("2 of 3, comparing: source", done),
            Step::ReadingTarget => ("3 of 3, comparing: target", done),
        };
        let of = if self.about == 0 { 0 } else { self.about.max(done) };
        Shown { what, done, of, begins: again }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(course: &mut Course, steps: &[(Step, u64)]) -> Vec<(u64, u64, bool)> {
        let shown = steps.iter().map(|(step, done)| course.at(*step, *done));
        shown.map(|shown| (shown.done, shown.of, shown.begins)).collect()
    }

    #[test]
    fn each_step_counts_to_what_there_is() {
        use Step::{Copying, ReadingSource, ReadingTarget};
        let mut course = Course::new(103, 0);
        let steps = [(Copying, 64), (Copying, 100), (ReadingSource, 64), (ReadingSource, 100), (ReadingTarget, 64)];
        let wanted = [(64, 103, true), (100, 103, false), (64, 100, true), (100, 100, false), (64, 100, true)];
        assert_eq!(shown(&mut course, &steps), wanted);
        let steps = [Copying, ReadingSource, ReadingTarget].map(|step| course.at(step, 0).what);
        assert_eq!(steps, ["1 of 3, copying", "2 of 3, comparing: source", "3 of 3, comparing: target"]);
    }

    #[test]
    fn a_copying_that_was_cut_short_or_broke_off_goes_on_where_it_was() {
        use Step::{Copying, ReadingSource};
        let mut course = Course::new(300, 128);
        let steps = [(Copying, 64), (Copying, 128), (Copying, 32), (Copying, 44), (ReadingSource, 64)];
        let wanted = [(192, 300, true), (256, 300, false), (288, 300, true), (300, 300, false), (64, 300, true)];
        assert_eq!(shown(&mut course, &steps), wanted);
        // A comparison begins anew.
        assert_eq!(shown(&mut course, &[(ReadingSource, 32)]), [(32, 300, true)]);
    }

    #[test]
    fn a_count_that_was_too_small_grows_and_none_stays_none() {
        let mut course = Course::new(10, 0);
        assert_eq!(shown(&mut course, &[(Step::Copying, 8), (Step::Copying, 12)]), [(8, 10, true), (12, 12, false)]);
        let mut course = Course::new(0, 0);
        assert_eq!(shown(&mut course, &[(Step::Copying, 8)]), [(8, 0, true)]);
    }
}
