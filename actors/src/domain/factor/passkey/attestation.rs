//! Attestation: the word of an authenticator's maker for what it made (WebAuthn level 3, 6.5 and 8).
//!
//! 1. Operators name certificates of makers whom they trust to keep keys in hardware ([`TrustAnchors`]). Without any, browsers are
//!    asked for no attestation, and nothing is ever vouched for.
//! 2. With the answer that makes a key comes a statement. `webauthn-rs-core` checks what its format demands: that it is signed by the
//!    first certificate of its chain, and that this names the AAGUID which the authenticator names, if it names one.
//! 3. Here: does the chain end in an anchor, each certificate of it in its time ([`TrustAnchors::vouch`])? Which anchor it was is
//!    kept with the key.
//! 4. At each use of the key: is that anchor still trusted, and the AAGUID still among those that are taken
//!    ([`AttestationDemand::vouches`])? So who is trusted no more vouches for nothing from then on.
//!
//! A key that signs for itself (self attestation) has nobody who vouches for it. A statement in a format that is not checked here
//! counts as none; one that is false is refused, since whoever sends it lies.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use data_encoding::HEXLOWER;
use schema::{
    Timestamp,
    record::{Attestation, PublicKey},
};
use serde_cbor_2::{self as cbor, Value};
use sha2::{Digest, Sha256};
use thiserror::Error;
use uuid::Uuid;
use webauthn_rs_core::{
    attestation::verify_attestation_ca_chain,
    proto::{
        AttestationCaList, AttestationCaListBuilder, AttestationConveyancePreference, AttestationFormat,
        AttestationMetadata, Credential, ParsedAttestationData,
    },
};
use x509_parser::{certificate::X509Certificate, pem::Pem, prelude::FromDer};

/// Anchors, at most.
const MAX: usize = 200;
/// The format whose signature leaves out the AAGUID (WebAuthn level 3, 8.6).
const U2F: &str = "fido-u2f";

/// Why certificates are no trust anchors. Each names the certificate by its place in the file, counted from 1.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AnchorError {
    /// There is none.
    #[error("has no certificate; it takes those of the makers' authorities, in PEM, one after the other")]
    Empty,
    /// There are too many.
    #[error("has more than {MAX} certificates; name those alone whose authenticators are used here")]
    TooMany,
    /// It cannot be read.
    #[error("certificate {0} cannot be read; it takes X.509 certificates in PEM")]
    Unreadable(usize),
    /// It signs no certificates.
    #[error(
        "certificate {0} is not that of an authority (basicConstraints CA, keyUsage keyCertSign), so no chain can end in it; take \
         the root that has signed it"
    )]
    NoAuthority(usize),
}

/// Certificates of makers that are trusted, and of which of their kinds of authenticators.
#[derive(Clone)]
pub struct TrustAnchors {
    anchors: Arc<[Anchor]>,
    /// All kinds, if empty.
    aaguids: Arc<BTreeSet<String>>,
}

struct Anchor {
    /// SHA-256 of the certificate.
    root: String,
    /// It alone: of several that share a name the library would look at the first.
    list: AttestationCaList,
}

impl std::fmt::Debug for TrustAnchors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let roots: Vec<&str> = self.anchors.iter().map(|anchor| anchor.root.as_str()).collect();
        f.debug_struct("TrustAnchors").field("roots", &roots).field("aaguids", &self.aaguids).finish()
    }
}

impl Anchor {
    fn read(pem: &Pem, number: usize) -> Result<Self, AnchorError> {
        let unreadable = AnchorError::Unreadable(number);
        let (rest, certificate) = X509Certificate::from_der(&pem.contents).map_err(|_| unreadable)?;
        if pem.label != "CERTIFICATE" || !rest.is_empty() {
            return Err(unreadable);
        }
        let is_ca = certificate.is_ca();
        let signs = certificate.key_usage().ok().flatten().is_some_and(|usage| usage.value.key_cert_sign());
        if !(is_ca && signs) {
            return Err(AnchorError::NoAuthority(number));
        }
        let mut builder = AttestationCaListBuilder::new();
        // The library's own list of kinds is not used: it knows none for formats that have them all the same.
        builder
            .insert_device_der(&pem.contents, Uuid::nil(), String::new(), BTreeMap::new())
            .map_err(|_| AnchorError::Unreadable(number))?;
        Ok(Self { root: HEXLOWER.encode(&Sha256::digest(&pem.contents)), list: builder.build() })
    }

    /// Does the chain end in it, at this time?
    fn ends(&self, chain: &ParsedAttestationData, now: Timestamp) -> bool {
        let Some(authority) = self.list.cas().values().next() else { return false };
        let root = authority.ca();
        // A root at the end of the chain vouches for nothing that the trusted one does not.
        let (chain, last) = match chain {
            ParsedAttestationData::Basic(all) => (ParsedAttestationData::Basic(without(all, root)), all.last()),
            ParsedAttestationData::AttCa(all) => (ParsedAttestationData::AttCa(without(all, root)), all.last()),
            ParsedAttestationData::AnonCa(all) => (ParsedAttestationData::AnonCa(without(all, root)), all.last()),
            ParsedAttestationData::Self_
            | ParsedAttestationData::ECDAA
            | ParsedAttestationData::None
            | ParsedAttestationData::Uncertain => return false,
        };
        // Most anchors are those of other makers: no signature is looked at for them.
        let named = last
            .is_some_and(|last| last == root || last.tbs_certificate().issuer() == root.tbs_certificate().subject());
        let at = UNIX_EPOCH + Duration::from_millis(u64::try_from(now.as_millis()).unwrap_or(0));
        named && matches!(verify_attestation_ca_chain(&chain, &self.list, at), Ok(Some(_)))
    }
}

/// A chain without the root at its end.
fn without<C: Clone + PartialEq>(chain: &[C], root: &C) -> Vec<C> {
    let rooted = chain.last() == Some(root);
    chain[..chain.len() - usize::from(rooted)].to_vec()
}

impl TrustAnchors {
    /// Reads certificates in PEM. With `aaguids`, as [`normal`](super::aaguid::normal) has them, only these kinds of authenticators
    /// are taken.
    pub fn read(pem: &[u8], aaguids: impl IntoIterator<Item = String>) -> Result<Self, AnchorError> {
        let anchor = |(at, pem): (usize, Result<Pem, _>)| {
            Anchor::read(&pem.map_err(|_| AnchorError::Unreadable(at + 1))?, at + 1)
        };
        let anchors: Vec<Anchor> = Pem::iter_from_buffer(pem).enumerate().map(anchor).collect::<Result<_, _>>()?;
        match anchors.len() {
            0 => Err(AnchorError::Empty),
            1..=MAX => Ok(Self { anchors: anchors.into(), aaguids: Arc::new(aaguids.into_iter().collect()) }),
            _ => Err(AnchorError::TooMany),
        }
    }

    /// Who vouches for the authenticator that made this key, if an anchor does. `aaguid` is what the authenticator says that it is.
    pub(super) fn vouch(&self, made: &Credential, aaguid: Option<&str>, now: Timestamp) -> Option<Attestation> {
        let format = match made.attestation_format {
            AttestationFormat::Packed => "packed",
            AttestationFormat::Tpm => "tpm",
            AttestationFormat::AndroidKey => "android-key",
            AttestationFormat::FIDOU2F => U2F,
            AttestationFormat::AppleAnonymous => "apple",
            AttestationFormat::AndroidSafetyNet | AttestationFormat::None => return None,
        };
        // Android vouches for keys in its software as well.
        if let AttestationMetadata::AndroidKey { is_km_tee, is_attest_tee } = made.attestation.metadata
            && !(is_km_tee && is_attest_tee)
        {
            return None;
        }
        let anchor = self.anchors.iter().find(|anchor| anchor.ends(&made.attestation.data, now))?;
        let attestation = Attestation { root: anchor.root.clone(), format: format.to_owned() };
        self.trusts(&attestation, aaguid).then_some(attestation)
    }

    fn trusts(&self, attestation: &Attestation, aaguid: Option<&str>) -> bool {
        let named = aaguid.filter(|_| attestation.format != U2F);
        let kind = self.aaguids.is_empty() || named.is_some_and(|aaguid| self.aaguids.contains(aaguid));
        kind && self.anchors.iter().any(|anchor| anchor.root == attestation.root)
    }
}

/// What is asked of the authenticators of new passkeys.
#[derive(Clone, Debug, Default)]
pub enum AttestationDemand {
    /// Nothing.
    #[default]
    None,
    /// Who made them; whoever does not say so, or is not trusted, is taken as before.
    Direct(TrustAnchors),
    /// The same, and nobody else is taken.
    Require(TrustAnchors),
}

impl AttestationDemand {
    /// Who is trusted to vouch, if anybody is.
    pub const fn anchors(&self) -> Option<&TrustAnchors> {
        match self {
            Self::None => None,
            Self::Direct(anchors) | Self::Require(anchors) => Some(anchors),
        }
    }

    pub(super) const fn preference(&self) -> AttestationConveyancePreference {
        match self {
            Self::None => AttestationConveyancePreference::None,
            Self::Direct(_) | Self::Require(_) => AttestationConveyancePreference::Direct,
        }
    }

    /// Does a maker who is trusted now vouch for the authenticator of this key?
    pub fn vouches(&self, key: &PublicKey) -> bool {
        let vouched = key.attestation.as_ref().zip(self.anchors());
        vouched.is_some_and(|(attestation, anchors)| anchors.trusts(attestation, key.aaguid.as_deref()))
    }

    /// Is it certain that this key is in hardware, and stays there?
    pub fn is_hardware(&self, key: &PublicKey) -> bool {
        !key.backup_eligible && self.vouches(key)
    }
}

/// An attestation object as if nothing had been said of who made it; `None` if it is none.
pub(super) fn stripped(object: &[u8]) -> Option<Vec<u8>> {
    let Value::Map(mut parts) = cbor::from_slice(object).ok()? else { return None };
    parts.insert(Value::Text("fmt".to_owned()), Value::Text("none".to_owned()));
    parts.insert(Value::Text("attStmt".to_owned()), Value::Map(BTreeMap::new()));
    cbor::to_vec(&Value::Map(parts)).ok()
}

#[cfg(test)]
mod tests;
