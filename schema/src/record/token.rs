//! Authorization codes and refresh-token families.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Proof, record};
use crate::{ClientId, CodeId, FamilyId, SessionId, Sid, Timestamp};

/// Was the code used?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum CodeState {
    /// Not yet.
    Issued,
    /// Yes; a second use ends this family.
    Redeemed {
        /// What it gave.
        family: FamilyId,
        /// When.
        at: Timestamp,
    },
}

/// One object of `authorization_details` (RFC 9396, 2), members in the order of their names; `type` is among them.
pub type AuthorizationDetail = serde_json::Map<String, serde_json::Value>;

record! {
    /// Item `code/<id>`: an authorization code (RFC 6749, 4.1.2). A redeemed one stays as the proof of that.
    pub struct Code: 1 {
        /// Which.
        pub code: CodeId,
        /// SHA-256 of its secret part, 128 bits.
        pub secret_hash: String,
        /// The session that it was issued in.
        pub session: SessionId,
        /// That session's public id.
        pub sid: Sid,
        /// For whom.
        pub client: ClientId,
        /// Where it was sent; the token request repeats it (RFC 6749, 4.1.3).
        pub redirect_uri: String,
        /// What it may be used for.
        pub scopes: BTreeSet<String>,
        /// From the request, for the ID token.
        pub nonce: Option<String>,
        /// PKCE S256 challenge (RFC 7636).
        pub challenge: Option<String>,
        /// The proofs of the session at that moment (HAZARDS H16).
        pub proofs: Vec<Proof>,
        /// The values of `acr` that were asked for, in the order of preference. Data of level 3 has none: there tokens say what was
        /// reached.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub acr_values: Vec<String>,
        /// What the user confirmed (RFC 9396), for the access token that the code gives. Written from data level 4 on.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub authorization_details: Vec<AuthorizationDetail>,
        /// When it was issued.
        pub issued_at: Timestamp,
        /// Its end.
        pub expires_at: Timestamp,
        /// Was it used?
        pub state: CodeState,
    }
}

/// Why a family ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FamilyEnd {
    /// A used code or an older generation came again: theft.
    Reused,
    /// The client revoked it (RFC 7009).
    Revoked,
    /// Its session ended.
    SessionEnded,
    /// A factor that its proofs rest on was removed or reset, or the password changed.
    FactorChanged,
    /// An operator ended it, or requires more of the account than its proofs amount to.
    Operator,
    /// The user had more than the bound, and this was the oldest.
    Evicted,
}

/// Does the family live?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum FamilyState {
    /// Yes.
    Live,
    /// No.
    Ended {
        /// Since when.
        at: Timestamp,
        /// Why.
        reason: FamilyEnd,
    },
}

record! {
    /// Item `family/<id>`: all refresh tokens that descend from one code. Only the newest generation is good.
    pub struct Family: 1 {
        /// Which.
        pub family: FamilyId,
        /// For whom.
        pub client: ClientId,
        /// The session that it descends from.
        pub session: SessionId,
        /// That session's public id.
        pub sid: Sid,
        /// May it outlive its session (consented `offline_access`)?
        pub offline: bool,
        /// What it may ask for.
        pub scopes: BTreeSet<String>,
        /// The proofs of the code (HAZARDS H16).
        pub proofs: Vec<Proof>,
        /// Those of the code.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub acr_values: Vec<String>,
        /// The newest generation; the first is 1.
        pub generation: u32,
        /// SHA-256 of the newest generation's secret part, 128 bits.
        pub secret_hash: String,
        /// First issue.
        pub started_at: Timestamp,
        /// Last rotation; the idle time counts from here.
        pub last_used_at: Timestamp,
        /// Its absolute end.
        pub expires_at: Timestamp,
        /// Does it live?
        pub state: FamilyState,
    }
}
