//! A refresh token is used: its family moves to the next generation (RFC 6749, 6; RFC 9700, 4.14.2). Only the newest
//! generation is good; an older one with the right client is theft, and the family ends.

use std::collections::BTreeSet;

use schema::{
    ClientId, FamilyId,
    record::{Family, FamilyEnd, FamilyState},
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
