//! Who is here, who owns what, and how to reach them. A generic library: no word of what is stored or decided.
//!
//! With one node every key is [`Route::Local`]; the calls take the same way as in a cluster, so that a second node
//! changes nothing in the crates above. What this crate promises:
//!
//! * [`placement`] is pure: every node that has the same [`View`] names the same owner, and a change of one member
//!   moves only that member's share of the keys.
//! * It does **not** promise that only one node believes to own a key. The store decides that (compare-and-set).

mod envelope;
mod node;
pub mod placement;
mod route;

pub use envelope::{Envelope, EnvelopeError, WIRE_VERSION};
pub use node::{Generation, Member, NodeId, NodeIdError, Role, View};
pub use route::{Route, Router};
