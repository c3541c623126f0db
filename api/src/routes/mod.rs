//! One file for each page or endpoint; the table of all is [`crate::router`].

pub mod account;
mod discovery;
mod document;
mod fee;
pub mod forgot;
pub mod front;
pub mod inbox;
mod jwks;
pub mod login;
pub mod logout;
pub mod oauth;
pub mod recovery;
pub mod register;
pub mod register_by_email;
pub mod reset;
pub mod setup;
pub mod well_known_change_password;
pub mod well_known_passkey_endpoints;
mod words;
