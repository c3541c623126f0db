//! What devices are good for: which sets of methods meet a policy, and what an account lacks.
//!
//! There are four methods, so sixteen sets: all of them are looked at. Whatever is enough stays so with more, so policies that can be met
//! one by one can be met together: by who has a device of every method. A sign-in asks for as many as it takes.

use std::collections::BTreeSet;

use schema::{
    Timestamp,
    record::{Channel, Method, Policy, PolicyMethod, PolicyMode, PolicyScope, Proof},
};

use super::{METHODS, suffices};
use crate::domain::{context::Settings, user::User};

/// What an account misses of the devices that a policy asks for: nothing, or one of these methods, or [each](Lacking::all).
pub type Missing = Option<BTreeSet<PolicyMethod>>;

/// Methods of which an account lacks a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lacking {
    /// Which.
    pub methods: BTreeSet<PolicyMethod>,
    /// Is each of them needed? Else one of them is, at least.
    pub all: bool,
}

/// All sets of these methods, small ones first.
pub(super) fn sets(of: &BTreeSet<PolicyMethod>) -> Vec<BTreeSet<PolicyMethod>> {
    let one_more = |sets: Vec<BTreeSet<PolicyMethod>>, method: &PolicyMethod| {
        let with = |set: &BTreeSet<PolicyMethod>| set.iter().chain([method]).copied().collect();
        let more: Vec<_> = sets.iter().map(with).collect();
        [sets, more].concat()
    };
    let mut sets = of.iter().fold(vec![BTreeSet::new()], one_more);
    sets.sort_by_key(BTreeSet::len);
    sets
}

/// Of the sets of these methods that are enough, those that are not enough without any of theirs.
fn least(
    of: &BTreeSet<PolicyMethod>,
    is_enough: impl Fn(&BTreeSet<PolicyMethod>) -> bool,
) -> Vec<BTreeSet<PolicyMethod>> {
    let mut least: Vec<BTreeSet<PolicyMethod>> = Vec::new();
    for set in sets(of) {
        if !least.iter().any(|smaller| smaller.is_subset(&set)) && is_enough(&set) {
            least.push(set);
        }
    }
    least
}

/// The sets of methods that meet a policy beside the password, none of them with more than it takes: of the methods that the policy
/// names, or of all if it names none. Without any set nobody gets in.
pub fn ways_to_meet(policy: &Policy) -> Vec<BTreeSet<PolicyMethod>> {
    let named = &policy.any_of | &policy.all_of;
    let of = if named.is_empty() { METHODS.into() } else { named };
    least(&of, |set| suffices(policy, &with(set)))
}

/// The methods of which each alone, beside the password, meets it.
pub fn met_by(policy: &Policy) -> BTreeSet<PolicyMethod> {
    METHODS.into_iter().filter(|method| suffices(policy, &with(&[*method].into()))).collect()
}

/// What the devices of the account miss, all of them together. One that is suspended meets no policy, so that another is set up.
pub fn lacking(policy: &Policy, user: &User, settings: &Settings) -> Option<Lacking> {
    let owned = if guards_account(policy) { owned(user) } else { usable(user) };
    let hardware = user.active_passkeys().any(|(_, key)| settings.attestation.is_hardware(key));
    let is_enough = |more: &BTreeSet<PolicyMethod>| {
        let hardware = hardware || more.contains(&PolicyMethod::Passkey);
        suffices(policy, &given(&(&owned | more), hardware))
    };
    if suffices(policy, &given(&owned, hardware)) {
        return None;
    }
    let least = least(&METHODS.into(), is_enough);
    let in_all = |method: &PolicyMethod| !least.is_empty() && least.iter().all(|set| set.contains(method));
    let needed: BTreeSet<PolicyMethod> = METHODS.into_iter().filter(in_all).collect();
    if needed.is_empty() {
        return Some(Lacking { methods: least.into_iter().flatten().collect(), all: false });
    }
    let all = needed.len() > 1;
    Some(Lacking { methods: needed, all })
}

/// The same without saying whether each of them is needed.
pub fn missing(policy: &Policy, user: &User, settings: &Settings) -> Missing {
    lacking(policy, user, settings).map(|lacking| lacking.methods)
}

/// Is it about changes of the account itself? There a suspended device is asked for still, or a hundred wrong codes would do for who
/// wants to add another one.
const fn guards_account(policy: &Policy) -> bool {
    matches!(policy.scope, PolicyScope::Operation { client: None, .. })
}

/// The methods of which the account has a device in force.
pub(super) fn owned(user: &User) -> BTreeSet<PolicyMethod> {
    let in_force = |channel| !user.active_addresses(channel).is_empty();
    methods(user, user.active_totps().next().is_some(), in_force)
}

/// Those of which it has one whose proofs are looked at.
pub(super) fn usable(user: &User) -> BTreeSet<PolicyMethod> {
    let looked_at = |channel| !user.usable_addresses(channel).is_empty();
    methods(user, user.usable_totps().next().is_some(), looked_at)
}

fn methods(user: &User, totp: bool, reached: impl Fn(Channel) -> bool) -> BTreeSet<PolicyMethod> {
    let mut owned = BTreeSet::new();
    if totp {
        owned.insert(PolicyMethod::Totp);
    }
    for (channel, method) in [(Channel::Email, PolicyMethod::Email), (Channel::Sms, PolicyMethod::Sms)] {
        if reached(channel) {
            owned.insert(method);
        }
    }
    if user.active_passkeys().next().is_some() {
        owned.insert(PolicyMethod::Passkey);
    }
    owned
}

/// The proofs of somebody who gives the password and one of each of these methods, of the best kind that there is.
pub(super) fn with(methods: &BTreeSet<PolicyMethod>) -> Vec<Proof> {
    given(methods, true)
}

/// The same; `hardware` says whether a maker vouches for the passkey.
pub(super) fn given(methods: &BTreeSet<PolicyMethod>, hardware: bool) -> Vec<Proof> {
    let at = Timestamp::from_millis(0);
    let proof = |method: &PolicyMethod| match method {
        PolicyMethod::Totp => Method::Totp,
        PolicyMethod::Email => Method::EmailCode,
        PolicyMethod::Sms => Method::SmsCode,
        PolicyMethod::Passkey => {
            Method::Passkey { user_verified: true, backup_eligible: !hardware, attested: hardware }
        }
    };
    let all = std::iter::once(Method::Password).chain(methods.iter().map(proof));
    all.map(|method| Proof { method, at, factor: None, credential: None }).collect()
}

/// Of these policies, the scope of the first that leaves no single method which meets it, `new` and those before it, where all of them
/// can apply at the same time: a user can have every role, and a sign-in is for one application, an operation for one as well. It
/// matters where nodes of earlier versions run, whose sign-ins end with one second step.
pub fn excludes<'a>(new: &Policy, others: &'a [Policy]) -> Option<&'a PolicyScope> {
    let required = |policy: &&Policy| matches!(policy.mode, PolicyMode::Required { .. });
    if !required(&new) {
        return None;
    }
    let scopes = others.iter().map(|other| &other.scope).chain([&new.scope]);
    let mut occasions: Vec<&PolicyScope> = scopes.filter(|at| is_asked_at(&new.scope, at)).collect();
    occasions.sort();
    occasions.into_iter().find_map(|at| {
        let beside = others.iter().filter(required).filter(|other| is_asked_at(&other.scope, at));
        let mut beside: Vec<&Policy> = beside.collect();
        beside.sort_by_key(|other| &other.scope);
        let mut left = met_by(new);
        let one_too_many = beside.into_iter().find(|other| {
            left = &left & &met_by(other);
            left.is_empty()
        });
        one_too_many.map(|other| &other.scope)
    })
}

/// Can a policy of this scope concern somebody where one of the scope `at` does?
fn is_asked_at(scope: &PolicyScope, at: &PolicyScope) -> bool {
    match (scope, at) {
        (PolicyScope::Everybody | PolicyScope::Account | PolicyScope::Role { .. }, _) => true,
        (PolicyScope::Client { client }, PolicyScope::Operation { client: of, .. }) => of.as_ref() == Some(client),
        (PolicyScope::Client { .. } | PolicyScope::Operation { .. }, _) => scope == at,
    }
}
