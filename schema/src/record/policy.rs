//! What of a second step is asked for, and of whom.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use super::record;
use crate::{ClientId, Timestamp};

/// Whom a policy concerns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "of")]
pub enum PolicyScope {
    /// Everybody.
    Everybody,
    /// Users with this role.
    Role {
        /// The role.
        role: String,
    },
    /// Sign-ins to this application.
    Client {
        /// The application.
        client: ClientId,
    },
}

/// `everybody`, `role/<role>` or `client/<client>`.
impl fmt::Display for PolicyScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everybody => f.write_str("everybody"),
            Self::Role { role } => write!(f, "role/{role}"),
            Self::Client { client } => write!(f, "client/{client}"),
        }
    }
}

/// A second step that people can set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyMethod {
    /// An authenticator app.
    Totp,
    /// Codes by e-mail.
    Email,
    /// Codes by text message.
    Sms,
    /// A passkey.
    Passkey,
}

/// How much is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum PolicyMode {
    /// Nothing.
    Off,
    /// People are asked to set up a second step, and may decline.
    Recommended,
    /// Nobody gets in without.
    Required {
        /// From when on; until then it is recommended.
        from: Timestamp,
    },
}

record! {
    /// Item `rule/<scope>` of the partition `policy/mfa`.
    pub struct Policy: 1 {
        /// Whom it concerns.
        pub scope: PolicyScope,
        /// How much is asked for.
        pub mode: PolicyMode,
        /// One of these must have been proved; any second step if empty.
        pub any_of: BTreeSet<PolicyMethod>,
        /// All of these must have been proved.
        pub all_of: BTreeSet<PolicyMethod>,
        /// The `acr` that a sign-in must reach.
        pub at_least: String,
        /// For how many days after trust was given a trusted device may stand in for it; unset: as long as it is trusted.
        pub trusted_days: Option<u16>,
        /// When it was last changed.
        pub changed_at: Timestamp,
    }
}
