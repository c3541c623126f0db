//! One file for each page or endpoint; the table of all is [`crate::router`].

mod discovery;
mod document;
pub mod front;
mod jwks;
pub mod oauth;
