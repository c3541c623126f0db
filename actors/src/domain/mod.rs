//! The rules. The law of this folder: no async, no tokio, no ractor, no store, no clock and no random source inside; what
//! a rule needs of those is handed in. `tests/purity.rs` holds it to that.
//!
//! How a change of a user is decided:
//!
//! 1. The owner has a [`User`](user::User): what is stored, typed, as of one revision.
//! 2. A [`Decide`](command::Decide) command looks at it and returns a [`Decision`](command::Decision): what to write,
//!    what to tell the audit log, and the outcome, which holds no secret.
//! 3. `settle` commits, then applies the change to the `User`, then answers.
//!
//! Secrets of a reply (session secrets, codes, tokens) are drawn from the attempt's seed with a purpose, by the decision
//! that stores their hash and by the edge that sends them: so the same attempt always has the same secrets (HAZARDS H5).

pub mod address;
pub mod assurance;
pub mod authorization_details;
pub mod change;
pub mod client;
pub mod command;
pub mod compromised;
pub mod context;
pub mod device;
pub mod email;
pub mod event;
pub mod factor;
pub mod letter;
pub mod limits;
pub mod operation;
pub mod phone;
pub mod pkce;
pub mod policy;
pub mod recovery;
pub mod restore;
pub mod role;
pub mod scope;
pub mod sms;
pub mod sms_fraud;
pub mod suspension;
pub mod texts;
pub mod throttle;
pub mod trusted_device;
pub mod user;
pub mod user_name;
