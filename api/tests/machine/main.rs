//! The state machine of sign-in and account, tried from outside: every POST of every step in every state, with its own ids and with
//! those of others, older ones and none. Only legal edges move.
//!
//! * [`census`] reads from the sources which POST routes there are: one that is not classed in [`doors`] fails.
//! * [`scene`] brings a browser into a state. In each of them somebody with every kind of device, each also pending, is at stake.
//! * [`links`] are those that were mailed: good, replaced, used, over, of another browser and of somebody else.
//! * [`snapshot`] tells what a request changed, by what is stored of every user.
//! * [`walk`] has somebody try doors while the [`owner`] uses them; [`expiry`] lets time pass.
//! * [`model`] says which door leads on from which state, and what it may change; [`edges`] tries every door from every state.
//! * [`proofs`] tries them with proofs that are wrong, before the right ones; and cookies that are more than a name.
//! * [`forced`] is the same for somebody of whom a second step is asked, and who has none yet.

#[path = "../pages/html.rs"]
#[expect(dead_code, reason = "the tests of pages use all of it")]
mod html;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the tests of routes use all of it")]
mod support;

mod census;
mod doors;
mod edges;
mod expiry;
mod forced;
mod form;
mod links;
mod model;
mod owner;
mod person;
mod proofs;
mod scene;
mod snapshot;
mod state;
mod walk;
