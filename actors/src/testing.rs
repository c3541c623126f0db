//! For tests of this crate and of those above it.

mod soft_key;

pub use soft_key::{SoftKey, Traits};
