//! The protocol: OAuth 2.0 and OpenID Connect.
//!
//! | path | who calls | read by scripts of other origins |
//! |---|---|---|
//! | `/oauth/authorize`, `/oauth/authorize/continue`, `/consent`, `/oauth/logout` | browsers | no |
//! | `/oauth/token`, `/oauth/userinfo`, `/oauth/revoke`, metadata, keys | programs | yes |

mod answer;
mod authorize;
mod body;
mod consent;
mod logout;
mod posted;
mod revoke;
mod token;
mod userinfo;
mod verified;

use std::sync::Arc;

use axum::{
    Extension, Router,
    middleware::from_fn,
    routing::{get, post},
};

use self::verified::VerifiedTokens;
use super::{discovery, jwks};
use crate::{
    layer::cors::{open_to_scripts, preflight},
    state::ApiState,
};

/// The routes of the protocol.
pub fn routes() -> Router<ApiState> {
    let browsers = Router::new()
        .route("/oauth/authorize", get(authorize::get).post(authorize::post))
        .route("/oauth/authorize/continue", get(authorize::go_on))
        .route("/consent", get(consent::get).post(consent::post))
        .route("/oauth/logout", get(logout::get).post(logout::post));
    let programs = Router::new()
        .route("/oauth/token", post(token::post).options(preflight))
        .route("/oauth/revoke", post(revoke::post).options(preflight))
        .route("/oauth/userinfo", get(userinfo::get).post(userinfo::post).options(preflight))
        .layer(Extension(Arc::new(VerifiedTokens::default())))
        .merge(discovery::router())
        .merge(jwks::router())
        .layer(from_fn(open_to_scripts));
    browsers.merge(programs)
}
