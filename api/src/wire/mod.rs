//! What travels in protocol requests and answers: parameters, the authorization request, metadata. No I/O.

pub mod authorization;
pub mod authorization_details;
pub mod claims;
pub mod discovery;
pub mod logout;
pub mod params;
pub mod redirect_uri;
pub mod token;
mod wanted_acr;
