//! What a decision is handed beside the state: the time, secrets of the attempt, keys, settings, and where it came from.

use std::time::Duration;

use schema::{AttemptId, Timestamp, record::Policy};
use serde::{Deserialize, Serialize};

use super::{
    assurance::Acr,
    factor::{
        passkey::{RelyingParty, attestation::AttestationDemand},
        totp::Window,
    },
};
use crate::{entropy::Entropy, secret::Seed, trace::TraceParent, vault::Vault};

/// Numbers that operators may set and decisions rest on.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The issuer, without a trailing slash.
    pub issuer: String,
    /// Can messages be sent by e-mail?
    pub sends_mail: bool,
    /// Can text messages be sent?
    pub sends_text: bool,
    /// How long a trusted device is trusted; not at all if zero.
    pub trust_lifetime: Duration,
    /// How long a recovery waits until it can be completed; there is none if zero.
    pub recovery_wait: Duration,
    /// May passkeys be added that can leave their device?
    pub allow_synced_passkeys: bool,
    /// Who must have made the authenticators of new passkeys.
    pub attestation: AttestationDemand,
    /// Which TOTP steps are accepted.
    pub totp_window: Window,
    /// A session ends this long after sign-in.
    pub session_absolute: Duration,
    /// A session ends this long after its last use.
    pub session_idle: Duration,
    /// An authorization code lives this long.
    pub code_lifetime: Duration,
    /// An access token lives this long.
    pub access_token_lifetime: Duration,
    /// An ID token lives this long.
    pub id_token_lifetime: Duration,
    /// A refresh family ends this long after its first token.
    pub refresh_absolute: Duration,
    /// A refresh family ends this long after its last rotation.
    pub refresh_idle: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            issuer: "http://localhost:11080".to_owned(),
            sends_mail: false,
            sends_text: false,
            trust_lifetime: Duration::from_hours(30 * 24),
            recovery_wait: Duration::ZERO,
            allow_synced_passkeys: true,
            attestation: AttestationDemand::None,
            totp_window: Window::Both,
            session_absolute: Duration::from_hours(24),
            session_idle: Duration::from_hours(1),
            code_lifetime: Duration::from_mins(1),
            access_token_lifetime: Duration::from_mins(5),
            id_token_lifetime: Duration::from_mins(5),
            refresh_absolute: Duration::from_hours(30 * 24),
            refresh_idle: Duration::from_hours(14 * 24),
        }
    }
}

impl Settings {
    /// The highest rung that somebody can reach here: it takes a maker who is trusted to know that a key is in hardware.
    pub fn highest_acr(&self) -> Acr {
        let vouched = self.attestation.anchors().is_some() && RelyingParty::of(&self.issuer).is_some();
        if vouched { Acr::PhishingResistantHardware } else { Acr::PhishingResistant }
    }
}

/// Where a request came from, for sessions and the audit log.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Origin {
    /// The client's address.
    pub address: Option<String>,
    /// `User-Agent`, at most 200 characters.
    pub user_agent: Option<String>,
    /// Who acts: `user` unless said otherwise, such as `operator uid 0`.
    pub actor: Option<String>,
    /// The language of the page that it came from, for messages that it causes; none where there was no page. Nodes of earlier
    /// versions do not say it, and pass over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// The trace that the request belongs to. Between nodes it travels in the envelope.
    #[serde(skip)]
    pub trace: Option<TraceParent>,
}

/// One attempt, drawn by the node that took the request (HAZARDS H5). It is the same in every delivery.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// Its id; the operation id of the commit.
    pub id: AttemptId,
    /// What the secrets of its reply are derived from.
    pub seed: Seed,
    /// Where it came from.
    pub origin: Origin,
    /// The policies of the account's own operations, if the command is one of those.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<Policy>,
}

/// What a decision is handed.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Read once per command, and never before the partition's last commit.
    pub now: Timestamp,
    /// The attempt.
    pub attempt: &'a Attempt,
    /// Keys for what is sealed in the records.
    pub vault: &'a Vault,
    /// For nonces and jitter only; what a reply holds comes from the attempt's seed.
    pub entropy: &'a dyn Entropy,
    /// Numbers.
    pub settings: &'a Settings,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("now", &self.now).field("attempt", &self.attempt.id).finish_non_exhaustive()
    }
}

impl Context<'_> {
    /// The language of messages that this decision causes.
    pub fn lang(&self) -> Option<String> {
        self.attempt.origin.lang.clone()
    }

    /// 0 to 0.1, evenly: how much longer a cool-down lasts, so that attackers and owners do not return in step.
    pub fn jitter(&self) -> f64 {
        let mut byte = [0];
        self.entropy.fill(&mut byte);
        f64::from(byte[0]) / 2550.0
    }
}
