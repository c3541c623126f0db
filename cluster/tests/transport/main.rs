//! The transport over real sockets with real certificates.

mod raw;
mod support;

mod bounds;
mod calls;
mod certs;
mod failures;
mod hostile;
mod identity;
mod versions;
