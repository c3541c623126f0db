//! Metadata and keys.

use actors::domain::operation::SECURITY_CHANGE;
use axum::body::Body;
use http::{Method, StatusCode};
use schema::{
    AttemptId, Commit, Kind, Operation, PartitionKey, Put, Revision, WriteSet,
    record::{Policy, PolicyScope, Record as _},
};
use serde_json::{Value, json, value::RawValue};

use super::rp::{Rp, ok};
use crate::{
    policies::{required, set},
    support::{START, TestApp},
};

const METADATA: &str = "/.well-known/openid-configuration";
const JWKS: &str = "/.well-known/jwks.json";

#[tokio::test]
async fn the_metadata_list_what_works() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    let metadata = ok(&browser.get(METADATA).await);
    assert_eq!(metadata, ok(&browser.get("/.well-known/oauth-authorization-server").await));
    assert_eq!(metadata["issuer"], "https://id.example");
    for (name, value) in [
        ("response_types_supported", json!(["code"])),
        ("response_modes_supported", json!(["query", "form_post"])),
        ("grant_types_supported", json!(["authorization_code", "refresh_token"])),
        ("subject_types_supported", json!(["public"])),
        ("id_token_signing_alg_values_supported", json!(["RS256", "ES256", "EdDSA"])),
        ("code_challenge_methods_supported", json!(["S256"])),
        ("scopes_supported", json!(["openid", "profile", "email", "offline_access"])),
        (
            "acr_values_supported",
            json!(["urn:doorward:acr:1fa", "urn:doorward:acr:2step", "urn:doorward:acr:mfa", "phr"]),
        ),
        ("request_parameter_supported", json!(false)),
        ("request_uri_parameter_supported", json!(false)),
        ("claims_parameter_supported", json!(true)),
        ("authorization_response_iss_parameter_supported", json!(true)),
    ] {
        assert_eq!(metadata[name], value, "{name}");
    }
    for name in ["registration_endpoint", "introspection_endpoint", "pushed_authorization_request_endpoint"] {
        assert!(metadata.get(name).is_none(), "{name} does not work yet");
    }
    let endpoints = metadata.as_object().expect("an object").iter();
    for (name, url) in endpoints.filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri") {
        let path = url.as_str().and_then(|url| url.strip_prefix("https://id.example")).expect("below the issuer");
        let answer = browser.get(path).await;
        assert_ne!(answer.status, StatusCode::NOT_FOUND, "{name}");
    }
}

#[tokio::test]
async fn documents_are_kept_for_minutes_and_asked_for_by_their_tags() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    for path in [METADATA, JWKS] {
        let first = browser.get(path).await;
        assert_eq!(first.headers["cache-control"], "public, max-age=300");
        assert_eq!(first.headers["content-type"], "application/json");
        let request = browser.request(Method::GET, path).header("if-none-match", &first.headers["etag"]);
        let again = browser.send(request.body(Body::empty()).expect("a request")).await;
        assert_eq!((again.status, again.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
        assert!(first.cookies().is_empty());
    }
}

#[tokio::test]
async fn keys_are_public_and_a_new_one_is_there_before_it_signs() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    let before = browser.get(JWKS).await;
    let keys = |document: &Value| document["keys"].as_array().expect("a list").clone();
    let old = keys(&ok(&before));
    for alg in ["RS256", "ES256", "EdDSA"] {
        assert!(old.iter().any(|key| key["alg"] == alg && key["use"] == "sig" && key["kid"].is_string()), "{alg}");
    }
    for key in &old {
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key.get(private).is_none(), "{private}");
        }
    }
    app.services.keys.rotate(None).await.expect("rotates");
    let after = browser.get(JWKS).await;
    let new = keys(&ok(&after));
    assert!(old.iter().all(|key| new.contains(key)));
    assert_eq!(new.len(), old.len() + 3);
    assert_ne!(before.headers["etag"], after.headers["etag"]);
}

fn operation(rp: &Rp<'_>, operation: &str) -> Policy {
    required(PolicyScope::Operation { client: Some(rp.id.clone()), operation: operation.to_owned() })
}

const OPERATIONS: &str = "authorization_details_types_supported";

#[tokio::test]
async fn the_metadata_follow_the_policies() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = app.browser();
    let before = browser.get(METADATA).await;
    assert!(ok(&before).get(OPERATIONS).is_none());
    set(&app, operation(&rp, "wire.transfer")).await;
    let after = browser.get(METADATA).await;
    assert_eq!(ok(&after)[OPERATIONS], json!(["wire.transfer"]));
    assert_ne!(before.headers["etag"], after.headers["etag"]);
    // One that registers nothing makes the same document.
    set(&app, required(PolicyScope::Everybody)).await;
    assert_eq!(browser.get(METADATA).await.headers["etag"], after.headers["etag"]);
}

/// Writes a policy that a newer version has set: no policy can be read from there on (HAZARDS H15).
async fn spoil(app: &TestApp) {
    let partition = PartitionKey::new(Kind::Policy, "mfa");
    let store = &app.services.store;
    let found = store.load(&partition, &["rule/"]).await.expect("loads");
    let scope = PolicyScope::Operation { client: None, operation: SECURITY_CHANGE.to_owned() };
    let item = format!("rule/{scope}");
    let written = required(scope).encode().expect("JSON").get().replacen('{', "{\"moon\":\"full\",", 1);
    let policy = Policy::decode(&RawValue::from_string(written).expect("JSON")).expect("reads");
    let write = WriteSet {
        partition,
        expected: found.revision,
        first: Revision::first(1),
        operation: Operation {
            id: AttemptId::from_bytes([9; 16]),
            digest: [0; 32],
            outcome: RawValue::NULL.to_owned(),
        },
        at: START,
        puts: vec![Put::record(item, &policy, None)],
        deletes: Vec::new(),
        partition_expires_at: None,
        note_dirty: false,
    };
    assert!(matches!(store.commit(write).await, Ok(Commit::Committed(_))));
}

#[tokio::test]
async fn metadata_outlive_policies_that_cannot_be_read() {
    let app = TestApp::new().await;
    let rp = Rp::new(&app).await;
    let mut browser = app.browser();
    let (transfer, order) = (operation(&rp, "wire.transfer"), operation(&rp, "order"));
    set(&app, transfer).await;
    set(&app, order.clone()).await;
    let last = browser.get(METADATA).await;
    spoil(&app).await;
    // What was in memory is forgotten with the change.
    assert!(app.services.policies.remove(&order.scope).await.expect("removes"));
    assert!(app.services.policies.all().await.is_err(), "they cannot be read");
    let now = browser.get(METADATA).await;
    assert_eq!(ok(&now), ok(&last));
    assert_eq!(now.headers["etag"], last.headers["etag"]);
}

#[tokio::test]
async fn metadata_that_do_not_depend_on_policies_are_told_from_the_start_and_kept_by_nobody() {
    let app = TestApp::new().await;
    spoil(&app).await;
    let mut browser = app.browser();
    for path in [METADATA, "/.well-known/oauth-authorization-server"] {
        let answer = browser.get(path).await;
        assert_eq!(ok(&answer)["token_endpoint"], "https://id.example/oauth/token");
        assert!(ok(&answer).get(OPERATIONS).is_none());
        assert_eq!(answer.headers["cache-control"], "no-store", "it may lack operations");
        assert!(answer.headers.get("etag").is_none());
    }
}
