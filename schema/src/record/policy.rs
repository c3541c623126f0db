//! What of a second step is asked for, and of whom.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use super::{Unknown, record};
use crate::{ClientId, Timestamp};

/// Whom a policy concerns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "of")]
pub enum PolicyScope {
    /// Everybody.
    Everybody,
    /// One account, of which an operator asks for a second step. It is kept with the account, and nobody sets a policy of it.
    Account,
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
    /// A sensitive operation: one of the account's own, or one that an application asks for by its name
    /// (`authorization_details`, RFC 9396), which this registers. Written from data level 4 on.
    Operation {
        /// The application; none: the pages of the account.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client: Option<ClientId>,
        /// Its name, such as `password.change` or `wire.transfer`.
        operation: String,
    },
}

/// `everybody`, `account`, `role/<role>`, `client/<client>`, `operation/<operation>` or `operation/<client>/<operation>`.
impl fmt::Display for PolicyScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everybody => f.write_str("everybody"),
            Self::Account => f.write_str("account"),
            Self::Role { role } => write!(f, "role/{role}"),
            Self::Client { client } => write!(f, "client/{client}"),
            Self::Operation { client: None, operation } => write!(f, "operation/{operation}"),
            Self::Operation { client: Some(client), operation } => write!(f, "operation/{client}/{operation}"),
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
        /// Of an operation: how old its proofs may be, in minutes; 0: they are given for this very request. Unset: 10 for the
        /// account's own, 0 for those of applications.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub fresh_minutes: Option<u16>,
        /// For how many days after registration it is only recommended, even where it is required.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub grace_days: Option<u16>,
        /// How often somebody may decline while it is recommended; then it is required. Unset: until it is required.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub skips: Option<u16>,
        /// When it was last changed.
        pub changed_at: Timestamp,
    }
}

impl Policy {
    /// A policy that asks for a sign-in which reaches this `acr`, by whatever methods, and for nothing else.
    pub fn new(scope: PolicyScope, mode: PolicyMode, at_least: &str, changed_at: Timestamp) -> Self {
        Self {
            scope,
            mode,
            any_of: BTreeSet::new(),
            all_of: BTreeSet::new(),
            at_least: at_least.to_owned(),
            trusted_days: None,
            fresh_minutes: None,
            grace_days: None,
            skips: None,
            changed_at,
            unknown: Unknown::default(),
        }
    }
}
