//! A maker of authenticators in software: an authority of its own, and batches of authenticators that it vouches for.

use data_encoding::{BASE64, HEXLOWER};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName, DnType, IsCa, KeyPair,
    KeyUsagePurpose, SigningKey, date_time_ymd,
};
use serde_cbor_2::Value as Cbor;
use sha2::{Digest, Sha256};

use super::soft_key::{Making, Statement};

/// `id-fido-gen-ce-aaguid`.
const AAGUID: [u64; 10] = [1, 3, 6, 1, 4, 1, 45724, 1, 1, 4];

/// A maker.
pub struct SoftMaker {
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl std::fmt::Debug for SoftMaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SoftMaker").finish_non_exhaustive()
    }
}

/// Authenticators that share a key and a certificate, which signs for what they make.
#[derive(Debug)]
pub struct Batch {
    key: KeyPair,
    chain: Vec<Vec<u8>>,
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

impl SoftMaker {
    /// A maker of this name.
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        Self { authority: CertifiedIssuer::self_signed(authority(name), key).expect("a certificate") }
    }

    /// The certificate of its authority.
    pub fn root(&self) -> String {
        self.authority.pem()
    }

    /// Under which a key that it vouches for names it: SHA-256 of that certificate.
    pub fn fingerprint(&self) -> String {
        HEXLOWER.encode(&Sha256::digest(self.authority.der()))
    }

    /// A batch whose certificate names this AAGUID, or none, and ends with this year.
    pub fn batch(&self, aaguid: Option<[u8; 16]>, year: i32) -> Batch {
        let (key, params) = (KeyPair::generate().expect("a key"), batch(aaguid, year));
        let certificate = params.signed_by(&key, &self.authority).expect("a certificate");
        Batch { key, chain: vec![certificate.der().to_vec()] }
    }

    /// The same, where an authority in between has signed, and the maker's own stands at the end of the chain.
    pub fn batch_by_subsidiary(&self, aaguid: Option<[u8; 16]>, year: i32) -> Batch {
        let between = KeyPair::generate().expect("a key");
        let between = CertifiedIssuer::signed_by(authority("Subsidiary"), between, &self.authority).expect("signs");
        let (key, params) = (KeyPair::generate().expect("a key"), batch(aaguid, year));
        let certificate = params.signed_by(&key, &between).expect("a certificate");
        Batch { key, chain: vec![certificate.der().to_vec(), between.der().to_vec(), self.authority.der().to_vec()] }
    }
}

fn batch(aaguid: Option<[u8; 16]>, year: i32) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for (kind, text) in [
        (DnType::CountryName, "SE"),
        (DnType::OrganizationName, "Soft Keys"),
        (DnType::OrganizationalUnitName, "Authenticator Attestation"),
        (DnType::CommonName, "Soft Key Batch 1"),
    ] {
        params.distinguished_name.push(kind, text);
    }
    params.is_ca = IsCa::ExplicitNoCa;
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(year, 12, 31));
    if let Some(aaguid) = aaguid {
        // An OCTET STRING in the one that every extension is.
        let content = [&[0x04, 16], aaguid.as_slice()].concat();
        params.custom_extensions = vec![CustomExtension::from_oid_content(&AAGUID, content)];
    }
    params
}

impl Batch {
    /// Its certificate, which is no authority's.
    pub fn pem(&self) -> String {
        let body = BASE64.encode(&self.chain[0]);
        let lines: Vec<&str> = body.as_bytes().chunks(64).filter_map(|line| str::from_utf8(line).ok()).collect();
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
    }

    fn x5c(&self) -> Cbor {
        Cbor::Array(self.chain.iter().cloned().map(Cbor::Bytes).collect())
    }

    fn sign(&self, message: &[u8]) -> Cbor {
        Cbor::Bytes(self.key.sign(message).expect("signs"))
    }

    /// Vouches for a key in the format `packed`.
    pub fn packed(&self, making: &Making<'_>) -> Statement {
        let signature = self.sign(&[making.auth_data, &making.client_data_hash].concat());
        ("packed", parts([("alg", Cbor::Integer(-7)), ("sig", signature), ("x5c", self.x5c())]))
    }

    /// Vouches for a key in the format `fido-u2f`.
    pub fn u2f(&self, making: &Making<'_>) -> Statement {
        let signature = self.sign(&making.key.u2f_message(&making.client_data_hash));
        ("fido-u2f", parts([("sig", signature), ("x5c", self.x5c())]))
    }
}

fn parts<const N: usize>(parts: [(&str, Cbor); N]) -> Cbor {
    Cbor::Map(parts.into_iter().map(|(name, part)| (Cbor::Text(name.to_owned()), part)).collect())
}
