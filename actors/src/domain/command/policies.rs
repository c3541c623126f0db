//! What the policies say of a session, and what people and operators do about it.

use std::collections::BTreeSet;

use schema::{
    ClientId, FactorId, Timestamp,
    record::{Account, Method, Policy, PolicyMethod, PolicyScope, Proof},
};
use serde::{Deserialize, Serialize};

use super::{Decide, Decision};
use crate::domain::{
    change::{Change, Item},
    context::Context,
    event::{self, WithFact},
    limits,
    policy::{self, Case, Missing, Strength, Verdict},
    role,
    user::{Areas, SessionRef, User},
};

/// What do the policies miss in this session?
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JudgeSession {
    /// The session.
    pub session: SessionRef,
    /// The policies in force.
    pub policies: Vec<Policy>,
    /// At which application; unset: at the pages of the account.
    pub client: Option<ClientId>,
    /// For which sensitive operations there.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub operations: BTreeSet<String>,
    /// When an application asked; unset: at the pages of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_at: Option<Timestamp>,
    /// As if this device had been removed, with the proofs that rest on it. A node of an earlier version passes over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without: Option<FactorId>,
}

impl JudgeSession {
    /// The session's proofs, but for those that go with the device.
    fn proofs(&self, user: &User, proofs: &[Proof]) -> Vec<Proof> {
        let goes = |proof: &Proof| {
            // Backup codes go with the last device.
            let by_backup = proof.method == Method::BackupCode && !user.has_second_factor();
            self.without.is_some() && (proof.factor == self.without || by_backup)
        };
        proofs.iter().filter(|proof| !goes(proof)).cloned().collect()
    }
}

impl Decide for JudgeSession {
    /// `None`: the session has ended.
    type Outcome = Option<Verdict>;
    const NAME: &'static str = "judge_session";
    const NEEDS: Areas = Areas::SESSIONS;
    /// It only looks.
    const REVOKES: bool = false;
    const LOOKS: bool = true;

    fn misses(outcome: &Self::Outcome) -> bool {
        outcome.is_none()
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<Option<Verdict>> {
        let session = user.live_session(&self.session, cx.now, cx.settings);
        let without = self.without.map(|factor| user.without(factor));
        let user = without.as_ref().unwrap_or(user);
        Decision::answer(session.map(|session| {
            let case = Case {
                user,
                client: self.client.as_ref(),
                operations: &self.operations,
                begun_at: self.begun_at,
                proofs: &self.proofs(user, &session.proofs),
                now: cx.now,
                settings: cx.settings,
            };
            policy::judge(&self.policies, case)
        }))
    }
}

/// The user wants no second step now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeclineMfa {
    /// The session.
    pub session: SessionRef,
    /// Is it counted? A node of an earlier version counts none.
    #[serde(default)]
    pub counted: bool,
}

impl Decide for DeclineMfa {
    /// Does the session live?
    type Outcome = bool;
    const NAME: &'static str = "decline_mfa";
    const NEEDS: Areas = Areas::SESSIONS;
    /// It only adds.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        !outcome
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<bool> {
        let session = user.live_session(&self.session, cx.now, cx.settings);
        let Some((_, account)) = session.zip(user.active_account()) else {
            return Decision::answer(false);
        };
        let mut change = Change::default();
        let mut mfa_declines = account.mfa_declines.clone();
        if self.counted {
            mfa_declines.push(cx.now);
            mfa_declines.drain(..mfa_declines.len().saturating_sub(limits::MAX_DECLINES));
        }
        change.put(Item::Account(Account { mfa_declined_at: Some(cx.now), mfa_declines, ..account.clone() }));
        Decision { change, events: vec![event::of(cx, "mfa.declined", user.id)], outcome: true }
    }
}

/// What would the policies ask of this user, and why?
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExplainPolicies {
    /// All policies.
    pub policies: Vec<Policy>,
    /// At which application; unset: at the pages of the account.
    pub client: Option<ClientId>,
    /// For which sensitive operation there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
}

/// What one policy says of a user, or an operator's word about the account ([`policy::own`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explained {
    /// Whom it concerns.
    pub scope: PolicyScope,
    /// Does it concern this user here?
    pub applies: bool,
    /// How much it asks for now.
    pub strength: Strength,
    /// What must be proved for it. A node of an earlier version says nothing of it.
    #[serde(default)]
    pub demand: Option<Demand>,
    /// What the user's devices miss for it.
    pub missing: Missing,
    /// Is each of those needed, and not one of them?
    #[serde(default)]
    pub missing_all: bool,
    /// Of those that apply, is it the strictest?
    #[serde(default)]
    pub strictest: bool,
}

/// What a policy asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// The least `acr`.
    pub at_least: String,
    /// The methods of which each alone, beside the password, is enough.
    pub met_by: BTreeSet<PolicyMethod>,
    /// The sets of methods of which each, beside the password, is enough, and none with more than it takes. A node of an earlier
    /// version says nothing of them.
    #[serde(default)]
    pub ways: Vec<BTreeSet<PolicyMethod>>,
    /// How old proofs may be, in seconds; 0: given for this very request. Unset: as old as the session.
    pub fresh_for_secs: Option<u64>,
    /// From when on it is required of the user; unset: that was not announced.
    pub due_at: Option<Timestamp>,
    /// How often the user may decline yet, while it is recommended; unset: that is not counted.
    pub skips_left: Option<u16>,
}

impl Demand {
    fn of(policy: &Policy, user: &User) -> Self {
        Self {
            at_least: policy.at_least.clone(),
            met_by: policy::met_by(policy),
            ways: policy::ways_to_meet(policy),
            fresh_for_secs: policy::fresh_for(policy).map(|age| age.as_secs()),
            due_at: policy::due_at(policy, user),
            skips_left: policy::skips_left(policy, user),
        }
    }
}

impl Decide for ExplainPolicies {
    /// One for each policy, the last for what is asked of the account itself, if anything is; `None`: there is no such account.
    type Outcome = Option<Vec<Explained>>;
    const NAME: &'static str = "explain_policies";
    const NEEDS: Areas = Areas::NONE;
    /// It only looks.
    const REVOKES: bool = false;
    const LOOKS: bool = true;

    fn misses(outcome: &Self::Outcome) -> bool {
        outcome.is_none()
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<Option<Vec<Explained>>> {
        if user.account.is_none() {
            return Decision::answer(None);
        }
        let operations: BTreeSet<String> = self.operation.iter().cloned().collect();
        let applies = |policy: &&Policy| policy::applies(policy, user, self.client.as_ref(), &operations);
        let asks = |policy: &&Policy| policy::strength(policy, user, cx.now) > Strength::Off;
        let own = policy::own(user);
        let all = || self.policies.iter().chain(&own);
        let strictest = all().filter(applies).filter(asks);
        let strictest = strictest.max_by_key(|policy| policy::strictness(policy, user, cx.now));
        let explained = all().map(|policy| {
            let lacking = policy::lacking(policy, user, cx.settings);
            Explained {
                scope: policy.scope.clone(),
                applies: applies(&policy),
                strength: policy::strength(policy, user, cx.now),
                demand: Some(Demand::of(policy, user)),
                missing_all: lacking.as_ref().is_some_and(|lacking| lacking.all),
                missing: lacking.map(|lacking| lacking.methods),
                strictest: strictest.is_some_and(|strictest| strictest.scope == policy.scope),
            }
        });
        Decision::answer(Some(explained.collect()))
    }
}

/// An operator gives a role, or takes it away.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChangeRole {
    /// Its name.
    pub role: String,
    /// Given?
    pub given: bool,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeRoleOutcome {
    /// It is so now.
    Changed,
    /// It was so before.
    Unchanged,
    /// There is no such account.
    NoAccount,
    /// No role can have this name, or the user has too many.
    Refused,
}

impl Decide for ChangeRole {
    type Outcome = ChangeRoleOutcome;
    const NAME: &'static str = "change_role";
    const NEEDS: Areas = Areas::NONE;
    /// Who has a role less may do less.
    const REVOKES: bool = true;

    fn revoked(outcome: &Self::Outcome) -> bool {
        *outcome == ChangeRoleOutcome::Changed
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<ChangeRoleOutcome> {
        let Some(account) = &user.account else {
            return Decision::answer(ChangeRoleOutcome::NoAccount);
        };
        let full = account.roles.len() >= role::MAX_OF_A_USER && !account.roles.contains(&self.role);
        if self.given && (full || !role::is_name(&self.role)) {
            return Decision::answer(ChangeRoleOutcome::Refused);
        }
        let mut roles = account.roles.clone();
        let changed = if self.given { roles.insert(self.role.clone()) } else { roles.remove(&self.role) };
        if !changed {
            return Decision::answer(ChangeRoleOutcome::Unchanged);
        }
        let mut change = Change::default();
        change.put(Item::Account(Account { roles, ..account.clone() }));
        let kind = if self.given { "role.given" } else { "role.taken" };
        let event = event::of(cx, kind, user.id).with("role", self.role.as_str());
        Decision { change, events: vec![event], outcome: ChangeRoleOutcome::Changed }
    }
}
