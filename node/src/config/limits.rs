//! Section `limits`: bounds against abuse and overload.

use schemars::JsonSchema;
use serde::Deserialize;

use super::value::Span;

/// Bounds against abuse and overload.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The time in which what an address prefix has used up comes back, evenly.
    pub window: Span,
    /// Refused sign-ins that one address prefix may have at once; more are answered 429 before any look-up.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub failures_per_address: u32,
    /// Registrations that one address prefix may make at once; more are answered 429.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub registrations_per_address: u32,
    /// Messages that one address prefix may cause at once; more are answered 429.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub messages_per_address: u32,
    /// Memory for users who are not busy at the moment, in MiB; about two kilobytes each.
    #[schemars(range(min = 1, max = 65_536))]
    pub warm_cache_mib: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            window: Span::secs(600),
            failures_per_address: 100,
            registrations_per_address: 50,
            messages_per_address: 50,
            warm_cache_mib: 64,
        }
    }
}
