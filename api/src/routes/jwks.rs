//! `/.well-known/jwks.json` (RFC 7517): the keys that tokens are verified with, those that sign soon included. Made anew
//! only when the keys change.

use std::sync::{Arc, PoisonError, RwLock};

use actors::key_ring::KeySet;
use axum::{Router, extract::State, response::Response, routing::get};
use http::HeaderMap;

use super::document::Document;
use crate::{error::oauth::OAuthError, layer::cors::preflight, state::ApiState};

type Made = RwLock<Option<(Arc<KeySet>, Arc<Document>)>>;

/// The route.
pub(super) fn router() -> Router<ApiState> {
    let made = Arc::new(Made::default());
    let serve = move |State(state): State<ApiState>, request: HeaderMap| {
        let made = Arc::clone(&made);
        async move { answer(&state, &made, &request).await }
    };
    Router::new().route("/.well-known/jwks.json", get(serve).options(preflight))
}

async fn answer(state: &ApiState, made: &Made, request: &HeaderMap) -> Result<Response, OAuthError> {
    let keys = state.services.keys.current().await?;
    {
        let made = made.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, document)) = made.as_ref().filter(|(of, _)| Arc::ptr_eq(of, &keys)) {
            return Ok(document.answer(request));
        }
    }
    let document = Arc::new(Document::new(keys.jwks.as_bytes().to_vec()));
    *made.write().unwrap_or_else(PoisonError::into_inner) = Some((keys, Arc::clone(&document)));
    Ok(document.answer(request))
}
