//! Passkeys: what an authenticator is asked, and what its answer proves (WebAuthn level 3, 7.1 and 7.2).
//!
//! 1. A [`Challenge`] of 256 bits is drawn, and goes to the browser with the options made here.
//! 2. The authenticator makes a key pair, or signs the challenge with one.
//! 3. The owner of the account has the answer checked against the credential of that moment ([`RelyingParty::register`],
//!    [`RelyingParty::check`]), in the decision that uses the challenge up. So no answer counts that was right a moment ago.
//!
//! Checked are type, challenge, origin, relying party, presence, verification, signature and counter. The checks are those of
//! `webauthn-rs-core`. The simpler `webauthn-rs` over it either demands that the user is verified or forbids it, and asks for
//! no discoverable key; here both are wanted: a key without a PIN is a second factor, one with it is two.
//!
//! Attestation is not asked for unless operators want it ([`attestation`]): it tells makers apart, and people by their devices.

pub mod aaguid;
pub mod attestation;

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use schema::{Timestamp, UserId, record::PublicKey};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_cbor_2 as cbor;
use url::{Host, Url};
use webauthn_rs_core::{
    WebauthnCore,
    error::WebauthnError,
    proto::{
        AllowCredentials, AttestationFormat, AttestationMetadata, CreationChallengeResponse, Credential,
        ParsedAttestation, ParsedAttestationData, PublicKeyCredential, PublicKeyCredentialRequestOptions,
        RegisterPublicKeyCredential, RegisteredExtensions, RegistrationState, RequestChallengeResponse,
        ResidentKeyRequirement, UserVerificationPolicy,
    },
};

use self::attestation::AttestationDemand;
use crate::secret::sha256_b64;

/// How long browsers are told to wait for an authenticator.
const PATIENCE: Duration = Duration::from_mins(5);
/// No id of a key is longer (WebAuthn level 3, 7.1): what is kept of a user is always loaded.
const MAX_ID: usize = 1023;
/// Where the 16 bytes of the AAGUID begin in the authenticator data: after the relying party's hash, the flags and the counter
/// (WebAuthn level 3, 6.1 and 6.5.1).
const AAGUID_AT: usize = 32 + 1 + 4;

/// What an authenticator signs: 256 random bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge([u8; 32]);

impl Challenge {
    /// A challenge of these bits.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// As browsers and records have it: base64url.
    pub fn text(&self) -> String {
        BASE64URL_NOPAD.encode(&self.0)
    }

    /// From [`Self::text`].
    pub fn read(text: &str) -> Option<Self> {
        BASE64URL_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok().map(Self)
    }

    /// Under which it is known to be used.
    pub fn hash(&self) -> String {
        sha256_b64(&self.0)
    }
}

impl Serialize for Challenge {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for Challenge {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::read(&text).ok_or_else(|| serde::de::Error::custom("a challenge is 32 bytes in base64url"))
    }
}

/// Whom a key pair is made for.
#[derive(Clone, Copy, Debug)]
pub struct Making<'a> {
    /// The user. The authenticator keeps the id, which names nobody, and gives it back at a sign-in without a name.
    pub user: UserId,
    /// The user's name, which the browser shows.
    pub user_name: &'a str,
    /// Credentials that the user has, so that no authenticator makes a second one.
    pub known: &'a [&'a PublicKey],
    /// May the key leave its device?
    pub allow_synced: bool,
    /// Who must have made the authenticator.
    pub attestation: &'a AttestationDemand,
}

/// Why no key was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// It may leave its device, and such are not allowed.
    Synced,
    /// Nobody who is trusted vouches for the authenticator, and such are not allowed.
    Unattested,
    /// The answer is not good.
    Wrong(&'static str),
}

/// Must the authenticator verify its user?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// It must: the passkey stands alone.
    Required,
    /// If it can; one that could when it was added must.
    Preferred,
}

impl Verification {
    const fn policy(self) -> UserVerificationPolicy {
        match self {
            Self::Required => UserVerificationPolicy::Required,
            Self::Preferred => UserVerificationPolicy::Preferred,
        }
    }
}

/// What an answer to a challenge is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Right.
    Right {
        /// Was the user verified?
        user_verified: bool,
        /// The counter after it.
        counter: u32,
        /// Is the key in a backup now?
        backed_up: bool,
    },
    /// Rightly signed, with a counter that was used before: the key may have been copied (WebAuthn level 3, 6.1.1).
    Counted,
    /// Not right; the reason is for the audit log.
    Wrong(&'static str),
}

/// This server, as authenticators know it.
#[derive(Clone, Debug)]
pub struct RelyingParty {
    id: String,
    origin: Url,
}

impl RelyingParty {
    /// That of an issuer. None where the host is an address: WebAuthn knows names only.
    pub fn of(issuer: &str) -> Option<Self> {
        let origin = Url::parse(issuer).ok()?;
        match origin.host()? {
            Host::Domain(name) => Some(Self { id: name.to_owned(), origin }),
            Host::Ipv4(_) | Host::Ipv6(_) => None,
        }
    }

    /// Its id: the issuer's host.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// One origin, exactly: no port beside it and no name below it.
    fn core(&self, name: &str) -> WebauthnCore {
        let origins = vec![self.origin.clone()];
        WebauthnCore::new_unsafe_experts_only(name, &self.id, origins, PATIENCE, Some(false), Some(false))
    }

    /// What a browser is asked that is to have a key pair made. `name` is this server's, for people.
    pub fn creation(
        &self,
        name: &str,
        making: &Making<'_>,
        challenge: &Challenge,
    ) -> Option<CreationChallengeResponse> {
        self.making(name, making, challenge).map(|(options, _)| options)
    }

    fn making(
        &self,
        name: &str,
        making: &Making<'_>,
        challenge: &Challenge,
    ) -> Option<(CreationChallengeResponse, RegistrationState)> {
        let core = self.core(name);
        let known = making.known.iter().filter_map(|key| id_of(key)).collect();
        let builder =
            core.new_challenge_register_builder(making.user.as_bytes(), making.user_name, making.user_name).ok()?;
        let builder = builder
            .attestation(making.attestation.preference())
            .user_verification_policy(UserVerificationPolicy::Preferred)
            .exclude_credentials(Some(known))
            .reject_synchronised_authenticators(!making.allow_synced);
        let (mut options, state) = core.generate_challenge_register(builder).ok()?;
        options.public_key.challenge = challenge.0.to_vec();
        // One that can be found without a name, where the authenticator can keep such: browsers make none in a key without a PIN,
        // which is a second factor all the same.
        if let Some(selection) = &mut options.public_key.authenticator_selection {
            selection.resident_key = Some(ResidentKeyRequirement::Preferred);
        }
        Some((options, asking(&state, challenge)?))
    }

    /// What a browser is asked that is to have a challenge signed, by one of these or, if there are none, by any.
    pub fn request(
        &self,
        challenge: &Challenge,
        verification: Verification,
        keys: &[&PublicKey],
    ) -> RequestChallengeResponse {
        let allow = |key: &&PublicKey| {
            let transports: Vec<_> = key.transports.iter().filter_map(|name| name.parse().ok()).collect();
            let transports = (!transports.is_empty()).then_some(transports);
            Some(AllowCredentials { type_: "public-key".to_owned(), id: id_of(key)?, transports })
        };
        RequestChallengeResponse {
            public_key: PublicKeyCredentialRequestOptions {
                challenge: challenge.0.to_vec(),
                timeout: u32::try_from(PATIENCE.as_millis()).ok(),
                rp_id: self.id.clone(),
                allow_credentials: keys.iter().filter_map(allow).collect(),
                user_verification: verification.policy(),
                hints: None,
                extensions: None,
            },
            mediation: None,
        }
    }

    /// The key that was made for this challenge.
    pub fn register(
        &self,
        making: &Making<'_>,
        challenge: &Challenge,
        answer: &RegisterPublicKeyCredential,
        now: Timestamp,
    ) -> Result<PublicKey, NotTaken> {
        let made = self.made(making, challenge, answer)?;
        if made.cred_id.len() > MAX_ID {
            return Err(NotTaken::Wrong("malformed"));
        }
        let aaguid = aaguid_of(&answer.response.attestation_object);
        let vouched = making.attestation.anchors().and_then(|anchors| anchors.vouch(&made, aaguid.as_deref(), now));
        if vouched.is_none() && matches!(making.attestation, AttestationDemand::Require(_)) {
            return Err(NotTaken::Unattested);
        }
        let transports = answer.response.transports.iter().flatten();
        Ok(PublicKey {
            id: BASE64URL_NOPAD.encode(&made.cred_id),
            key: serde_json::to_value(&made.cred).map_err(|_| NotTaken::Wrong("malformed"))?,
            counter: made.counter,
            user_verified: made.user_verified,
            backup_eligible: made.backup_eligible,
            backed_up: made.backup_state,
            aaguid,
            attestation: vouched,
            transports: transports.map(ToString::to_string).filter(|name| name != "unknown").collect(),
        })
    }

    /// The key with what its statement says. In a format that is not checked here that is nothing.
    fn made(
        &self,
        making: &Making<'_>,
        challenge: &Challenge,
        answer: &RegisterPublicKeyCredential,
    ) -> Result<Credential, NotTaken> {
        let malformed = NotTaken::Wrong("malformed");
        let (_, state) = self.making(&self.id, making, challenge).ok_or(malformed)?;
        let register =
            |answer: &RegisterPublicKeyCredential| self.core(&self.id).register_credential(answer, &state, None);
        let made = match register(answer) {
            Err(WebauthnError::AttestationNotSupported) if making.attestation.anchors().is_some() => {
                let mut answer = answer.clone();
                let object = &mut answer.response.attestation_object;
                *object = attestation::stripped(object).ok_or(malformed)?;
                register(&answer)
            }
            made => made,
        };
        made.map_err(|error| match error {
            WebauthnError::CredentialMayNotBeHardwareBound if !making.allow_synced => NotTaken::Synced,
            error => NotTaken::Wrong(reason(&error)),
        })
    }

    /// Is this a right answer to the challenge, by this key?
    pub fn check(
        &self,
        key: &PublicKey,
        challenge: &Challenge,
        verification: Verification,
        answer: &PublicKeyCredential,
    ) -> Verdict {
        let Some((state, credential)) = self.checking(key, challenge, verification) else {
            return Verdict::Wrong("malformed");
        };
        match self.core(&self.id).authenticate_single_credential(answer, &state, &credential) {
            Ok(seen) => Verdict::Right {
                user_verified: seen.user_verified(),
                counter: seen.counter(),
                backed_up: seen.backup_state(),
            },
            Err(WebauthnError::CredentialPossibleCompromise) => Verdict::Counted,
            Err(error) => Verdict::Wrong(reason(&error)),
        }
    }

    fn checking(
        &self,
        key: &PublicKey,
        challenge: &Challenge,
        verification: Verification,
    ) -> Option<(webauthn_rs_core::proto::AuthenticationState, Credential)> {
        let core = self.core(&self.id);
        let builder = core.new_challenge_authenticate_builder(Vec::new(), Some(verification.policy())).ok()?;
        let (_, state) = core.generate_challenge_authenticate(builder).ok()?;
        Some((asking(&state, challenge)?, credential_of(key)?))
    }
}

/// The state of a ceremony with this challenge in place of the one that the library drew: whatever node takes the answer, the
/// challenge is the one that the first node sent.
fn asking<S: Serialize + DeserializeOwned>(state: &S, challenge: &Challenge) -> Option<S> {
    let mut state = serde_json::to_value(state).ok()?;
    *state.get_mut("challenge")? = challenge.text().into();
    serde_json::from_value(state).ok()
}

fn id_of(key: &PublicKey) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(key.id.as_bytes()).ok()
}

fn credential_of(key: &PublicKey) -> Option<Credential> {
    Some(Credential {
        cred_id: id_of(key)?,
        cred: serde_json::from_value(key.key.clone()).ok()?,
        counter: key.counter,
        transports: None,
        user_verified: key.user_verified,
        backup_eligible: key.backup_eligible,
        backup_state: key.backed_up,
        registration_policy: UserVerificationPolicy::Preferred,
        extensions: RegisteredExtensions::none(),
        attestation: ParsedAttestation { data: ParsedAttestationData::None, metadata: AttestationMetadata::None },
        attestation_format: AttestationFormat::None,
    })
}

/// What kind of authenticator made this, by its own word.
fn aaguid_of(attestation_object: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Object<'a> {
        #[serde(rename = "authData", borrow)]
        auth_data: &'a [u8],
    }
    let object: Object<'_> = cbor::from_slice(attestation_object).ok()?;
    let bytes: [u8; 16] = object.auth_data.get(AAGUID_AT..AAGUID_AT + 16)?.try_into().ok()?;
    (bytes != [0; 16]).then(|| uuid::Uuid::from_bytes(bytes).to_string())
}

/// Why an answer is not good, in the audit log.
fn reason(error: &WebauthnError) -> &'static str {
    match error {
        WebauthnError::MismatchedChallenge => "another_challenge",
        WebauthnError::InvalidRPOrigin | WebauthnError::CredentialCrossOrigin => "another_origin",
        WebauthnError::InvalidRPIDHash => "another_relying_party",
        WebauthnError::UserNotPresent => "user_not_present",
        WebauthnError::UserNotVerified => "user_not_verified",
        WebauthnError::AttestationStatementSigInvalid
        | WebauthnError::AttestationCertificateAAGUIDMismatch
        | WebauthnError::AttestationCertificateNonceMismatch
        | WebauthnError::AttestationCertificateRequirementsNotMet
        | WebauthnError::AttestationCredentialSubjectKeyMismatch => "attestation",
        WebauthnError::AuthenticationFailure | WebauthnError::SignatureInvalid => "signature",
        WebauthnError::CredentialBackupEligibilityInconsistent | WebauthnError::CredentialMayNotBeHardwareBound => {
            "backup_flags"
        }
        _ => "malformed",
    }
}

#[cfg(test)]
mod tests;
