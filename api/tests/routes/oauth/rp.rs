//! An application that signs people in through the server, and what it reads in answers.

use std::collections::BTreeMap;

use actors::clients::NewClient;
use axum::body::Body;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use http::{Method, StatusCode, header};
use schema::{ClientId, record::SigningAlg};
use serde_json::Value;
use url::form_urlencoded;

use crate::support::{Answer, Browser, PASSWORD, TestApp, encode};

/// The pair of RFC 7636, appendix B.
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// What [`VERIFIER`] stands for.
pub(super) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// With the challenge of [`VERIFIER`].
pub(super) const PKCE: [(&str, &str); 2] = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];

/// Where applications of these tests are.
pub(crate) const CALLBACK: &str = "https://app.example/cb";
/// Where they want browsers after a sign-out.
pub(super) const GOODBYE: &str = "https://app.example/bye";

/// Parameters or fields; an empty value takes one away.
pub(crate) type Pairs<'a> = &'a [(&'a str, &'a str)];

/// A registered application.
pub(crate) struct Rp<'a> {
    pub(super) app: &'a TestApp,
    pub(crate) id: ClientId,
    pub(super) secret: Option<String>,
}

impl<'a> Rp<'a> {
    /// A confidential client of the operator's own, with changes.
    pub(crate) async fn with(app: &'a TestApp, change: impl FnOnce(&mut NewClient)) -> Self {
        let mut new = NewClient {
            name: "Photos".to_owned(),
            redirect_uris: vec![CALLBACK.to_owned()],
            post_logout_redirect_uris: vec![GOODBYE.to_owned()],
            scope: "openid profile email offline_access".to_owned(),
            public: false,
            trusted: true,
            require_pkce: false,
            id_token_alg: SigningAlg::RS256,
        };
        change(&mut new);
        let (client, secret) = app.services.clients.create(new).await.expect("registers");
        Self { app, id: client.client, secret: secret.map(|secret| secret.expose().clone()) }
    }

    /// A confidential client of the operator's own.
    pub(crate) async fn new(app: &'a TestApp) -> Self {
        Self::with(app, |_| {}).await
    }

    /// The parameters of an authorization request, with changes.
    pub(crate) fn asks(&self, changes: Pairs<'_>) -> String {
        let id = self.id.to_string();
        let base = [
            ("client_id", id.as_str()),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid"),
            ("state", "s&1"),
            ("nonce", "n-1"),
        ];
        changed(&base, changes)
    }

    /// The path of an authorization request.
    pub(crate) fn path(&self, changes: Pairs<'_>) -> String {
        format!("/oauth/authorize?{}", self.asks(changes))
    }

    /// A code for whoever is signed in.
    pub(crate) async fn code(&self, browser: &mut Browser<'_>, changes: Pairs<'_>) -> String {
        let answer = browser.open(&self.path(changes)).await;
        returned(&answer).remove("code").unwrap_or_else(|| panic!("a code: {answer:?}"))
    }

    /// A form to the token endpoint, with the client's secret in it if it has one.
    pub(super) async fn post(&self, path: &str, fields: Pairs<'_>) -> Answer {
        let id = self.id.to_string();
        let base = [("client_id", id.as_str()), ("client_secret", self.secret.as_deref().unwrap_or_default())];
        send(self.app, path, &[], &changed(&base, fields)).await
    }

    /// Redeems a code.
    pub(crate) async fn redeem(&self, code: &str, changes: Pairs<'_>) -> Answer {
        let base = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
        let fields: Vec<_> = form_urlencoded::parse(changed(&base, changes).as_bytes()).into_owned().collect();
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.post("/oauth/token", &fields).await
    }

    /// Uses a refresh token.
    pub(crate) async fn refresh(&self, token: &str, more: Pairs<'_>) -> Answer {
        let base = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.post("/oauth/token", &[&base, more].concat()).await
    }

    /// Tokens for whoever is signed in.
    pub(crate) async fn tokens(&self, browser: &mut Browser<'_>, changes: Pairs<'_>) -> Value {
        let code = self.code(browser, changes).await;
        ok(&self.redeem(&code, &[]).await)
    }

    /// Signs somebody in on the login page that a request led to, and follows to the client.
    pub(super) async fn sign_in(&self, browser: &mut Browser<'_>, page: &Answer, name: &str) -> Answer {
        let led = browser.submit(page, "/login", &[("username", name), ("password", PASSWORD)]).await;
        let next = led.location().to_owned();
        browser.open(&next).await
    }

    /// The header of `client_secret_basic`.
    pub(super) fn basic(&self) -> String {
        basic(self.id.as_str(), self.secret.as_deref().unwrap_or_default())
    }
}

/// The browser of somebody who just registered.
pub(super) async fn amelia(app: &TestApp) -> Browser<'_> {
    let mut browser = app.browser();
    browser.register("amelia").await;
    browser
}

/// `Authorization: Basic`.
pub(super) fn basic(id: &str, secret: &str) -> String {
    let quoted = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", BASE64.encode(format!("{}:{}", quoted(id), quoted(secret)).as_bytes()))
}

fn changed(base: Pairs<'_>, changes: Pairs<'_>) -> String {
    let kept = base.iter().filter(|(name, _)| !changes.iter().any(|(other, _)| other == name));
    let all = kept.chain(changes).filter(|(_, value)| !value.is_empty());
    let all: Vec<_> = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    encode(&all)
}

/// A form from a program, which has no cookies.
pub(super) async fn send(app: &TestApp, path: &str, headers: Pairs<'_>, body: &str) -> Answer {
    let mut browser = app.browser();
    let mut request = browser.request(Method::POST, path);
    if !headers.iter().any(|(name, _)| *name == "content-type") {
        request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    browser.send(request.body(Body::from(body.to_owned())).expect("a well-formed request")).await
}

/// `GET /oauth/userinfo` with this token.
pub(crate) async fn userinfo(app: &TestApp, token: &str) -> Answer {
    let mut browser = app.browser();
    let request = browser.request(Method::GET, "/oauth/userinfo").header("authorization", format!("Bearer {token}"));
    browser.send(request.body(Body::empty()).expect("a well-formed request")).await
}

/// The parameters that a redirect brings to the client.
pub(crate) fn returned(answer: &Answer) -> BTreeMap<String, String> {
    let query = answer.location().strip_prefix(CALLBACK).and_then(|rest| rest.strip_prefix('?'));
    let query = query.unwrap_or_else(|| panic!("not the client: {answer:?}"));
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// The `error` that a redirect brings to the client, with `state` and `iss` beside it.
pub(super) fn error(answer: &Answer) -> String {
    let mut params = returned(answer);
    assert_eq!(params.get("state").map(String::as_str), Some("s&1"), "{params:?}");
    assert_eq!(params.get("iss").map(String::as_str), Some("https://id.example"), "{params:?}");
    assert!(!params.contains_key("code"));
    params.remove("error").unwrap_or_else(|| panic!("an error: {params:?}"))
}

/// The body of a success.
pub(crate) fn ok(answer: &Answer) -> Value {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    json(answer)
}

/// The body.
pub(super) fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("JSON: {answer:?}"))
}

/// Status and `error` of a refusal, which nobody may keep.
pub(crate) fn refused(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.headers["cache-control"], "no-store", "{answer:?}");
    (answer.status.as_u16(), text(&json(answer), "error").to_owned())
}

/// A member that is a string.
pub(crate) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

/// Header and claims of a JWT. The signature is for those who verify it.
pub(super) fn opened(token: &str) -> (Value, Value) {
    let parts: Vec<&str> = token.split('.').collect();
    let part = |index: usize| {
        let bytes = BASE64URL_NOPAD.decode(parts[index].as_bytes()).expect("base64url");
        serde_json::from_slice(&bytes).expect("JSON")
    };
    assert_eq!(parts.len(), 3);
    (part(0), part(1))
}

/// The claims of an ID token in a token response.
pub(crate) fn id_claims(tokens: &Value) -> Value {
    opened(text(tokens, "id_token")).1
}
