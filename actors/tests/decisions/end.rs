//! What is stored at the end, beside what clients know: is everything there that was acknowledged, and is what was used
//! still used?

use actors::domain::user::{Areas, User};
use schema::record::{CodeState, Family};

use crate::{
    clients::{Clients, Known, Purpose},
    rules::{Secret, Story, Verdict},
    store::Store,
    world::{Net, Person},
};

impl Clients {
    /// What clients saw, with what is stored at the end.
    pub(crate) fn end(mut self, net: &Net, store: &Store) -> Story {
        for (_, sent) in std::mem::take(&mut self.sent) {
            match &sent.purpose {
                Purpose::Redeem(n) => self.shown(net, &sent, (Secret::Code(*n), Vec::new()), Verdict::Lost),
                Purpose::Refresh { token, .. } => {
                    self.shown(net, &sent, (Secret::Refresh(*token), Vec::new()), Verdict::Lost);
                }
                _ => {}
            }
        }
        for person in 0..self.people.len() {
            self.looks_back(net, store, person);
        }
        self.story
    }

    /// Is everything there that should be, and is what was used still used?
    fn looks_back(&mut self, net: &Net, store: &Store, person: Person) {
        let human = &self.people[person];
        let all = Areas::CORE | Areas::SESSIONS | Areas::CODES | Areas::FAMILIES | Areas::BACKUP;
        let all = all | Areas::LOGINS | Areas::CHALLENGES;
        let mut user = User::unloaded(human.user);
        user.absorb(&store.load(human.user, &all.prefixes()), all).expect("readable");
        let kept = &mut self.story.kept;
        for known in human.sessions.iter().filter(|known| !known.doubtful) {
            let there = user.live_session(&known.what.session, net.wall(), &net.settings).is_some();
            kept.push((Secret::Session(known.n), there));
        }
        for Known { n: _, what, .. } in human.families.iter().filter(|known| !known.doubtful) {
            let live = user.live_family(what.family, net.wall(), &net.settings);
            let newest = |family: &Family| {
                (family.generation, &family.secret_hash) == (what.newest.generation, &what.newest.secret_hash)
            };
            kept.push((Secret::Refresh(what.token), live.is_some_and(newest)));
        }
        for shown in self.story.shown.iter().filter(|shown| shown.verdict == Verdict::Accepted) {
            let used = match shown.secret {
                Secret::Code(n) => human
                    .codes
                    .iter()
                    .find(|issued| issued.n == n)
                    .map(|issued| user.codes.get(&issued.code).is_none_or(|code| code.state != CodeState::Issued)),
                Secret::Totp(of, step) if of == person => {
                    user.active_totps().next().map(|totp| i64::try_from(totp.last_step).is_ok_and(|last| last >= step))
                }
                Secret::Backup(n) => human.backup.iter().find(|(of, _)| *of == n).map(|(_, locator)| {
                    let code = user.backup.as_ref().and_then(|set| set.codes.iter().find(|c| c.locator == *locator));
                    code.is_some_and(|code| code.used_at.is_some())
                }),
                secret => human.carried.is_used(&user, secret),
            };
            kept.extend(used.map(|used| (shown.secret, used)));
        }
    }
}
