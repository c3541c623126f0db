//! Who is here, who owns what, and how to reach them. A generic library: no word of what is stored or decided.
//!
//! What this crate promises:
//!
//! * [`placement`] is pure: every node that has the same [`View`] names the same owner, and a change of one member
//!   moves only that member's share of the keys.
//! * An [`Authority`] says when a record in memory may be answered from, so that after an acknowledged change nobody
//!   answers from what was before it.
//! * It does **not** promise that only one node believes to own a key. The store decides that (compare-and-set).

mod authority;
mod call;
pub mod certs;
mod clock_watch;
mod envelope;
pub mod gossip;
pub mod keeper;
mod node;
pub mod placement;
#[cfg(feature = "testing")]
pub mod sim;
mod steward;
mod task;
pub mod transport;
mod view_store;

pub use authority::{Authority, BOUND, Route, Tenure, wall::Hands};
pub use call::{CallFailure, Caller, NoCaller, Service};
pub use clock_watch::{ClockJudge, ClockWatch, MAX_OFFSET_MS, ReadHands, Reading};
pub use envelope::{Envelope, EnvelopeError, OLDEST_WIRE_VERSION, WIRE_VERSION};
pub use keeper::Keeper;
pub use node::{Generation, Member, NodeId, NodeIdError, Role, View};
pub use steward::{Steward, StewardError, StewardOptions};
pub use view_store::{ViewStore, ViewStoreError};

/// The monotonic time. Everything in this crate is handed its time; who drives it reads it here, so that a paused clock
/// of a test moves all of it.
pub fn now() -> tokio::time::Instant {
    #[expect(clippy::disallowed_methods, reason = "the one place where this crate reads a clock")]
    tokio::time::Instant::now()
}
