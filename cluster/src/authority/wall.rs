//! The wall clock, as it was last found right.

/// Clocks that move apart by more than this have jumped, in milliseconds.
pub(crate) const JUMP_MS: u64 = 1_000;

/// Two clocks of this node, read together, in milliseconds. Whoever looks at them reads the same two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hands {
    /// Since 1970; can be set.
    pub wall_ms: i64,
    /// Since some fixed moment; cannot be set.
    pub monotonic_ms: i64,
}

impl Hands {
    /// How far the one is ahead of the other: the same for as long as nobody sets the wall clock.
    const fn ahead_ms(self) -> i64 {
        self.wall_ms.saturating_sub(self.monotonic_ms)
    }

    /// Has nobody set the wall clock between these two looks, or not by much?
    pub(crate) const fn go_with(self, other: Self) -> bool {
        self.ahead_ms().abs_diff(other.ahead_ms()) <= JUMP_MS
    }
}

/// What a look at the wall clock says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// It goes as it went when it was found right, or nothing is known of it yet.
    Steady,
    /// Somebody has set it, by so many milliseconds.
    Jumped(i64),
}

/// The hands when the wall clock was last found right; those of the first look before it was ever measured.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wall(Option<Hands>);

impl Wall {
    /// Looks at the clock; `None` if this is the first look.
    pub(super) fn look(self, hands: Hands) -> Option<Look> {
        let right = self.0?;
        let moved = hands.ahead_ms().saturating_sub(right.ahead_ms());
        Some(if right.go_with(hands) { Look::Steady } else { Look::Jumped(moved) })
    }

    /// From now on this is right.
    pub(super) const fn is_right(&mut self, hands: Hands) {
        self.0 = Some(hands);
    }
}
