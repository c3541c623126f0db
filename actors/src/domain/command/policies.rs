//! What the policies say of a session, and what people and operators do about it.

use schema::{
    ClientId,
    record::{Account, Policy, PolicyScope},
};
use serde::{Deserialize, Serialize};

use super::{Decide, Decision};
use crate::domain::{
    change::{Change, Item},
    context::Context,
    event::{self, WithFact},
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
}

impl Decide for JudgeSession {
    /// `None`: the session has ended.
    type Outcome = Option<Verdict>;
    const NAME: &'static str = "judge_session";
    const NEEDS: Areas = Areas::SESSIONS;
    /// It only looks.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        outcome.is_none()
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<Option<Verdict>> {
        let session = user.live_session(&self.session, cx.now, cx.settings);
        Decision::answer(session.map(|session| {
            let case = Case { user, client: self.client.as_ref(), proofs: &session.proofs, now: cx.now };
            policy::judge(&self.policies, case)
        }))
    }
}

/// The user wants no second step now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeclineMfa {
    /// The session.
    pub session: SessionRef,
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
        change.put(Item::Account(Account { mfa_declined_at: Some(cx.now), ..account.clone() }));
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
}

/// What one policy says of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explained {
    /// Whom it concerns.
    pub scope: PolicyScope,
    /// Does it concern this user here?
    pub applies: bool,
    /// How much it asks for now.
    pub strength: Strength,
    /// What the user's devices miss for it.
    pub missing: Missing,
}

impl Decide for ExplainPolicies {
    /// One for each policy; `None`: there is no such account.
    type Outcome = Option<Vec<Explained>>;
    const NAME: &'static str = "explain_policies";
    const NEEDS: Areas = Areas::NONE;
    /// It only looks.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        outcome.is_none()
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<Option<Vec<Explained>>> {
        if user.account.is_none() {
            return Decision::answer(None);
        }
        let explained = self.policies.iter().map(|policy| Explained {
            scope: policy.scope.clone(),
            applies: policy::applies(policy, user, self.client.as_ref()),
            strength: policy::strength(policy, cx.now),
            missing: policy::missing(policy, user),
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
