//! Routes as browsers and clients see them: whole requests against the whole router.

#[path = "../pages/html.rs"]
#[expect(dead_code, reason = "the tests of pages use all of it")]
mod html;
#[path = "../support/mod.rs"]
mod support;

mod account;
mod compromised;
mod doors;
mod edge;
mod email;
mod forgot;
mod forms;
mod link;
mod locales;
mod login;
mod mfa;
mod oauth;
mod one_account;
mod operations;
mod own_address;
mod passkey;
mod password_length;
mod policies;
mod recovery;
mod register;
mod register_by_email;
mod removal;
mod rename;
mod sms;
mod sms_fraud;
mod steps;
mod stored_request;
mod trusted;
