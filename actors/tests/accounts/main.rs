//! Accounts as their callers see them: whole services over the embedded store, with a clock that the tests move.

#![expect(dead_code, reason = "of the shared world these tests use a part")]

#[path = "../support/mod.rs"]
mod support;

mod addresses;
mod bounds;
mod delivery;
mod email;
mod journey;
mod keys;
mod messages;
mod operating;
mod passkeys;
mod postbox;
mod races;
mod registering;
mod resting;
mod restoring;
mod settling;
mod sms;
mod stored;
mod strangers;
mod tokens;
mod totp;
mod trusted;
