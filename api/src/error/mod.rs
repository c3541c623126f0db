//! What went wrong, by name, and what the other side is told. A handler's failure travels in the response's extensions to
//! [`crate::layer::render`], which writes it down once and renders it for a person or for a program.

pub mod oauth;
pub mod page;

pub use page::PageError;
