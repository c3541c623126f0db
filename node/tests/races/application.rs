//! An application that people sign in to.

use std::{net::SocketAddr, process::Command};

use serde_json::Value;
use url::Url;

use crate::{
    browser::{Browser, encoded},
    http::{Answer, Gone, Request},
    support,
};

const REDIRECT_URI: &str = "https://app.example/callback";

/// A registered client with a secret, trusted, so that nobody is asked for consent.
#[derive(Clone, Debug)]
pub(crate) struct Application {
    id: String,
    secret: String,
}

impl Application {
    /// Registers it by command line, at the server that runs in the program's folder.
    pub(crate) fn register(program: &mut Command) -> Self {
        let line = ["client", "create", "--name", "Shop", "--redirect-uri", REDIRECT_URI, "--trusted"];
        let created = support::json_of(program, &[&line[..], &["--output", "json"]].concat());
        let text = |name: &str| created[name].as_str().expect("in the output").to_owned();
        Self { id: text("client_id"), secret: text("client_secret") }
    }

    /// Its `client_id`.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// It knows another secret from now on.
    pub(crate) fn set_secret(&mut self, secret: &str) {
        secret.clone_into(&mut self.secret);
    }

    /// Where it sends people to sign in.
    fn authorization(&self) -> String {
        let query = encoded([
            ("response_type", "code"),
            ("client_id", &self.id),
            ("redirect_uri", REDIRECT_URI),
            ("scope", "openid profile email"),
            ("state", "s"),
        ]);
        format!("/oauth/authorize?{query}")
    }

    /// The request that gets a code for somebody who is signed in.
    pub(crate) fn authorized(&self, browser: &Browser) -> Request {
        browser.request(&self.authorization(), None)
    }

    /// A code for somebody who is signed in.
    #[track_caller]
    pub(crate) fn code(&self, browser: &mut Browser) -> Result<String, Gone> {
        let answer = browser.open(&self.authorization())?;
        let to = answer.location().unwrap_or_else(|| panic!("no redirect: {answer}"));
        let to = Url::parse(to).expect("an address");
        let code = to.query_pairs().find(|(name, _)| name == "code");
        Ok(code.unwrap_or_else(|| panic!("no code: {to}")).1.into_owned())
    }

    /// The request that redeems a code.
    pub(crate) fn redemption(&self, code: &str) -> Request {
        self.token(&[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT_URI)])
    }

    /// The request that uses a refresh token.
    pub(crate) fn refresh(&self, token: &str) -> Request {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    /// The request that revokes a token.
    pub(crate) fn revocation(&self, token: &str) -> Request {
        self.request("/oauth/revoke", &[("token", token)])
    }

    fn token(&self, fields: &[(&str, &str)]) -> Request {
        self.request("/oauth/token", fields)
    }

    fn request(&self, path: &str, fields: &[(&str, &str)]) -> Request {
        let own = [("client_id", self.id.as_str()), ("client_secret", &self.secret)];
        let form = encoded(own.into_iter().chain(fields.iter().copied()));
        Request::new(path, &[], Some(&form))
    }
}

/// What the token endpoint gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Tokens {
    /// The tokens of an answer, if it gave any; every other answer must say `invalid_grant`.
    #[track_caller]
    pub(crate) fn of(answer: &Answer) -> Option<Self> {
        let body: Value = serde_json::from_str(&answer.body).expect("JSON");
        if answer.status != 200 {
            assert_eq!((answer.status, &body["error"]), (400, &"invalid_grant".into()), "{body}");
            return None;
        }
        let text = |name: &str| body[name].as_str().expect("in the answer").to_owned();
        Some(Self { access: text("access_token"), refresh: text("refresh_token") })
    }

    /// The request that asks who signed in.
    pub(crate) fn userinfo(&self) -> Request {
        let bearer = format!("Bearer {}", self.access);
        Request::new("/oauth/userinfo", &[("Authorization", &bearer)], None)
    }

    /// Does the server still answer to the access token?
    pub(crate) fn live(&self, site: SocketAddr) -> bool {
        let answer = self.userinfo().served(site).expect("an answer");
        assert!([200, 401].contains(&answer.status), "{answer}");
        answer.status == 200
    }
}
