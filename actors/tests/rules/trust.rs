//! Browsers that show the cookies of trusted devices, old and new ones.

use actors::{
    domain::{
        assurance::{self, Acr},
        command::{JudgePassword, LoginRef, SignInOutcome},
        limits,
        trusted_device::{self, Trust},
    },
    entropy::Entropy,
};
use schema::LoginId;

use super::{Model, Op};

impl Model {
    /// A password with a cookie that somebody got hold of, in a login of its own.
    pub(super) fn come_back(&mut self, cookie: u8, right: bool) {
        let Some(shown) = self.trusted.get(usize::from(cookie) % self.trusted.len().max(1)).cloned() else { return };
        let counted = |trusted: &&schema::record::TrustedDevice| trusted_device::counts(&self.user, trusted, self.now);
        let before = self.user.trusted.get(&shown.device).filter(counted).cloned();
        let second_factor = self.user.has_second_factor();
        let current = self.user.password.clone().expect("never without");
        let entropy: &dyn Entropy = &self.entropy;
        let login = LoginRef {
            login: LoginId::from_bytes(entropy.array()),
            browser: self.browser,
            device: None,
            renews: None,
            trust: Trust::Shown(shown.clone()),
            asks: self.asks(),
        };
        let (credential, version) = (current.credential, current.version);
        let (outcome, attempt) = self.decide(&JudgePassword { login, credential, version, right, rehash: None });
        let SignInOutcome::SignedIn(signed_in) = &outcome else { return };
        assert!(right, "{outcome:?}");
        if second_factor {
            let before = before.expect("only trust that counts stands in for a second proof");
            let newest = shown.generation == before.generation;
            let in_time = self.now < before.last_used_at.after(limits::TRUST_OVERLAP);
            assert!(newest || (in_time && shown.generation + 1 == before.generation), "{shown:?} of {before:?}");
            assert_eq!(signed_in.trusted.is_some(), newest, "one cookie after another");
            let acr = assurance::of(&self.user.sessions[&signed_in.session].proofs).expect("it has proofs").acr;
            assert_eq!(acr, Acr::OneFactor);
        }
        self.nothing_is_missing(signed_in.session);
        self.signed_in(signed_in, &attempt);
    }

    /// What counted once and does not any more never counts again.
    pub(super) fn ended_trust_stays_ended(&mut self, op: &Op) {
        for shown in &self.trusted {
            let trusted = self.user.trusted.get(&shown.device);
            if trusted.is_some_and(|trusted| trusted_device::counts(&self.user, trusted, self.now)) {
                assert!(!self.dead_trust.contains(&shown.device), "trust came back by {op:?}");
            } else {
                self.dead_trust.insert(shown.device);
            }
        }
        assert!(self.user.trusted.len() <= limits::MAX_TRUSTED);
    }
}
