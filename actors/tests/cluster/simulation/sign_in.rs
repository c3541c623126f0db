//! Passwords, and the second proofs that are in everybody's pocket: right ones, and guesses.

use std::sync::Arc;

use actors::domain::command::{JudgeBackupCode, JudgePassword, SignInOutcome, VerifyTotp};
use futures_util::future::join_all;
use rand::{RngExt as _, seq::IndexedRandom as _};

use super::{
    clients::{Client, of_sign_in},
    ground::NODES,
    rules::{Secret, Subject},
};
use crate::support::code_at;

impl Client {
    /// First proofs for some logins, then one second proof for all of them at once.
    pub(super) async fn signs_in(&mut self, person: usize) {
        let all = Arc::clone(&self.all);
        let (user, passwords) = all.person(person, |p| (p.user, p.passwords.clone()));
        if all.person(person, |p| p.sessions.len() > 40) {
            return;
        }
        let old = self.dice.random_bool(0.2);
        let password = if old { passwords.choose(&mut self.dice) } else { passwords.last() }.cloned().expect("one");
        let (mut tries, nodes) = (Vec::new(), self.node());
        for n in 0..self.dice.random_range(1..=NODES) {
            tries.push((self.node(), (nodes + n) % NODES, self.login(), self.attempt(), self.attempt()));
        }
        let subjects = [Subject::Person(person), Subject::Password(password.n)];
        let first = tries.iter().map(|(node, _, login, attempt, _)| {
            let (login, credential) = (login.clone(), password.what);
            let judge = JudgePassword { login, credential, version: 1, right: true, rehash: None };
            let all = &all;
            async move {
                let (at, outcome) = all.ask(*node, user, attempt, judge).await;
                all.shown(Secret::Password(password.n), &subjects, (*node, at), of_sign_in(outcome.as_ref()));
                matches!(outcome, Some(SignInOutcome::SecondFactor { .. }))
            }
        });
        let begun = join_all(first).await;
        tries = tries.into_iter().zip(begun).filter(|(_, begun)| *begun).map(|(try_, _)| try_).collect();
        let backup = self
            .dice
            .random_bool(0.25)
            .then(|| all.person(person, |p| (p.backup.0, p.backup.1.choose(&mut self.dice).cloned())));
        let (seed, now) = (all.person(person, |p| p.seed.clone()), self.now());
        let subjects = [Subject::Person(person)];
        let second = tries.iter().map(|(_, node, login, _, attempt)| {
            let (login, code, all, backup) = (login.clone(), code_at(&seed, now), &all, backup.clone());
            async move {
                let (secret, (at, outcome)) = if let Some((credential, Some((n, locator)))) = backup {
                    let judge = JudgeBackupCode { login, credential, locator, right: true };
                    (Secret::Backup(n), all.ask(*node, user, attempt, judge).await)
                } else {
                    let step = now.as_secs() / 30;
                    (Secret::Totp(person, step), all.ask(*node, user, attempt, VerifyTotp { login, code }).await)
                };
                all.shown(secret, &subjects, (*node, at), of_sign_in(outcome.as_ref()));
                outcome
            }
        });
        let ended = join_all(second).await;
        for ((.., attempt), outcome) in tries.iter().zip(ended) {
            if let Some(SignInOutcome::SignedIn(signed_in)) = outcome {
                self.has_session(person, attempt, &signed_in);
            }
        }
    }

    /// Some wrong codes at once, after the right password.
    pub(super) async fn guesses(&mut self, person: usize) {
        let all = Arc::clone(&self.all);
        let (user, password, seed) = all.person(person, |p| (p.user, p.passwords[0].what, p.seed.clone()));
        let (node, login, attempt) = (self.node(), self.login(), self.attempt());
        let judge = JudgePassword { login: login.clone(), credential: password, version: 1, right: true, rehash: None };
        if !matches!(all.ask(node, user, &attempt, judge).await.1, Some(SignInOutcome::SecondFactor { .. })) {
            return;
        }
        let mut tries = Vec::new();
        for _ in 0..self.dice.random_range(1..=4) {
            tries.push((self.node(), self.attempt()));
        }
        // Of ten years ago.
        let code = code_at(&seed, schema::Timestamp::from_millis(self.now().as_millis() - 315_000_000_000));
        join_all(tries.iter().map(|(node, attempt)| {
            let (all, command) = (&all, VerifyTotp { login: login.clone(), code: code.clone() });
            async move {
                let (at, outcome) = all.ask(*node, user, attempt, command).await;
                all.shown(Secret::Guess(person), &[], (*node, at), of_sign_in(outcome.as_ref()));
            }
        }))
        .await;
    }
}
