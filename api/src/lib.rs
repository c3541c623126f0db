//! api

pub mod assets;
pub mod layer;
pub mod page;
pub mod qr;
