//! Three real nodes on a real CQL cluster: what one did every other knows at once, and one that is killed, paused or
//! replaced costs its users no more than a retry.
//!
//! All of them are ignored unless asked for, since they need a CQL cluster: `.ci/test cluster`, or
//! `DOORWARD_TEST_CQL=HOST:PORT,… cargo test -p node --test cluster -- --ignored --skip majority::`. Those of `majority` kill nodes
//! of the store, and have a cluster of their own in `.ci/test`.

#[path = "../races/application.rs"]
mod application;
#[path = "../races/browser.rs"]
mod browser;
mod certificates;
mod drain;
mod everywhere;
mod failover;
#[expect(dead_code, reason = "the races use the rest")]
#[path = "../races/http.rs"]
mod http;
mod journey;
mod lives;
mod load;
mod lost;
mod majority;
mod mixed;
mod nodes;
mod operators;
mod pause;
#[expect(dead_code, reason = "the races use the rest")]
#[path = "../races/person.rs"]
mod person;
mod plan;
mod revocation;
mod roles;
mod rolling;
mod seeds;
#[expect(dead_code, reason = "the tests of signals and of the command line use the rest")]
#[path = "../system/support.rs"]
mod support;
