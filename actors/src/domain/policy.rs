//! Policies: of whom a second step is asked, and which.
//!
//! 1. Operators write policies, each for a [scope](PolicyScope): everybody, a role, an application, an operation
//!    ([`crate::policies`]).
//! 2. The edge hands all that there are to the owner of the account, with the command that asks for a session or a code; the
//!    owner knows the roles.
//! 3. [`judge`] says what is missing. Of the policies that apply each must be met, so the strictest wins and none loosens another.
//!
//! What counts is what was proved in the session, or when the trust in its device was given; never what the account owns. An account
//! without a device that could prove it is led to set one up before anything else. A sign-in goes on until nothing is missing that the
//! account has devices for ([`Asks::outlook`]).
//!
//! For a sensitive operation ([`super::operation`]) only proofs count that are fresh, and no trust. How fresh, its policy says: given for the
//! very request that asks for it, or some minutes ago at most.

mod devices;
mod second_factor;
mod steps;

use std::{cmp::Reverse, collections::BTreeSet, time::Duration};

use schema::{
    ClientId, Timestamp,
    record::{Method, Policy, PolicyMethod, PolicyMode, PolicyScope, Proof},
};
use serde::{Deserialize, Serialize};

pub use self::{
    devices::{Lacking, Missing, excludes, lacking, met_by, missing, ways_to_meet},
    second_factor::{demands_second_factor, is_demanded_of_new},
    steps::{Asks, Outlook, outlook},
};

use super::{
    assurance::{self, Acr},
    context::Settings,
    limits, trusted_device,
    user::User,
};

/// Since when that is required which was never announced.
pub const AT_ONCE: Timestamp = Timestamp::from_millis(0);

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
        /// Must a passkey be in hardware that its maker vouches for?
        #[serde(default)]
        hardware: bool,
        /// Is it each of them that is needed, and not one?
        #[serde(default)]
        all: bool,
    },
}

/// Whose sign-in is judged, and where to.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The account.
    pub user: &'a User,
    /// The application, if it is for one.
    pub client: Option<&'a ClientId>,
    /// The sensitive operations that are asked for, there or at the pages of the account.
    pub operations: &'a BTreeSet<String>,
    /// When that was asked: what was proved since then is fresh. Unset: at the pages of the account.
    pub begun_at: Option<Timestamp>,
    /// What was proved.
    pub proofs: &'a [Proof],
    /// When.
    pub now: Timestamp,
    /// Whose passkeys are known to be in hardware.
    pub settings: &'a Settings,
}

/// What an operator asks of this very account, if anything: a second step, of whatever method. It asks for no more than that, so that it
/// can be met together with every policy.
pub fn own(user: &User) -> Option<Policy> {
    let required_at = user.account.as_ref()?.mfa_required_at?;
    let mode = PolicyMode::Required { from: AT_ONCE };
    Some(Policy::new(PolicyScope::Account, mode, Acr::TwoStep.as_str(), required_at))
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

/// How much this policy asks of this account now.
pub fn strength(policy: &Policy, user: &User, now: Timestamp) -> Strength {
    match policy.mode {
        PolicyMode::Off => Strength::Off,
        PolicyMode::Required { .. } if is_due(policy, user, now) => Strength::Required,
        PolicyMode::Recommended | PolicyMode::Required { .. } => Strength::Recommended,
    }
}

/// Is it required of this account by now: is the day there that was announced, are the days over that a new account has, or the times
/// used up that it may decline?
fn is_due(policy: &Policy, user: &User, now: Timestamp) -> bool {
    match (due_at(policy, user), skips_left(policy, user)) {
        (None, None) => true,
        (day, left) => day.is_some_and(|day| day <= now) || left == Some(0),
    }
}

/// The day from which on it is required of this account; none that was never announced.
pub fn due_at(policy: &Policy, user: &User) -> Option<Timestamp> {
    let PolicyMode::Required { from } = policy.mode else { return None };
    let days = |days: u16| Duration::from_hours(24 * u64::from(days));
    let grace = policy.grace_days.zip(user.account.as_ref());
    let grace = grace.map(|(grace, account)| account.created_at.after(days(grace)));
    Some(from).filter(|from| *from > AT_ONCE).max(grace)
}

/// How often the account may decline yet, if that is counted: since the policy was last changed.
pub fn skips_left(policy: &Policy, user: &User) -> Option<u16> {
    let skips = policy.skips?;
    let declines = user.account.iter().flat_map(|account| &account.mfa_declines);
    let used = declines.filter(|at| policy.changed_at <= **at).count();
    Some(skips.saturating_sub(u16::try_from(used).unwrap_or(u16::MAX)))
}

/// Does it concern this account on this occasion?
pub fn applies(policy: &Policy, user: &User, client: Option<&ClientId>, operations: &BTreeSet<String>) -> bool {
    match &policy.scope {
        PolicyScope::Everybody | PolicyScope::Account => true,
        PolicyScope::Role { role } => user.account.as_ref().is_some_and(|account| account.roles.contains(role)),
        PolicyScope::Client { client: of } => client == Some(of),
        PolicyScope::Operation { client: of, operation } => client == of.as_ref() && operations.contains(operation),
    }
}

/// How old the proofs of an operation may be; none: what is no policy of an operation takes them as old as the session is.
pub fn fresh_for(policy: &Policy) -> Option<Duration> {
    let PolicyScope::Operation { client, .. } = &policy.scope else { return None };
    let minutes = |minutes: u16| Duration::from_mins(minutes.into());
    Some(policy.fresh_minutes.map_or(if client.is_some() { Duration::ZERO } else { limits::FRESH_PROOF }, minutes))
}

/// The operations that policies register for this application.
pub fn registered(policies: &[Policy], client: &ClientId) -> BTreeSet<String> {
    let of = |policy: &Policy| match &policy.scope {
        PolicyScope::Operation { client: Some(of), operation } if of == client => Some(operation.clone()),
        _ => None,
    };
    policies.iter().filter_map(of).collect()
}

/// The operations that policies register for any application.
pub fn all_registered(policies: &[Policy]) -> BTreeSet<String> {
    let of = |policy: &Policy| match &policy.scope {
        PolicyScope::Operation { client: Some(_), operation } => Some(operation.clone()),
        _ => None,
    };
    policies.iter().filter_map(of).collect()
}

/// The rung that proofs of these operations should reach: at an application, or at the pages of the account. For what is offered
/// beforehand; whether it is reached is judged by all policies.
pub fn aims_at(client: Option<&ClientId>, operations: &BTreeSet<String>, policies: &[Policy]) -> Option<Acr> {
    let concerns = |policy: &&Policy| match &policy.scope {
        PolicyScope::Operation { client: of, operation } => of.as_ref() == client && operations.contains(operation),
        _ => false,
    };
    let required = policies.iter().filter(concerns).filter(|policy| matches!(policy.mode, PolicyMode::Required { .. }));
    required.filter_map(|policy| Acr::parse(&policy.at_least)).max()
}

/// By how much a policy asks for more than another one of those that apply: how much it asks for, what it must amount to, by how many
/// methods and in how few ways, with how fresh proofs.
pub fn strictness(policy: &Policy, user: &User, now: Timestamp) -> impl Ord + use<> {
    let age = fresh_for(policy).unwrap_or(Duration::MAX);
    let ways = ways_to_meet(policy);
    let steps = ways.iter().map(BTreeSet::len).min();
    (strength(policy, user, now), Acr::parse(&policy.at_least), steps, Reverse(ways.len()), Reverse(age))
}

/// What these policies require of somebody who goes on using what an application got in a sign-in: nothing of operations, for those are
/// confirmed each time.
pub fn of_tokens(policies: &[Policy], client: &ClientId) -> Vec<Policy> {
    let concerns = |policy: &&Policy| match &policy.scope {
        PolicyScope::Everybody | PolicyScope::Account | PolicyScope::Role { .. } => true,
        PolicyScope::Client { client: of } => of == client,
        PolicyScope::Operation { .. } => false,
    };
    let required = policies.iter().filter(|policy| matches!(policy.mode, PolicyMode::Required { .. }));
    required.filter(concerns).cloned().collect()
}

/// Is everything met that is required on this occasion? As [`judge`] says it, without a look at what could be proved or set up.
pub fn is_all_met(policies: &[Policy], case: Case<'_>) -> bool {
    let Case { user, client, operations, now, .. } = case;
    let own = own(user);
    let applying = policies.iter().chain(&own).filter(|policy| applies(policy, user, client, operations));
    applying.filter(|policy| strength(policy, user, now) == Strength::Required).all(|policy| is_met(policy, case))
}

/// What is missing for this sign-in, by these policies and by what is asked of the account itself: a device, or else a proof, or else
/// nothing that must be.
pub fn judge(policies: &[Policy], case: Case<'_>) -> Verdict {
    let Case { user, client, operations, now, settings, .. } = case;
    let (own, mut verdict) = (own(user), Verdict::Met);
    for policy in policies.iter().chain(&own).filter(|policy| applies(policy, user, client, operations)) {
        let lacking = || lacking(policy, user, settings);
        match strength(policy, user, now) {
            Strength::Required if is_met(policy, case) => {}
            Strength::Required => match lacking() {
                Some(Lacking { methods, all }) => {
                    return Verdict::Enrol { methods, hardware: asks_for_hardware(policy), all };
                }
                None => verdict = Verdict::StepUp,
            },
            Strength::Recommended if verdict == Verdict::Met && !declined(policy, user, now) && lacking().is_some() => {
                verdict = Verdict::Recommended;
            }
            Strength::Recommended | Strength::Off => {}
        }
    }
    verdict
}

/// Is something recommended that counts how often it is declined? Who passes it by would never come to where it is required, so it
/// waits for an answer.
pub fn awaits_answer(policies: &[Policy], case: Case<'_>) -> bool {
    let Case { user, client, operations, now, settings, .. } = case;
    let counted = policies.iter().filter(|policy| policy.skips.is_some() && applies(policy, user, client, operations));
    let mut open = counted.filter(|policy| strength(policy, user, now) == Strength::Recommended);
    open.any(|policy| !declined(policy, user, now) && lacking(policy, user, settings).is_some())
}

/// Was a recommendation declined lately? Who will have to is asked more often.
fn declined(policy: &Policy, user: &User, now: Timestamp) -> bool {
    let at = user.account.as_ref().and_then(|account| account.mfa_declined_at);
    let quiet = match policy.mode {
        PolicyMode::Required { .. } => limits::DECLINED_IN_CAMPAIGN_FOR,
        PolicyMode::Off | PolicyMode::Recommended => limits::DECLINED_FOR,
    };
    at.is_some_and(|at| now < at.after(quiet))
}

/// Those of the proofs that are fresh enough for a policy; all of them, unless it is of an operation.
fn counted(policy: &Policy, case: Case<'_>) -> Vec<Proof> {
    let Some(age) = fresh_for(policy) else { return case.proofs.to_vec() };
    let asked = |proof: &&Proof| case.begun_at.is_some_and(|begun_at| begun_at <= proof.at);
    let fresh = |proof: &&Proof| asked(proof) || case.now < proof.at.after(age);
    case.proofs.iter().filter(fresh).cloned().collect()
}

/// Was enough proved, now or when the trust in this device was given?
fn is_met(policy: &Policy, case: Case<'_>) -> bool {
    if fresh_for(policy).is_some() {
        return suffices(policy, &counted(policy, case));
    }
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

/// Is a passkey enough only where a maker vouches for its hardware?
fn asks_for_hardware(policy: &Policy) -> bool {
    Acr::parse(&policy.at_least) == Some(Acr::PhishingResistantHardware)
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

#[cfg(test)]
mod tests;
