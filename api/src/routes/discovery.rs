//! `/.well-known/openid-configuration` (OpenID Connect Discovery 1.0) and `/.well-known/oauth-authorization-server`
//! (RFC 8414): one document, made once.

use std::sync::{Arc, OnceLock};

use axum::{Router, extract::State, routing::get};
use http::HeaderMap;

use super::document::Document;
use crate::{layer::cors::preflight, state::ApiState, wire::discovery::Metadata};

/// The routes.
pub(super) fn router() -> Router<ApiState> {
    let made = Arc::new(OnceLock::new());
    let serve = get(move |State(state): State<ApiState>, request: HeaderMap| {
        let document = made.get_or_init(|| document(&state.services.settings.issuer));
        let response = document.answer(&request);
        async move { response }
    })
    .options(preflight);
    Router::new()
        .route("/.well-known/openid-configuration", serve.clone())
        .route("/.well-known/oauth-authorization-server", serve)
}

fn document(issuer: &str) -> Document {
    Document::new(serde_json::to_vec(&Metadata::of(issuer)).expect("metadata are strings, lists and flags"))
}
