//! Policies: of whom a second step is asked, and which.
//!
//! 1. Operators write policies, each for a [scope](PolicyScope): everybody, a role, an application ([`crate::policies`]).
//! 2. The edge hands all that there are to the owner of the account, with the command that asks for a session or a code; the
//!    owner knows the roles.
//! 3. [`judge`] says what is missing. Of the policies that apply each must be met, so the strictest wins and none loosens another.
//!
//! What counts is what was proved in the session, or when the trust in its device was given; never what the account owns. An account
//! without a device that could prove it is led to set one up before anything else.

use std::{collections::BTreeSet, time::Duration};

use schema::{
    ClientId, Timestamp,
    record::{Channel, Method, Policy, PolicyMethod, PolicyMode, PolicyScope, Proof},
};
use serde::{Deserialize, Serialize};

use super::{
    assurance::{self, Acr},
    limits, trusted_device,
    user::User,
};

/// What people can set up.
pub const METHODS: [PolicyMethod; 4] =
    [PolicyMethod::Totp, PolicyMethod::Email, PolicyMethod::Sms, PolicyMethod::Passkey];

/// What is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Verdict {
    /// Nothing.
    #[default]
    Met,
    /// Nothing, but a second step is recommended, and was not declined lately.
    Recommended,
    /// A proof that the account has a device for.
    StepUp,
    /// A device; one of these methods would do.
    Enrol {
        /// What people can set up.
        methods: BTreeSet<PolicyMethod>,
    },
}

/// Whose sign-in is judged, and where to.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The account.
    pub user: &'a User,
    /// The application, if it is for one.
    pub client: Option<&'a ClientId>,
    /// What was proved.
    pub proofs: &'a [Proof],
    /// When.
    pub now: Timestamp,
}

/// How much a policy asks for at this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant is what it is named after")]
pub enum Strength {
    Off,
    Recommended,
    Required,
}

/// How much this policy asks for now.
pub fn strength(policy: &Policy, now: Timestamp) -> Strength {
    match policy.mode {
        PolicyMode::Off => Strength::Off,
        PolicyMode::Required { from } if from <= now => Strength::Required,
        PolicyMode::Recommended | PolicyMode::Required { .. } => Strength::Recommended,
    }
}

/// Does it concern this account at this application?
pub fn applies(policy: &Policy, user: &User, client: Option<&ClientId>) -> bool {
    match &policy.scope {
        PolicyScope::Everybody => true,
        PolicyScope::Role { role } => user.account.as_ref().is_some_and(|account| account.roles.contains(role)),
        PolicyScope::Client { client: of } => client == Some(of),
    }
}

/// What is missing for this sign-in: a device, or else a proof, or else nothing that must be.
pub fn judge(policies: &[Policy], case: Case<'_>) -> Verdict {
    let Case { user, client, now, .. } = case;
    let mut verdict = Verdict::Met;
    for policy in policies.iter().filter(|policy| applies(policy, user, client)) {
        let missing = missing(policy, user);
        match strength(policy, now) {
            Strength::Required if is_met(policy, case) => {}
            Strength::Required => match missing {
                Some(methods) => return Verdict::Enrol { methods },
                None => verdict = Verdict::StepUp,
            },
            Strength::Recommended if verdict == Verdict::Met && missing.is_some() && !declined(user, now) => {
                verdict = Verdict::Recommended;
            }
            Strength::Recommended | Strength::Off => {}
        }
    }
    verdict
}

/// Was a recommendation declined lately?
fn declined(user: &User, now: Timestamp) -> bool {
    let at = user.account.as_ref().and_then(|account| account.mfa_declined_at);
    at.is_some_and(|at| now < at.after(limits::DECLINED_FOR))
}

/// Was enough proved, now or when the trust in this device was given?
fn is_met(policy: &Policy, case: Case<'_>) -> bool {
    if suffices(policy, case.proofs) {
        return true;
    }
    let device = case.proofs.iter().find(|proof| proof.method == Method::TrustedDevice).and_then(|proof| proof.factor);
    let Some(trusted) = device.and_then(|device| case.user.trusted.get(&device)) else { return false };
    let lasts = policy
        .trusted_days
        .is_none_or(|days| case.now < trusted.created_at.after(Duration::from_hours(24 * u64::from(days))));
    lasts && trusted_device::counts(case.user, trusted, case.now) && suffices(policy, &trusted.proofs)
}

/// Are these proofs enough? A backup code stands for any one device: it is what people have for the day on which they have lost it.
fn suffices(policy: &Policy, proofs: &[Proof]) -> bool {
    let used: BTreeSet<PolicyMethod> = proofs.iter().filter_map(|proof| method_of(proof.method)).collect();
    let any = policy.any_of.is_empty() || !policy.any_of.is_disjoint(&used);
    let backup = proofs.iter().any(|proof| proof.method == Method::BackupCode);
    let left = policy.all_of.difference(&used).count();
    let reaches = assurance::of(proofs).zip(Acr::parse(&policy.at_least)).is_some_and(|(is, wanted)| is.acr >= wanted);
    reaches && (any || backup) && left <= usize::from(backup)
}

/// What an account misses of the devices that a policy asks for: nothing, or one of these methods.
pub type Missing = Option<BTreeSet<PolicyMethod>>;

/// What the devices of the account miss, all of them together.
pub fn missing(policy: &Policy, user: &User) -> Missing {
    let owned = owned(user);
    if suffices(policy, &with(&owned)) {
        return None;
    }
    let all: BTreeSet<PolicyMethod> = policy.all_of.difference(&owned).copied().collect();
    if !all.is_empty() {
        return Some(all);
    }
    let one_more = |method: &PolicyMethod| {
        let mut more = owned.clone();
        more.insert(*method);
        suffices(policy, &with(&more))
    };
    Some(METHODS.into_iter().filter(one_more).collect())
}

/// The methods of which the account has a device in force.
fn owned(user: &User) -> BTreeSet<PolicyMethod> {
    let mut owned = BTreeSet::new();
    if user.active_totps().next().is_some() {
        owned.insert(PolicyMethod::Totp);
    }
    for (channel, method) in [(Channel::Email, PolicyMethod::Email), (Channel::Sms, PolicyMethod::Sms)] {
        if !user.active_addresses(channel).is_empty() {
            owned.insert(method);
        }
    }
    if user.active_passkeys().next().is_some() {
        owned.insert(PolicyMethod::Passkey);
    }
    owned
}

/// What a proof is called in a policy, if it is by a device that people can set up.
const fn method_of(method: Method) -> Option<PolicyMethod> {
    match method {
        Method::Totp => Some(PolicyMethod::Totp),
        Method::EmailCode => Some(PolicyMethod::Email),
        Method::SmsCode => Some(PolicyMethod::Sms),
        Method::Passkey { .. } => Some(PolicyMethod::Passkey),
        Method::Password | Method::BackupCode | Method::TrustedDevice => None,
    }
}

/// The proofs of somebody who gives the password and one of each of these methods.
fn with(methods: &BTreeSet<PolicyMethod>) -> Vec<Proof> {
    let at = Timestamp::from_millis(0);
    let proof = |method: &PolicyMethod| match method {
        PolicyMethod::Totp => Method::Totp,
        PolicyMethod::Email => Method::EmailCode,
        PolicyMethod::Sms => Method::SmsCode,
        PolicyMethod::Passkey => Method::Passkey { user_verified: true, backup_eligible: true },
    };
    let all = std::iter::once(Method::Password).chain(methods.iter().map(proof));
    all.map(|method| Proof { method, at, factor: None, credential: None }).collect()
}

/// The methods of which each alone, beside the password, meets it: a sign-in has one second step. Without any nobody gets in.
pub fn met_by(policy: &Policy) -> BTreeSet<PolicyMethod> {
    METHODS.into_iter().filter(|method| suffices(policy, &with(&[*method].into()))).collect()
}

/// Of these policies, the scope of the first that leaves no single method which meets it, `new` and those before it, where all of them
/// can apply at the same time: a user can have every role, and a sign-in is for one application.
pub fn excludes<'a>(new: &Policy, others: &'a [Policy]) -> Option<&'a PolicyScope> {
    let required = |policy: &&Policy| matches!(policy.mode, PolicyMode::Required { .. });
    if !required(&new) {
        return None;
    }
    let of_client = |policy: &&Policy| matches!(policy.scope, PolicyScope::Client { .. });
    let (clients, general): (Vec<_>, Vec<_>) = others.iter().filter(required).partition(of_client);
    let mut left = met_by(new);
    for other in general {
        left = &left & &met_by(other);
        if left.is_empty() {
            return Some(&other.scope);
        }
    }
    let beside = |other: &&Policy| !of_client(&new) || new.scope == other.scope;
    let found = clients.into_iter().filter(beside).find(|other| left.is_disjoint(&met_by(other)));
    found.map(|other| &other.scope)
}

#[cfg(test)]
mod tests;
