//! What is stored, and how; no rule about what is allowed.
//!
//! Each [`Kind`] is one table, and a commit touches one partition of one table:
//!
//! | kind | partition id | items |
//! |---|---|---|
//! | `user` | [`UserId`] | `account`, `password`, `totp/*`, `email/*`, `passkey/*`, `backup`, `throttle/*`, `login/*`, `session/*`, `code/*`, `family/*`, `consent/*`, `device/*`, `trusted/*`, `reset/*`, `message/*`, `sends`, `challenge/*`, `event/*`, `claim-void/*` |
//! | `client` | [`ClientId`] | `registration`, `event/*` |
//! | `keyring` | `signing`, `data` | `key/*`, `canary/*`, `active` |
//! | `handle` | random | one-time things without a user; the whole partition expires |
//! | `ident` | HMAC of a normalised name or address | `throttle`, `recipient`; the whole partition expires |
//! | `claim` | look-up | `owner` |
//! | `cluster` | fixed names | `format`, cursors, locks |
//! | `policy` | `mfa` | `rule/<scope>`: of whom a second step is asked |
//!
//! The kernel is [`Store`]; what is built on it once for both backends is in [`claim`](mod@claim) and [`resolve`].

mod check;
mod dirty;
mod id;
mod kernel;
mod time;
mod typed;

pub mod claim;
#[cfg(feature = "testing")]
pub mod contract;
pub mod embedded;
pub mod export;
pub mod fence;
pub mod record;
pub mod resolve;
pub mod scylla;
pub mod standing;

pub use check::{MAX_EVENT_ID, MAX_ITEM_KEY, MAX_PARTITION_ID};
pub use dirty::{DIRTY_BUCKET, NotAPartition, dirty_event};
pub use id::*;
pub use kernel::*;
pub use time::Timestamp;
