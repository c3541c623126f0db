//! What clients make of codes and tokens that they were given, or refused.

use actors::{
    domain::command::{Authorize, AuthorizeOutcome, Grant, RedeemCode, RedeemOutcome, Refresh, Refusal},
    secret::sha256_b64,
};
use serde_json::value::RawValue;

use crate::{
    clients::{Clients, Issued, Known, Purpose, Sent, Tokens, verdict},
    people,
    rules::{Secret, Subject},
    world::Net,
};

impl Clients {
    pub(crate) fn authorized(&mut self, net: &Net, sent: &Sent, outcome: Option<&RawValue>) {
        let outcome = outcome.map(people::read::<Authorize>);
        let Purpose::Authorize { session, offline } = sent.purpose else { return };
        let accepted = outcome.as_ref().map(|outcome| matches!(outcome, AuthorizeOutcome::Issued { .. }));
        self.session_shown(net, sent, session, verdict(accepted));
        let Some(AuthorizeOutcome::Issued { code }) = outcome else { return };
        let secret_hash = sha256_b64(&Authorize::code_secret(&sent.attempt.seed));
        let n = self.number();
        let human = &mut self.people[sent.person];
        let Some(known) = human.sessions.iter().find(|known| known.n == session) else { return };
        let password = known.what.password;
        human.codes.push(Issued { n, code, secret_hash, session, password, offline, presented: 0 });
    }

    pub(crate) fn granted(&mut self, net: &Net, sent: &Sent, outcome: Option<&RawValue>) {
        let outcome = outcome.map(people::read::<RedeemCode>);
        let accepted = outcome.as_ref().map(|outcome| matches!(outcome, RedeemOutcome::Granted(_)));
        let (secret, family) = match &sent.purpose {
            Purpose::Redeem(n) => {
                let issued = self.people[sent.person].codes.iter().find(|issued| issued.n == *n);
                let subjects = issued.map(|issued| {
                    let (session, password) = (Subject::Session(issued.session), Subject::Password(issued.password));
                    vec![Subject::Person(sent.person), session, password]
                });
                self.shown(net, sent, (Secret::Code(*n), subjects.unwrap_or_default()), verdict(accepted));
                (Secret::Code(*n), *n)
            }
            Purpose::Refresh { family, token, .. } => {
                self.family_shown(net, sent, (Secret::Refresh(*token), *family), verdict(accepted));
                (Secret::Refresh(*token), *family)
            }
            _ => return,
        };
        match outcome {
            Some(RedeemOutcome::Granted(grant)) => self.has_tokens(sent, &grant),
            Some(RedeemOutcome::Refused(Refusal::Reused)) => {
                self.story.reused.push((secret, net.now));
                self.story.revoked.push((Subject::Family(family), net.now));
                self.doubt(sent.person, |_| false, |n| n == family);
            }
            _ => {}
        }
    }

    fn has_tokens(&mut self, sent: &Sent, grant: &Grant) {
        let token = self.number();
        let secret_hash = sha256_b64(&Grant::refresh_secret(&sent.attempt.seed));
        let (family, generation, client) = (grant.family, grant.generation, grant.client.clone());
        let newest = Refresh { family, generation, secret_hash, client, scopes: None, policies: Vec::new() };
        let human = &mut self.people[sent.person];
        match &sent.purpose {
            Purpose::Redeem(n) => {
                let Some(issued) = human.codes.iter().find(|issued| issued.n == *n) else { return };
                let Issued { session, password, offline, .. } = *issued;
                let what = Tokens { family, newest, token, session, password, offline };
                let ended = human.sessions.iter().any(|known| known.n == session && known.doubtful && !offline);
                let everything = human.ending > 0 || sent.from <= human.ended_at;
                let doubtful = issued.presented > 1 || everything || ended;
                human.families.push(Known { n: *n, what, doubtful, touched: 0 });
            }
            Purpose::Refresh { family, certain, touched, .. } => {
                if let Some(known) = human.families.iter_mut().find(|known| known.n == *family) {
                    // Certain again, unless something else was done meanwhile.
                    known.doubtful = !certain || known.touched != *touched || human.ending > 0;
                    (known.what.newest, known.what.token) = (newest, token);
                }
            }
            _ => {}
        }
    }
}
