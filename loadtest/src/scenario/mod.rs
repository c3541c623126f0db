//! What one arrival does. One file per scenario that is more than a GET; [`World::visit`] tells them apart.

mod authorization_code;
mod login_totp;
mod refresh;
mod userinfo;

use std::{path::Path, sync::Arc};

use ::http::header;
use anyhow::{Context as _, ensure};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::{
    cli::ScenarioName,
    http::{self, Failure, Http},
    population::{self, User},
};

/// The application that people sign in to, as `doorward client create --output json` prints it.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Client {
    #[serde(rename = "client_id")]
    id: String,
    #[serde(rename = "client_secret")]
    secret: Option<String>,
    #[serde(skip)]
    pub(crate) redirect_uri: String,
}

impl Client {
    pub(crate) fn read(file: &Path, redirect_uri: &str) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        Self::parse(&text, redirect_uri).with_context(|| file.display().to_string())
    }

    pub(crate) fn parse(text: &str, redirect_uri: &str) -> anyhow::Result<Self> {
        Ok(Self { redirect_uri: redirect_uri.to_owned(), ..serde_json::from_str(text)? })
    }
}

impl Client {
    /// The path of an authorization request without PKCE, for a client that has a secret.
    pub(crate) fn authorization(&self) -> String {
        let fields = [("response_type", "code"), ("client_id", self.id.as_str()), ("redirect_uri", &self.redirect_uri)];
        format!(
            "/oauth/authorize?{}",
            http::form(fields.into_iter().chain([("scope", "openid profile"), ("state", "s")]))
        )
    }

    /// The body of a token request that redeems a code.
    pub(crate) fn redemption(&self, code: &str) -> String {
        self.grant([("grant_type", "authorization_code"), ("code", code), ("redirect_uri", &self.redirect_uri)])
    }

    /// The body of a token request that uses a refresh token.
    pub(crate) fn refreshing(&self, token: &str) -> String {
        self.grant([("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    /// The body of a request that revokes a token.
    pub(crate) fn revocation(&self, token: &str) -> String {
        self.grant([("token", token)])
    }

    fn grant<'a>(&'a self, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
        let own = [("client_id", self.id.as_str()), ("client_secret", self.secret.as_deref().unwrap_or_default())];
        http::form(own.into_iter().chain(fields))
    }
}

/// What the token endpoint answers.
#[derive(Debug, Deserialize)]
pub(crate) struct Tokens {
    pub(crate) access_token: String,
    pub(crate) refresh_token: Option<String>,
    expires_in: u64,
}

impl Tokens {
    /// The tokens in the body of an answer, if it has some.
    pub(crate) fn read(body: &str) -> Option<Self> {
        serde_json::from_str(body).ok()
    }
}

/// Everything that visits share.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) http: Http,
    pub(crate) scenario: ScenarioName,
    pub(crate) client: Client,
    pub(crate) users: Vec<Arc<User>>,
    pub(crate) seed: u64,
}

impl World {
    /// Does what arrival `index` does.
    pub(crate) async fn visit(&self, index: usize) -> Result<(), Failure> {
        match self.scenario {
            ScenarioName::LoginTotp => self.login_totp(self.user(index), index).await.map(drop),
            ScenarioName::AuthorizationCode => self.authorization_code(self.user(index), index).await.map(drop),
            ScenarioName::Refresh => self.refresh(self.user(index)).await,
            ScenarioName::Userinfo => self.userinfo(self.user(index)).await,
            ScenarioName::Discovery => self.get("/.well-known/openid-configuration").await,
            ScenarioName::Jwks => self.get("/.well-known/jwks.json").await,
        }
    }

    /// Gives every user tokens, where the scenario begins with some.
    pub(crate) async fn prepare(&self, seconds: u64) -> anyhow::Result<()> {
        if !matches!(self.scenario, ScenarioName::Refresh | ScenarioName::Userinfo) {
            return Ok(());
        }
        for (index, user) in self.users.iter().enumerate() {
            let tokens = self.authorization_code(user, usize::MAX - index).await?;
            ensure!(
                self.scenario == ScenarioName::Refresh || tokens.expires_in > seconds,
                "--seconds: access tokens are good for {} s only",
                tokens.expires_in
            );
            *user.tokens.lock().await = Some(tokens);
        }
        Ok(())
    }

    fn user(&self, index: usize) -> &User {
        &self.users[index % self.users.len()]
    }

    async fn get(&self, path: &'static str) -> Result<(), Failure> {
        let answer = self.http.send("get", path, &[], None).await?;
        if answer.status.is_success() { Ok(()) } else { Err(Failure::status("get", answer.status)) }
    }

    /// The path of an authorization request with PKCE.
    fn authorize(&self, index: usize) -> String {
        let challenge = BASE64URL_NOPAD.encode(&Sha256::digest(self.verifier(index)));
        let (state, nonce) = (self.state(index), population::secret(self.seed, index, "nonce"));
        let query = http::form([
            ("response_type", "code"),
            ("client_id", &self.client.id),
            ("redirect_uri", &self.client.redirect_uri),
            ("scope", "openid profile email"),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        format!("/oauth/authorize?{query}")
    }

    fn state(&self, index: usize) -> String {
        population::secret(self.seed, index, "state")
    }

    /// RFC 7636 asks for 43 characters at least.
    fn verifier(&self, index: usize) -> String {
        population::secret(self.seed, index, "verifier").repeat(2)
    }

    /// The code in the address that the browser was sent to, after `state` was compared.
    fn code(&self, index: usize, address: &str) -> Result<String, Failure> {
        let url = Url::parse(address).map_err(|_| Failure::new("callback: no address"))?;
        let named = |wanted| url.query_pairs().find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned());
        if named("state") != Some(self.state(index)) {
            return Err(Failure::new("callback: another state"));
        }
        named("code").ok_or_else(|| Failure::new("callback: no code"))
    }

    /// Redeems a code.
    async fn redeem(&self, index: usize, code: &str) -> Result<Tokens, Failure> {
        let verifier = self.verifier(index);
        let uri = self.client.redirect_uri.as_str();
        let fields = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", uri)];
        self.token("code", &[&fields[..], &[("code_verifier", &verifier)]].concat()).await
    }

    /// A request to the token endpoint.
    async fn token(&self, step: &'static str, fields: &[(&str, &str)]) -> Result<Tokens, Failure> {
        let basic = self
            .client
            .secret
            .as_ref()
            .map(|secret| format!("Basic {}", BASE64.encode(format!("{}:{secret}", self.client.id).as_bytes())));
        let (headers, named) = match &basic {
            Some(basic) => (vec![(header::AUTHORIZATION, basic.as_str())], None),
            None => (Vec::new(), Some(("client_id", self.client.id.as_str()))),
        };
        let form = http::form(fields.iter().copied().chain(named));
        let answer = self.http.send(step, "/oauth/token", &headers, Some(form)).await?;
        if !answer.status.is_success() {
            return Err(Failure::status(step, answer.status));
        }
        serde_json::from_str(&answer.body).map_err(|_| Failure::new(format!("{step}: no tokens in the answer")))
    }
}
