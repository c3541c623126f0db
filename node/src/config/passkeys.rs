//! Section `passkeys`: passkeys (WebAuthn), and who vouches for the authenticators that they are in.

use std::path::PathBuf;

use actors::domain::factor::passkey::{
    aaguid,
    attestation::{AttestationDemand, TrustAnchors},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::report::Report;

/// Passkeys (WebAuthn). They belong to the host of the issuer, so there are none where that is an address.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Passkeys {
    /// Whether passkeys may be added that can leave their device, as those of phones and password managers do. What was added
    /// before stays.
    pub allow_synced: bool,
    /// Whether a new passkey comes with the word of its authenticator's maker. A passkey whose maker is trusted, and that cannot leave
    /// its device, reaches `phrh`.
    pub attestation: Attestation,
    /// PEM file with the certificates of the makers' authorities that are trusted to vouch for hardware, one after the other. One that is
    /// taken out of it vouches no more for what was added before.
    #[schemars(with = "Option<String>")]
    pub attestation_roots: Option<PathBuf>,
    /// The kinds of authenticators that are taken, by their AAGUIDs (`fido-u2f` has none, so those of that format are not); every kind
    /// that an authority vouches for if empty.
    pub attestation_aaguids: Vec<Aaguid>,
}

impl Default for Passkeys {
    fn default() -> Self {
        Self {
            allow_synced: true,
            attestation: Attestation::None,
            attestation_roots: None,
            attestation_aaguids: Vec::new(),
        }
    }
}

/// Whether it is asked who made an authenticator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Attestation {
    /// Nobody is asked.
    #[default]
    None,
    /// Browsers are asked. Passkeys that nobody vouches for are added as well, and reach `phr`.
    Direct,
    /// The same, and passkeys that nobody vouches for are not added.
    Require,
}

/// The id of a kind of authenticator, written `2fc0579f-8113-47ea-b116-bb5a8db9202a`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Aaguid(String);

impl From<Aaguid> for String {
    fn from(aaguid: Aaguid) -> Self {
        aaguid.0
    }
}

impl TryFrom<String> for Aaguid {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let named = aaguid::normal(&text).map(Self);
        named.ok_or_else(|| "names no kind of authenticator; write 8-4-4-4-12 hexadecimal digits, not all 0".to_owned())
    }
}

impl Passkeys {
    pub(super) fn check(&self, report: &mut Report<'_>) {
        let asked = self.attestation != Attestation::None;
        let key = "passkeys.attestation_roots";
        report.refuse_if(
            asked && self.attestation_roots.is_none(),
            key,
            "is unset; passkeys.attestation needs a PEM file with the authorities that are trusted",
        );
        report.refuse_if(
            !asked && self.attestation_roots.is_some(),
            "passkeys.attestation",
            "is none, so nobody is asked and passkeys.attestation_roots has no effect; write direct or require, or unset that",
        );
        report.refuse_if(
            !asked && !self.attestation_aaguids.is_empty(),
            "passkeys.attestation",
            "is none, so nobody is asked and passkeys.attestation_aaguids has no effect; write direct or require, or unset that",
        );
        if let Err(error) = self.anchors() {
            report.refuse(key, error);
        }
    }

    /// Who is trusted to vouch for authenticators, as the file says it now.
    fn anchors(&self) -> Result<Option<TrustAnchors>, String> {
        let Some(file) = self.attestation_roots.as_deref() else { return Ok(None) };
        let pem = std::fs::read(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
        let aaguids = self.attestation_aaguids.iter().map(|aaguid| aaguid.0.clone());
        TrustAnchors::read(&pem, aaguids).map(Some).map_err(|error| format!("{} {error}", file.display()))
    }

    /// What is asked of the authenticators of new passkeys.
    pub fn demand(&self) -> Result<AttestationDemand, String> {
        let anchors = self.anchors()?;
        Ok(match (self.attestation, anchors) {
            (Attestation::Direct, Some(anchors)) => AttestationDemand::Direct(anchors),
            (Attestation::Require, Some(anchors)) => AttestationDemand::Require(anchors),
            (Attestation::None, _) | (_, None) => AttestationDemand::None,
        })
    }
}
