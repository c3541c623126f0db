//! What tokens are made of, and whether they still count.

use std::collections::BTreeSet;

use schema::{
    ClientId, FamilyId, SessionId, Sid, Timestamp, UserId,
    record::{AuthorizationDetail, CodeState, Family, FamilyEnd, FamilyState, Proof},
};
use serde::{Deserialize, Serialize};

use super::{Decide, Decision};
use crate::domain::{
    assurance::{self, Assurance},
    change::{Change, Item, ItemKey},
    context::Context,
    event::{self, WithFact},
    user::{Areas, User},
};

/// Everything that the tokens of one issue say. The refresh token's secret is [`Grant::refresh_secret`] of the attempt.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Grant {
    /// `sub`.
    pub user: UserId,
    /// For whom.
    pub client: ClientId,
    /// The family.
    pub family: FamilyId,
    /// Its generation.
    pub generation: u32,
    /// The session.
    pub session: SessionId,
    /// `sid`.
    pub sid: Sid,
    /// What was granted.
    pub scopes: BTreeSet<String>,
    /// From the authorization request; only at the code's redemption.
    pub nonce: Option<String>,
    /// `amr`, `acr`, `auth_time`.
    pub assurance: Assurance,
    /// The values of `acr` that were asked for. A node of an earlier version tells the rung.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr_values: Vec<String>,
    /// What the user confirmed (RFC 9396); only at the code's redemption, for it was confirmed once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<AuthorizationDetail>,
    /// Claims about the user.
    pub profile: Profile,
    /// `iat`.
    pub issued_at: Timestamp,
}

/// What `profile` and `email` show.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Profile {
    /// `preferred_username`.
    pub user_name: String,
    /// `email`.
    pub email: Option<String>,
    /// `email_verified`.
    pub email_verified: bool,
    /// `updated_at`.
    pub updated_at: Timestamp,
}

impl Grant {
    /// The secret part of the refresh token, 128 bits.
    pub fn refresh_secret(seed: &crate::secret::Seed) -> [u8; 16] {
        seed.derive("refresh secret")
    }

    /// The `acr` claim.
    pub fn acr(&self) -> &str {
        assurance::told(self.assurance.acr, &self.acr_values)
    }

    pub(super) fn of(user: &User, family: &Family, scopes: BTreeSet<String>, cx: &Context<'_>) -> Option<Self> {
        Some(Self {
            user: user.id,
            client: family.client.clone(),
            family: family.family,
            generation: family.generation,
            session: family.session,
            sid: family.sid,
            scopes,
            nonce: None,
            assurance: assurance::of(&family.proofs)?,
            acr_values: family.acr_values.clone(),
            authorization_details: Vec::new(),
            profile: profile(user)?,
            issued_at: cx.now,
        })
    }
}

fn profile(user: &User) -> Option<Profile> {
    user.active_account().map(|account| Profile {
        user_name: account.user_name.clone(),
        email: account.email.clone(),
        email_verified: account.email_verified,
        updated_at: account.updated_at,
    })
}

/// A family that ended.
pub(super) fn ended(family: &Family, cx: &Context<'_>, reason: FamilyEnd) -> Item {
    Item::Family(Family { state: FamilyState::Ended { at: cx.now, reason }, ..family.clone() })
}

/// Ends the live families that a test picks; says how many.
pub(super) fn end_families(
    user: &User,
    cx: &Context<'_>,
    change: &mut Change,
    reason: FamilyEnd,
    picked: impl Fn(&Family) -> bool,
) -> usize {
    let live = user.families.values().filter(|family| family.state == FamilyState::Live && picked(family));
    let mut count = 0;
    for family in live {
        change.put(ended(family, cx, reason));
        count += 1;
    }
    count
}

/// Ends what rests on a proof that is gone (HAZARDS H16): live families, and the codes that would still become one. Says
/// how many families.
pub(super) fn end_resting(
    user: &User,
    cx: &Context<'_>,
    change: &mut Change,
    rests: impl Fn(&[Proof]) -> bool,
) -> usize {
    for code in user.codes.values().filter(|code| code.state == CodeState::Issued && rests(&code.proofs)) {
        change.delete(ItemKey::Code(code.code));
    }
    end_families(user, cx, change, FamilyEnd::FactorChanged, |family| rests(&family.proofs))
}

/// Does the access token that names these still count?
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckToken {
    /// From its `jti`.
    pub family: FamilyId,
}

/// The user's claims; `None` if the token is dead.
pub type CheckTokenOutcome = Option<Profile>;

impl Decide for CheckToken {
    type Outcome = CheckTokenOutcome;
    const NAME: &'static str = "check_token";
    const NEEDS: Areas = Areas::SESSIONS.and(Areas::FAMILIES);
    /// It only looks.
    const REVOKES: bool = false;
    const LOOKS: bool = true;

    fn misses(outcome: &Self::Outcome) -> bool {
        outcome.is_none()
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<CheckTokenOutcome> {
        let live = user.live_family(self.family, cx.now, cx.settings);
        Decision::answer(live.and_then(|_| profile(user)))
    }
}

/// The client gives its tokens back (RFC 7009).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RevokeToken {
    /// From the token.
    pub family: FamilyId,
    /// Who asks.
    pub client: ClientId,
}

impl Decide for RevokeToken {
    /// Did it change anything? The client is answered the same.
    type Outcome = bool;
    const NAME: &'static str = "revoke_token";
    const NEEDS: Areas = Areas::FAMILIES;
    /// That is what it is for.
    const REVOKES: bool = true;

    /// Nothing to end: a stand-in may have made the family since.
    fn misses(outcome: &Self::Outcome) -> bool {
        !*outcome
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<bool> {
        let mut change = Change::default();
        let ours = |family: &Family| family.family == self.family && family.client == self.client;
        if end_families(user, cx, &mut change, FamilyEnd::Revoked, ours) == 0 {
            return Decision::answer(false);
        }
        let event = event::of(cx, "token.revoked", user.id).with("client", self.client.as_str());
        Decision { change, events: vec![event], outcome: true }
    }
}
