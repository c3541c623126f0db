//! What every request and every response passes through; from the outside in: [`observe`], [`render`], panics,
//! [`host`], permits, cookies.

pub mod cors;
pub mod guard;
pub mod host;
pub mod observe;
pub mod render;
pub mod security_headers;
