//! The one state machine of all devices, whatever their method.
//!
//! | from | shown or sent | proved | removed |
//! |---|---|---|---|
//! | Registered | Awaiting activation | – | Revoked |
//! | Awaiting activation | Awaiting activation | Activated, unless it is over | Revoked |
//! | Activated | – | Activated | Revoked |
//! | Revoked | – | – | – |
//!
//! A passkey is proved by the key that an authenticator made for the challenge that was shown. So nothing counts at sign-in that was not proved once, and what was removed never counts again. A device that its throttle has
//! suspended is Activated still: the suspension is the throttle's, and ends with the device ([`super::suspension`] says what it is good for
//! until then).

use schema::{Timestamp, record::FactorState};

/// What happens to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Its secret was shown, or a code was sent; it awaits the proof until then.
    Shown {
        /// After this it is gone.
        until: Timestamp,
    },
    /// Its owner has proved to have it.
    Proved,
    /// Its owner, or an operator, wants it no more.
    Removed,
}

/// Where a device stands after a step at `now`; `None` if there is no such step from here.
pub fn next(state: FactorState, step: Step, now: Timestamp) -> Option<FactorState> {
    use FactorState::{Activated, AwaitingActivation, Registered, Revoked};
    match (state, step) {
        (Registered | AwaitingActivation { .. }, Step::Shown { until }) => Some(AwaitingActivation { until }),
        (AwaitingActivation { until }, Step::Proved) if now < until => Some(Activated { at: now }),
        (Activated { at }, Step::Proved) => Some(Activated { at }),
        (Registered | AwaitingActivation { .. } | Activated { .. }, Step::Removed) => Some(Revoked { at: now }),
        (Registered | AwaitingActivation { .. }, Step::Proved)
        | (Activated { .. }, Step::Shown { .. })
        | (Revoked { .. }, _) => None,
    }
}

/// Until when a device awaits its proof, if it does.
pub fn awaits(state: FactorState, now: Timestamp) -> Option<Timestamp> {
    match state {
        FactorState::AwaitingActivation { until } => (now < until).then_some(until),
        FactorState::Registered | FactorState::Activated { .. } | FactorState::Revoked { .. } => None,
    }
}

/// Since when a device counts at sign-in, if it does.
pub const fn active_since(state: FactorState) -> Option<Timestamp> {
    match state {
        FactorState::Activated { at } => Some(at),
        FactorState::Registered | FactorState::AwaitingActivation { .. } | FactorState::Revoked { .. } => None,
    }
}

/// Was it removed?
pub const fn is_revoked(state: FactorState) -> bool {
    matches!(state, FactorState::Revoked { .. })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::{collection::vec, prelude::*};

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
        let step = prop_oneof![
            (0..100_u64).prop_map(|secs| Step::Shown { until: NOW.after(Duration::from_secs(secs)) }),
            Just(Step::Proved),
            Just(Step::Removed),
        ];
        vec((0..100_u64, step), 0..20)
    }

    proptest! {
        /// No path leads to Activated without a proof, and none out of Revoked.
        #[test]
        fn whatever_happens_a_device_moves_along_the_table(steps in steps()) {
            let mut state = FactorState::Registered;
            let (mut proved, mut removed, mut at) = (false, false, 0);
            for (later, step) in steps {
                at += later;
                let now = NOW.after(Duration::from_secs(at));
                let awaited = awaits(state, now).is_some();
                let Some(to) = next(state, step, now) else { continue };
                prop_assert!(!removed, "{state:?} {step:?} {to:?}");
                proved |= step == Step::Proved && awaited;
                removed |= step == Step::Removed;
                prop_assert!(active_since(to).is_none() || proved, "{state:?} {step:?} {to:?}");
                prop_assert_eq!(is_revoked(to), removed);
                state = to;
            }
        }
    }
}
