//! Section `password`: how passwords are judged and hashed.

use schemars::JsonSchema;
use serde::Deserialize;

use super::report::Report;

/// The shortest password beside a second factor, unless said otherwise.
const MIN_WITH_SECOND_FACTOR: u8 = 8;

/// Passwords.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Password {
    /// Shortest password, in characters, where it may stand alone (NIST SP 800-63B-4 wants 15).
    #[schemars(range(min = 1, max = 64))]
    pub min_length_single_factor: u8,
    /// Shortest password, in characters, where the policies in force demand a second factor of its user at every sign-in, a code by
    /// e-mail not being one (NIST SP 800-63B-4 allows 8). Unset: 8, or `min_length_single_factor` if that is less. A password is measured
    /// when it is chosen: whoever loosens such a policy later lets the short ones stand alone.
    #[schemars(range(min = 8, max = 64))]
    pub min_length_second_factor: Option<u8>,
    /// Hashes computed at the same time; unset: one per core.
    #[schemars(range(min = 1, max = 256))]
    pub threads: Option<u16>,
    /// Hashes that may wait for a free thread; more are answered 503. Half of them is kept for known devices.
    #[schemars(range(min = 2, max = 100_000))]
    pub queue: u32,
    /// A refused sign-in is answered no earlier than this many milliseconds after it came, so that an unknown name
    /// and a wrong password take the same time. Must be longer than one hash takes.
    #[schemars(range(min = 0, max = 10_000))]
    pub failure_floor_ms: u32,
    /// Cost of Argon2id. Hashes of another cost are renewed at the next sign-in.
    pub argon2: Argon2,
}

/// Cost of Argon2id (RFC 9106).
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Argon2 {
    /// Memory, in KiB.
    #[schemars(range(min = 8, max = 4_194_304))]
    pub m_kib: u32,
    /// Passes over the memory.
    #[schemars(range(min = 1, max = 1000))]
    pub t: u32,
    /// Lanes.
    #[schemars(range(min = 1, max = 16))]
    pub p: u32,
}

impl Default for Password {
    fn default() -> Self {
        Self {
            min_length_single_factor: 15,
            min_length_second_factor: None,
            threads: None,
            queue: 128,
            failure_floor_ms: 500,
            argon2: Argon2::default(),
        }
    }
}

/// The row of the OWASP cheat sheet with the least memory and two passes.
impl Default for Argon2 {
    fn default() -> Self {
        Self { m_kib: 19_456, t: 2, p: 1 }
    }
}

impl Password {
    pub(super) fn check(&self, report: &mut Report<'_>) {
        let longer = self.min_length_second_factor.is_some_and(|length| length > self.min_length_single_factor);
        let message = "must not be more than password.min_length_single_factor";
        report.refuse_if(longer, "password.min_length_second_factor", message);
        let too_little = self.argon2.m_kib < 8 * self.argon2.p;
        report.refuse_if(too_little, "password.argon2.m_kib", "must be at least 8 times password.argon2.p");
    }

    /// The shortest password where a second factor is demanded.
    pub fn min_length_second_factor(&self) -> u8 {
        self.min_length_second_factor.unwrap_or_else(|| MIN_WITH_SECOND_FACTOR.min(self.min_length_single_factor))
    }

    /// Is a hash cheaper than the cheapest row that OWASP names?
    pub const fn is_weak(&self) -> bool {
        self.argon2.m_kib < 7168
    }
}
