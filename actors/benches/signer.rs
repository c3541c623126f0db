//! What a token costs beside its bare signature: both over the same bytes, with the same key, in the same run.

use std::{hint::black_box, time::Duration};

use actors::signer::{ParsedKey, SigningKeyPair};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use criterion::{Criterion, criterion_group, criterion_main};
use schema::record::SigningAlg;
use serde_json::{Value, json};

/// Claims of an access token (RFC 9068).
fn claims() -> Value {
    json!({
        "iss": "https://id.example.org", "sub": "6e8bc430-9c3a-4d9b-9b1f-0d2f5f0f6f0a", "aud": "c_app", "client_id": "c_app",
        "exp": 1_790_000_300, "iat": 1_790_000_000, "auth_time": 1_789_999_990, "acr": "urn:doorward:acr:mfa",
        "jti": "mfrggzdfmztwq2lknnwg23tpoa", "sid": "mfrggzdfmztwq2lknnwg23tpob", "scope": "openid profile email",
        "amr": ["pwd", "otp", "mfa"],
    })
}

type Sign = Box<dyn Fn(&[u8]) -> Vec<u8>>;

/// Signs bytes with a key parsed once, and nothing else.
fn bare(alg: SigningAlg, pkcs8: &[u8]) -> Sign {
    let random = SystemRandom::new();
    match alg {
        SigningAlg::RS256 => {
            let key = RsaKeyPair::from_pkcs8(pkcs8).expect("an RSA key");
            Box::new(move |message| {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).expect("signs");
                signature
            })
        }
        SigningAlg::ES256 => {
            let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).expect("a P-256 key");
            Box::new(move |message| key.sign(&random, message).expect("signs").as_ref().to_vec())
        }
        SigningAlg::EdDSA => {
            let key = Ed25519KeyPair::from_pkcs8(pkcs8).expect("an Ed25519 key");
            Box::new(move |message| key.sign(message).as_ref().to_vec())
        }
    }
}

fn sign(criterion: &mut Criterion) {
    let claims = claims();
    for alg in [SigningAlg::RS256, SigningAlg::ES256, SigningAlg::EdDSA] {
        let pair = SigningKeyPair::generate(alg).expect("a key");
        let key = ParsedKey::from_pkcs8(pair.kid.clone(), alg, pair.pkcs8.expose()).expect("parses");
        let token = key.sign_jwt("at+jwt", &claims).expect("signs");
        let message = token.rsplit_once('.').expect("three parts").0.as_bytes().to_vec();
        let bare = bare(alg, pair.pkcs8.expose());
        let mut group = criterion.benchmark_group(format!("{alg:?}"));
        group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
        group.bench_function("bare signature", |b| b.iter(|| bare(black_box(&message))));
        group.bench_function("token", |b| b.iter(|| key.sign_jwt("at+jwt", black_box(&claims))));
        group.finish();
    }
}

criterion_group!(benches, sign);
criterion_main!(benches);
