//! The account actor: one per busy user, the owner of that user's partition.
//!
//! ```text
//! Accounts (handle) ──route──► Directory ──► Account actor ──settle──► store
//!        │ permits, deadline        │ spawn on demand, passivate when idle
//!        ▼                          ▼
//!     Hasher                     Cache: (revision, items), bounded in bytes
//! ```
//!
//! How a command runs:
//!
//! 1. [`Accounts`] takes a permit and asks the router where the owner is ([`route`]): on this node it finds or spawns the
//!    actor, otherwise it calls the owner's node, which does.
//! 2. The actor checks the deadline, loads what the command needs and is not loaded, and reads its clock once.
//! 3. The command's rule decides ([`crate::domain`]).
//! 4. `settle` commits, swaps, answers, publishes. A conflict means: reload and decide anew, at most three times. What
//!    writes nothing is answered if memory may be trusted, or is validated first ([`memory`]); a revocation is answered
//!    when every node knows of it ([`crate::acknowledge`]).
//!
//! Nothing here waits for a password hash: the actor hands out *reservations*, at most as many per bucket as that bucket
//! has guesses left; the hash runs on the pool, and its verdict is a second command ([`work`]).

mod actor;
mod cache;
mod directory;
mod handle;
mod memory;
mod message;
mod reservation;
mod route;
mod work;

pub use actor::MAX_CONFLICTS;
pub(crate) use directory::{Directory, Shared};
pub(crate) use handle::Asked;
pub use handle::{Accounts, AccountsOptions};
pub use memory::{is_trusted, may_be_said};
pub(crate) use message::Answer;
pub use message::{Delivery, Observation, Request, Trace};
pub(crate) use reservation::MAX_WAITING;
pub use route::{Next, next};
pub use work::{ChangePasswordRequest, CheckBackupCode, CheckPassword};

pub use crate::settle::{Terms, event_key, write_set};

/// Tells an account that these event items were appended to their stream.
pub(crate) fn shipped(keys: Vec<Box<str>>) -> message::Message {
    message::Message::Shipped(keys)
}
