//! What handlers take: parsed, opened and checked here, refused here. Nothing behind reads a header.
//!
//! [`Visit`] is a browser's request for a page; [`Submitted`] is a form that it sends.

pub mod asked;
pub mod bearer;
pub mod browser;
mod ceremony;
pub mod client_auth;
pub mod client_ip;
pub mod cookies;
pub mod csrf;
pub mod form;
pub mod link;
pub mod login;
pub mod policy;
pub mod query;
pub mod session;
pub(crate) mod stored_request;
pub mod trust;
pub mod visit;

pub use asked::Asked;
pub use browser::Browser;
pub use client_ip::Caller;
pub use cookies::Cookies;
pub use csrf::Binding;
pub use form::Submitted;
pub use link::Link;
pub use login::{Awaited, LoginState, Then};
pub use query::Query;
pub use session::LiveSession;
pub use visit::Visit;
