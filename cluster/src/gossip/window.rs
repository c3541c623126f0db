//! Which counters of one sender were seen: the newest, and one bit for each of those before it (as RFC 4303, 3.4.3).

/// Counters before the newest that may still arrive.
const WIDTH: u64 = 128;

/// What was seen of one sender. Counters begin at 1.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    newest: u64,
    /// Bit n: `newest - n` was seen.
    seen: u128,
}

impl Window {
    /// Was this counter not seen yet, and would it have been remembered?
    pub(super) const fn is_new(&self, counter: u64) -> bool {
        if counter == 0 {
            return false;
        }
        match self.newest.checked_sub(counter) {
            None => true,
            Some(back) if back >= WIDTH => false,
            Some(back) => (self.seen >> back) & 1 == 0,
        }
    }

    /// This counter was seen, in an authentic message.
    pub(super) const fn mark(&mut self, counter: u64) {
        match self.newest.checked_sub(counter) {
            None => {
                let ahead = counter - self.newest;
                self.seen = if ahead >= WIDTH { 1 } else { (self.seen << ahead) | 1 };
                self.newest = counter;
            }
            Some(back) if back < WIDTH => self.seen |= 1 << back,
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_is_new_twice(counters in proptest::collection::vec(0..400_u64, 0..300)) {
            let (mut window, mut seen) = (Window::default(), BTreeSet::new());
            for counter in counters {
                let newest = seen.last().copied().unwrap_or(0);
                let expected = counter != 0 && !seen.contains(&counter) && counter + WIDTH > newest;
                prop_assert_eq!(window.is_new(counter), expected);
                if expected {
                    window.mark(counter);
                    seen.insert(counter);
                }
            }
        }
    }

    #[test]
    fn the_end_of_the_range_is_no_trap() {
        let mut window = Window::default();
        window.mark(u64::MAX);
        assert!(!window.is_new(u64::MAX) && !window.is_new(0) && window.is_new(u64::MAX - 1));
    }
}
