//! The answer to an authorization request: what the session is good for, and the way back to the client.

use std::collections::BTreeSet;

use actors::domain::{
    client::redirect_uri_registered,
    command::{Authorize, AuthorizeOutcome},
    user::SessionRef,
};
use axum::response::{Html, IntoResponse, Redirect, Response};
use schema::{
    UserId,
    record::{AuthorizationDetail, Policy},
};
use url::Url;

use crate::{
    error::{
        PageError,
        oauth::{ErrorCode, OAuthError},
    },
    extract::Visit,
    layer::security_headers::Csp,
    locale::Locale,
    page::{CarriedField, ClientLine, FormPostPage},
    routes::login::raise,
    state::ApiState,
    wire::{
        authorization::{AuthorizationRequest, PageProblem, ResponseMode, ReturnTo},
        authorization_details,
        redirect_uri::{origin_of, with_query},
    },
};

/// How far a request gets with the session that the browser has.
#[derive(Debug)]
pub(super) enum Step {
    /// All the way.
    Answered(Response),
    /// A policy asks for more than the session has proved.
    Raise,
    /// The user must sign in, with this name as an offer.
    SignIn(Option<String>),
    /// The user must allow it.
    Consent(Question),
    /// The user must set up a device first.
    Enrol(UserId),
    /// The user must set up a device or decline to.
    Recommend(UserId),
    /// The user must choose another password first.
    NewPassword(UserId),
}

/// What the user is asked.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) user: UserId,
    pub(super) user_name: String,
    pub(super) client: ClientLine,
    pub(super) scopes: BTreeSet<String>,
    /// What is to be confirmed.
    pub(super) details: Vec<AuthorizationDetail>,
}

/// Asks the owner of the session for a code. `allowed`: did the user just allow this very request?
pub(super) async fn step(
    visit: &Visit,
    request: &AuthorizationRequest,
    allowed: Option<UserId>,
) -> Result<Step, PageError> {
    let services = &visit.state.services;
    // The registration may have changed while the user was signing in.
    let client = services.clients.get(&request.client).await?.ok_or(PageProblem::UnknownClient)?;
    if !redirect_uri_registered(&client, &request.redirect_uri) {
        return Err(PageProblem::UnregisteredRedirectUri.into());
    }
    let Some(session) = visit.session_locator() else {
        return missing(visit, request, ErrorCode::LoginRequired, Step::SignIn(None));
    };
    let policies = visit.policies().await?;
    if let Some(error) = authorization_details::outdated(&request.authorization_details, &request.client, &policies) {
        return refuse(&visit.state, visit.locale(), &request.return_to(), &error).map(Step::Answered);
    }
    let command = Authorize {
        allowed: allowed == Some(session.user),
        raises: raise::is_known(visit),
        ..asked(request, (session.session, client.trusted), policies)
    };
    let attempt = visit.attempt();
    match services.accounts.ask(session.user, &attempt, command, visit.deadline).await? {
        AuthorizeOutcome::Issued { code } => {
            let secret = Authorize::code_secret(&attempt.seed);
            let code = visit.state.locators().code(session.user, code, &secret);
            let to = request.return_to();
            let params = to.success(code, &services.settings.issuer);
            send_back(&visit.state, visit.locale(), &to, &params).map(Step::Answered)
        }
        AuthorizeOutcome::NoSession => missing(visit, request, ErrorCode::LoginRequired, Step::SignIn(None)),
        AuthorizeOutcome::LoginNeeded { user_name } => {
            missing(visit, request, ErrorCode::LoginRequired, Step::SignIn(user_name))
        }
        AuthorizeOutcome::MoreNeeded => missing(visit, request, ErrorCode::LoginRequired, Step::Raise),
        AuthorizeOutcome::ConsentNeeded { scopes, user_name } => {
            let client = ClientLine { name: client.name.clone(), origin: origin_of(&request.redirect_uri) };
            let details = request.authorization_details.clone();
            let question = Question { user: session.user, user_name, client, scopes, details };
            missing(visit, request, ErrorCode::ConsentRequired, Step::Consent(question))
        }
        AuthorizeOutcome::EnrolmentNeeded => {
            missing(visit, request, ErrorCode::InteractionRequired, Step::Enrol(session.user))
        }
        AuthorizeOutcome::AnswerNeeded => {
            missing(visit, request, ErrorCode::InteractionRequired, Step::Recommend(session.user))
        }
        AuthorizeOutcome::NewPasswordNeeded => {
            missing(visit, request, ErrorCode::InteractionRequired, Step::NewPassword(session.user))
        }
        AuthorizeOutcome::UnmetAcr => {
            let text = "what was proved does not reach what was asked for";
            let error = OAuthError::new(ErrorCode::UnmetAuthenticationRequirements, text);
            refuse(&visit.state, visit.locale(), &request.return_to(), &error).map(Step::Answered)
        }
        AuthorizeOutcome::Full => {
            refuse(&visit.state, visit.locale(), &request.return_to(), &OAuthError::unavailable()).map(Step::Answered)
        }
    }
}

/// What a request asks of the owner of a session.
fn asked(request: &AuthorizationRequest, (session, trusted): (SessionRef, bool), policies: Vec<Policy>) -> Authorize {
    Authorize {
        session,
        client: request.client.clone(),
        trusted,
        redirect_uri: request.redirect_uri.clone(),
        scopes: request.scopes.clone(),
        nonce: request.nonce.clone(),
        challenge: request.challenge.clone(),
        requirement: request.requirement.clone(),
        policies,
        authorization_details: request.authorization_details.clone(),
        allowed: false,
        raises: false,
        recommends: true,
        renews_password: true,
    }
}

/// Somebody must do something on a page, which `prompt=none` forbids.
fn missing(visit: &Visit, request: &AuthorizationRequest, code: ErrorCode, step: Step) -> Result<Step, PageError> {
    if !request.silent {
        return Ok(step);
    }
    let text = "this needs a page, and prompt=none allows none; ask again without it";
    refuse(&visit.state, visit.locale(), &request.return_to(), &OAuthError::new(code, text)).map(Step::Answered)
}

/// Tells the client that there is no code. If that takes a page, it is in this language.
pub(super) fn refuse(
    state: &ApiState,
    locale: Locale,
    to: &ReturnTo,
    error: &OAuthError,
) -> Result<Response, PageError> {
    tracing::info!(code = error.code.as_str(), reason = error.description, "an authorization request was refused");
    send_back(state, locale, to, &to.failure(error, &state.services.settings.issuer))
}

/// Sends the browser back to the client.
fn send_back(
    state: &ApiState,
    locale: Locale,
    to: &ReturnTo,
    params: &[(&'static str, String)],
) -> Result<Response, PageError> {
    match to.mode {
        ResponseMode::Query => Ok(Redirect::to(&with_query(&to.redirect_uri, params)).into_response()),
        ResponseMode::FormPost => form_post(state, locale, to, params),
    }
}

/// A page with a form for the client and a button to send it, so that it works without scripts.
fn form_post(
    state: &ApiState,
    locale: Locale,
    to: &ReturnTo,
    params: &[(&'static str, String)],
) -> Result<Response, PageError> {
    let page = FormPostPage {
        action: with_query(&to.redirect_uri, &[]),
        origin: origin_of(&to.redirect_uri),
        fields: params.iter().map(|(name, value)| CarriedField { name, value: value.clone() }).collect(),
    };
    // None of the forms on it is ours, so nothing needs a hidden value.
    let html = state.pages.render(&state.chrome(locale, ""), &page)?;
    let mut response = Html(html).into_response();
    let csp = Url::parse(&to.redirect_uri).map(|uri| Csp::leading_to(&uri)).unwrap_or_default();
    response.extensions_mut().insert(csp);
    Ok(response)
}
