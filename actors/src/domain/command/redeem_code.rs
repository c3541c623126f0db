//! A code is redeemed, once (RFC 6749, 4.1.3). The client has proved itself before.
//!
//! The order (HAZARDS H6): binding (client, redirect URI, PKCE) → consumption. A request that fails a binding changes
//! nothing and is audited. A consumed code with the right binding is theft: the family that it gave ends.

use schema::{
    ClientId, CodeId, FamilyId,
    record::{Code, CodeState, Family, FamilyEnd, FamilyState, Unknown},
};
use serde::{Deserialize, Serialize};

use super::{Decide, Decision, tokens};
use crate::{
    domain::{
        change::{Change, Item, ItemKey},
        command::tokens::Grant,
        context::Context,
        event::{self, WithFact},
        limits, pkce, scope,
        user::{Areas, User},
    },
    secret::{ct_eq_str, sha256_b64},
};

/// A token request with `grant_type=authorization_code`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RedeemCode {
    /// From the code.
    pub code: CodeId,
    /// SHA-256 of the code's secret part.
    pub secret_hash: String,
    /// The client, proved.
    pub client: ClientId,
    /// As sent.
    pub redirect_uri: String,
    /// The challenge that the verifier stands for ([`pkce::challenge_of`]).
    pub challenge: Option<String>,
}

/// Why there are no tokens. All are `invalid_grant` outside, but for [`Refusal::Full`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Nothing such was ever issued, or it is long gone.
    Unknown,
    /// Past its end.
    Expired,
    /// Issued to another client.
    OtherClient,
    /// `redirect_uri` is not the one that the code was sent to.
    OtherRedirectUri,
    /// The verifier does not fit, is missing, or was never announced.
    Pkce,
    /// Used before: what it gave has ended.
    Reused,
    /// The session or the family has ended, or more is required of the account than the family's proofs amount to.
    Ended,
    /// More scopes than were granted.
    Scope,
    /// Too many families of other clients.
    Full,
}

/// Tokens, or none.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum RedeemOutcome {
    /// What the tokens say.
    Granted(Box<Grant>),
    /// Why not.
    Refused(Refusal),
}

impl Decide for RedeemCode {
    type Outcome = RedeemOutcome;
    const NAME: &'static str = "redeem_code";
    const NEEDS: Areas = Areas::SESSIONS.and(Areas::CODES).and(Areas::FAMILIES);
    /// A code that comes again ends the family that it gave.
    const REVOKES: bool = true;

    fn revoked(outcome: &Self::Outcome) -> bool {
        matches!(outcome, RedeemOutcome::Refused(Refusal::Reused))
    }

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, RedeemOutcome::Refused(Refusal::Unknown))
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<RedeemOutcome> {
        let known = user.codes.get(&self.code).filter(|code| ct_eq_str(&code.secret_hash, &self.secret_hash));
        let Some(code) = known else {
            return Decision::answer(RedeemOutcome::Refused(Refusal::Unknown));
        };
        if let Err(refusal) = self.bound_to(code) {
            return refused(user, cx, &self.client, refusal, Change::default());
        }
        if let CodeState::Redeemed { family, .. } = code.state {
            let mut change = Change::default();
            tokens::end_families(user, cx, &mut change, FamilyEnd::Reused, |f| f.family == family);
            return refused(user, cx, &self.client, Refusal::Reused, change);
        }
        if cx.now >= code.expires_at {
            return Decision::answer(RedeemOutcome::Refused(Refusal::Expired));
        }
        let Some(session) = user.live_session_by_id(code.session, cx.now, cx.settings) else {
            return Decision::answer(RedeemOutcome::Refused(Refusal::Ended));
        };
        let mut change = Change::default();
        if !make_room(user, cx, &mut change, &self.client) {
            return Decision::answer(RedeemOutcome::Refused(Refusal::Full));
        }
        let family = first_generation(code, cx, session.expires_at);
        let Some(mut grant) = Grant::of(user, &family, code.scopes.clone(), cx) else {
            return Decision::answer(RedeemOutcome::Refused(Refusal::Ended));
        };
        grant.nonce.clone_from(&code.nonce);
        grant.authorization_details.clone_from(&code.authorization_details);
        let state = CodeState::Redeemed { family: family.family, at: cx.now };
        change.put(Item::Code(Code { state, ..code.clone() }));
        change.put(Item::Family(family));
        let event = event::of(cx, "code.redeemed", user.id).with("client", self.client.as_str());
        Decision { change, events: vec![event], outcome: RedeemOutcome::Granted(Box::new(grant)) }
    }
}

impl RedeemCode {
    fn bound_to(&self, code: &Code) -> Result<(), Refusal> {
        if code.client != self.client {
            return Err(Refusal::OtherClient);
        }
        if code.redirect_uri != self.redirect_uri {
            return Err(Refusal::OtherRedirectUri);
        }
        if !pkce::fits(code.challenge.as_deref(), self.challenge.as_deref()) {
            return Err(Refusal::Pkce);
        }
        Ok(())
    }
}

/// A refusal that the audit log is told of.
pub(super) fn refused(
    user: &User,
    cx: &Context<'_>,
    client: &ClientId,
    refusal: Refusal,
    change: Change,
) -> Decision<RedeemOutcome> {
    let reason = serde_json::to_value(refusal).unwrap_or_default();
    let event = event::of(cx, "token.refused", user.id).with("client", client.as_str()).with("reason", reason);
    Decision { change, events: vec![event], outcome: RedeemOutcome::Refused(refusal) }
}

fn first_generation(code: &Code, cx: &Context<'_>, session_end: schema::Timestamp) -> Family {
    let seed = &cx.attempt.seed;
    let offline = code.scopes.contains(scope::OFFLINE_ACCESS);
    let longest = cx.now.after(cx.settings.refresh_absolute);
    Family {
        family: FamilyId::from_bytes(seed.derive("family")),
        client: code.client.clone(),
        session: code.session,
        sid: code.sid,
        offline,
        scopes: code.scopes.clone(),
        proofs: code.proofs.clone(),
        acr_values: code.acr_values.clone(),
        generation: 1,
        secret_hash: sha256_b64(&Grant::refresh_secret(seed)),
        started_at: cx.now,
        last_used_at: cx.now,
        expires_at: if offline { longest } else { longest.min(session_end) },
        state: FamilyState::Live,
        unknown: Unknown::default(),
    }
}

/// Drops a family that has ended, one of the same client first; or else the oldest of the same client (HAZARDS H10). A
/// living family of another client never makes room.
fn make_room(user: &User, cx: &Context<'_>, change: &mut Change, client: &ClientId) -> bool {
    if user.families.len() < limits::MAX_FAMILIES {
        return true;
    }
    let lives = |family: &Family| family.state == FamilyState::Live && cx.now < family.expires_at;
    let candidates = user.families.values().filter(|family| family.client == *client || !lives(family));
    let order = |family: &&Family| (lives(family), family.client != *client, family.started_at);
    let Some(dropped) = candidates.min_by_key(order) else {
        return false;
    };
    change.delete(ItemKey::Family(dropped.family));
    true
}
