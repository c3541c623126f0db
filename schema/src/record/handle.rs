//! One-time things without a user.

use super::record;
use crate::Timestamp;

record! {
    /// Item `link` of a `handle` partition: the link that makes the first administrator (HAZARDS H8). Its consumption is
    /// committed before anything else; only the same consumer may go on.
    pub struct SetupLink: 1 {
        /// SHA-256 of its secret part, 128 bits.
        pub secret_hash: String,
        /// Its end.
        pub expires_at: Timestamp,
        /// SHA-256 of the browser id that consumed it.
        pub used_by: Option<String>,
        /// When it was consumed.
        pub used_at: Option<Timestamp>,
    }
}

record! {
    /// Item `invitation` of the partition `cluster/first-admin`: the newest such link, so that every node can print the same
    /// one. Sealed, for whoever reads the store must not be able to use it.
    pub struct Invitation: 1 {
        /// The link's token, sealed.
        pub sealed: String,
        /// The end of the link.
        pub expires_at: Timestamp,
    }
}

record! {
    /// Item `request` of a `handle` partition: an authorization request that is too large for its login's cookie.
    pub struct StoredRequest: 1 {
        /// The validated request, as JSON.
        pub request: String,
    }
}
