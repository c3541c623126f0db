//! Policies that ask for several steps, and sessions that are raised.

use actors::domain::{
    assurance::Acr,
    command::{RaiseSession, RaiseSessionOutcome, SignInOutcome},
    policy::{self, Asks, Case, METHODS, Verdict},
};
use schema::{
    SessionId,
    record::{Policy, PolicyMode, PolicyScope},
};

use super::Model;

impl Model {
    /// From now on these methods are asked for, one for each bit; none: whatever there is.
    pub(super) fn require(&mut self, methods: u8) {
        let all_of = METHODS.into_iter().enumerate().filter(|(bit, _)| methods & (1 << bit) != 0);
        let required = PolicyMode::Required { from: policy::AT_ONCE };
        let policy = Policy::new(PolicyScope::Everybody, required, Acr::TwoStep.as_str(), self.now);
        let policy = Policy { all_of: all_of.map(|(_, method)| method).collect(), ..policy };
        self.policies = if policy.all_of.is_empty() { Vec::new() } else { vec![policy] };
    }

    pub(super) fn asks(&self) -> Asks {
        Asks { policies: self.policies.clone(), ..Asks::default() }
    }

    /// Goes on in a login of its own with what a session has.
    pub(super) fn raise(&mut self, session: u8) {
        let (of, login) = (self.session(session), self.stranger());
        let command = RaiseSession { session: of.clone(), login: login.clone() };
        let (RaiseSessionOutcome::Begun(outcome), _) = self.decide(&command) else { return };
        assert!(matches!(outcome, SignInOutcome::SecondFactor { stage: Some(_), .. }), "{outcome:?}");
        assert_eq!(self.missing(of.session), Verdict::StepUp, "raised for nothing");
        self.login = Some(login);
    }

    /// Nobody is signed in while something is missing that there is a device for.
    pub(super) fn nothing_is_missing(&self, session: SessionId) {
        assert_ne!(self.missing(session), Verdict::StepUp, "{:?}", self.user.sessions[&session].proofs);
    }

    fn missing(&self, session: SessionId) -> Verdict {
        let case = Case {
            user: &self.user,
            client: None,
            operations: &std::collections::BTreeSet::new(),
            begun_at: None,
            proofs: &self.user.sessions[&session].proofs,
            now: self.now,
            settings: &self.settings,
        };
        policy::judge(&self.policies, case)
    }
}
