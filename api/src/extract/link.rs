//! What links bring in their address.

use actors::secret::Secret;
use serde::Deserialize;

use super::form::{secret, unsaid};

/// `?token=` of a link.
#[derive(Debug, Deserialize)]
pub struct Link {
    #[serde(default = "unsaid", deserialize_with = "secret")]
    token: Secret<String>,
}

impl Link {
    /// Its secret; empty without one.
    pub const fn token(&self) -> &Secret<String> {
        &self.token
    }
}
