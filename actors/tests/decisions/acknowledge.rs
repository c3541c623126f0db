//! When a revocation is answered, as `actors/src/acknowledge.rs` has it (HAZARDS H2), and when what was done in an owner's
//! place is.
//!
//! 1. A read of the view that begins after the commit.
//! 2. The owner by that view is told, and replies that it has dropped what is older.
//! 3. It does not: it is taken out of the view, and everything begins anew.
//! 4. Nobody trusts any more what it held before the present owner owned.

use cluster::{BOUND, Generation, Member, NodeId, View, keeper, placement};
use schema::Revision;
use serde_json::value::RawValue;

use crate::{
    account::{Back, Work},
    broken::Broken,
    node::{Node, Note, Pending, STORE_TIMEOUT, index},
    store::{Answer, Ask},
    world::{Net, Person},
};

const INVALIDATE_WITHIN: u64 = 1_000;
const TELL_WITHIN: u64 = 300;
const EFFORT: u64 = 5_000;
const PAUSE: u64 = 50;

/// What an acknowledgement waits for.
#[derive(Debug)]
enum Stage {
    /// A read of the view, which began then.
    View(u64),
    /// The owner by this view.
    Owner(Member, View),
    /// The view without that start of a node.
    Removal(NodeId, Generation),
    Pause,
    /// Only time.
    Quiet,
    /// The owner, for which something was done in its place.
    Tell,
}

/// What is stored and not answered yet.
#[derive(Debug)]
pub(crate) struct Ack {
    person: Person,
    revision: Revision,
    back: Back,
    outcome: Box<RawValue>,
    end: u64,
    /// The owner that was told, or taken out.
    told: Option<(NodeId, Generation)>,
    stage: Stage,
}

impl Node {
    /// Something was taken away.
    pub(crate) fn make_known(&mut self, net: &mut Net, work: &Work, (outcome, revision): (Box<RawValue>, Revision)) {
        net.counts.revocations += 1;
        let end = work.deadline.max(net.now + EFFORT);
        let (person, back, stage) = (work.asked.person, work.back, Stage::Pause);
        let ack = Ack { person, revision, back, outcome, end, told: None, stage };
        self.look_at_the_view(net, ack);
    }

    /// Something was added in the owner's place.
    pub(crate) fn tell_owner(&mut self, net: &mut Net, work: &Work, (outcome, revision): (Box<RawValue>, Revision)) {
        let view = self.authority.view();
        let Some(owner) = placement::owner(&view, net.users[work.asked.person].as_bytes()) else {
            return self.respond(net, work.back, Ok(outcome));
        };
        let (person, back, end) = (work.asked.person, work.back, net.now + TELL_WITHIN);
        let ack = Ack { person, revision, back, outcome, end, told: None, stage: Stage::Tell };
        self.send_invalidate(net, ack, owner, TELL_WITHIN);
    }

    fn send_invalidate(&mut self, net: &mut Net, ack: Ack, owner: &Member, within: u64) {
        let call = net.number();
        let note = Note::Invalidate { person: ack.person, revision: ack.revision, generation: owner.generation, call };
        net.send(self.ix, index(owner), note);
        self.wait(net, call, Pending::Ack(Box::new(ack)), within);
    }

    fn look_at_the_view(&mut self, net: &mut Net, mut ack: Ack) {
        if net.now < ack.end {
            ack.stage = Stage::View(net.now);
            self.ask_view(net, Pending::Ack(Box::new(ack)));
        }
    }

    fn pause(&mut self, net: &mut Net, mut ack: Ack) {
        ack.stage = Stage::Pause;
        self.wait_for(net, Pending::Ack(Box::new(ack)), PAUSE);
    }

    /// The store answers, or what was waited for is over.
    pub(crate) fn acknowledge(&mut self, net: &mut Net, mut ack: Ack, answer: Option<Answer>) {
        match (std::mem::replace(&mut ack.stage, Stage::Pause), answer) {
            (Stage::View(began), Some(Answer::View(view))) => {
                if self.observe(net, &view, began) {
                    let view = self.authority.view().as_ref().clone();
                    self.viewed(net, ack, view);
                } else {
                    self.look_at_the_view(net, ack);
                }
            }
            (Stage::View(_), _) => self.pause(net, ack),
            (Stage::Pause, _) => self.look_at_the_view(net, ack),
            (Stage::Owner(owner, view), _) => self.remove(net, ack, &owner, &view),
            (Stage::Removal(node, start), answer) => {
                ack.told = Some((node, start));
                match answer {
                    Some(Answer::Replaced) => self.look_at_the_view(net, ack),
                    _ => self.pause(net, ack),
                }
            }
            (Stage::Quiet, _) => self.known(net, ack),
            (Stage::Tell, _) => self.respond(net, ack.back, Ok(ack.outcome)),
        }
    }

    fn viewed(&mut self, net: &mut Net, mut ack: Ack, view: View) {
        let Some(owner) = placement::owner(&view, net.users[ack.person].as_bytes()).cloned() else {
            return self.quiet(net, ack);
        };
        // One that came after an owner which was told, or taken out, gained the user after the commit.
        let later = ack.told.as_ref().is_some_and(|told| *told != (owner.node.clone(), owner.generation));
        if self.is(&owner) || later || net.is(Broken::TellsNobody) {
            return self.quiet(net, ack);
        }
        ack.stage = Stage::Owner(owner.clone(), view);
        self.send_invalidate(net, ack, &owner, INVALIDATE_WITHIN);
    }

    /// An owner replied.
    pub(crate) fn told_owner(&mut self, net: &mut Net, mut ack: Ack, dropped: bool) {
        match std::mem::replace(&mut ack.stage, Stage::Pause) {
            Stage::Owner(..) if dropped => self.quiet(net, ack),
            Stage::Owner(owner, view) => self.remove(net, ack, &owner, &view),
            stage => {
                ack.stage = stage;
                self.acknowledge(net, ack, None);
            }
        }
    }

    /// The owner does not answer.
    fn remove(&mut self, net: &mut Net, mut ack: Ack, owner: &Member, view: &View) {
        if net.now >= ack.end {
            return;
        }
        net.log(|| format!("node {} takes {} out for person {}", self.ix, owner.node, ack.person));
        let ask = Ask::ReplaceView { expected: view.epoch, next: keeper::without(view, &owner.node) };
        ack.stage = Stage::Removal(owner.node.clone(), owner.generation);
        let request = net.ask(self.me(), ask);
        self.wait(net, request, Pending::Ack(Box::new(ack)), STORE_TIMEOUT);
    }

    /// Waits until nobody trusts what it held before the present owner owned.
    fn quiet(&mut self, net: &mut Net, mut ack: Ack) {
        let quiet_from = self.authority.quiet_from(net.users[ack.person].as_bytes());
        let bound = net.now + u64::try_from(BOUND.as_millis()).unwrap_or(u64::MAX);
        let quiet_from = quiet_from.map_or(bound, |at| net.ms(at));
        if quiet_from <= net.now {
            return self.known(net, ack);
        }
        ack.stage = Stage::Quiet;
        self.wait_for(net, Pending::Ack(Box::new(ack)), quiet_from - net.now);
    }

    fn known(&mut self, net: &mut Net, ack: Ack) {
        net.counts.acknowledged += 1;
        net.log(|| format!("revision {:?} of person {} is known everywhere", ack.revision, ack.person));
        self.respond(net, ack.back, Ok(ack.outcome));
    }
}
