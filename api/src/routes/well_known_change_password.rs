//! `/.well-known/change-password`: where password managers send people (W3C, A Well-Known URL for Changing Passwords).

use axum::response::Response;

use crate::extract::visit::see_other;

/// To the page.
pub async fn get() -> Response {
    see_other("/account/password")
}
