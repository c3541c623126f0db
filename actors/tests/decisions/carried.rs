//! Second proofs that are sent or carried: codes with the links beside them, passkeys' answers, cookies of trusted devices. What
//! clients ask with them, and what they make of the answers.

use std::time::Duration;

use actors::{
    account::CheckPassword,
    domain::{
        command::{
            Body, Ceremony, JudgePassword, LoginRef, SendLoginCode, SendOutcome, SignInOutcome, VerifyPasskey,
            VerifySentCode, VerifySentLink,
        },
        factor::passkey::Challenge,
        trusted_device::{Given, Trust, TrustRef},
        user::User,
    },
};
use rand::{RngExt, seq::IndexedRandom};
use schema::record::Channel;
use serde_json::value::RawValue;

use crate::{
    clients::{Clients, Purpose, Sent, of_sign_in, verdict},
    edge::What,
    people, proofs,
    rules::{Secret, Subject, Verdict},
    world::{Net, Person},
};

/// How long a challenge can be answered.
const CEREMONY: Duration = Duration::from_mins(15);

/// What somebody holds who signs in by it; used or not, it may be shown again.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    pub(crate) mail: Vec<Mail>,
    pub(crate) answers: Vec<(usize, VerifyPasskey)>,
    pub(crate) trusted: Vec<Trusted>,
}

/// A message with a code for one login, and a link beside it if it came by mail: one secret, for either voids the other.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) n: usize,
    pub(crate) login: LoginRef,
    password: usize,
    code: VerifySentCode,
    link: Option<VerifySentLink>,
}

/// A browser that is trusted, with all the cookies that it was given.
#[derive(Clone, Debug)]
pub(crate) struct Trusted {
    n: usize,
    password: usize,
    pub(crate) cookies: Vec<(usize, TrustRef)>,
}

impl Trusted {
    fn subjects(&self, person: Person) -> Vec<Subject> {
        vec![Subject::Person(person), Subject::Password(self.password)]
    }
}

impl Carried {
    /// Is this, which was accepted, used up at the end? `None` if it is somebody else's, or not used by that.
    pub(crate) fn is_used(&self, user: &User, secret: Secret) -> Option<bool> {
        match secret {
            Secret::Sent(n) => {
                let mail = self.mail.iter().find(|mail| mail.n == n)?;
                Some(!user.logins.contains_key(&mail.login.login))
            }
            Secret::Passkey(n) => {
                let (_, verify) = self.answers.iter().find(|(of, _)| *of == n)?;
                Some(user.challenges.contains_key(&verify.ceremony.challenge.hash()))
            }
            Secret::Cookie(n) => {
                let (_, shown) = self.trusted.iter().flat_map(|trusted| &trusted.cookies).find(|(of, _)| *of == n)?;
                Some(user.trusted.get(&shown.device).is_none_or(|trusted| trusted.generation > shown.generation))
            }
            _ => None,
        }
    }
}

impl Clients {
    /// The password was right, and a code is wanted.
    pub(crate) fn wants_a_code(
        &mut self,
        net: &mut Net,
        nodes: usize,
        (person, password, login): (Person, usize, LoginRef),
        channel: Channel,
    ) {
        let link = channel == Channel::Email;
        let send = SendLoginCode { login: login.clone(), channel, factor: None, link, count: None };
        let to = Self::somewhere(net, nodes);
        self.command(net, to, person, (send, Purpose::Send { login: Box::new(login), link, password }));
    }

    /// A message came.
    pub(crate) fn was_sent(&mut self, net: &mut Net, nodes: usize, sent: &Sent, outcome: Option<&RawValue>) {
        let Purpose::Send { login, link, password } = &sent.purpose else { return };
        let Some(SendOutcome::Sent) = outcome.map(people::read::<SendLoginCode>) else { return };
        let n = self.number();
        let code = proofs::code(&sent.attempt);
        let secret_hash = proofs::link_hash(&sent.attempt);
        let mail = Mail {
            n,
            login: (**login).clone(),
            password: *password,
            code: VerifySentCode { login: (**login).clone(), code },
            link: link.then(|| VerifySentLink { login: (**login).clone(), secret_hash }),
        };
        self.people[sent.person].carried.mail.push(mail.clone());
        self.uses_mail(net, nodes, sent.person, &mail);
    }

    /// The code, the link or both, at some nodes at once.
    fn uses_mail(&mut self, net: &mut Net, nodes: usize, person: Person, mail: &Mail) {
        for _ in 0..net.rng.random_range(1..=3) {
            let pressed = mail.link.clone().filter(|_| net.rng.random());
            let body = pressed.map_or_else(|| Body::from(mail.code.clone()), Body::from);
            let purpose = Purpose::Second { secret: Secret::Sent(mail.n), password: mail.password };
            let to = Self::somewhere(net, nodes);
            self.command(net, to, person, (body, purpose));
        }
    }

    /// A passkey answers a challenge, without a name typed.
    pub(crate) fn answers(&mut self, net: &mut Net, nodes: usize, person: Person) {
        let challenge = Challenge::new(net.rng.random());
        let answer = people::signed(self.people[person].user, &challenge);
        let ceremony = Ceremony { challenge, expires_at: net.wall().after(CEREMONY) };
        let verify = VerifyPasskey { login: Self::login(net), ceremony, answer };
        let n = self.number();
        self.people[person].carried.answers.push((n, verify.clone()));
        self.shows_answer(net, nodes, person, (n, &verify));
    }

    /// One answer at some nodes at once, to one login or to several.
    fn shows_answer(&mut self, net: &mut Net, nodes: usize, person: Person, (n, verify): (usize, &VerifyPasskey)) {
        for _ in 0..net.rng.random_range(1..=3) {
            let login = if net.rng.random() { verify.login.clone() } else { Self::login(net) };
            let purpose = Purpose::Second { secret: Secret::Passkey(n), password: people::NO_PASSWORD };
            let to = Self::somewhere(net, nodes);
            self.command(net, to, person, (VerifyPasskey { login, ..verify.clone() }, purpose));
        }
    }

    /// What was used, or may have been, is shown once more.
    pub(crate) fn shows_again(&mut self, net: &mut Net, nodes: usize, person: Person) {
        let carried = &self.people[person].carried;
        if net.rng.random() {
            let Some(mail) = carried.mail.choose(&mut net.rng).cloned() else { return };
            self.uses_mail(net, nodes, person, &mail);
        } else {
            let Some((n, verify)) = carried.answers.choose(&mut net.rng).cloned() else { return };
            self.shows_answer(net, nodes, person, (n, &verify));
        }
    }

    /// A browser is trusted from now on.
    pub(crate) fn is_trusted(&mut self, sent: &Sent, given: &Given, password: usize) {
        let (n, first) = (self.number(), self.number());
        let cookies = vec![(first, proofs::cookie(&sent.attempt, given))];
        self.people[sent.person].carried.trusted.push(Trusted { n, password, cookies });
    }

    /// The password in a browser that is trusted; now and then with a cookie from before.
    pub(crate) fn comes_back(&mut self, net: &mut Net, nodes: usize, person: Person) {
        let human = &self.people[person];
        let Some(trusted) = human.carried.trusted.choose(&mut net.rng) else { return };
        let newest = trusted.cookies.last().filter(|_| net.rng.random_bool(0.9));
        let Some((cookie, shown)) = newest.or_else(|| trusted.cookies.choose(&mut net.rng)).cloned() else { return };
        let (trust, password) = (trusted.n, *human.passwords.last().expect("one"));
        for _ in 0..net.rng.random_range(1..=2) {
            let (to, attempt) = (Self::somewhere(net, nodes), people::attempt(&mut net.rng));
            let login = LoginRef { trust: Trust::Shown(shown.clone()), ..Self::login(net) };
            let what = What::Password(CheckPassword { login, password: people::text(password).into() });
            self.send(net, to, (person, attempt), (what, Purpose::Trusted { trust, cookie, password }));
        }
    }

    /// Was it let in, and did it get the next cookie? That a cookie gives once; it lets in for a minute more, for another tab.
    pub(crate) fn came_back(&mut self, net: &Net, sent: &Sent, outcome: Option<&RawValue>) {
        let Purpose::Trusted { trust, cookie: of, password } = sent.purpose else { return };
        let outcome = outcome.map(people::read::<JudgePassword>);
        let own = vec![Subject::Person(sent.person), Subject::Password(password)];
        self.shown(net, sent, (Secret::Password(password), own), of_sign_in(outcome.as_ref()));
        let trusted = self.people[sent.person].carried.trusted.iter().find(|trusted| trusted.n == trust);
        let subjects = trusted.map(|trusted| trusted.subjects(sent.person)).unwrap_or_default();
        let let_in = outcome.as_ref().map(|outcome| matches!(outcome, SignInOutcome::SignedIn(_)));
        self.shown(net, sent, (Secret::Trust(trust), subjects.clone()), verdict(let_in));
        let given = outcome.as_ref().map(|outcome| match outcome {
            SignInOutcome::SignedIn(signed_in) => signed_in.trusted.clone(),
            _ => None,
        });
        let next: Verdict = verdict(given.as_ref().map(Option::is_some));
        self.shown(net, sent, (Secret::Cookie(of), subjects), next);
        let Some(Some(given)) = given else { return };
        let number = self.number();
        let mut all = self.people[sent.person].carried.trusted.iter_mut();
        if let Some(trusted) = all.find(|trusted| trusted.n == trust) {
            trusted.cookies.push((number, proofs::cookie(&sent.attempt, &given)));
        }
    }
}
