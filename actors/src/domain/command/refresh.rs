//! A refresh token is used: its family moves to the next generation (RFC 6749, 6; RFC 9700, 4.14.2). Only the newest
//! generation is good; an older one with the right client is theft, and the family ends. It ends as well where more is required of the
//! account by now than its proofs amount to: only a new authorization adds to them.

use std::collections::BTreeSet;

use schema::{
    ClientId, FamilyId,
    record::{Family, FamilyEnd, FamilyState, Policy},
};
use serde::{Deserialize, Serialize};

use super::{
    Decide, Decision, overview,
    redeem_code::{RedeemOutcome, Refusal, refused},
    tokens::{self, Grant},
};
use crate::{
    domain::{
        change::{Change, Item},
        context::Context,
        event::{self, WithFact},
        policy::{self, Case},
        user::{Areas, User},
    },
    secret::{ct_eq_str, sha256_b64},
};

/// A token request with `grant_type=refresh_token`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refresh {
    /// From the token.
    pub family: FamilyId,
    /// From the token.
    pub generation: u32,
    /// SHA-256 of the token's secret part.
    pub secret_hash: String,
    /// The client, proved.
    pub client: ClientId,
    /// `scope`: some of what was granted; the family keeps all of it.
    pub scopes: Option<BTreeSet<String>>,
    /// What policies require ([`policy::of_tokens`]). A node of an earlier version passes over them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<Policy>,
}

impl Decide for Refresh {
    type Outcome = RedeemOutcome;
    const NAME: &'static str = "refresh";
    const NEEDS: Areas = Areas::SESSIONS.and(Areas::FAMILIES);
    /// A token of an older generation ends its family. A rotation alone does not revoke: the older generation is found out
    /// by the commit that it asks for.
    const REVOKES: bool = true;

    fn revoked(outcome: &Self::Outcome) -> bool {
        matches!(outcome, RedeemOutcome::Refused(Refusal::Reused))
    }

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, RedeemOutcome::Refused(Refusal::Unknown))
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<RedeemOutcome> {
        let Some(family) = user.families.get(&self.family) else {
            return Decision::answer(RedeemOutcome::Refused(Refusal::Unknown));
        };
        if family.client != self.client {
            return refused(user, cx, &self.client, Refusal::OtherClient, Change::default());
        }
        let newest = self.generation == family.generation && ct_eq_str(&family.secret_hash, &self.secret_hash);
        if !newest {
            let mut change = Change::default();
            tokens::end_families(user, cx, &mut change, FamilyEnd::Reused, |f| f.family == self.family);
            return refused(user, cx, &self.client, Refusal::Reused, change);
        }
        if user.live_family(self.family, cx.now, cx.settings).is_none() {
            let ended = matches!(family.state, FamilyState::Ended { .. });
            let refusal = if ended { Refusal::Ended } else { Refusal::Expired };
            return Decision::answer(RedeemOutcome::Refused(refusal));
        }
        let scopes = self.scopes.clone().unwrap_or_else(|| family.scopes.clone());
        if !family.scopes.is_superset(&scopes) {
            return Decision::answer(RedeemOutcome::Refused(Refusal::Scope));
        }
        if !self.is_enough(user, family, cx) {
            return self.ended_by_policy(user, cx);
        }
        let next = Family {
            generation: family.generation + 1,
            secret_hash: sha256_b64(&Grant::refresh_secret(&cx.attempt.seed)),
            last_used_at: cx.now,
            ..family.clone()
        };
        let Some(grant) = Grant::of(user, &next, scopes, cx) else {
            return Decision::answer(RedeemOutcome::Refused(Refusal::Ended));
        };
        let mut change = Change::default();
        change.put(Item::Family(next));
        // A refresh is a use of the session; without this, one that is used through its client alone would go idle.
        if let Some(session) = user.live_session_by_id(family.session, cx.now, cx.settings) {
            overview::touch(session, cx, &mut change);
        }
        Decision { change, events: Vec::new(), outcome: RedeemOutcome::Granted(Box::new(grant)) }
    }
}

impl Refresh {
    /// Do the proofs amount to what is required of the account by now?
    fn is_enough(&self, user: &User, family: &Family, cx: &Context<'_>) -> bool {
        let case = Case {
            user,
            client: Some(&family.client),
            operations: &BTreeSet::new(),
            begun_at: None,
            proofs: &family.proofs,
            now: cx.now,
            settings: cx.settings,
        };
        policy::is_all_met(&self.policies, case)
    }

    /// The client begins a new authorization, in which what is missing is asked for.
    fn ended_by_policy(&self, user: &User, cx: &Context<'_>) -> Decision<RedeemOutcome> {
        let mut change = Change::default();
        tokens::end_families(user, cx, &mut change, FamilyEnd::Operator, |family| family.family == self.family);
        let event =
            event::of(cx, "token.refused", user.id).with("client", self.client.as_str()).with("reason", "policy");
        Decision { change, events: vec![event], outcome: RedeemOutcome::Refused(Refusal::Ended) }
    }
}
