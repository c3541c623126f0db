//! Accounts as their callers see them: whole services over the embedded store, with a clock that the tests move.

#![expect(dead_code, reason = "of the shared world these tests use a part")]

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/postbox.rs"]
mod postbox;

mod addresses;
mod alarms;
mod attested;
mod bounds;
mod by_mail;
mod compromised;
mod delivery;
mod email;
mod forgotten;
mod journey;
mod keys;
mod links;
mod locks;
mod messages;
mod notices;
mod one_account;
mod operating;
mod own_address;
mod passkeys;
mod password_length;
mod pauses;
mod proofs_gone;
mod races;
mod recovery;
mod refreshing;
mod registering;
mod registering_by_email;
mod resting;
mod restoring;
mod sealed;
mod settling;
mod sms;
mod sms_fraud;
mod stored;
mod strangers;
mod tokens;
mod totp;
mod trusted;
