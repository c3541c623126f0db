//! One file for each page or endpoint; the table of all is [`crate::router`].

pub mod front;
pub mod oauth;
