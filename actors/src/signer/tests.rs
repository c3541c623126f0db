//! Tokens, signed with each algorithm and verified as RFC 8725 asks.

use data_encoding::BASE64URL_NOPAD;
use schema::{Timestamp, record::SigningAlg};
use serde_json::{Value, json};
use std::{sync::LazyLock, time::Duration};

use super::*;

const ISSUER: &str = "https://id.example.org";
const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

struct Fixture {
    key: ParsedKey,
    pair: SigningKeyPair,
    public: PublicKeys,
}

fn fixture(alg: SigningAlg) -> Fixture {
    let pair = SigningKeyPair::generate(alg).expect("a key");
    let key = ParsedKey::from_pkcs8(pair.kid.clone(), alg, pair.pkcs8.expose()).expect("parses");
    let public = [PublicKey::from_jwk(&pair.public_jwk.to_string()).expect("a JWK")].into_iter().collect();
    Fixture { key, pair, public }
}

/// Generating RSA keys is slow without optimisation, so most tests share one key that is fast.
static ES256: LazyLock<Fixture> = LazyLock::new(|| fixture(SigningAlg::ES256));

fn claims() -> Value {
    json!({ "iss": ISSUER, "aud": "c_app", "sub": "u1", "exp": NOW.as_secs() + 300, "iat": NOW.as_secs() })
}

fn expected() -> Expected<'static> {
    Expected {
        typ: "at+jwt",
        issuer: ISSUER,
        audience: Some(&["c_app"]),
        now: Some(NOW),
        leeway: Duration::from_secs(5),
    }
}

fn verify(token: &str, expected: &Expected<'_>) -> Result<Value, VerifyError> {
    verify_jwt(token, &ES256.public, expected)
}

fn signed(claims: &Value) -> String {
    ES256.key.sign_jwt("at+jwt", claims).expect("signs")
}

/// The token with another header.
fn with_header(token: &str, header: &Value) -> String {
    let (_, rest) = token.split_once('.').expect("three parts");
    format!("{}.{rest}", BASE64URL_NOPAD.encode(header.to_string().as_bytes()))
}

#[test]
fn each_algorithm_signs_what_its_public_key_verifies() {
    for (alg, name) in [(SigningAlg::RS256, "RS256"), (SigningAlg::ES256, "ES256"), (SigningAlg::EdDSA, "EdDSA")] {
        let fixture = fixture(alg);
        let token = fixture.key.sign_jwt("at+jwt", &claims()).expect("signs");
        let header = BASE64URL_NOPAD.decode(token.split('.').next().expect("a header").as_bytes()).expect("base64url");
        let header: Value = serde_json::from_slice(&header).expect("JSON");
        assert_eq!(header, json!({ "typ": "at+jwt", "alg": name, "kid": fixture.pair.kid }));
        let read: Value = verify_jwt(&token, &fixture.public, &expected()).expect("verifies");
        assert_eq!(read, claims());
        assert_eq!(fixture.pair.public_jwk["alg"], name);
        assert_eq!(fixture.pair.public_jwk["use"], "sig");
        assert!(fixture.pair.public_jwk.get("d").is_none());
    }
}

#[test]
fn a_kid_is_the_thumbprint_of_the_key() {
    // The example of RFC 7638, 3.1, and that of RFC 8037, A.3.
    let rsa = json!({ "kty": "RSA", "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw", "e": "AQAB" });
    assert_eq!(key::thumbprint(&rsa), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    let ed = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    assert_eq!(key::thumbprint(&ed), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn the_token_does_not_choose_its_algorithm() {
    let token = signed(&claims());
    let kid = &ES256.pair.kid;
    for alg in ["HS256", "RS256", "EdDSA"] {
        let forged = with_header(&token, &json!({ "typ": "at+jwt", "alg": alg, "kid": kid }));
        assert_eq!(verify(&forged, &expected()), Err(VerifyError::WrongAlgorithm), "{alg}");
    }
    let none = with_header(&token, &json!({ "typ": "at+jwt", "alg": "none", "kid": kid }));
    assert_eq!(verify(&none, &expected()), Err(VerifyError::Malformed));
    let (unsigned, _) = none.rsplit_once('.').expect("three parts");
    assert_eq!(verify(&format!("{unsigned}."), &expected()), Err(VerifyError::Malformed));
}

#[test]
fn unknown_keys_and_changed_tokens_are_refused() {
    let token = signed(&claims());
    let unknown = with_header(&token, &json!({ "typ": "at+jwt", "alg": "ES256", "kid": "other" }));
    assert_eq!(verify(&unknown, &expected()), Err(VerifyError::UnknownKey));
    let nameless = with_header(&token, &json!({ "typ": "at+jwt", "alg": "ES256" }));
    assert_eq!(verify(&nameless, &expected()), Err(VerifyError::UnknownKey));
    let critical = json!({ "typ": "at+jwt", "alg": "ES256", "kid": ES256.pair.kid, "crit": ["b64"], "b64": false });
    assert_eq!(verify(&with_header(&token, &critical), &expected()), Err(VerifyError::Malformed));

    let parts: Vec<_> = token.split('.').collect();
    let other = BASE64URL_NOPAD.encode(claims().to_string().replace("u1", "u2").as_bytes());
    assert_eq!(verify(&[parts[0], &other, parts[2]].join("."), &expected()), Err(VerifyError::BadSignature));
    assert_eq!(verify(&[parts[0], parts[1], ""].join("."), &expected()), Err(VerifyError::BadSignature));
    for broken in ["", "a.b", "a.b.c", &format!("{token}.x"), &format!("x.{token}")] {
        assert_eq!(verify(broken, &expected()), Err(VerifyError::Malformed), "{broken}");
    }
}

#[test]
fn type_issuer_and_audience_must_be_the_expected_ones() {
    let token = signed(&claims());
    assert_eq!(verify(&token, &Expected { typ: "jwt", ..expected() }), Err(VerifyError::WrongType));
    assert_eq!(verify(&token, &Expected { issuer: "https://other", ..expected() }), Err(VerifyError::WrongIssuer));
    assert_eq!(verify(&token, &Expected { audience: Some(&["c_x"]), ..expected() }), Err(VerifyError::WrongAudience));
    assert!(verify(&token, &Expected { audience: None, ..expected() }).is_ok());

    let mut many = claims();
    many["aud"] = json!(["c_x", "c_app"]);
    assert!(verify(&signed(&many), &expected()).is_ok());
    let mut absent = claims();
    absent.as_object_mut().expect("an object").remove("aud");
    assert_eq!(verify(&signed(&absent), &expected()), Err(VerifyError::WrongAudience));

    let id_token = ES256.key.sign_jwt("JWT", &claims()).expect("signs");
    assert!(verify(&id_token, &Expected { typ: "jwt", ..expected() }).is_ok());
    let long = ES256.key.sign_jwt("application/at+jwt", &claims()).expect("signs");
    assert!(verify(&long, &expected()).is_ok());
}

#[test]
fn time_is_judged_by_the_callers_clock_and_within_the_leeway() {
    let at = |seconds: u64| Some(NOW.after(Duration::from_secs(seconds)));
    let token = signed(&claims());
    assert!(verify(&token, &Expected { now: at(304), ..expected() }).is_ok());
    assert_eq!(verify(&token, &Expected { now: at(305), ..expected() }), Err(VerifyError::NotNow));
    assert!(verify(&token, &Expected { now: None, ..expected() }).is_ok());

    let mut early = claims();
    early["nbf"] = json!(NOW.as_secs() + 60);
    assert_eq!(verify(&signed(&early), &Expected { now: at(54), ..expected() }), Err(VerifyError::NotNow));
    assert!(verify(&signed(&early), &Expected { now: at(55), ..expected() }).is_ok());

    let mut endless = claims();
    endless.as_object_mut().expect("an object").remove("exp");
    assert_eq!(verify(&signed(&endless), &expected()), Err(VerifyError::Claims));
}

#[test]
fn keys_of_another_algorithm_are_refused_and_errors_say_nothing_of_them() {
    let pair = &ES256.pair;
    let wrong = ParsedKey::from_pkcs8(pair.kid.clone(), SigningAlg::EdDSA, pair.pkcs8.expose());
    assert_eq!(wrong.err(), Some(SignerError::PrivateKey));
    let mut jwk = pair.public_jwk.clone();
    jwk["alg"] = json!("RS256");
    assert_eq!(PublicKey::from_jwk(&jwk.to_string()).err(), Some(SignerError::PublicKey));
    for bad in ["", "{}", r#"{"kid":"k","alg":"ES256","kty":"oct","k":"AAAA"}"#] {
        assert_eq!(PublicKey::from_jwk(bad).err(), Some(SignerError::PublicKey), "{bad}");
    }
    assert!(!format!("{:?}{:?}", ES256.key, ES256.pair).contains("PRIVATE"));
    assert_eq!(ES256.key.sign_jwt("JWT", &"no object"), Err(SignerError::Claims));
}
