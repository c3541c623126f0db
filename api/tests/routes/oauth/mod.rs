//! The protocol, as applications use it.

mod acr;
mod assurance;
mod authorize;
mod authorize_prompt;
mod clock;
mod consent;
mod cors;
mod discovery;
mod hardware;
mod logout;
mod operations;
mod refresh;
mod revoke;
pub(crate) mod rp;
mod token;
mod token_client;
mod userinfo;
