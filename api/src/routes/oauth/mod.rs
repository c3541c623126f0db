//! `/oauth/*`: the protocol.

use axum::Router;

use crate::state::ApiState;

/// The routes below `/oauth`.
pub fn routes() -> Router<ApiState> {
    Router::new()
}
