//! The surface: OAuth 2.0 and OpenID Connect endpoints, and the pages of people.
//!
//! How a request passes, from the outside in:
//!
//! 1. [`layer`]: an id, a span and metrics; failures are rendered; a panic becomes one; development mode refuses other
//!    hosts; a permit, or `503` at once; the cookie jar.
//! 2. [`extract`]: everything that comes from headers, cookies and bodies is parsed, opened and checked.
//! 3. [`routes`]: one file a route; it asks [`actors`] and renders a [`page`] or a [`wire`] answer.
//!
//! Nothing here decides about a user; that is [`actors::domain`].

pub mod assets;
pub mod error;
pub mod extract;
pub mod layer;
pub mod limits;
pub mod locale;
pub mod mail;
pub mod page;
pub mod qr;
pub mod routes;
mod state;
pub mod wire;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use schema::record::Channel;
use tower_http::catch_panic::CatchPanicLayer;

pub use error::PageError;
pub use state::{ApiSettings, ApiState, Network, RegistrationBy};

use crate::{
    extract::form::MAX_BODY,
    layer::{guard, host, observe, render},
};

/// All routes of the public listener. Serve it with the addresses of its peers
/// (`into_make_service_with_connect_info::<SocketAddr>()`).
pub fn router(state: ApiState) -> Router {
    use routes::{
        account, forgot, front, inbox, login, logout, oauth, recovery, register, reset, setup,
        well_known_change_password, well_known_passkey_endpoints,
    };

    Router::new()
        .route("/", get(front::get))
        .merge(register::routes())
        .route("/login", get(login::password::get).post(login::password::post))
        .route("/login/totp", get(login::totp::get).post(login::totp::post))
        .route("/login/backup-code", get(login::backup_code::get).post(login::backup_code::post))
        .merge(login::sent_code::routes(Channel::Email))
        .merge(login::sent_code::routes(Channel::Sms))
        .merge(login::recovery::routes())
        .route("/recovery/cancel", get(recovery::get).post(recovery::post))
        .route("/account/recovery/cancel", post(account::recovery::cancel))
        .route("/login/passkey", get(login::passkey::get).post(login::passkey::post))
        .route("/logout", get(logout::get).post(logout::post))
        .route("/forgot", get(forgot::get).post(forgot::post))
        .route("/reset", get(reset::get).post(reset::post))
        .route("/setup", get(setup::get).post(setup::post))
        .merge(account_routes())
        .route("/dev/inbox", get(inbox::get))
        .route("/.well-known/change-password", get(well_known_change_password::get))
        .route("/.well-known/passkey-endpoints", get(well_known_passkey_endpoints::get))
        .merge(oauth::routes())
        .merge(assets::router())
        .fallback(async || PageError::NotFound)
        .method_not_allowed_fallback(async || PageError::MethodNotAllowed)
        // The last layer is the outermost.
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(state.clone(), guard::cookies))
        .layer(from_fn_with_state(state.clone(), guard::permit))
        .layer(from_fn_with_state(state.clone(), host::refuse_strangers))
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(from_fn_with_state(state.clone(), render::render))
        .layer(from_fn_with_state(state.clone(), observe::observe))
        .with_state(state)
}

/// The pages of somebody's own account.
fn account_routes() -> Router<ApiState> {
    use routes::account::{
        self, address, backup_codes, mfa, own_address, passkey, password, reauthenticate, recommended, sessions, totp,
    };

    Router::new()
        .route("/account", get(account::get))
        .route("/account/email", get(own_address::get).post(own_address::post))
        .route("/account/email/confirm", get(own_address::ask).post(own_address::confirm))
        .route("/account/sessions", get(sessions::get))
        .route("/account/sessions/end", post(sessions::end))
        .route("/account/sessions/end-all", post(sessions::end_all))
        .route("/account/trusted/forget", post(sessions::forget))
        .route("/account/mfa", get(mfa::get))
        .route("/account/mfa/decline", post(recommended::decline))
        .route("/account/mfa/recommended", get(recommended::get))
        .route("/account/mfa/totp", post(mfa::begin))
        .route("/account/mfa/totp/{factor}", get(totp::get))
        .route("/account/mfa/totp/{factor}/confirm", post(totp::confirm))
        .route("/account/mfa/totp/{factor}/remove", get(totp::ask_remove).post(totp::remove))
        .route("/account/mfa/totp/{factor}/rename", get(totp::ask_name).post(totp::rename))
        .merge(address::routes(Channel::Email))
        .merge(address::routes(Channel::Sms))
        .route("/account/mfa/passkey", post(passkey::begin))
        .route("/account/mfa/passkey/{factor}", get(passkey::get))
        .route("/account/mfa/passkey/{factor}/confirm", post(passkey::confirm))
        .route("/account/mfa/passkey/{factor}/remove", get(passkey::ask_remove).post(passkey::remove))
        .route("/account/mfa/passkey/{factor}/rename", get(passkey::ask_name).post(passkey::rename))
        .route("/account/mfa/backup-codes", get(backup_codes::get).post(backup_codes::replace))
        .route("/account/mfa/backup-codes/saved", post(backup_codes::saved))
        .route("/account/password", get(password::get).post(password::post))
        .route("/account/reauthenticate", get(reauthenticate::get).post(reauthenticate::post))
}
