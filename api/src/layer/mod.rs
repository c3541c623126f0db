//! What every response passes through.

pub mod security_headers;
