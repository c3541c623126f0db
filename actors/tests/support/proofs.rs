//! What people hold of codes that are sent, passkeys and trusted devices: derived as their messages, keys and cookies have it.

use actors::{
    domain::{
        command::{SignInOutcome, VerifyPasskeyOutcome, VerifySentCodeOutcome},
        context::{Attempt, Settings},
        factor::{passkey::Challenge, sent_code, totp::Code},
        trusted_device::{self, Given, TrustRef},
    },
    secret::sha256_b64,
    testing::{SoftKey, Traits},
};
use schema::UserId;
use serde::de::DeserializeOwned;
use serde_json::json;
use webauthn_rs_core::proto::PublicKeyCredential;

/// The code of the message that this attempt had sent.
pub(crate) fn code(attempt: &Attempt) -> Code {
    sent_code::draw(&attempt.seed, false).code
}

/// The hash of the secret of the link beside it.
pub(crate) fn link_hash(attempt: &Attempt) -> String {
    sha256_b64(&attempt.seed.derive::<16>("sent link"))
}

/// The cookie that this attempt was answered with.
pub(crate) fn cookie(attempt: &Attempt, given: &Given) -> TrustRef {
    let secret_hash = sha256_b64(&trusted_device::secret(&attempt.seed));
    TrustRef { device: given.device, generation: given.generation, secret_hash }
}

/// A passkey for the enrolment that this attempt began, and the answer that confirms it.
pub(crate) fn passkey<A: DeserializeOwned>(user: UserId, begun: &Attempt) -> (SoftKey, A) {
    let challenge = Challenge::new(begun.seed.derive("passkey challenge"));
    let id = data_encoding::BASE64URL_NOPAD.encode(user.as_bytes());
    let wanted = json!({ "rp": { "id": "localhost" }, "user": { "id": id }, "challenge": challenge.text() });
    let (key, made) = SoftKey::make(&wanted, &Settings::default().issuer, Traits::SYNCED);
    (key, serde_json::from_value(made).expect("an answer"))
}

/// The key's answer to a challenge.
pub(crate) fn signed(key: &mut SoftKey, challenge: &Challenge) -> Box<PublicKeyCredential> {
    let answer = key.sign(&json!({ "challenge": challenge.text() }));
    serde_json::from_value(answer).expect("an answer")
}

/// What a code that was sent came to, or the link beside it. Where there is none any more, it was looked for.
pub(crate) fn of_sent(outcome: VerifySentCodeOutcome) -> SignInOutcome {
    match outcome {
        VerifySentCodeOutcome::Judged(SignInOutcome::LoginEnded) | VerifySentCodeOutcome::NoCode => {
            SignInOutcome::Wrong
        }
        VerifySentCodeOutcome::Judged(judged) => judged,
    }
}

/// What a passkey's answer came to.
pub(crate) fn of_passkey(outcome: VerifyPasskeyOutcome) -> SignInOutcome {
    match outcome {
        VerifyPasskeyOutcome::Judged(judged) => judged,
        VerifyPasskeyOutcome::Unknown => SignInOutcome::Wrong,
    }
}
