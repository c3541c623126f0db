//! The life of signing keys, as a pure plan: what must change so that each algorithm has one key that signs, and the next
//! one is published before it does.
//!
//! ```text
//! Pending ──(published for the lead)──► Active ──(the next took over)──► Retiring ──(its tokens ended)──► gone
//! ```

use std::time::Duration;

use schema::{
    KeyId, Timestamp,
    record::{SigningAlg, SigningKey, SigningKeyState},
};

/// How often keys change, and how long they are seen.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    /// A key signs for this long.
    pub every: Duration,
    /// It is published for this long before; at least what clients may cache the JWKS.
    pub lead: Duration,
    /// It stays published for this long after; at least the longest life of what it signed.
    pub retain: Duration,
}

impl Default for Rotation {
    fn default() -> Self {
        Self {
            every: Duration::from_hours(30 * 24),
            lead: Duration::from_hours(1),
            retain: Duration::from_hours(30 * 24),
        }
    }
}

/// The algorithms that have keys.
pub(super) const ALGS: [SigningAlg; 3] = [SigningAlg::RS256, SigningAlg::ES256, SigningAlg::EdDSA];

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Make a key; it signs from then on.
    Make { alg: SigningAlg, from: Timestamp },
    /// The pending key takes over.
    Activate { kid: KeyId },
    /// It signs no more.
    Retire { kid: KeyId, until: Timestamp },
    /// Nothing that it signed is valid any more.
    Drop { kid: KeyId },
}

/// What must be done now. Run again after each step that makes a key; empty when everything is as it should be.
pub(super) fn due(keys: &[SigningKey], rotation: Rotation, now: Timestamp) -> Vec<Step> {
    let mut steps = Vec::new();
    for key in keys {
        if matches!(key.state, SigningKeyState::Retiring { until } if until <= now) {
            steps.push(Step::Drop { kid: key.kid.clone() });
        }
    }
    for alg in ALGS {
        let active = keys.iter().find(|k| k.alg == alg && matches!(k.state, SigningKeyState::Active { .. }));
        let pending = keys.iter().find_map(|k| match k.state {
            SigningKeyState::Pending { from } if k.alg == alg => Some((k, from)),
            SigningKeyState::Pending { .. } | SigningKeyState::Active { .. } | SigningKeyState::Retiring { .. } => None,
        });
        match (active, pending) {
            // The first key of a store has nobody to be announced to.
            (None, None) => steps.push(Step::Make { alg, from: now }),
            (None, Some((key, _))) => steps.push(Step::Activate { kid: key.kid.clone() }),
            (Some(old), Some((key, from))) if from <= now => {
                steps.push(Step::Activate { kid: key.kid.clone() });
                steps.push(Step::Retire { kid: old.kid.clone(), until: now.after(rotation.retain) });
            }
            (Some(old), None) => {
                let SigningKeyState::Active { since } = old.state else { continue };
                if since.after(rotation.every.saturating_sub(rotation.lead)) <= now {
                    steps.push(Step::Make { alg, from: now.after(rotation.lead) });
                }
            }
            (Some(_), Some(_)) => {}
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use schema::record::Unknown;

    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_000_000);

    fn key(kid: &str, alg: SigningAlg, state: SigningKeyState) -> SigningKey {
        SigningKey {
            kid: kid.parse().expect("a key id"),
            alg,
            state,
            private: String::new(),
            public_jwk: String::new(),
            created_at: START,
            unknown: Unknown::default(),
        }
    }

    fn all_active() -> Vec<SigningKey> {
        ALGS.iter()
            .enumerate()
            .map(|(n, alg)| key(&format!("k{n}"), *alg, SigningKeyState::Active { since: START }))
            .collect()
    }

    #[test]
    fn an_empty_store_gets_a_key_for_each_algorithm_at_once() {
        let steps = due(&[], Rotation::default(), START);
        assert_eq!(steps.len(), 3);
        assert!(steps.iter().all(|step| matches!(step, Step::Make { from, .. } if *from == START)));
    }

    #[test]
    fn the_next_key_is_made_a_lead_before_it_signs() {
        let rotation = Rotation::default();
        assert_eq!(due(&all_active(), rotation, START), []);
        let due_at = START.after(rotation.every.saturating_sub(rotation.lead));
        let steps = due(&all_active(), rotation, due_at);
        assert_eq!(steps[0], Step::Make { alg: SigningAlg::RS256, from: due_at.after(rotation.lead) });
    }

    #[test]
    fn a_pending_key_takes_over_when_its_lead_is_over_and_the_old_one_retires() {
        let rotation = Rotation::default();
        let mut keys = all_active();
        let from = START.after(rotation.lead);
        keys.push(key("next", SigningAlg::RS256, SigningKeyState::Pending { from }));
        assert_eq!(due(&keys, rotation, START), []);
        let steps = due(&keys, rotation, from);
        assert_eq!(
            steps,
            [
                Step::Activate { kid: "next".parse().expect("a key id") },
                Step::Retire { kid: "k0".parse().expect("a key id"), until: from.after(rotation.retain) },
            ]
        );
    }

    #[test]
    fn a_retired_key_is_dropped_when_nothing_that_it_signed_is_valid() {
        let mut keys = all_active();
        keys.push(key("old", SigningAlg::RS256, SigningKeyState::Retiring { until: START }));
        assert_eq!(due(&keys, Rotation::default(), START), [Step::Drop { kid: "old".parse().expect("a key id") }]);
    }
}
