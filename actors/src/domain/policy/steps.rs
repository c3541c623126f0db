//! The steps of a sign-in: what the policies still ask of it, and by which devices of the account it gets there.
//!
//! 1. A policy is *open* where it is required, the proofs do not meet it, and the account has devices that would. A sign-in goes on
//!    while one is; what the account has no device for is set up after it.
//! 2. A method brings it on if some way to meet the open policies takes it. None is offered that does not.
//!
//! There are sixteen sets of methods, each with and without a backup code, so all of them are judged.

use std::collections::BTreeSet;

use schema::{
    ClientId, Timestamp,
    record::{Method, Policy, PolicyMethod, PolicyMode, PolicyScope, Proof},
};
use serde::{Deserialize, Serialize};

use super::{
    AT_ONCE, Case, METHODS, Strength, applies, counted,
    devices::{owned, sets, usable, with},
    is_met, lacking, own, strength, suffices,
};
use crate::domain::{
    assurance::{self, Acr},
    context::Settings,
    user::User,
};

/// What the policies ask of a sign-in, and what it is for. A node of an earlier version knows nothing of it: there the sign-in ends
/// with its first second step, and what is missing is asked for where it leads.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Asks {
    /// The policies in force.
    pub policies: Vec<Policy>,
    /// The application that it is for; none: the pages of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientId>,
    /// The sensitive operations that it is for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub operations: BTreeSet<String>,
    /// When the application asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_at: Option<Timestamp>,
    /// The `acr` that the application demands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<Acr>,
    /// Those that it prefers, in that order; the first that the account can reach counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefers: Vec<Acr>,
}

/// How far a sign-in has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// Must it go on? Something is missing, and the account has what it takes.
    pub goes_on: bool,
    /// Those methods of which the account has a device and each of which brings it on; none where nothing is missing.
    pub methods: BTreeSet<PolicyMethod>,
    /// Does a backup code bring it on?
    pub backup_code: bool,
    /// Proofs that are missing, at least.
    pub left: usize,
    /// Methods that are asked for whatever else is given.
    pub named: BTreeSet<PolicyMethod>,
    /// Do the devices of the account alone bring it to its end? Else something known must be proved too, once more.
    pub by_devices: bool,
}

impl Asks {
    /// Is nothing asked?
    pub const fn is_nothing(&self) -> bool {
        self.policies.is_empty()
    }

    /// How far these proofs get.
    pub fn outlook(&self, user: &User, proofs: &[Proof], now: Timestamp, settings: &Settings) -> Outlook {
        let (client, operations, begun_at) = (self.client.as_ref(), &self.operations, self.begun_at);
        let case = Case { user, client, operations, begun_at, proofs, now, settings };
        outlook(&self.policies, self.wanted(user, settings).as_ref(), case)
    }

    /// What the application asks for, as if a policy did.
    fn wanted(&self, user: &User, settings: &Settings) -> Option<Policy> {
        let highest = user.highest_acr(settings);
        let acr = self.acr.max(self.prefers.iter().find(|acr| **acr <= highest).copied())?;
        let required = PolicyMode::Required { from: AT_ONCE };
        let policy = Policy::new(PolicyScope::Everybody, required, acr.as_str(), AT_ONCE);
        Some(Policy { trusted_days: Some(0), ..policy })
    }
}

/// How far these proofs get by these policies and by what is asked of the account itself, and what an application wants beside them.
pub fn outlook(policies: &[Policy], wanted: Option<&Policy>, case: Case<'_>) -> Outlook {
    let Case { user, client, operations, now, settings, .. } = case;
    let required = |policy: &&Policy| {
        applies(policy, user, client, operations) && strength(policy, user, now) == Strength::Required
    };
    let required: Vec<&Policy> = policies.iter().filter(required).collect();
    let asked = required.iter().copied().chain(wanted);
    let mut unmet: Vec<&Policy> = asked.filter(|policy| !is_met(policy, case)).collect();
    let own = own(user);
    if unmet.is_empty() {
        // Whatever brings on a policy brings on what is asked of the account.
        unmet.extend(own.iter().filter(|policy| !is_met(policy, case)));
    }
    if unmet.is_empty() {
        return Outlook::default();
    }
    let open: Vec<&Policy> = unmet.iter().filter(|policy| lacking(policy, user, settings).is_none()).copied().collect();
    let is_open = !open.is_empty();
    let chances = Chances::of(if is_open { &open } else { &unmet }, case);
    let those = |owned: &BTreeSet<PolicyMethod>| -> BTreeSet<PolicyMethod> {
        owned.iter().filter(|method| chances.takes(**method)).copied().collect()
    };
    // Where nothing that is usable brings it on, a suspended device is asked for all the same: a backup code stands for it, nothing less.
    let devices = if is_open && those(&usable(user)).is_empty() { owned(user) } else { usable(user) };
    let methods = those(&devices);
    let known = |policy: &&Policy| counted(policy, case).iter().any(|proof| assurance::is_known(proof.method));
    Outlook {
        goes_on: is_open && !methods.is_empty(),
        backup_code: chances.takes_backup_code(),
        left: chances.least(),
        named: METHODS.into_iter().filter(|method| is_named(&required, *method)).collect(),
        by_devices: is_open && chances.end_with(&devices) && open.iter().all(known),
        methods,
    }
}

/// Is this method asked for by one of these policies, whatever else is given?
fn is_named(policies: &[&Policy], method: PolicyMethod) -> bool {
    let others: BTreeSet<PolicyMethod> = METHODS.into_iter().filter(|other| *other != method).collect();
    policies.iter().any(|policy| !suffices(policy, &with(&others)) && suffices(policy, &with(&METHODS.into())))
}

/// Which sets of further proofs end a sign-in.
struct Chances(Vec<Chance>);

struct Chance {
    methods: BTreeSet<PolicyMethod>,
    backup_code: bool,
    ends: bool,
}

impl Chances {
    fn of(policies: &[&Policy], case: Case<'_>) -> Self {
        let judged = |methods: &BTreeSet<PolicyMethod>, backup_code: bool| {
            let further = methods.iter().map(|method| best(*method, case));
            let backup = backup_code.then_some(Method::BackupCode);
            let further =
                further.chain(backup).map(|method| Proof { method, at: case.now, factor: None, credential: None });
            let proofs: Vec<Proof> = case.proofs.iter().cloned().chain(further).collect();
            let ends = policies.iter().all(|policy| is_met(policy, Case { proofs: &proofs, ..case }));
            Chance { methods: methods.clone(), backup_code, ends }
        };
        let all = sets(&METHODS.into());
        Self(all.iter().flat_map(|methods| [false, true].map(|backup_code| judged(methods, backup_code))).collect())
    }

    fn ends(&self, methods: &BTreeSet<PolicyMethod>, backup_code: bool) -> bool {
        self.0.iter().any(|chance| chance.ends && chance.backup_code == backup_code && chance.methods == *methods)
    }

    /// Does this method end what does not end without it?
    fn takes(&self, method: PolicyMethod) -> bool {
        let without = |chance: &&Chance| !chance.ends && !chance.methods.contains(&method);
        self.0.iter().filter(without).any(|chance| {
            let with = chance.methods.iter().copied().chain([method]).collect();
            self.ends(&with, chance.backup_code)
        })
    }

    fn takes_backup_code(&self) -> bool {
        self.0.iter().any(|chance| !chance.ends && !chance.backup_code && self.ends(&chance.methods, true))
    }

    fn end_with(&self, methods: &BTreeSet<PolicyMethod>) -> bool {
        self.ends(methods, false)
    }

    fn least(&self) -> usize {
        let ends = self.0.iter().filter(|chance| chance.ends && !chance.backup_code);
        ends.map(|chance| chance.methods.len()).min().unwrap_or_default()
    }
}

/// The best proof by this method that the account can give; of a method without a device the best that there is.
fn best(method: PolicyMethod, case: Case<'_>) -> Method {
    match method {
        PolicyMethod::Totp => Method::Totp,
        PolicyMethod::Email => Method::EmailCode,
        PolicyMethod::Sms => Method::SmsCode,
        PolicyMethod::Passkey => {
            let keys = || case.user.active_passkeys().map(|(_, key)| key);
            let none = keys().next().is_none();
            let hardware = none || keys().any(|key| case.settings.attestation.is_hardware(key));
            let user_verified = none || keys().any(|key| key.user_verified);
            Method::Passkey { user_verified, backup_eligible: !hardware, attested: hardware }
        }
    }
}
