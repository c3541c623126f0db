//! `/oauth/logout` (OpenID Connect RP-Initiated Logout 1.0).
//!
//! | what came | what happens |
//! |---|---|
//! | an ID token of ours that names this browser's session | the session ends, and the browser goes back |
//! | an ID token of ours, and nobody is signed in | the browser goes back |
//! | anything else, and somebody is signed in | a question; the answer ends the session |
//! | anything else | "You are signed out", with a link back if the address is registered |
//!
//! Nobody is sent to an address that is not registered for the client that asks.

use std::sync::Arc;

use actors::domain::command::EndSession;
use axum::{
    extract::{FromRequest, RawQuery, Request, State},
    response::{IntoResponse, Redirect, Response},
};
use bytes::Bytes;
use schema::record::Client;
use serde::Deserialize;
use url::Url;

use super::body::{self, Accept};
use crate::{
    error::PageError,
    extract::{
        LiveSession, Submitted, Visit,
        asked::UI_LOCALES,
        csrf::is_same_origin,
        visit::{Frame, see_other},
    },
    layer::security_headers::Csp,
    page::{BackLink, CarriedField, ClientLine, LoggedOutPage, LogoutPage},
    state::ApiState,
    wire::{
        logout::{Hint, Target},
        params::Params,
        redirect_uri::{origin_of, with_query},
    },
};

/// What the page carries on; the answer to its question.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Confirmed {
    client_id: String,
    post_logout_redirect_uri: String,
    state: String,
    ui_locales: String,
}

/// A request that was read.
struct Asked {
    hint: Hint,
    client: Option<Arc<Client>>,
    target: Target,
}

impl Asked {
    async fn read(state: &ApiState, params: &Params) -> Result<Self, PageError> {
        if params.repeated().is_some() {
            return Err(PageError::BadRequest("a parameter came more than once"));
        }
        let keys = match params.get("id_token_hint") {
            Some(_) => Some(state.services.keys.current().await?),
            None => None,
        };
        let read = |token: &str| state.services.tokens.read_id_token_hint(keys.as_ref()?, token).ok();
        let hint = Hint::of(params, read);
        let client = match hint.client(params) {
            Some(id) => state.services.clients.get(&id).await?,
            None => None,
        };
        let target = Target::of(params, client.as_deref());
        Ok(Self { hint, client, target })
    }

    /// The client with the origin that pages show of it.
    fn line(&self) -> Option<ClientLine> {
        let client = self.client.as_ref()?;
        let uri = match &self.target {
            Target::Registered { uri, .. } => uri,
            Target::None | Target::Refused => client.redirect_uris.first()?,
        };
        Some(ClientLine { name: client.name.clone(), origin: origin_of(uri) })
    }
}

/// The request of a client.
pub(super) async fn get(visit: Visit, RawQuery(query): RawQuery) -> Result<Response, PageError> {
    let params = Params::from_urlencoded(query.unwrap_or_default().as_bytes());
    let params = params.map_err(|_| PageError::BadRequest("the parameters cannot be read"))?;
    visit.prefer(params.get(UI_LOCALES));
    let asked = Asked::read(&visit.state, &params).await?;
    let Some(session) = visit.session().await? else {
        return match &asked.hint {
            Hint::Good(_) => leave(&visit, &asked),
            Hint::None | Hint::Bad => signed_out(&visit, &asked),
        };
    };
    if asked.hint.names(session.view.sid) && asked.target != Target::Refused {
        end(&visit, &session).await?;
        return leave(&visit, &asked);
    }
    question(&visit, &session, &asked)
}

/// The same in a form, or the answer to the question.
pub(super) async fn post(State(state): State<ApiState>, request: Request) -> Result<Response, PageError> {
    if is_same_origin(request.headers(), &state.settings.origin()) {
        let form = Submitted::<Confirmed>::from_request(request, &state).await?;
        return confirmed(form).await;
    }
    // A form of the client's site brings no cookie of ours (`SameSite=Lax`), so the same is asked again by GET.
    let (parts, body) = request.into_parts();
    let headers = parts.headers.clone();
    let body = Bytes::from_request(Request::from_parts(parts, body), &state).await;
    let params = body::params(&headers, body, Accept::Form);
    let params = params.map_err(|_| PageError::BadRequest("the parameters cannot be read"))?;
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(params.iter());
    Ok(see_other(&format!("/oauth/logout?{}", query.finish())))
}

async fn confirmed(form: Submitted<Confirmed>) -> Result<Response, PageError> {
    let (visit, session, typed) = form.in_session_if_any("/oauth/logout").await?;
    visit.prefer(Some(&typed.ui_locales));
    let pairs = [
        ("client_id", typed.client_id),
        ("post_logout_redirect_uri", typed.post_logout_redirect_uri),
        ("state", typed.state),
    ];
    let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let params = Params::from_urlencoded(encoded.as_bytes());
    let params = params.map_err(|_| PageError::BadRequest("the parameters cannot be read"))?;
    let asked = Asked::read(&visit.state, &params).await?;
    match session {
        Some(session) => {
            end(&visit, &session).await?;
            leave(&visit, &asked)
        }
        None => signed_out(&visit, &asked),
    }
}

/// Ends the session. The cookie goes only once that is certain.
async fn end(visit: &Visit, session: &LiveSession) -> Result<(), PageError> {
    let command = EndSession { session: session.view.session };
    visit.state.services.accounts.ask(session.user, &visit.attempt(), command, visit.deadline).await?;
    visit.forget_session();
    Ok(())
}

/// Back to the client, or to the last page.
fn leave(visit: &Visit, asked: &Asked) -> Result<Response, PageError> {
    match &asked.target {
        Target::Registered { uri, state } => {
            let state: Vec<_> = state.iter().map(|state| ("state", state.clone())).collect();
            Ok(Redirect::to(&with_query(uri, &state)).into_response())
        }
        Target::None | Target::Refused => signed_out(visit, asked),
    }
}

fn signed_out(visit: &Visit, asked: &Asked) -> Result<Response, PageError> {
    let back = match &asked.target {
        Target::Registered { uri, .. } if uri.starts_with("http") => {
            asked.line().map(|client| BackLink { client, uri: uri.clone() })
        }
        Target::Registered { .. } | Target::None | Target::Refused => None,
    };
    visit.page(Frame::browser(), &LoggedOutPage { back })
}

fn question(visit: &Visit, session: &LiveSession, asked: &Asked) -> Result<Response, PageError> {
    let language = visit.preferred().map(|value| CarriedField { name: UI_LOCALES, value });
    let mut carried = Vec::from_iter(language);
    let mut csp = Csp::default();
    if let (Some(client), Target::Registered { uri, state }) = (&asked.client, &asked.target) {
        carried.push(CarriedField { name: "client_id", value: client.client.to_string() });
        carried.push(CarriedField { name: "post_logout_redirect_uri", value: uri.clone() });
        carried.extend(state.iter().map(|state| CarriedField { name: "state", value: state.clone() }));
        csp = Url::parse(uri).map(|uri| Csp::leading_to(&uri)).unwrap_or_default();
    }
    let page = LogoutPage { client: asked.line(), user_name: session.view.user_name.clone(), carried };
    let mut response = visit.page(Frame::session(session), &page)?;
    response.extensions_mut().insert(csp);
    Ok(response)
}
