//! The embedded store as a process that dies: killed, cut off in the middle of its journal, out of disk, or told by the
//! disk that a sync failed. Whatever was acknowledged is there afterwards; whatever was not is there whole or not at
//! all.
//!
//! The tests start this same binary again as the process to be killed ([`child`]), read its acknowledgements, and open
//! the folder that it left behind ([`verdict`]).

mod child;
mod disk;
mod kill;
mod sync;
mod torn;
mod verdict;
