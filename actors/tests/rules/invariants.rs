//! What must hold after every command.

use std::time::Duration;

use actors::domain::{assurance::Acr, throttle, user::User};
use schema::{
    CodeId,
    record::{CodeState, FactorState, Totp},
};

use super::{Model, Op, Stage};

impl Model {
    /// What was dead once is dead for ever.
    pub(super) fn ended_stays_ended(&mut self, op: &Op) {
        for of in &self.sessions {
            if self.user.live_session_by_id(of.session, self.now, &self.settings).is_none() {
                self.dead_sessions.insert(of.session);
            } else {
                assert!(!self.dead_sessions.contains(&of.session), "a session came back by {op:?}");
            }
        }
        for token in &self.tokens {
            if self.user.live_family(token.family, self.now, &self.settings).is_none() {
                self.dead_families.insert(token.family);
            } else {
                assert!(!self.dead_families.contains(&token.family), "a family came back by {op:?}");
            }
        }
        let issued = |code: &&CodeId| self.user.codes.get(*code).is_some_and(|code| code.state == CodeState::Issued);
        assert!(!self.used_codes.iter().any(|code| issued(&code)), "a used code is fresh again by {op:?}");
    }

    /// Awaiting → Activated by a right code alone, → Revoked, and nothing out of it.
    pub(super) fn devices_go_forward(&mut self, op: &Op) {
        for (factor, stage) in &mut self.stages {
            let next = match self.user.totps.get(factor).map(|totp| totp.state) {
                None => Stage::Gone,
                Some(FactorState::Registered | FactorState::AwaitingActivation { .. }) => Stage::Awaiting,
                Some(FactorState::Activated { .. }) => Stage::Activated,
                Some(FactorState::Revoked { .. }) => Stage::Revoked,
            };
            assert!(next >= *stage, "{stage:?} → {next:?} by {op:?}");
            assert!(next != Stage::Activated || *stage == next || self.proved, "activated by {op:?}");
            assert!(next != Stage::Gone || *stage != Stage::Activated, "an active device vanished by {op:?}");
            *stage = next;
        }
        assert!(self.user.totps.keys().all(|factor| self.stages.contains_key(factor)));
        assert!(self.user.placed_totps() <= 5);
    }

    /// A suspended app is in force still, so that a second step is asked for; its codes count again never.
    pub(super) fn suspended_stays_suspended(&mut self, before: &User, op: &Op) {
        for totp in before.active_totps().filter(|totp| closed(before, totp)) {
            let Some(now) = self.user.active_totps().find(|now| now.factor == totp.factor) else { continue };
            assert!(closed(&self.user, now), "a suspended app counts again by {op:?}");
            assert_eq!(now.last_step, totp.last_step, "its code was taken by {op:?}");
            assert!(self.user.usable_totps().all(|usable| usable.factor != totp.factor), "it is offered after {op:?}");
            assert!(self.user.has_second_factor() && self.user.acr_to_change() >= Acr::Mfa, "{op:?} went round it");
        }
    }

    pub(super) fn steps_increase(&mut self) {
        for totp in self.user.totps.values() {
            let last = self.steps.entry(totp.factor).or_default();
            assert!(totp.last_step >= *last, "a step went back");
            *last = totp.last_step;
        }
    }

    /// Of failures in a row, no six fall into half a minute.
    pub(super) fn guesses_stay_in_budget(&mut self, before: &User, op: &Op) {
        self.failures.retain(|(authenticator, bucket), _| {
            let throttle = self.user.throttles.get(authenticator);
            throttle.is_some_and(|throttle| throttle.buckets.contains_key(bucket))
        });
        for (authenticator, throttle) in &self.user.throttles {
            let old = before.throttles.get(authenticator);
            for (name, bucket) in &throttle.buckets {
                if old.and_then(|throttle| throttle.buckets.get(name)) == Some(bucket) {
                    continue;
                }
                let row = self.failures.entry((authenticator.clone(), name.clone())).or_default();
                row.push(self.now);
                if let [.., first, _, _, _, _, last] = row[..] {
                    let span = last.since(first);
                    assert!(span >= Duration::from_secs(30), "{authenticator} {name}: six in {span:?} by {op:?}");
                }
            }
        }
    }
}

/// Has this app had a hundred failures of its own?
fn closed(user: &User, totp: &Totp) -> bool {
    user.throttles.get(&format!("totp/{}", totp.factor)).is_some_and(throttle::is_suspended)
}
