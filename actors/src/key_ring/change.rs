//! What the steps of a plan make of the keys, and the steps that an operator asks for.

use std::time::Duration;

use schema::{
    KeyId, Put, Timestamp,
    record::{SigningAlg, SigningKey, SigningKeyState},
};

use super::{
    PREFIX,
    plan::{Rotation, Step},
};
use crate::transact::Transaction;

/// By how much the clocks of two nodes that plan may differ: each is at most 5 s off (HAZARDS H3).
const CLOCKS_DIFFER: Duration = Duration::from_secs(10);

/// A key of each algorithm asked for, unless its next one is pending already. One that begins later than any that is made
/// now was made by a wrong clock, and gives way.
pub(super) fn asked_for(
    keys: &[SigningKey],
    algs: Option<&[SigningAlg]>,
    rotation: Rotation,
    now: Timestamp,
) -> Vec<Step> {
    let latest = now.after(rotation.lead).after(CLOCKS_DIFFER);
    let mut steps = Vec::new();
    for alg in algs.unwrap_or_default() {
        let pending = keys.iter().filter_map(|key| match key.state {
            SigningKeyState::Pending { from } if key.alg == *alg => Some((key, from)),
            SigningKeyState::Pending { .. } | SigningKeyState::Active { .. } | SigningKeyState::Retiring { .. } => None,
        });
        let (soon, late): (Vec<_>, Vec<_>) = pending.partition(|(_, from)| *from <= latest);
        if soon.is_empty() {
            steps.extend(late.iter().map(|(key, _)| Step::Drop { kid: key.kid.clone() }));
            steps.push(Step::Make { alg: *alg, from: now.after(rotation.lead) });
        }
    }
    steps
}

/// The steps on the keys as they are in the store now; two keepers that make the same key at once end up with one.
pub(super) fn change(
    keys: &[SigningKey],
    steps: &[Step],
    made: &[SigningKey],
    now: Timestamp,
) -> Transaction<Vec<SigningKey>> {
    // First what goes: what is made takes its place.
    let goes = |key: &SigningKey| steps.iter().any(|step| matches!(step, Step::Drop { kid } if *kid == key.kid));
    let mut after: Vec<SigningKey> = keys.iter().filter(|key| !goes(key)).cloned().collect();
    for key in made {
        let same = |other: &SigningKey| {
            other.alg == key.alg && std::mem::discriminant(&other.state) == std::mem::discriminant(&key.state)
        };
        if !after.iter().any(same) {
            after.push(key.clone());
        }
    }
    for step in steps {
        match step {
            Step::Make { .. } | Step::Drop { .. } => {}
            Step::Activate { kid } => set_state(&mut after, kid, SigningKeyState::Active { since: now }),
            Step::Retire { kid, until } => set_state(&mut after, kid, SigningKeyState::Retiring { until: *until }),
        }
    }
    let item = |key: &SigningKey| format!("{PREFIX}{}", key.kid);
    let gone = keys.iter().filter(|old| !after.iter().any(|key| key.kid == old.kid));
    let changed = after.iter().filter(|key| !keys.iter().any(|old| old.kid == key.kid && old.state == key.state));
    Transaction {
        puts: changed.map(|key| Put::record(item(key), key, None)).collect(),
        deletes: gone.map(|key| item(key).into_boxed_str()).collect(),
        ..Transaction::answer(after.clone())
    }
}

/// Another node may have taken the same step already: then it stays as that one left it.
fn set_state(keys: &mut [SigningKey], kid: &KeyId, state: SigningKeyState) {
    let same = |key: &SigningKey| std::mem::discriminant(&key.state) == std::mem::discriminant(&state);
    if let Some(key) = keys.iter_mut().find(|key| key.kid == *kid && !same(key)) {
        key.state = state;
    }
}

#[cfg(test)]
mod tests {
    use schema::record::Unknown;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
    const ES: &[SigningAlg] = &[SigningAlg::ES256];

    fn key(kid: &str, state: SigningKeyState) -> SigningKey {
        SigningKey {
            kid: kid.parse().expect("a key id"),
            alg: SigningAlg::ES256,
            state,
            private: String::new(),
            public_jwk: String::new(),
            created_at: NOW,
            unknown: Unknown::default(),
        }
    }

    fn kids(keys: &[SigningKey]) -> Vec<&str> {
        keys.iter().map(|key| key.kid.as_str()).collect()
    }

    #[test]
    fn a_next_key_that_a_wrong_clock_made_gives_way_to_one_that_is_asked_for() {
        let rotation = Rotation::default();
        let from = NOW.after(rotation.lead);
        let late = SigningKeyState::Pending { from: from.after(Duration::from_hours(31 * 24)) };
        let keys = [key("old", SigningKeyState::Active { since: NOW }), key("late", late)];
        let steps = asked_for(&keys, Some(ES), rotation, NOW);
        assert_eq!(
            steps,
            [Step::Drop { kid: "late".parse().expect("a key id") }, Step::Make { alg: SigningAlg::ES256, from }]
        );
        let made = [key("next", SigningKeyState::Pending { from })];
        let once = change(&keys, &steps, &made, NOW);
        assert_eq!((kids(&once.answer), &*once.deletes), (vec!["old", "next"], &["key/late".into()][..]));
        // Another node that was asked at the same time has made one as well: one of them stays.
        let again = change(&once.answer, &steps, &[key("other", SigningKeyState::Pending { from })], NOW);
        assert_eq!(kids(&again.answer), ["old", "next"]);
        assert!(again.is_empty());
    }

    #[test]
    fn a_next_key_that_another_node_made_just_now_stays() {
        let rotation = Rotation::default();
        let from = NOW.after(rotation.lead).after(CLOCKS_DIFFER);
        let keys = [key("next", SigningKeyState::Pending { from })];
        assert_eq!(asked_for(&keys, Some(ES), rotation, NOW), []);
    }
}
