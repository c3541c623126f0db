//! An authenticator in software, kept small: one P-256 key. It does what it is told, right or wrong.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use data_encoding::BASE64URL_NOPAD as BASE64;
use serde_cbor_2::Value as Cbor;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// How an authenticator is made.
#[derive(Clone, Copy, Debug)]
pub struct Traits {
    /// Does it verify its user?
    pub user_verified: bool,
    /// May its key leave it?
    pub backup_eligible: bool,
    /// Has it?
    pub backed_up: bool,
    /// What it says that it is.
    pub aaguid: [u8; 16],
    /// How many bytes the ids of its keys have.
    pub id_len: usize,
}

impl Traits {
    /// A phone whose passkeys are in a backup.
    pub const SYNCED: Self = Self {
        user_verified: true,
        backup_eligible: true,
        backed_up: true,
        aaguid: *b"\xea\x9b\x8d\x66\x4d\x01\x1d\x21\x3c\xe4\xb6\xb4\x8c\xb5\x75\xd4",
        id_len: 32,
    };
    /// A key with a PIN.
    pub const WITH_PIN: Self =
        Self { user_verified: true, backup_eligible: false, backed_up: false, aaguid: [0; 16], ..Self::SYNCED };
    /// A key without one.
    pub const PLAIN: Self = Self { user_verified: false, ..Self::WITH_PIN };
}

/// An attestation statement: its format, and the statement itself.
pub type Statement = (&'static str, Cbor);

/// What a statement is about.
#[derive(Clone, Copy, Debug)]
pub struct Making<'a> {
    /// The key.
    pub key: &'a SoftKey,
    /// The authenticator data, with the key in it.
    pub auth_data: &'a [u8],
    /// SHA-256 of what the browser says of the ceremony.
    pub client_data_hash: [u8; 32],
}

/// No statement.
pub fn unattested(_: &Making<'_>) -> Statement {
    ("none", Cbor::Map([].into()))
}

/// A key in an authenticator. What it says can be changed between two answers.
#[derive(Debug)]
pub struct SoftKey {
    pair: EcdsaKeyPair,
    id: Vec<u8>,
    rp: String,
    /// The user, as the server named it.
    pub user: Option<Vec<u8>>,
    /// What it says of itself.
    pub traits: Traits,
    /// Where the browser says to be.
    pub origin: String,
    /// The next counter; it counts unless this is 0.
    pub counter: u32,
}

impl SoftKey {
    /// Makes a key as `options` (the `publicKey` of a creation) want it, in a browser at `origin`; and the answer with it.
    pub fn make(options: &Value, origin: &str, traits: Traits) -> (Self, Value) {
        Self::make_attested(options, origin, traits, unattested)
    }

    /// The same, with a statement.
    pub fn make_attested(
        options: &Value,
        origin: &str,
        traits: Traits,
        statement: impl FnOnce(&Making<'_>) -> Statement,
    ) -> (Self, Value) {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
        let key = Self {
            id: Sha256::digest(pair.public_key()).iter().copied().cycle().take(traits.id_len).collect(),
            pair,
            rp: text(&options["rp"]["id"]),
            user: Some(bytes(&options["user"]["id"])),
            traits,
            origin: origin.to_owned(),
            counter: 0,
        };
        let client_data = key.client_data("webauthn.create", options);
        let mut auth_data = key.auth_data(0x40);
        auth_data.extend(traits.aaguid);
        auth_data.extend(u16::try_from(key.id.len()).expect("short").to_be_bytes());
        auth_data.extend(&key.id);
        auth_data.extend(cbor(&key.cose_key()));
        let client_data_hash = Sha256::digest(&client_data).into();
        let (format, statement) = statement(&Making { key: &key, auth_data: &auth_data, client_data_hash });
        let object = cbor(&Cbor::Map(
            [
                (Cbor::Text("fmt".to_owned()), Cbor::Text(format.to_owned())),
                (Cbor::Text("attStmt".to_owned()), statement),
                (Cbor::Text("authData".to_owned()), Cbor::Bytes(auth_data)),
            ]
            .into(),
        ));
        let response = json!({
            "attestationObject": BASE64.encode(&object),
            "clientDataJSON": BASE64.encode(&client_data),
            "transports": ["internal"],
        });
        let answer = key.answer(&response);
        (key, answer)
    }

    /// It vouches for itself, as anything can (self attestation).
    pub fn itself(making: &Making<'_>) -> Statement {
        let signed = [making.auth_data, &making.client_data_hash].concat();
        let signature = making.key.pair.sign(&SystemRandom::new(), &signed).expect("signs");
        let parts = [("alg", Cbor::Integer(-7)), ("sig", Cbor::Bytes(signature.as_ref().to_vec()))];
        ("packed", Cbor::Map(parts.into_iter().map(|(name, part)| (Cbor::Text(name.to_owned()), part)).collect()))
    }

    /// What U2F signs when it makes a key (FIDO U2F Raw Message Formats, 4.3).
    pub(super) fn u2f_message(&self, client_data_hash: &[u8]) -> Vec<u8> {
        let rp = Sha256::digest(&self.rp);
        [&[0], rp.as_slice(), client_data_hash, &self.id, self.pair.public_key().as_ref()].concat()
    }

    /// Its id, as servers know it.
    pub fn id(&self) -> String {
        BASE64.encode(&self.id)
    }

    /// Signs the challenge of `options` (the `publicKey` of a request).
    pub fn sign(&mut self, options: &Value) -> Value {
        let client_data = self.client_data("webauthn.get", options);
        let auth_data = self.auth_data(0);
        let signed = [auth_data.as_slice(), &Sha256::digest(&client_data)].concat();
        let signature = self.pair.sign(&SystemRandom::new(), &signed).expect("signs");
        self.counter += u32::from(self.counter > 0);
        let mut response = json!({
            "authenticatorData": BASE64.encode(&auth_data),
            "clientDataJSON": BASE64.encode(&client_data),
            "signature": BASE64.encode(signature.as_ref()),
        });
        if let Some(user) = &self.user {
            response["userHandle"] = BASE64.encode(user).into();
        }
        self.answer(&response)
    }

    fn answer(&self, response: &Value) -> Value {
        json!({
            "id": self.id(),
            "rawId": self.id(),
            "type": "public-key",
            "clientExtensionResults": {},
            "response": response,
        })
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let challenge = &options["challenge"];
        let data = json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false });
        data.to_string().into_bytes()
    }

    fn auth_data(&self, more: u8) -> Vec<u8> {
        let flag = |is: bool, bit: u8| if is { bit } else { 0 };
        let flags = 0x01
            | flag(self.traits.user_verified, 0x04)
            | flag(self.traits.backup_eligible, 0x08)
            | flag(self.traits.backed_up, 0x10)
            | more;
        [Sha256::digest(&self.rp).as_slice(), &[flags], &self.counter.to_be_bytes()].concat()
    }

    fn cose_key(&self) -> Cbor {
        // 0x04, x, y.
        let point = self.pair.public_key().as_ref();
        let entries = [
            (1, Cbor::Integer(2)),
            (3, Cbor::Integer(-7)),
            (-1, Cbor::Integer(1)),
            (-2, Cbor::Bytes(point[1..33].to_vec())),
            (-3, Cbor::Bytes(point[33..].to_vec())),
        ];
        Cbor::Map(entries.into_iter().map(|(key, value)| (Cbor::Integer(key), value)).collect())
    }
}

fn cbor(value: &Cbor) -> Vec<u8> {
    serde_cbor_2::to_vec(value).expect("CBOR")
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

fn bytes(value: &Value) -> Vec<u8> {
    BASE64.decode(text(value).as_bytes()).expect("base64url")
}
