//! The rules, and the owners of state.
//!
//! ```text
//! Services ─┬─ SignInService, Registration     steps over several partitions
//!           ├─ Accounts ─ Directory ─ account actors, one per busy user (supervised)
//!           ├─ Clients                          registry
//!           ├─ KeyRing                          one actor
//!           ├─ TokenIssuer                      makes and reads tokens
//!           ├─ Hashes ─ Hasher                  a bounded pool of threads
//!           ├─ Shipper                          one actor: events to their stream
//!           ├─ SmsFraud                         one actor: counts text messages whose codes nobody typed
//!           └─ Notifier                         one actor: messages to their providers
//! ```
//!
//! The store decides; an actor is a cache, a queue and a throttle. Everything that changes a user is decided in
//! [`domain`] and committed by `settle`, and nothing else. Nodes of a cluster call each other through [`peer_service`].

pub mod account;
mod acknowledge;
pub mod call;
pub mod clients;
pub mod clock;
pub mod data_keys;
pub mod domain;
pub mod entropy;
pub mod feature_level;
mod following;
pub mod generations;
pub mod hasher;
pub mod hashes;
mod ident;
pub mod key_ring;
pub mod locator;
mod new_password;
pub mod notifier;
pub mod operator;
mod own_address;
pub mod peer_service;
pub mod policies;
pub mod recipients;
pub mod registration;
pub mod registration_by_email;
pub mod reminders;
pub mod restored;
pub mod secret;
mod services;
mod settle;
mod shared_load;
pub mod shipper;
pub mod sign_in;
pub mod signer;
pub mod sms_budget;
pub mod sms_fraud;
pub mod stored_view;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod tokens;
pub mod trace;
mod transact;
pub mod vault;
mod views;
pub mod visitor;
mod watch;

pub use services::{Services, ServicesError, ServicesOptions};
