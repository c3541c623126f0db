//! An application that signs people in: codes, tokens, refreshes.

use actors::{
    clients::NewClient,
    domain::{
        command::{Authorize, AuthorizeOutcome, Grant, RedeemCode, RedeemOutcome, Refresh, Requirement},
        context::Attempt,
        scope,
    },
    secret::sha256_b64,
};
use schema::{ClientId, CodeId, FamilyId, record::SigningAlg};

use super::{Person, World, soon};

/// A registered client.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) client: ClientId,
    pub(crate) redirect_uri: String,
}

/// An authorization code as its holder has it.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) code: CodeId,
    pub(crate) secret_hash: String,
    pub(crate) app: App,
}

/// The token request for a code.
pub(crate) fn redeem(issued: &Issued) -> RedeemCode {
    RedeemCode {
        code: issued.code,
        secret_hash: issued.secret_hash.clone(),
        client: issued.app.client.clone(),
        redirect_uri: issued.app.redirect_uri.clone(),
        challenge: None,
    }
}

/// The refresh request with what `attempt` gave.
pub(crate) fn refresh_of(grant: &Grant, attempt: &Attempt) -> Refresh {
    Refresh {
        family: grant.family,
        generation: grant.generation,
        secret_hash: sha256_b64(&Grant::refresh_secret(&attempt.seed)),
        client: grant.client.clone(),
        scopes: None,
        policies: Vec::new(),
    }
}

impl World {
    /// The operator registers an application of its own.
    pub(crate) async fn app(&self, name: &str) -> App {
        let redirect_uri = format!("https://{name}.example.org/cb");
        let new = NewClient {
            name: name.to_owned(),
            redirect_uris: vec![redirect_uri.clone()],
            post_logout_redirect_uris: Vec::new(),
            scope: "openid profile email offline_access".to_owned(),
            public: false,
            trusted: true,
            require_pkce: false,
            id_token_alg: SigningAlg::RS256,
        };
        let (client, _) = self.services.clients.create(new).await.expect("registers");
        App { client: client.client, redirect_uri }
    }

    /// What the application asks for.
    pub(crate) fn authorization(&self, person: &Person, app: &App, scopes: &str) -> Authorize {
        Authorize {
            session: person.session.clone(),
            client: app.client.clone(),
            trusted: true,
            redirect_uri: app.redirect_uri.clone(),
            scopes: scopes.split(' ').map(str::to_owned).collect(),
            nonce: None,
            challenge: None,
            requirement: Requirement { begun_at: self.now(), ..Requirement::default() },
            policies: Vec::new(),
            authorization_details: Vec::new(),
            allowed: false,
            raises: false,
            recommends: false,
            renews_password: true,
        }
    }

    /// A code for the person's session, with the scopes given.
    pub(crate) async fn code_for(&self, person: &Person, app: &App, scopes: &str) -> Issued {
        let (attempt, command) = (self.attempt(), self.authorization(person, app, scopes));
        let outcome = self.services.accounts.ask(person.user, &attempt, command, soon()).await.expect("answers");
        let AuthorizeOutcome::Issued { code } = outcome else { panic!("{outcome:?}") };
        let secret_hash = sha256_b64(&Authorize::code_secret(&attempt.seed));
        Issued { code, secret_hash, app: app.clone() }
    }

    /// A code for `openid`.
    pub(crate) async fn code(&self, person: &Person, app: &App) -> Issued {
        self.code_for(person, app, scope::OPENID).await
    }

    /// Redeems a code.
    pub(crate) async fn redeem(&self, person: &Person, issued: &Issued) -> (RedeemOutcome, Attempt) {
        let attempt = self.attempt();
        let outcome = self.services.accounts.ask(person.user, &attempt, redeem(issued), soon()).await;
        (outcome.expect("answers"), attempt)
    }

    /// Redeems a code that is good.
    pub(crate) async fn grant(&self, person: &Person, issued: &Issued) -> (Grant, Attempt) {
        let (outcome, attempt) = self.redeem(person, issued).await;
        let RedeemOutcome::Granted(grant) = outcome else { panic!("{outcome:?}") };
        (*grant, attempt)
    }

    /// Sends a refresh request.
    pub(crate) async fn refresh(&self, person: &Person, command: Refresh) -> (RedeemOutcome, Attempt) {
        let attempt = self.attempt();
        let outcome = self.services.accounts.ask(person.user, &attempt, command, soon()).await;
        (outcome.expect("answers"), attempt)
    }

    /// Do tokens of this family still count?
    pub(crate) async fn counts(&self, person: &Person, family: FamilyId) -> bool {
        let check = actors::domain::command::CheckToken { family };
        let profile = self.services.accounts.ask(person.user, &self.attempt(), check, soon()).await;
        profile.expect("answers").is_some()
    }
}
