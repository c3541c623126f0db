//! Routes as browsers and clients see them: whole requests against the whole router.

#[path = "../pages/html.rs"]
#[expect(dead_code, reason = "the tests of pages use all of it")]
mod html;
#[path = "../support/mod.rs"]
mod support;

mod account;
mod edge;
mod email;
mod forgot;
mod forms;
mod login;
mod mfa;
mod oauth;
mod passkey;
mod policies;
mod register;
mod sms;
mod stored_request;
mod trusted;
