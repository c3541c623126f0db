//! What comes after a decision, and around a hash: outcomes that the store did not tell, answers, and what is hashed
//! against.

use actors::{account::MAX_CONFLICTS, call::CallError, domain::user::Areas};
use rand::RngExt;
use schema::{Commit, Revision, resolve, resolve::Verdict};
use serde_json::value::RawValue;

use crate::{
    account::{Busy, Committing, Phase, Step, Why, Work},
    broken::Broken,
    edge::What,
    node::{Node, Pending},
    people,
    store::{Answer, Ask},
    world::Net,
};

/// Where there is nothing to hash against, and where what was hashed against is not the current secret any more.
const STALE: &str = r#""Stale""#;

impl Node {
    /// Another one was there first.
    pub(crate) fn conflicted(&mut self, net: &mut Net, mut busy: Busy) {
        net.counts.conflicts += 1;
        busy.conflicts += 1;
        if net.is(Broken::DecidesOnTheSame) {
            return self.load(net, busy, Step::Load(Areas::NONE), Areas::NONE);
        }
        let span = u64::from(net.random::<1>()[0] % 8) + (1 << (busy.conflicts - 1));
        self.rest(net, busy, Step::Pause, span);
    }

    /// Not for ever.
    pub(crate) fn try_again(&mut self, net: &mut Net, busy: Busy) {
        if busy.conflicts > MAX_CONFLICTS {
            return self.failed(net, &busy.work, CallError::Unavailable("too many conflicts".to_owned()));
        }
        self.prepare(net, busy);
    }

    /// The store does not know whether it has committed.
    pub(crate) fn unknown(&mut self, net: &mut Net, busy: Busy, mut committing: Box<Committing>) {
        net.counts.unknown += 1;
        committing.until = net.now + u64::try_from(resolve::BOUND.as_millis()).unwrap_or(u64::MAX);
        self.load(net, busy, Step::Resolve(committing), Areas::NONE);
    }

    /// The steps of [`schema::resolve`].
    pub(crate) fn resolving(&mut self, net: &mut Net, busy: Busy, mut committing: Box<Committing>, answer: Answer) {
        if net.now >= committing.until {
            return self.unresolved(net, &busy.work);
        }
        match answer {
            Answer::Loaded(partition) if net.is(Broken::RetriesBlindly) => {
                committing.write.expected = partition.revision;
                let ask = Ask::Commit(Box::new(committing.write.clone()));
                self.ask_store(net, busy, Step::Commit(committing), ask);
            }
            Answer::Loaded(partition) => match resolve::judge(&partition, &committing.write) {
                Verdict::Committed(_) => {
                    net.counts.resolved += 1;
                    self.look_into_the_ring(net, busy, Why::Recorded);
                }
                Verdict::NotCommitted => self.conflicted(net, busy),
                Verdict::TooLate => self.unresolved(net, &busy.work),
                Verdict::MayStillLand => {
                    let ask = Ask::Commit(Box::new(resolve::barrier(&committing.write)));
                    self.ask_store(net, busy, Step::Barrier(committing), ask);
                }
            },
            // The revision that the late write expects is gone.
            Answer::Committed(Commit::Committed(_)) => self.conflicted(net, busy),
            _ => {
                committing.round += 1;
                if committing.round == resolve::ROUNDS {
                    return self.unresolved(net, &busy.work);
                }
                let pause = resolve::pause(committing.write.operation.id, committing.round);
                let span = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                self.rest(net, busy, Step::Rest(committing), span);
            }
        }
    }

    /// What is in memory may be out of date.
    pub(crate) fn unresolved(&mut self, net: &mut Net, work: &Work) {
        self.accounts[work.asked.person].memory.unload();
        self.failed(net, work, CallError::Unavailable("what became of a commit is not known".to_owned()));
    }

    /// There is no outcome.
    pub(crate) fn failed(&mut self, net: &mut Net, work: &Work, error: CallError) {
        self.respond(net, work.back, Err(error));
    }

    /// Answers, at once or when everybody knows what was taken away.
    pub(crate) fn outcome(
        &mut self,
        net: &mut Net,
        mut work: Work,
        (outcome, revision): (Box<RawValue>, Option<Revision>),
        committed: bool,
    ) {
        let hashed = !matches!(work.asked.what, What::Command(_));
        if hashed && matches!(work.phase, Phase::Decide(_)) && outcome.get() == STALE {
            (work.phase, work.asked_at) = (Phase::Reserve, net.now);
            return self.take_on_later(net, work);
        }
        let revoked = match &work.phase {
            Phase::Decide(delivery) => delivery.body.revoked(),
            Phase::Recall | Phase::Reserve => work.asked.delivery(people::no_credential(), 0, false).body.revoked(),
        };
        let revision = revision.filter(|_| committed || revoked(&outcome));
        match revision {
            Some(revision) if revoked(&outcome) => self.make_known(net, &work, (outcome, revision)),
            Some(revision) if self.authority.owns(net.users[work.asked.person].as_bytes()).is_none() => {
                self.tell_owner(net, &work, (outcome, revision));
            }
            _ => self.respond(net, work.back, Ok(outcome)),
        }
    }

    /// What is hashed against, and the hash, which takes a while and computes nothing.
    pub(crate) fn reserve(&mut self, net: &mut Net, mut work: Work) {
        let user = &self.accounts[work.asked.person].memory.user;
        let judged = match &work.asked.what {
            What::Backup(check) => people::judge_backup_code(user, check),
            What::Password(check) => people::judge_password(user, check.password.expose()),
            What::Change(change) => people::judge_password(user, change.current.expose()),
            What::Command(_) => None,
        };
        let Some((credential, version, right)) = judged else {
            let nothing = RawValue::from_string(STALE.to_owned()).expect("JSON");
            return self.respond(net, work.back, Ok(nothing));
        };
        work.phase = Phase::Decide(work.asked.delivery(credential, version, right));
        let span = net.rng.random_range(5..200);
        self.wait_for(net, Pending::Hash(Box::new(work)), span);
    }

    pub(crate) fn hashed(&mut self, net: &mut Net, mut work: Work) {
        work.asked_at = net.now;
        self.take_on(net, work);
    }

    /// Behind what is in the mailbox already.
    fn take_on_later(&mut self, net: &mut Net, work: Work) {
        self.wait_for(net, Pending::Hash(Box::new(work)), 0);
    }
}
