//! Composition: command line, configuration, listeners, and the order in which the parts start and stop. No rules.

pub mod cli;
pub mod command;
pub mod config;
pub mod data_folder;
pub mod first_admin;
pub mod listen;
pub mod mail;
pub mod management;
pub mod print;
pub mod serve;
pub mod shutdown;
pub mod sms;
pub mod socket;
pub mod telemetry;
pub mod templates;
pub mod wire_up;
