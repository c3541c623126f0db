//! `/.well-known/openid-configuration` (OpenID Connect Discovery 1.0) and `/.well-known/oauth-authorization-server`
//! (RFC 8414): one document, made anew only when the policies change, which register operations, or when a higher rung of `acr` has come
//! within reach.
//!
//! Clients cannot begin without it, and hardly anything in it hangs on policies. So where those cannot be read it is made of the last
//! ones, and at a cold start without any: then it may lack operations, and nobody is to keep it.

use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use actors::domain::{assurance::Acr, policy};
use axum::{Router, extract::State, response::Response, routing::get};
use http::HeaderMap;
use schema::record::Policy;

use super::document::Document;
use crate::{layer::cors::preflight, state::ApiState, wire::discovery::Metadata};

/// For so long policies are waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// The document, and what it was made of.
struct Made {
    /// None of them was ever read if unset.
    policies: Option<Arc<[Policy]>>,
    /// The highest rung.
    highest: Acr,
    document: Document,
}

impl Made {
    /// Was it made of these? They are the very same ones as long as they are kept in memory.
    fn is_of(&self, policies: Option<&Arc<[Policy]>>, highest: Acr) -> bool {
        let same = match (&self.policies, policies) {
            (Some(ours), Some(theirs)) => Arc::ptr_eq(ours, theirs),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        same && self.highest == highest
    }
}

type Last = RwLock<Option<Arc<Made>>>;

/// The routes.
pub(super) fn router() -> Router<ApiState> {
    let last = Arc::new(Last::default());
    let serve = get(move |State(state): State<ApiState>, request: HeaderMap| {
        let last = Arc::clone(&last);
        async move { answer(&state, &last, &request).await }
    })
    .options(preflight);
    Router::new()
        .route("/.well-known/openid-configuration", serve.clone())
        .route("/.well-known/oauth-authorization-server", serve)
}

async fn answer(state: &ApiState, last: &Last, request: &HeaderMap) -> Response {
    let now = policies(state).await;
    let before = last.read().unwrap_or_else(PoisonError::into_inner).clone();
    let policies = now.or_else(|| before.as_ref().and_then(|made| made.policies.clone()));
    let highest = state.services.highest_acr();
    if let Some(made) = before.filter(|made| made.is_of(policies.as_ref(), highest)) {
        return made.document.answer(request);
    }
    let document = document(state, policies.as_deref(), highest);
    let made = Arc::new(Made { policies, highest, document });
    *last.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&made));
    made.document.answer(request)
}

/// The policies in force, unless they cannot be read.
async fn policies(state: &ApiState) -> Option<Arc<[Policy]>> {
    match tokio::time::timeout(PATIENCE, state.services.policies.all()).await {
        Ok(Ok(policies)) => Some(policies),
        Ok(Err(error)) => {
            tracing::info!(%error, "the metadata are told without the policies of now");
            None
        }
        Err(_) => {
            tracing::info!("the metadata are told without the policies of now, which take too long");
            None
        }
    }
}

fn document(state: &ApiState, policies: Option<&[Policy]>, highest: Acr) -> Document {
    let operations = policies.map_or_else(BTreeSet::new, policy::all_registered);
    let languages = state.pages.locales().tags();
    let metadata = Metadata::of(&state.services.settings.issuer, operations, highest, languages);
    let json = serde_json::to_vec(&metadata).expect("metadata are strings, lists and flags");
    if policies.is_some() { Document::new(json) } else { Document::passing(json) }
}
