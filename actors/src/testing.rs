//! For tests of this crate and of those above it.

mod soft_key;
mod soft_maker;

pub use soft_key::{Making, SoftKey, Statement, Traits, unattested};
pub use soft_maker::{Batch, SoftMaker};
