//! Second proofs that are sent or carried: codes with the links beside them, passkeys' answers, cookies of trusted devices.

use std::{sync::Arc, time::Duration};

use actors::{
    domain::{
        command::{
            BeginAddress, BeginAddressOutcome, BeginPasskey, BeginPasskeyOutcome, Ceremony, ConfirmAddress,
            ConfirmOutcome, ConfirmPasskey, ConfirmPasskeyOutcome, JudgePassword, LoginRef, SendLoginCode, SendOutcome,
            SignInOutcome, SignedIn, VerifyPasskey, VerifySentCode, VerifySentLink,
        },
        context::Attempt,
        factor::passkey::Challenge,
        trusted_device::{Trust, TrustRef},
    },
    testing::SoftKey,
};
use futures_util::future::join_all;
use parking_lot::Mutex;
use rand::{RngExt as _, seq::IndexedRandom as _};
use schema::{UserId, record::Channel};

use super::{
    clients::{Client, Clients, of_sign_in, verdict},
    ground::NODES,
    rules::{Interval, Secret, Subject, Verdict},
};
use crate::{proofs, support::session_ref};

/// How long a challenge can be answered.
const CEREMONY: Duration = Duration::from_mins(15);

/// What somebody holds. Used or not, it may be shown again.
#[derive(Clone, Debug)]
pub(super) struct Carried {
    key: Arc<Mutex<SoftKey>>,
    proofs: Vec<(Secret, Proof)>,
    cookies: Vec<Cookie>,
}

/// What proves something once.
#[derive(Clone, Debug)]
enum Proof {
    Code(VerifySentCode),
    /// Beside a code: one secret with it.
    Link(VerifySentLink),
    Answer(VerifyPasskey),
}

/// A cookie of a trusted device.
#[derive(Clone, Debug)]
struct Cookie {
    n: usize,
    trust: usize,
    /// The number of the password that the trust rests on.
    password: usize,
    shown: TrustRef,
}

impl Proof {
    async fn present(
        self,
        all: &Clients,
        node: usize,
        user: UserId,
        attempt: &Attempt,
    ) -> (Interval, Option<SignInOutcome>) {
        match self {
            Self::Code(code) => {
                let (at, outcome) = all.ask(node, user, attempt, code).await;
                (at, outcome.map(proofs::of_sent))
            }
            Self::Link(link) => {
                let (at, outcome) = all.ask(node, user, attempt, link).await;
                (at, outcome.map(proofs::of_sent))
            }
            Self::Answer(answer) => {
                let (at, outcome) = all.ask(node, user, attempt, answer).await;
                (at, outcome.map(proofs::of_passkey))
            }
        }
    }
}

impl Client {
    /// An address for codes and a passkey, while nothing goes wrong; and what was answered last.
    pub(super) async fn adds_more(
        &mut self,
        user: UserId,
        (attempt, signed_in): (Attempt, SignedIn),
    ) -> (Carried, Attempt, SignedIn) {
        let all = Arc::clone(&self.all);
        let (session, begun) = (session_ref(&attempt, &signed_in), self.attempt());
        let (channel, name) = (Channel::Email, String::new());
        let address = format!("person-{}@mail.example", user.as_bytes()[0]);
        let begin = BeginAddress { session: session.clone(), channel, name, address, link: false, count: None };
        let (_, outcome) = all.ask(0, user, &begun, begin).await;
        let Some(BeginAddressOutcome::Begun { factor }) = outcome else { panic!("{outcome:?}") };
        let (attempt, code, backup) = (self.attempt(), proofs::code(&begun), Vec::new());
        let (_, outcome) = all.ask(0, user, &attempt, ConfirmAddress { session, channel, factor, code, backup }).await;
        let Some(ConfirmOutcome::Activated { signed_in, .. }) = outcome else { panic!("{outcome:?}") };

        let (session, begun) = (session_ref(&attempt, &signed_in), self.attempt());
        let begin = BeginPasskey { session: session.clone(), name: String::new() };
        let (_, outcome) = all.ask(0, user, &begun, begin).await;
        let Some(BeginPasskeyOutcome::Begun { factor }) = outcome else { panic!("{outcome:?}") };
        let (key, answer) = proofs::passkey(user, &begun);
        let (attempt, backup) = (self.attempt(), Vec::new());
        let confirm = ConfirmPasskey { session, factor, answer, backup, attested: false };
        let (_, outcome) = all.ask(0, user, &attempt, confirm).await;
        let Some(ConfirmPasskeyOutcome::Judged(ConfirmOutcome::Activated { signed_in, .. })) = outcome else {
            panic!("{outcome:?}")
        };
        let carried = Carried { key: Arc::new(Mutex::new(key)), proofs: Vec::new(), cookies: Vec::new() };
        (carried, attempt, signed_in)
    }

    /// The password of somebody who is to be sent a code, and then the code and the link beside it, at some nodes at once.
    pub(super) async fn is_sent_a_code(&mut self, person: usize) {
        let all = Arc::clone(&self.all);
        let (user, password) = all.person(person, |p| (p.user, p.passwords.last().cloned().expect("one")));
        let trust = if self.dice.random() { Trust::Wanted } else { Trust::None };
        let login = LoginRef { trust, ..self.login() };
        let (node, attempt) = (self.node(), self.attempt());
        let judge =
            JudgePassword { login: login.clone(), credential: password.what, version: 1, right: true, rehash: None };
        let (at, outcome) = all.ask(node, user, &attempt, judge).await;
        let subjects = [Subject::Person(person), Subject::Password(password.n)];
        all.shown(Secret::Password(password.n), &subjects, (node, at), of_sign_in(outcome.as_ref()));
        let (node, attempt) = (self.node(), self.attempt());
        let send =
            SendLoginCode { login: login.clone(), channel: Channel::Email, factor: None, link: true, count: None };
        let Some(SendOutcome::Sent) = all.ask(node, user, &attempt, send).await.1 else { return };
        let secret = Secret::Sent(all.number());
        let code = Proof::Code(VerifySentCode { login: login.clone(), code: proofs::code(&attempt) });
        let link = Proof::Link(VerifySentLink { login, secret_hash: proofs::link_hash(&attempt) });
        let both = [(secret, code), (secret, link)];
        all.person(person, |p| p.carried.proofs.extend_from_slice(&both));
        self.shows(person, password.n, &both).await;
    }

    /// A passkey answers a challenge; the answer is shown to one login or to several.
    pub(super) async fn answers(&mut self, person: usize) {
        let all = Arc::clone(&self.all);
        let (key, password) =
            all.person(person, |p| (Arc::clone(&p.carried.key), p.passwords.last().map(|known| known.n)));
        let challenge = Challenge::new(self.dice.random());
        let answer = proofs::signed(&mut key.lock(), &challenge);
        let ceremony = Ceremony { challenge, expires_at: self.now().after(CEREMONY) };
        let secret = Secret::Passkey(all.number());
        let answers = [(); 2].map(|()| {
            let (login, ceremony, answer) = (self.login(), ceremony.clone(), answer.clone());
            (secret, Proof::Answer(VerifyPasskey { login, ceremony, answer }))
        });
        all.person(person, |p| p.carried.proofs.extend_from_slice(&answers));
        self.shows(person, password.unwrap_or_default(), &answers).await;
    }

    /// What was used, or may have been, is shown once more.
    pub(super) async fn shows_again(&mut self, person: usize) {
        let all = Arc::clone(&self.all);
        let (known, password) = all.person(person, |p| {
            (p.carried.proofs.choose(&mut self.dice).cloned(), p.passwords.last().map(|known| known.n))
        });
        if let Some(known) = known {
            self.shows(person, password.unwrap_or_default(), &[known]).await;
        }
    }

    /// Everything that is kept, at the end.
    pub(super) async fn shows_all_again(&mut self, person: usize) {
        let known = self.all.person(person, |p| p.carried.proofs.clone());
        for one in known {
            self.shows(person, 0, &[one]).await;
        }
        let cookies = self.all.person(person, |p| p.carried.cookies.clone());
        for cookie in cookies.iter().rev() {
            self.shows_cookie(person, cookie, 1).await;
        }
    }

    /// Each of these at one or two nodes, all at once.
    async fn shows(&mut self, person: usize, password: usize, shown: &[(Secret, Proof)]) {
        let all = Arc::clone(&self.all);
        let user = all.person(person, |p| p.user);
        let count = self.dice.random_range(shown.len()..=2 * shown.len());
        let tries: Vec<_> =
            shown.iter().cycle().take(count).map(|one| (self.node(), self.attempt(), one.clone())).collect();
        let presented = tries.iter().map(|(node, attempt, (secret, proof))| {
            let (all, proof) = (&all, proof.clone());
            async move {
                let (at, outcome) = proof.present(all, *node, user, attempt).await;
                all.shown(*secret, &[Subject::Person(person)], (*node, at), of_sign_in(outcome.as_ref()));
                outcome
            }
        });
        for ((_, attempt, _), outcome) in tries.iter().zip(join_all(presented).await) {
            let Some(SignInOutcome::SignedIn(signed_in)) = outcome else { continue };
            self.has_session(person, attempt, &signed_in);
            if let Some(given) = signed_in.trusted {
                let (n, trust, shown) = (all.number(), all.number(), proofs::cookie(attempt, &given));
                all.person(person, |p| p.carried.cookies.push(Cookie { n, trust, password, shown }));
            }
        }
    }

    /// The password in a browser that is trusted, now and then with a cookie from before.
    pub(super) async fn comes_back(&mut self, person: usize) {
        let all = Arc::clone(&self.all);
        let newest = self.dice.random_bool(0.9);
        let cookie = all.person(person, |p| {
            let cookies = &p.carried.cookies;
            let any = cookies.choose(&mut self.dice)?;
            let newest = cookies.iter().rfind(|other| newest && other.trust == any.trust);
            Some(newest.unwrap_or(any).clone())
        });
        if let Some(cookie) = cookie {
            let tries = self.dice.random_range(1..=NODES);
            self.shows_cookie(person, &cookie, tries).await;
        }
    }

    /// It lets in for a minute after another one was given for it, but another one is given once.
    async fn shows_cookie(&mut self, person: usize, cookie: &Cookie, count: usize) {
        let all = Arc::clone(&self.all);
        let (user, password) = all.person(person, |p| (p.user, p.passwords.last().cloned().expect("one")));
        let tries: Vec<_> = (0..count).map(|_| (self.node(), self.attempt(), self.login())).collect();
        let subjects = [Subject::Person(person), Subject::Password(cookie.password)];
        let shown = tries.iter().map(|(node, attempt, login)| {
            let login = LoginRef { trust: Trust::Shown(cookie.shown.clone()), ..login.clone() };
            let judge = JudgePassword { login, credential: password.what, version: 1, right: true, rehash: None };
            let all = &all;
            async move {
                let (at, outcome) = all.ask(*node, user, attempt, judge).await;
                let signed_in = outcome.map(|outcome| match outcome {
                    SignInOutcome::SignedIn(signed_in) => Some(signed_in),
                    _ => None,
                });
                let let_in: Verdict = verdict(signed_in.as_ref().map(Option::is_some));
                all.shown(Secret::Trust(cookie.trust), &subjects, (*node, at), let_in);
                let given = signed_in.map(|signed_in| signed_in.and_then(|signed_in| signed_in.trusted));
                let renewed = verdict(given.as_ref().map(Option::is_some));
                all.shown(Secret::Cookie(cookie.n), &subjects, (*node, at), renewed);
                given.flatten()
            }
        });
        for ((_, attempt, _), given) in tries.iter().zip(join_all(shown).await) {
            if let Some(given) = given {
                let (n, shown) = (all.number(), proofs::cookie(attempt, &given));
                all.person(person, |p| p.carried.cookies.push(Cookie { n, shown, ..cookie.clone() }));
            }
        }
    }
}
