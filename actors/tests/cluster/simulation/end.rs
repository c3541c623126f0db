//! What is looked for when everything is well again.

use std::sync::Arc;

use actors::domain::command::{JudgeBackupCode, JudgePassword, RedeemCode, RedeemOutcome};

use super::{
    clients::{Client, Person, of_sign_in, verdict},
    rules::{Secret, Subject},
};
use crate::support::redeem;

impl Client {
    /// At the end: what should be there is looked for, and everything is presented once more.
    pub(crate) async fn looks_back(mut self) {
        let all = Arc::clone(&self.all);
        for person in 0..all.people() {
            let Person { user, sessions, codes, families, backup, passwords, .. } = all.person(person, |p| p.clone());
            for known in &sessions {
                let (node, attempt) = (self.node(), self.attempt());
                let alive = self.looks(person, user, (known, node, &attempt)).await;
                if !known.doubtful {
                    all.story.lock().kept.push((Secret::Session(known.n), alive == Some(true)));
                }
            }
            for known in &families {
                let (node, attempt) = (self.node(), self.attempt());
                let alive = self.tries_token(person, user, (known, node, &attempt)).await;
                let (at, outcome) = all.ask(node, user, &self.attempt(), known.what.newest.clone()).await;
                let accepted = outcome.map(|outcome| matches!(outcome, RedeemOutcome::Granted(_)));
                let subjects = [Subject::Person(person), Subject::Family(known.n)];
                all.shown(Secret::Refresh(known.what.token), &subjects, (node, at), verdict(accepted));
                if !known.doubtful {
                    let there = alive == Some(true) && accepted == Some(true);
                    all.story.lock().kept.push((Secret::Refresh(known.what.token), there));
                }
            }
            for (n, issued) in &codes {
                let (node, attempt) = (self.node(), self.attempt());
                let command: RedeemCode = redeem(issued);
                let (at, outcome) = all.ask(node, user, &attempt, command).await;
                let accepted = outcome.map(|outcome| matches!(outcome, RedeemOutcome::Granted(_)));
                all.shown(Secret::Code(*n), &[Subject::Person(person)], (node, at), verdict(accepted));
            }
            self.shows_all_again(person).await;
            let password = passwords.last().expect("one");
            for (n, locator) in backup.1 {
                let (node, login, attempt) = (self.node(), self.login(), self.attempt());
                let (credential, again) = (password.what, login.clone());
                let judge = JudgePassword { login, credential, version: 1, right: true, rehash: None };
                let subjects = [Subject::Person(person), Subject::Password(password.n)];
                let (at, outcome) = all.ask(node, user, &attempt, judge).await;
                all.shown(Secret::Password(password.n), &subjects, (node, at), of_sign_in(outcome.as_ref()));
                let judge = JudgeBackupCode { login: again, credential: backup.0, locator, right: true };
                let (at, outcome) = all.ask(node, user, &self.attempt(), judge).await;
                all.shown(Secret::Backup(n), &subjects[..1], (node, at), of_sign_in(outcome.as_ref()));
            }
        }
    }
}
