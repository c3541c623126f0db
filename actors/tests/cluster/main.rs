//! Several nodes over one store, with whole services each and a network in between that does what the test says.

#![expect(dead_code, reason = "of the shared world these tests use a part")]

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/postbox.rs"]
mod postbox;

#[path = "../support/proofs.rs"]
mod proofs;

mod claiming;
mod clocks;
mod config;
mod data_keys;
mod house;
mod level;
mod memory;
mod network;
mod revoking;
mod routing;
mod shipping;
mod simulation;
mod store;
