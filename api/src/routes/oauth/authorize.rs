//! `/oauth/authorize` (RFC 6749, 3.1; OpenID Connect Core, 3.1.2).
//!
//! ```text
//! GET  ─ validate ─┬─ session is good enough ──────────────► 303 client
//!                  ├─ sign-in missing ─► 303 /login?l= … ─┐
//!                  └─ consent missing ─► 303 /consent?l= ─┴► 303 …/continue?l= ─► 303 client
//! POST ─ validate, seal ─► 303 …/continue?r= ─► as GET
//! ```
//!
//! A POST from the client's site brings no cookie of ours (`SameSite=Lax`), so it is sealed and asked again by GET, with a
//! short reference instead of the parameters (HAZARDS H18).

use std::sync::Arc;

use actors::key_ring::KeySet;
use axum::{
    extract::{FromRequestParts, Query, RawQuery, State, rejection::BytesRejection},
    http::request::Parts,
    response::Response,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use schema::{UserId, record::Client};
use serde::Deserialize;

use super::{
    answer::{Step, refuse, step},
    body::{self, Accept},
    posted,
};
use crate::{
    error::{PageError, oauth::OAuthError},
    extract::{Asked, Caller, Cookies, LoginState, Then, Visit, asked::UI_LOCALES, visit::see_other},
    locale::Locale,
    routes::{
        account::{mfa, password, recommended},
        login,
    },
    state::ApiState,
    wire::{
        authorization::{AuthorizationRequest, Judge, PageProblem, Refusal, ReturnTo, client_id},
        authorization_details,
        params::Params,
    },
};

/// Why there is no code.
#[derive(Debug)]
pub(super) enum Failure {
    /// For the person in the browser.
    Page(PageError),
    /// For the client.
    Client(ReturnTo, OAuthError),
}

impl<E: Into<PageError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Page(error.into())
    }
}

/// Begins, and where the session is good enough ends at once.
pub(super) async fn get(visit: Visit, RawQuery(query): RawQuery) -> Result<Response, PageError> {
    let query = query.unwrap_or_default();
    let params = Params::from_urlencoded(query.as_bytes()).map_err(|_| PageProblem::Unreadable)?;
    visit.prefer(params.get(UI_LOCALES));
    match validate(&visit.state, &params).await {
        Ok(request) => proceed(&visit, Box::new(request)).await,
        Err(failure) => told(&visit.state, visit.locale(), failure),
    }
}

/// The same request in a form.
pub(super) async fn post(
    State(state): State<ApiState>,
    poster: Poster,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, PageError> {
    // Repetitions are judged with the rest: some of them are for the client to know.
    let params = body::any_params(&headers, body, Accept::Form).map_err(|_| PageProblem::Unreadable)?;
    let Poster { caller, cookies, asked } = poster;
    let locales = state.pages.locales();
    asked.prefer(params.get(UI_LOCALES).and_then(|tags| locales.asked(tags)));
    match validate(&state, &params).await {
        Ok(request) => {
            let reference = posted::keep(&state, &caller, &cookies, &request).await?;
            // The language of what is told if the reference is good no more.
            let lang = asked.get().map(|locale| format!("&{UI_LOCALES}={}", locales.tag(locale)));
            Ok(see_other(&format!("/oauth/authorize/continue?r={reference}{}", lang.unwrap_or_default())))
        }
        Err(failure) => {
            let accepts = headers.get(header::ACCEPT_LANGUAGE).map(HeaderValue::as_bytes);
            let locale = asked.get().unwrap_or_else(|| locales.choose(None, accepts));
            told(&state, locale, failure)
        }
    }
}

/// The browser that posted a request. No [`Visit`]: its cookies did not come, and must not be drawn anew.
pub(super) struct Poster {
    caller: Caller,
    cookies: Cookies,
    asked: Asked,
}

impl FromRequestParts<ApiState> for Poster {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, PageError> {
        Ok(Self {
            caller: Caller::from_request_parts(parts, state).await?,
            cookies: Cookies::from_request_parts(parts, state).await?,
            asked: Asked::of(&parts.extensions),
        })
    }
}

/// Which request goes on.
#[derive(Debug, Deserialize)]
pub(super) struct Reference {
    /// A login.
    l: Option<String>,
    /// A request that was posted.
    r: Option<String>,
}

/// Goes on with a posted request, or with one whose user has signed in meanwhile.
pub(super) async fn go_on(visit: Visit, Query(reference): Query<Reference>) -> Result<Response, PageError> {
    match reference {
        Reference { l: Some(id), .. } => {
            let login = visit.login(&id).await?;
            resume(&visit, login).await
        }
        Reference { r: Some(id), .. } => {
            let request = posted::take(&visit, &id).await?;
            proceed(&visit, Box::new(request)).await
        }
        Reference { l: None, r: None } => Err(PageError::LoginEnded),
    }
}

/// A login that came back from its last proof.
async fn resume(visit: &Visit, login: LoginState) -> Result<Response, PageError> {
    let Some(request) = login.request().cloned() else {
        return Err(PageError::LoginEnded);
    };
    match step(visit, &request, None).await? {
        Step::Answered(response) => {
            visit.end_login(&login);
            Ok(response)
        }
        Step::Raise => {
            visit.end_login(&login);
            raise(visit, Box::new(request)).await
        }
        Step::SignIn(name) => {
            visit.end_login(&login);
            sign_in(visit, Box::new(request), name).await
        }
        Step::Consent(question) => Ok(ask(visit, login, question.user)),
        Step::Enrol(user) => Ok(set_up(visit, login, (user, mfa::HERE))),
        Step::Recommend(user) => Ok(recommend(visit, login, user)),
        Step::NewPassword(user) => Ok(set_up(visit, login, (user, password::HERE))),
    }
}

/// A request that has no login yet.
async fn proceed(visit: &Visit, request: Box<AuthorizationRequest>) -> Result<Response, PageError> {
    visit.prefer(request.ui_locales.as_deref());
    match step(visit, &request, None).await? {
        Step::Answered(response) => Ok(response),
        Step::Raise => raise(visit, request).await,
        Step::SignIn(name) => sign_in(visit, request, name).await,
        Step::Consent(question) => {
            let login = visit.begin_login(Then::Authorize(request)).await?;
            Ok(ask(visit, login, question.user))
        }
        Step::Enrol(user) => {
            let login = visit.begin_login(Then::Authorize(request)).await?;
            Ok(set_up(visit, login, (user, mfa::HERE)))
        }
        Step::Recommend(user) => {
            let login = visit.begin_login(Then::Authorize(request)).await?;
            Ok(recommend(visit, login, user))
        }
        Step::NewPassword(user) => {
            let login = visit.begin_login(Then::Authorize(request)).await?;
            Ok(set_up(visit, login, (user, password::HERE)))
        }
    }
}

/// Begins a login that comes back here. The name of the session's user is offered unless the client asks for another.
async fn sign_in(
    visit: &Visit,
    mut request: Box<AuthorizationRequest>,
    name: Option<String>,
) -> Result<Response, PageError> {
    request.login_hint = request.login_hint.take().or(name);
    let login = visit.begin_login(Then::Authorize(request)).await?;
    Ok(see_other(&format!("/login?l={}", login.label())))
}

/// Begins a login that adds to what the session has, and comes back here.
async fn raise(visit: &Visit, request: Box<AuthorizationRequest>) -> Result<Response, PageError> {
    let login = visit.begin_login(Then::Authorize(request)).await?;
    let begun = login::raise::begin(visit, login).await?;
    Ok(begun.unwrap_or_else(|login| see_other(&format!("/login?l={}", login.label()))))
}

/// Sends the browser to the question, which is for this user alone.
fn ask(visit: &Visit, mut login: LoginState, user: UserId) -> Response {
    login.user = Some(user);
    visit.keep_login(&login);
    see_other(&format!("/consent?l={}", login.label()))
}

/// Sends the browser to where a device is set up, or another password; that page knows the way back by the login's cookie.
fn set_up(visit: &Visit, mut login: LoginState, (user, page): (UserId, &str)) -> Response {
    login.user = Some(user);
    visit.keep_login(&login);
    see_other(page)
}

/// Sends the browser to where a recommendation is answered, and from there back here.
fn recommend(visit: &Visit, mut login: LoginState, user: UserId) -> Response {
    login.user = Some(user);
    visit.keep_login(&login);
    see_other(&recommended::path(&format!("/oauth/authorize/continue?l={}", login.label())))
}

/// Validates a request against the registration of its client.
async fn validate(state: &ApiState, params: &Params) -> Result<AuthorizationRequest, Failure> {
    let client = registered(state, params).await?;
    let keys = match params.get("id_token_hint") {
        Some(_) => Some(state.services.keys.current().await.map_err(PageError::from)?),
        None => None,
    };
    let policies = match params.get(authorization_details::NAME) {
        Some(_) => state.services.policies.all().await.map_err(PageError::from)?,
        None => Arc::default(),
    };
    let hint = |token: &str| subject_of(state, keys.as_ref()?, &client, token);
    let now = state.services.certain_now().map_err(PageError::from)?;
    let highest = state.services.highest_acr();
    let judge = Judge { client: &client, policies: &policies, now, highest, hint: &hint };
    judge.parse(params).map_err(|refusal| match refusal {
        Refusal::Page(problem) => problem.into(),
        Refusal::Client(to, error) => Failure::Client(to, error),
    })
}

async fn registered(state: &ApiState, params: &Params) -> Result<Arc<Client>, Failure> {
    let id = client_id(params)?;
    let client = state.services.clients.get(&id).await.map_err(PageError::from)?;
    client.ok_or_else(|| PageProblem::UnknownClient.into())
}

/// Whom an `id_token_hint` names, if it is ours and for this client.
fn subject_of(state: &ApiState, keys: &KeySet, client: &Client, token: &str) -> Option<UserId> {
    let claims = state.services.tokens.read_id_token_hint(keys, token).ok()?;
    let user = claims.sub.parse().ok()?;
    (claims.aud == client.client.as_str()).then_some(user)
}

fn told(state: &ApiState, locale: Locale, failure: Failure) -> Result<Response, PageError> {
    match failure {
        Failure::Page(error) => Err(error),
        Failure::Client(to, error) => refuse(state, locale, &to, &error),
    }
}
