//! Accounts as their callers see them: whole services over the embedded store, with a clock that the tests move.

#[path = "../support/mod.rs"]
mod support;

mod bounds;
mod delivery;
mod journey;
mod keys;
mod operating;
mod races;
mod registering;
mod resting;
mod settling;
mod stored;
mod strangers;
mod tokens;
mod totp;
