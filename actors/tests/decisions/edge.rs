//! Requests of clients at the node that took them: who is asked, and who next. The real [`actors::account::next`] says so.

use std::rc::Rc;

use actors::{
    account::{ChangePasswordRequest, CheckBackupCode, CheckPassword, Delivery, Next, next},
    call::CallError,
    domain::{
        command::{Body, ChangePassword, JudgeBackupCode, JudgePassword},
        context::Attempt,
    },
};
use cluster::{Member, NodeId, Route as Owner};
use schema::{CredentialId, Timestamp};

use crate::{
    account::{Back, Phase, Work},
    node::{Node, Note, Pending, Told, index},
    world::{Net, NodeIx, Person},
};

/// How long a client waits.
pub(crate) const PATIENCE: u64 = 6_000;

/// What is asked.
#[derive(Debug)]
pub(crate) enum What {
    Command(Rc<Delivery>),
    Password(CheckPassword),
    Backup(CheckBackupCode),
    Change(ChangePasswordRequest),
}

/// A request of a client.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) request: u64,
    pub(crate) person: Person,
    pub(crate) attempt: Attempt,
    /// The node that takes it.
    pub(crate) edge: NodeId,
    pub(crate) what: What,
}

impl Asked {
    /// The command; where a hash comes before it, with this verdict.
    pub(crate) fn delivery(&self, credential: CredentialId, version: u32, right: bool) -> Rc<Delivery> {
        let body: Body = match &self.what {
            What::Command(delivery) => return Rc::clone(delivery),
            What::Password(check) => {
                JudgePassword { login: check.login.clone(), credential, version, right, rehash: None }.into()
            }
            What::Backup(check) => {
                let (login, locator) = (check.login.clone(), check.locator.clone());
                JudgeBackupCode { login, credential, locator, right }.into()
            }
            What::Change(change) => {
                let (session, new_hash) = (change.session.clone(), change.new_hash.clone());
                ChangePassword { session, credential, version, right, new_hash }.into()
            }
        };
        Rc::new(Delivery { attempt: self.attempt.clone(), edge: self.edge.clone(), body })
    }
}

/// A request on its way: who was asked already, and whether it may have been served.
#[derive(Debug)]
pub(crate) struct Route {
    asked: Rc<Asked>,
    tried: Vec<Member>,
    began_at: Timestamp,
    first_sent_at: Option<Timestamp>,
    deadline: u64,
}

impl Node {
    /// A client asks this node.
    pub(crate) fn begin(&mut self, net: &mut Net, asked: Rc<Asked>) {
        let deadline = net.now + PATIENCE;
        self.open.insert(asked.request, Rc::clone(&asked));
        self.wait_for(net, Pending::Patience(asked.request), PATIENCE);
        if self.authority.route(net.users[asked.person].as_bytes()) == Owner::Local {
            return self.serve(net, (asked, None, deadline), None);
        }
        let began_at = self.wall(net);
        self.route_on(net, Route { asked, tried: Vec::new(), began_at, first_sent_at: None, deadline });
    }

    /// The next is asked, by the view of now.
    pub(crate) fn route_on(&mut self, net: &mut Net, mut route: Route) {
        let request = route.asked.request;
        let user = net.users[route.asked.person];
        let Some(next) = next(&self.authority, !self.authority.is_suspended(), user, &route.tried) else {
            return self.answer(net, request, Err(CallError::Unreachable));
        };
        if net.now >= route.deadline {
            return self.answer(net, request, Err(CallError::TimedOut));
        }
        let Next::There { member, in_place, last } = next else {
            return self.serve(net, (route.asked, route.first_sent_at, route.deadline), None);
        };
        let half = net.now + (route.deadline - net.now) / 2;
        let deadline = if last { route.deadline } else { half };
        let (call, asked, first_sent_at) = (net.number(), Rc::clone(&route.asked), route.first_sent_at);
        net.send(self.ix, index(&member), Note::Serve { asked, first_sent_at, in_place, deadline, call });
        route.tried.push(member);
        self.wait(net, call, Pending::Call(route), deadline - net.now);
    }

    /// It may have been served.
    pub(crate) fn call_lost(&mut self, net: &mut Net, mut route: Route) {
        route.first_sent_at = Some(route.began_at);
        self.route_on(net, route);
    }

    pub(crate) fn call_told(&mut self, net: &mut Net, route: Route, told: Told) {
        match told {
            Told::Answered(Err(CallError::Unavailable(_) | CallError::TimedOut)) => self.call_lost(net, route),
            Told::Answered(Err(CallError::Unreachable)) | Told::Suspended => self.route_on(net, route),
            Told::Answered(answer) => self.answer(net, route.asked.request, answer),
            Told::Moved => self.ask_view(net, Pending::Reroute(route, net.now)),
        }
    }

    /// Another node asks.
    pub(crate) fn serve_peer(
        &mut self,
        net: &mut Net,
        (asked, first_sent_at, deadline): (Rc<Asked>, Option<Timestamp>, u64),
        in_place: bool,
        back: (NodeIx, u64),
    ) {
        let told = if self.authority.is_suspended() {
            Told::Suspended
        } else if !in_place && self.authority.route(net.users[asked.person].as_bytes()) != Owner::Local {
            Told::Moved
        } else {
            net.counts.in_place += u64::from(in_place);
            return self.serve(net, (asked, first_sent_at, deadline), Some(back));
        };
        let (from, call) = back;
        net.send(self.ix, from, Note::Served { call, told });
    }

    /// This node serves it.
    fn serve(
        &mut self,
        net: &mut Net,
        (asked, first_sent_at, deadline): (Rc<Asked>, Option<Timestamp>, u64),
        back: Option<(NodeIx, u64)>,
    ) {
        let back = back.map_or(Back::Here(asked.request), |(node, call)| Back::There { node, call });
        let phase = match (&asked.what, first_sent_at) {
            (What::Command(delivery), _) => Phase::Decide(Rc::clone(delivery)),
            (_, Some(_)) => Phase::Recall,
            (_, None) => Phase::Reserve,
        };
        self.take_on(net, Work { asked, back, first_sent_at, asked_at: net.now, deadline, phase });
    }

    /// Says what became of it to who asked.
    pub(crate) fn respond(
        &mut self,
        net: &mut Net,
        back: Back,
        answer: Result<Box<serde_json::value::RawValue>, CallError>,
    ) {
        match back {
            Back::Here(request) => self.answer(net, request, answer),
            Back::There { node, call } => {
                net.send(self.ix, node, Note::Served { call, told: Told::Answered(answer) });
            }
        }
    }
}
