//! How a revocation is acknowledged, beside the mailbox (HAZARDS H2):
//!
//! 1. After the commit, read the view.
//! 2. If another node owns the key, tell it, and wait for its reply.
//! 3. If it does not reply, have it begin another term, wait [`BOUND`], acknowledge. One that knows of no terms is taken out
//!    of the view and put in again at once; a node that knows of none itself only takes it out.
//! 4. Otherwise wait until everyone else who may have owned the key has stopped trusting, and acknowledge.

use cluster::{BOUND, Route, keeper};

use crate::{
    node::{CALL_TIMEOUT, Node, Pending, STORE_TIMEOUT, bytes, index},
    store::Ask,
    world::{Broken, Key, Net, Note},
};

/// Attempts before the client is told that the change may not be known everywhere.
const TRIES: u32 = 5;
const BOUND_MS: u64 = BOUND.as_secs() * 1_000;

/// A revocation that was committed and is not acknowledged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ack {
    pub(crate) key: Key,
    pub(crate) revision: u64,
    pub(crate) tries: u32,
}

impl Node {
    pub(crate) fn begin_acknowledging(&mut self, net: &mut Net, ack: Ack) {
        if net.is(Broken::NoViewRead) {
            return self.judge(net, ack);
        }
        let request = net.ask(self.me(), Ask::ReadView);
        self.wait(net, request, Pending::View { began: net.now, ack: Some(ack) }, STORE_TIMEOUT);
    }

    pub(crate) fn acknowledge_again(&mut self, net: &mut Net, ack: Ack) {
        if ack.tries < TRIES {
            self.begin_acknowledging(net, Ack { tries: ack.tries + 1, ..ack });
        }
    }

    /// The view was read after the commit.
    pub(crate) fn judge(&mut self, net: &mut Net, ack: Ack) {
        match self.authority.route(&bytes(ack.key)) {
            Route::Remote(owner) if !net.is(Broken::NoInvalidate) => {
                let call = net.number();
                net.send(self.ix, index(&owner), Note::Invalidate { key: ack.key, call });
                self.wait(net, call, Pending::Invalidate(ack), CALL_TIMEOUT);
            }
            Route::Local | Route::Remote(_) => self.wait_until_quiet(net, ack),
            Route::Nowhere => {}
        }
    }

    pub(crate) fn wait_until_quiet(&mut self, net: &mut Net, ack: Ack) {
        let Some(quiet_from) = self.authority.quiet_from(&bytes(ack.key)).map(|at| net.ms(at)) else { return };
        if quiet_from <= net.now || net.is(Broken::NoQuiet) {
            net.acknowledge(ack.key, ack.revision);
        } else {
            let number = net.number();
            self.wait(net, number, Pending::Quiet(ack), quiet_from - net.now);
        }
    }

    /// The owner does not reply.
    pub(crate) fn renew(&mut self, net: &mut Net, ack: Ack) {
        let view = self.authority.view();
        let Route::Remote(owner) = self.authority.route(&bytes(ack.key)) else {
            return self.acknowledge_again(net, ack);
        };
        net.log(|| format!("node {} begins another term of {} for key {}", self.ix, owner.node, ack.key));
        let renewed = if net.is(Broken::NoTerms) {
            Some(view.followed_by(view.members.clone()))
        } else {
            keeper::renewed(&view, &owner.node).filter(|_| !self.is_old)
        };
        let out_and_in = renewed.is_none() && !self.is_old;
        let next = renewed.unwrap_or_else(|| keeper::without(&view, &owner.node));
        let back = next.followed_by(view.members.clone());
        let request = net.ask(self.me(), Ask::ReplaceView { expected: view.epoch, next });
        self.wait(net, request, Pending::Replace(Some(ack)), STORE_TIMEOUT);
        if out_and_in {
            // Nobody waits for the answer: one that stays out comes in again by itself.
            net.ask(self.me(), Ask::ReplaceView { expected: view.epoch + 1, next: back });
        }
    }

    pub(crate) fn renewed(&mut self, net: &mut Net, ack: Ack, applied: bool) {
        if !applied {
            return self.acknowledge_again(net, ack);
        }
        if net.is(Broken::NoWaitAfterRenewal) {
            return net.acknowledge(ack.key, ack.revision);
        }
        let number = net.number();
        self.wait(net, number, Pending::Quiet(ack), BOUND_MS);
    }
}
