//! Composition: command line, configuration, listeners, and the order in which the parts start and stop. No rules.

pub mod config;
