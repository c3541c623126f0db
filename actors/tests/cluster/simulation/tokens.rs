//! What applications do with codes and tokens.

use std::sync::Arc;

use actors::{
    domain::{
        command::{Authorize, AuthorizeOutcome, CheckToken, RedeemOutcome, Refusal, Requirement, RevokeToken},
        context::Attempt,
    },
    secret::sha256_b64,
};
use futures_util::future::join_all;
use rand::{RngExt as _, seq::IndexedRandom as _};
use schema::UserId;

use super::{
    clients::{Client, Known, Tokens, verdict},
    ground::NODES,
    rules::{Secret, Subject},
};
use crate::support::{Issued, redeem, refresh_of};

impl Client {
    pub(super) async fn authorizes(&mut self, person: usize) {
        let Some((user, known)) = self.session(person) else { return };
        let (node, attempt, app) = (self.node(), self.attempt(), self.all.app.clone());
        let authorize = Authorize {
            session: known.what.session,
            client: app.client.clone(),
            trusted: true,
            redirect_uri: app.redirect_uri.clone(),
            scopes: ["openid", "offline_access"].map(str::to_owned).into(),
            nonce: None,
            challenge: None,
            requirement: Requirement { begun_at: self.now(), ..Requirement::default() },
            policies: Vec::new(),
            authorization_details: Vec::new(),
            allowed: true,
            raises: false,
            recommends: false,
            renews_password: true,
        };
        let (at, outcome) = self.all.ask(node, user, &attempt, authorize).await;
        let accepted = outcome.as_ref().map(|outcome| matches!(outcome, AuthorizeOutcome::Issued { .. }));
        let subjects = [Subject::Person(person), Subject::Session(known.n)];
        self.all.shown(Secret::Session(known.n), &subjects, (node, at), verdict(accepted));
        if let Some(AuthorizeOutcome::Issued { code }) = outcome {
            let secret_hash = sha256_b64(&Authorize::code_secret(&attempt.seed));
            let n = self.all.number();
            self.all.person(person, |p| p.codes.push((n, Issued { code, secret_hash, app })));
        }
    }

    /// One code at some nodes at once. A second redemption ends what the first gave.
    pub(super) async fn redeems(&mut self, person: usize) {
        let all = Arc::clone(&self.all);
        let Some((user, (n, issued))) = all.person(person, |p| Some((p.user, p.codes.choose(&mut self.dice)?.clone())))
        else {
            return;
        };
        // Of a code that was used before the family may be known: a second use ends it.
        self.doubt(person, |_| false, |family| family == n);
        let mut tries = Vec::new();
        for n in 0..if self.dice.random_bool(0.3) { NODES } else { 1 } {
            tries.push(((self.node() + n) % NODES, self.attempt()));
        }
        let doubtful = tries.len() > 1;
        let outcomes =
            join_all(tries.iter().map(|(node, attempt)| all.ask(*node, user, attempt, redeem(&issued)))).await;
        for ((node, attempt), (at, outcome)) in tries.iter().zip(outcomes) {
            let accepted = outcome.as_ref().map(|outcome| matches!(outcome, RedeemOutcome::Granted(_)));
            all.shown(Secret::Code(n), &[Subject::Person(person)], (*node, at), verdict(accepted));
            if let Some(RedeemOutcome::Granted(grant)) = outcome {
                let what = Tokens { family: grant.family, newest: refresh_of(&grant, attempt), token: all.number() };
                all.person(person, |p| {
                    let doubtful = doubtful || p.disabled;
                    p.families.push(Known { n, what, doubtful });
                });
            } else if let Some(RedeemOutcome::Refused(Refusal::Reused)) = outcome {
                all.revoked(Subject::Family(n));
                all.story.lock().reused.push((Secret::Code(n), at.to));
            }
        }
    }

    pub(super) async fn refreshes(&mut self, person: usize) {
        let Some((user, known)) = self.family(person) else { return };
        let all = Arc::clone(&self.all);
        let mut tries = Vec::new();
        for _ in 0..if self.dice.random_bool(0.15) { 3 } else { 1 } {
            tries.push((self.node(), self.attempt()));
        }
        let subjects = [Subject::Person(person), Subject::Family(known.n)];
        let asking = tries.iter().map(|(node, attempt)| all.ask(*node, user, attempt, known.what.newest.clone()));
        self.doubt(person, |_| false, |family| family == known.n);
        let outcomes = join_all(asking).await;
        let alone = outcomes.len() == 1;
        for ((node, attempt), (at, outcome)) in tries.iter().zip(outcomes) {
            let accepted = outcome.as_ref().map(|outcome| matches!(outcome, RedeemOutcome::Granted(_)));
            all.shown(Secret::Refresh(known.what.token), &subjects, (*node, at), verdict(accepted));
            if let Some(RedeemOutcome::Granted(grant)) = outcome {
                let token = all.number();
                all.person(person, |p| {
                    if let Some(now) = p.families.iter_mut().find(|now| now.n == known.n) {
                        // Certain again, unless somebody else used it meanwhile.
                        now.doubtful = !alone || known.doubtful || now.what.token != known.what.token || p.disabled;
                        now.what = Tokens { newest: refresh_of(&grant, attempt), token, ..now.what.clone() };
                    }
                });
            } else if let Some(RedeemOutcome::Refused(Refusal::Reused)) = outcome {
                all.revoked(Subject::Family(known.n));
                all.story.lock().reused.push((Secret::Refresh(known.what.token), at.to));
            }
        }
    }

    pub(super) async fn uses_a_token(&mut self, person: usize) {
        let Some((user, known)) = self.family(person) else { return };
        let (node, attempt) = (self.node(), self.attempt());
        self.tries_token(person, user, (&known, node, &attempt)).await;
    }

    pub(super) async fn tries_token(
        &self,
        person: usize,
        user: UserId,
        (known, node, attempt): (&Known<Tokens>, usize, &Attempt),
    ) -> Option<bool> {
        let (at, profile) = self.all.ask(node, user, attempt, CheckToken { family: known.what.family }).await;
        let alive = profile.map(|profile| profile.is_some());
        let subjects = [Subject::Person(person), Subject::Family(known.n)];
        self.all.shown(Secret::Token(known.n), &subjects, (node, at), verdict(alive));
        alive
    }

    pub(super) async fn revokes_a_token(&mut self, person: usize) {
        let Some((user, known)) = self.family(person) else { return };
        let (node, attempt, client) = (self.node(), self.attempt(), self.all.app.client.clone());
        self.doubt(person, |_| false, |family| family == known.n);
        let revoke = RevokeToken { family: known.what.family, client };
        if self.all.ask(node, user, &attempt, revoke).await.1.is_some() {
            self.all.revoked(Subject::Family(known.n));
        }
    }
}
