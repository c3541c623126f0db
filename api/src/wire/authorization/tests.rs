//! Requests good and bad, one rule a test, and a property over all of them.

use actors::domain::assurance::REFEDS_MFA;
use proptest::prelude::*;
use schema::record::{ClientAuth, SigningAlg, Unknown};

use super::*;
use crate::wire::redirect_uri::with_query;

const URI: &str = "https://app.example/cb?tenant=1";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const HINT: &str = "a.token.of-ours";

fn client(public: bool) -> Client {
    Client {
        client: "c_app".parse().expect("a client id"),
        name: "App".to_owned(),
        redirect_uris: vec![URI.to_owned()],
        post_logout_redirect_uris: Vec::new(),
        scopes: ["openid", "profile"].map(str::to_owned).into(),
        auth: if public { ClientAuth::None } else { ClientAuth::Secret { secrets: Vec::new() } },
        trusted: false,
        require_pkce: false,
        id_token_alg: SigningAlg::RS256,
        created_at: Timestamp::default(),
        unknown: Unknown::default(),
    }
}

fn user() -> UserId {
    UserId::from_random([7; 16])
}

fn judge(client: &Client, params: &Params) -> Result<AuthorizationRequest, Refusal> {
    let hint = |token: &str| (token == HINT).then(user);
    let (now, highest) = (Timestamp::from_millis(1_000), Acr::PhishingResistant);
    Judge { client, policies: &[], now, highest, hint: &hint }.parse(params)
}

/// The request of a confidential client, with parameters replaced (`None` takes one away) or added.
fn request(changes: &[(&str, Option<&str>)]) -> Params {
    let mut params: Vec<(&str, &str)> = vec![
        ("client_id", "c_app"),
        ("redirect_uri", URI),
        ("response_type", "code"),
        ("scope", "openid"),
        ("state", "s 1"),
    ];
    for (name, value) in changes {
        params.retain(|(known, _)| known != name);
        params.extend(value.map(|value| (*name, value)));
    }
    let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    Params::from_urlencoded(encoded.as_bytes()).expect("reads")
}

fn good(changes: &[(&str, Option<&str>)]) -> AuthorizationRequest {
    judge(&client(false), &request(changes)).expect("a good request")
}

/// The error that goes back to the client.
fn bad(changes: &[(&str, Option<&str>)]) -> OAuthError {
    match judge(&client(false), &request(changes)) {
        Err(Refusal::Client(_, error)) => error,
        other => panic!("{changes:?}: {other:?}"),
    }
}

fn page(params: &Params) -> PageProblem {
    let problem = client_id(params).map_err(Refusal::Page).and_then(|_| judge(&client(false), params));
    match problem {
        Err(Refusal::Page(problem)) => problem,
        other => panic!("{params:?}: {other:?}"),
    }
}

#[test]
fn a_plain_request_is_read() {
    let read = good(&[]);
    assert_eq!(read.client.as_str(), "c_app");
    assert_eq!(read.state.as_deref(), Some("s 1"));
    assert_eq!(read.mode, ResponseMode::Query);
    assert!(read.challenge.is_none() && read.nonce.is_none() && !read.silent);
    let text = serde_json::to_string(&read).expect("serialises");
    assert_eq!(serde_json::from_str::<AuthorizationRequest>(&text).expect("reads back"), read);
}

#[test]
fn a_bad_client_or_redirect_uri_is_never_redirected() {
    assert_eq!(page(&request(&[("client_id", None)])), PageProblem::NoClient);
    assert_eq!(page(&request(&[("client_id", Some("a b"))])), PageProblem::UnknownClient);
    assert_eq!(page(&request(&[("redirect_uri", None)])), PageProblem::NoRedirectUri);
    for other in ["https://app.example/cb", "https://app.example/cb?tenant=1&x=1", "https://evil.example/"] {
        assert_eq!(page(&request(&[("redirect_uri", Some(other))])), PageProblem::UnregisteredRedirectUri);
    }
    for name in ["client_id", "redirect_uri"] {
        let text = format!("client_id=c_app&redirect_uri=https://app.example/cb?tenant=1&response_type=code&{name}=x");
        let params = Params::from_urlencoded(text.as_bytes()).expect("reads");
        assert_eq!(page(&params), PageProblem::Repeated(name));
    }
}

#[test]
fn each_error_goes_back_with_its_code() {
    use ErrorCode::*;
    let long = "x".repeat(3000);
    let cases: [(&str, Option<&str>, ErrorCode); 22] = [
        ("response_type", None, InvalidRequest),
        ("response_type", Some("token"), UnsupportedResponseType),
        ("response_type", Some("code id_token"), UnsupportedResponseType),
        ("response_mode", Some("fragment"), InvalidRequest),
        ("scope", None, InvalidScope),
        ("scope", Some("\"openid\""), InvalidScope),
        ("scope", Some("address phone"), InvalidScope),
        ("prompt", Some("none login"), InvalidRequest),
        ("prompt", Some("shout"), InvalidRequest),
        ("max_age", Some("-1"), InvalidRequest),
        ("max_age", Some("+1"), InvalidRequest),
        ("max_age", Some("1.5"), InvalidRequest),
        ("max_age", Some("99999999999999999999"), InvalidRequest),
        ("state", Some(&long), InvalidRequest),
        ("nonce", Some(&long), InvalidRequest),
        ("claims", Some("["), InvalidRequest),
        ("claims", Some(r#"{"id_token":{"acr":{"essential":true,"value":"x"}}}"#), UnmetAuthenticationRequirements),
        ("id_token_hint", Some("not.ours.x"), InvalidRequest),
        ("request", Some("e.y.J"), RequestNotSupported),
        ("request_uri", Some("https://x"), RequestUriNotSupported),
        ("registration", Some("{}"), RegistrationNotSupported),
        ("code_challenge_method", Some("S256"), InvalidRequest),
    ];
    for (name, value, code) in cases {
        let error = bad(&[(name, value)]);
        assert_eq!(error.code, code, "{name}={value:?}");
        let names = error.description.contains(name.split('_').next().unwrap_or(name));
        assert!(names, "{name}: {}", error.description);
    }
}

#[test]
fn pkce_is_s256_and_required_where_the_client_says_so() {
    for (challenge, method) in [
        (CHALLENGE, None),
        (CHALLENGE, Some("plain")),
        (CHALLENGE, Some("s256")),
        ("short", Some("S256")),
        ("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM", Some("S256")),
    ] {
        let error = bad(&[("code_challenge", Some(challenge)), ("code_challenge_method", method)]);
        assert_eq!(error.code, ErrorCode::InvalidRequest, "{challenge} {method:?}");
    }
    let announced = [("code_challenge", Some(CHALLENGE)), ("code_challenge_method", Some("S256"))];
    assert_eq!(good(&announced).challenge.as_deref(), Some(CHALLENGE));
    let switched = Client { require_pkce: true, ..client(false) };
    for client in [client(true), switched] {
        assert!(matches!(judge(&client, &request(&[])), Err(Refusal::Client(..))));
        assert!(judge(&client, &request(&announced)).is_ok());
    }
}

#[test]
fn scopes_that_the_client_may_not_ask_for_are_left_out() {
    let all = good(&[("scope", Some("phone profile address openid email"))]);
    assert_eq!(scope::join(&all.scopes), "openid profile");
}

#[test]
fn what_is_demanded_of_the_session_is_kept() {
    let read = good(&[("prompt", Some("consent login")), ("max_age", Some("60")), ("id_token_hint", Some(HINT))]);
    let wanted = &read.requirement;
    assert!(wanted.login && wanted.consent && !read.silent);
    assert_eq!((wanted.max_age, wanted.subject), (Some(60), Some(user())));
    assert!(good(&[("prompt", Some("select_account"))]).requirement.login);
    assert!(good(&[("max_age", Some("0"))]).requirement.login);
    assert!(good(&[("prompt", Some("none"))]).silent);
    let claims = r#"{"id_token":{"acr":{"essential":true,"value":"urn:doorward:acr:mfa"}}}"#;
    assert_eq!(good(&[("claims", Some(claims))]).requirement.acr, Some(Acr::Mfa));
    let values = ("acr_values", Some("urn:other phrh phr urn:doorward:acr:mfa phr urn:doorward:acr:2step"));
    assert_eq!(good(&[values]).requirement.prefers, [Acr::PhishingResistant, Acr::Mfa, Acr::TwoStep]);
    let silent = good(&[values, ("prompt", Some("none"))]).requirement;
    assert_eq!(silent.prefers, [], "nobody is asked");
    assert_eq!(
        silent.acr_values,
        ["phr", Acr::Mfa.as_str(), Acr::TwoStep.as_str()],
        "what there is is told in these words"
    );
}

#[test]
fn values_of_acr_are_kept_as_they_came_with_what_is_demanded_first() {
    let values = ("acr_values", Some("urn:doorward:acr:mfa https://refeds.org/profile/mfa phr"));
    let voluntary = r#"{"id_token":{"acr":{"values":["phr","urn:doorward:acr:2step"]}}}"#;
    let read = good(&[values, ("claims", Some(voluntary))]).requirement;
    assert_eq!((read.acr, read.prefers), (None, vec![Acr::Mfa, Acr::PhishingResistant, Acr::TwoStep]));
    assert_eq!(read.acr_values, [Acr::Mfa.as_str(), REFEDS_MFA, "phr", Acr::TwoStep.as_str()]);
    let silent = good(&[("claims", Some(voluntary)), ("prompt", Some("none"))]).requirement;
    assert_eq!((silent.acr, silent.prefers), (None, Vec::new()), "it does not fail for what is preferred");
    let essential = r#"{"id_token":{"acr":{"essential":true,"values":["phr","https://refeds.org/profile/mfa"]}}}"#;
    let read = good(&[values, ("claims", Some(essential))]).requirement;
    assert_eq!((read.acr, read.prefers), (Some(Acr::Mfa), vec![Acr::Mfa, Acr::PhishingResistant]));
    assert_eq!(read.acr_values, ["phr", REFEDS_MFA, Acr::Mfa.as_str()]);
}

#[test]
fn what_nobody_knows_is_ignored() {
    let read = good(&[
        ("extra", Some("foobar")),
        ("display", Some("popup")),
        ("ui_locales", Some("se")),
        ("claims_locales", Some("se")),
        ("acr_values", Some("1 2")),
        ("claims", Some(r#"{"userinfo":{"name":{"essential":true}}}"#)),
        ("login_hint", Some("buffy@id.example")),
    ]);
    assert_eq!(read.login_hint.as_deref(), Some("buffy@id.example"));
    assert_eq!(read.ui_locales.as_deref(), Some("se"), "whether it is one of ours shows where a page is made");
    assert_eq!(good(&[("ui_locales", Some(&"de ".repeat(40)))]).ui_locales, None);
    assert_eq!((read.requirement.acr, read.requirement.prefers), (None, Vec::new()));
}

#[test]
fn a_repetition_is_told_to_the_client_without_the_state_that_it_concerns() {
    let text = "client_id=c_app&redirect_uri=https://app.example/cb?tenant%3D1&response_type=code&state=1&state=2";
    let params = Params::from_urlencoded(text.as_bytes()).expect("reads");
    match judge(&client(false), &params) {
        Err(Refusal::Client(return_to, error)) => {
            assert_eq!((return_to.state, error.code), (None, ErrorCode::InvalidRequest));
        }
        other => panic!("{other:?}"),
    }
}

fn value() -> impl Strategy<Value = String> {
    let known = [
        "",
        URI,
        "https://evil.example",
        "c_app",
        "code",
        "openid",
        "none",
        "login",
        "S256",
        CHALLENGE,
        HINT,
        "{}",
        "0",
        "form_post",
        "query",
    ];
    prop_oneof![3 => proptest::sample::select(known.to_vec()).prop_map(str::to_owned), 1 => any::<String>()]
}

fn name() -> impl Strategy<Value = String> {
    let known = [
        "client_id",
        "redirect_uri",
        "response_type",
        "response_mode",
        "scope",
        "state",
        "nonce",
        "prompt",
        "max_age",
        "claims",
        "id_token_hint",
        "login_hint",
        "code_challenge",
        "code_challenge_method",
        "request",
        "acr_values",
    ];
    prop_oneof![9 => proptest::sample::select(known.to_vec()).prop_map(str::to_owned), 1 => any::<String>()]
}

proptest! {
    #[test]
    fn no_request_leads_to_an_address_that_is_not_registered(
        pairs in proptest::collection::vec((name(), value()), 0..14),
        noise in proptest::collection::vec(any::<u8>(), 0..40),
        whole in any::<bool>(),
    ) {
        let base = [("client_id", "c_app"), ("redirect_uri", URI), ("response_type", "code")];
        let base = base.into_iter().filter(|_| whole).map(|(name, value)| (name.to_owned(), value.to_owned()));
        let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(base.chain(pairs)).finish();
        let bytes = [encoded.as_bytes(), b"&", &noise].concat();
        if let Ok(params) = Params::from_urlencoded(&bytes) {
            let client = client(false);
            let return_to = match judge(&client, &params) {
                Ok(read) => Some(read.return_to()),
                Err(Refusal::Client(return_to, _)) => Some(return_to),
                Err(Refusal::Page(_)) => None,
            };
            if let Some(return_to) = return_to {
                prop_assert_eq!(return_to.redirect_uri.as_str(), URI);
                let target = with_query(URI, &return_to.success("x".to_owned(), "https://id.example"));
                prop_assert!(target.starts_with("https://app.example/cb?tenant=1&code=x&"));
            }
        }
    }
}
