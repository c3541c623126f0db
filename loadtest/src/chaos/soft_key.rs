//! A passkey in software: one P-256 key that verifies its user, attestation `none`, whose counter stays 0 as that of passkeys
//! which are synced does (WebAuthn level 3, 6.1.1).

use anyhow::Context as _;
use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use data_encoding::BASE64URL_NOPAD as BASE64;
use serde_json::{Value, json};

/// User present and verified; backup eligible and backed up.
const FLAGS: u8 = 0x01 | 0x04 | 0x08 | 0x10;
/// The data of a new key follows.
const ATTESTED: u8 = 0x40;

/// A key of one account.
#[derive(Debug)]
pub(super) struct SoftKey {
    pair: EcdsaKeyPair,
    id: Vec<u8>,
    rp: String,
    user: Value,
    origin: String,
}

impl SoftKey {
    /// Makes a key as `options` (the `publicKey` of a creation) want it; and the answer with it.
    pub(super) fn make(options: &Value, origin: &str) -> anyhow::Result<(Self, String)> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).context("a key")?;
        let id = digest(&SHA256, pair.public_key().as_ref()).as_ref().to_vec();
        let rp = options["rp"]["id"].as_str().context("rp.id")?.to_owned();
        let key = Self { pair, id, rp, user: options["user"]["id"].clone(), origin: origin.to_owned() };
        let mut auth_data = key.auth_data(FLAGS | ATTESTED);
        // An AAGUID that says nothing, and the length of the id.
        auth_data.extend([0; 16]);
        auth_data.extend([0, u8::try_from(key.id.len())?]);
        auth_data.extend(&key.id);
        auth_data.extend(key.cose());
        let length = u8::try_from(auth_data.len())?;
        // CBOR: {"fmt": "none", "attStmt": {}, "authData": bytes}.
        let head = [b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".as_slice(), &[length]].concat();
        let response = json!({
            "attestationObject": BASE64.encode(&[head, auth_data].concat()),
            "clientDataJSON": BASE64.encode(&key.client_data("webauthn.create", options)),
            "transports": ["internal"],
        });
        let answer = key.answer(&response);
        Ok((key, answer))
    }

    /// Signs the challenge of `options` (the `publicKey` of a request).
    pub(super) fn sign(&self, options: &Value) -> anyhow::Result<String> {
        let (client_data, auth_data) = (self.client_data("webauthn.get", options), self.auth_data(FLAGS));
        let signed = [auth_data.as_slice(), digest(&SHA256, &client_data).as_ref()].concat();
        let signature = self.pair.sign(&SystemRandom::new(), &signed).context("a signature")?;
        Ok(self.answer(&json!({
            "authenticatorData": BASE64.encode(&auth_data),
            "clientDataJSON": BASE64.encode(&client_data),
            "signature": BASE64.encode(signature.as_ref()),
            "userHandle": self.user,
        })))
    }

    fn answer(&self, response: &Value) -> String {
        let id = BASE64.encode(&self.id);
        let answer =
            json!({ "id": id, "rawId": id, "type": "public-key", "clientExtensionResults": {}, "response": response });
        answer.to_string()
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let data = json!({
            "type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false,
        });
        data.to_string().into_bytes()
    }

    fn auth_data(&self, flags: u8) -> Vec<u8> {
        [digest(&SHA256, self.rp.as_bytes()).as_ref(), &[flags], &[0; 4]].concat()
    }

    /// The public key (RFC 9053, 7.1.1): {1: 2, 3: -7, -1: 1, -2: x, -3: y}.
    fn cose(&self) -> Vec<u8> {
        // 0x04, x, y.
        let point = self.pair.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        [b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20", x, b"\x22\x58\x20", y].concat()
    }
}
