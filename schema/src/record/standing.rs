//! What a store is there for: to be served from, or not.

use serde::{Deserialize, Serialize};

use super::record;
use crate::{Timestamp, export::Place};

/// May the store be served from?
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Standing {
    /// Yes. So is a store that says nothing about it.
    #[default]
    Serving,
    /// It is being copied to another store and must not change meanwhile.
    Moving {
        /// Where to.
        to: String,
        /// Which copying.
        copy: String,
        /// Since when.
        since: Timestamp,
    },
    /// Everything in it is served from another store.
    Retired {
        /// Which.
        to: String,
        /// Which copying.
        copy: String,
        /// Since when.
        at: Timestamp,
    },
    /// It is being filled from another store.
    Copying {
        /// Which.
        from: String,
        /// Which copying.
        copy: String,
        /// Since when.
        since: Timestamp,
        /// How far it is filled.
        place: Place,
    },
    /// It came out of a backup, and what must end by that (HAZARDS H14) has not all ended.
    Restoring {
        /// Since when; what ends, ends as of this moment.
        since: Timestamp,
        /// How far it is done.
        place: Place,
        /// Do passwords end as well?
        passwords: bool,
    },
}

record! {
    /// Item `standing` of partition `cluster/standing`.
    pub struct StoreStanding: 1 {
        /// What it is there for.
        pub standing: Standing,
    }
}

record! {
    /// Item `restored` of partition `keyring/data`: what was issued or signed before this, by anybody, is refused where
    /// its consumption could have been forgotten (HAZARDS H14).
    pub struct Restored: 1 {
        /// When the store last came out of a backup.
        pub at: Timestamp,
    }
}
