//! What clients ask, at random, of random nodes.

use actors::{
    account::{ChangePasswordRequest, CheckBackupCode, CheckPassword},
    domain::{
        command::{
            Authorize, CheckSession, CheckToken, DisableUser, EndSession, LoginRef, RedeemCode, Requirement,
            RevokeToken, VerifyTotp,
        },
        trusted_device::Trust,
    },
};
use rand::{
    RngExt,
    seq::{IndexedMutRandom, IndexedRandom},
};
use schema::{BrowserId, LoginId, Timestamp, record::Channel};

use crate::{
    clients::{Clients, Purpose, Second},
    code::code_at,
    edge::What,
    people,
    rules::Secret,
    world::{Net, NodeIx, Person},
};

/// Ten years.
const LONG_AGO: i64 = 315_000_000_000;
const REDIRECT_URI: &str = "https://app.example.org/cb";

impl Clients {
    /// One more thing is asked.
    pub(crate) fn ask(&mut self, net: &mut Net, nodes: usize) {
        // The last two are only guessed at.
        let people = self.people.len();
        let person = net.rng.random_range(0..people - 2);
        match net.rng.random_range(0..1_000) {
            0..100 => self.signs_in(net, nodes, person),
            100..310 => self.looks(net, nodes, person),
            310..335 => self.answers(net, nodes, person),
            335..360 => self.shows_again(net, nodes, person),
            360..400 => self.comes_back(net, nodes, person),
            400..490 => self.authorizes(net, nodes, person),
            490..610 => self.redeems(net, nodes, person),
            610..710 => self.refreshes(net, nodes, person),
            710..780 => self.tries_token(net, nodes, person),
            780..830 => self.logs_out(net, nodes, person),
            830..855 => self.revokes_token(net, nodes, person),
            855..885 => self.changes_password(net, nodes, person),
            885..887 => self.disables(net, nodes, person),
            887..960 => self.begins_to_guess(net, nodes, people - 2),
            _ => self.guesses_passwords(net, nodes, people - 1),
        }
    }

    pub(crate) fn login(net: &mut Net) -> LoginRef {
        let (login, browser) = (net.rng.random(), net.rng.random());
        LoginRef {
            login: LoginId::from_bytes(login),
            browser: BrowserId::from_bytes(browser),
            device: None,
            renews: None,
            trust: Trust::None,
            asks: actors::domain::policy::Asks::default(),
        }
    }

    /// A random node, now.
    pub(crate) fn somewhere(net: &mut Net, nodes: usize) -> (NodeIx, u64) {
        (net.rng.random_range(0..nodes), net.now)
    }

    fn tries_password(
        &mut self,
        net: &mut Net,
        to: (NodeIx, u64),
        (person, typed): (Person, usize),
        purpose: impl FnOnce(&LoginRef) -> Purpose,
    ) {
        let (login, attempt) = (Self::login(net), people::attempt(&mut net.rng));
        let purpose = purpose(&login);
        let what = What::Password(CheckPassword { login, password: people::text(typed).into() });
        self.send(net, to, (person, attempt), (what, purpose));
    }

    /// Some logins, with one second proof for all of them.
    fn signs_in(&mut self, net: &mut Net, nodes: usize, person: Person) {
        let human = &self.people[person];
        if human.sessions.len() > 12 {
            return;
        }
        let any = net.rng.random_bool(0.2);
        let last = human.passwords.last().copied();
        let password = if any { human.passwords.choose(&mut net.rng).copied() } else { last }.expect("one");
        let second = match net.rng.random_range(0..20) {
            0..5 => {
                let (n, locator) = human.backup.choose(&mut net.rng).cloned().expect("ten");
                Second::Backup { n, locator }
            }
            5..8 => Second::Sent(Channel::Email),
            8..10 => Second::Sent(Channel::Sms),
            _ => {
                let now = net.wall();
                Second::Totp { step: now.as_secs() / 30, code: code_at(&human.totp_seed, now) }
            }
        };
        for _ in 0..net.rng.random_range(1..=2) {
            let (to, second) = (Self::somewhere(net, nodes), second.clone());
            let purpose = |login: &LoginRef| Purpose::First { password, login: Box::new(login.clone()), second };
            self.tries_password(net, to, (person, password), purpose);
        }
    }

    /// The password was right.
    pub(crate) fn goes_on(
        &mut self,
        net: &mut Net,
        nodes: usize,
        (person, password, login): (Person, usize, LoginRef),
        second: Second,
    ) {
        match second {
            Second::Totp { step, code } => {
                let to = Self::somewhere(net, nodes);
                let trust = if net.rng.random_bool(0.7) { Trust::Wanted } else { Trust::None };
                let login = LoginRef { trust, ..login };
                let purpose = Purpose::Second { secret: Secret::Totp(person, step), password };
                self.command(net, to, person, (VerifyTotp { login, code }, purpose));
            }
            Second::Backup { n, locator } => {
                let (to, attempt) = (Self::somewhere(net, nodes), people::attempt(&mut net.rng));
                let what = What::Backup(CheckBackupCode { login, locator, secret: people::text(n).into() });
                let purpose = Purpose::Second { secret: Secret::Backup(n), password };
                self.send(net, to, (person, attempt), (what, purpose));
            }
            Second::Sent(channel) => self.wants_a_code(net, nodes, (person, password, login), channel),
            Second::Guesses => {
                self.guessing = Some(login.clone());
                let long_ago = Timestamp::from_millis(net.wall().as_millis() - LONG_AGO);
                let code = code_at(&self.people[person].totp_seed, long_ago);
                for _ in 0..net.rng.random_range(1..=4) {
                    let (to, login, code) = (Self::somewhere(net, nodes), login.clone(), code.clone());
                    self.command(net, to, person, (VerifyTotp { login, code }, Purpose::Guess(10 * person)));
                }
                let (to, attempt) = (Self::somewhere(net, nodes), people::attempt(&mut net.rng));
                let what =
                    What::Backup(CheckBackupCode { login, locator: "none".to_owned(), secret: people::text(0).into() });
                self.send(net, to, (person, attempt), (what, Purpose::Guess(10 * person + 1)));
            }
        }
    }

    fn begins_to_guess(&mut self, net: &mut Net, nodes: usize, person: Person) {
        if let Some(login) = self.guessing.clone().filter(|_| net.rng.random_bool(0.6)) {
            let password = self.people[person].passwords[0];
            return self.goes_on(net, nodes, (person, password, login), Second::Guesses);
        }
        let (to, password) = (Self::somewhere(net, nodes), self.people[person].passwords[0]);
        let second = Second::Guesses;
        let purpose = |login: &LoginRef| Purpose::First { password, login: Box::new(login.clone()), second };
        self.tries_password(net, to, (person, password), purpose);
    }

    fn guesses_passwords(&mut self, net: &mut Net, nodes: usize, person: Person) {
        for _ in 0..net.rng.random_range(1..=3) {
            let to = Self::somewhere(net, nodes);
            self.tries_password(net, to, (person, usize::MAX), |_| Purpose::Guess(10 * person));
        }
    }

    fn looks(&mut self, net: &mut Net, nodes: usize, person: Person) {
        let Some(known) = self.people[person].sessions.choose(&mut net.rng) else { return };
        let (n, session) = (known.n, known.what.session.clone());
        let to = Self::somewhere(net, nodes);
        self.command(net, to, person, (CheckSession { session }, Purpose::Session(n)));
    }

    /// Right after its end was acknowledged.
    pub(crate) fn looks_everywhere(&mut self, net: &mut Net, nodes: usize, (person, n): (Person, usize)) {
        let known = self.people[person].sessions.iter().find(|known| known.n == n);
        let Some(session) = known.map(|known| known.what.session.clone()) else { return };
        for node in 0..nodes {
            let (to, session) = ((node, net.now + 1), session.clone());
            self.command(net, to, person, (CheckSession { session }, Purpose::Session(n)));
        }
    }

    pub(crate) fn tries_token_everywhere(&mut self, net: &mut Net, nodes: usize, (person, n): (Person, usize)) {
        let known = self.people[person].families.iter().find(|known| known.n == n);
        let Some(family) = known.map(|known| known.what.family) else { return };
        for node in 0..nodes {
            self.command(net, (node, net.now + 1), person, (CheckToken { family }, Purpose::Token(n)));
        }
    }

    pub(crate) fn tries_password_everywhere(&mut self, net: &mut Net, nodes: usize, (person, old): (Person, usize)) {
        for node in 0..nodes.min(2) {
            let purpose = |login: &LoginRef| Purpose::First {
                password: old,
                login: Box::new(login.clone()),
                second: Second::Guesses,
            };
            self.tries_password(net, (node, net.now + 1), (person, old), purpose);
        }
    }

    fn authorizes(&mut self, net: &mut Net, nodes: usize, person: Person) {
        let human = &self.people[person];
        // What rests on no password outlives a change of it, if it is of the session that goes on.
        let sessions = human.sessions.iter().filter(|known| known.what.password != people::NO_PASSWORD);
        let sessions: Vec<_> = sessions.collect();
        let Some(known) = sessions.choose(&mut net.rng).filter(|_| human.codes.len() < 15) else { return };
        let (session, offline) = (known.n, net.rng.random_bool(0.5));
        let scopes = if offline { vec!["openid", "offline_access"] } else { vec!["openid"] };
        let authorize = Authorize {
            session: known.what.session.clone(),
            client: self.client.clone(),
            trusted: true,
            redirect_uri: REDIRECT_URI.to_owned(),
            scopes: scopes.into_iter().map(str::to_owned).collect(),
            nonce: None,
            challenge: None,
            requirement: Requirement { begun_at: net.wall(), ..Requirement::default() },
            policies: Vec::new(),
            authorization_details: Vec::new(),
            allowed: true,
            raises: false,
            recommends: false,
            renews_password: true,
        };
        let to = Self::somewhere(net, nodes);
        self.command(net, to, person, (authorize, Purpose::Authorize { session, offline }));
    }

    /// One code, now and then at some nodes at once. A second redemption ends what the first gave.
    fn redeems(&mut self, net: &mut Net, nodes: usize, person: Person) {
        let fresh = net.rng.random_bool(0.7);
        let codes = &mut self.people[person].codes;
        let unused = codes.iter().position(|issued| issued.presented == 0).filter(|_| fresh);
        let issued = match unused {
            Some(unused) => codes.get_mut(unused),
            None => codes.choose_mut(&mut net.rng),
        };
        let Some(issued) = issued else { return };
        let tries = if net.rng.random_bool(0.2) { nodes } else { 1 };
        issued.presented += u32::try_from(tries).expect("few");
        let n = issued.n;
        let redeem = RedeemCode {
            code: issued.code,
            secret_hash: issued.secret_hash.clone(),
            client: self.client.clone(),
            redirect_uri: REDIRECT_URI.to_owned(),
            challenge: None,
        };
        self.doubt(person, |_| false, |family| family == n);
        for _ in 0..tries {
            let to = Self::somewhere(net, nodes);
            self.command(net, to, person, (redeem.clone(), Purpose::Redeem(n)));
        }
    }

    fn refreshes(&mut self, net: &mut Net, nodes: usize, person: Person) {
        let Some(known) = self.people[person].families.choose(&mut net.rng) else { return };
        let (family, token, newest) = (known.n, known.what.token, known.what.newest.clone());
        let tries = if net.rng.random_bool(0.1) { nodes } else { 1 };
        let (certain, touched) = (!known.doubtful && tries == 1, known.touched + 1);
        self.doubt(person, |_| false, |n| n == family);
        for _ in 0..tries {
            let to = Self::somewhere(net, nodes);
            let purpose = Purpose::Refresh { family, token, certain, touched };
            self.command(net, to, person, (newest.clone(), purpose));
        }
    }

    fn tries_token(&mut self, net: &mut Net, nodes: usize, person: Person) {
        let Some(known) = self.people[person].families.choose(&mut net.rng) else { return };
        let (n, family) = (known.n, known.what.family);
        let to = Self::somewhere(net, nodes);
        self.command(net, to, person, (CheckToken { family }, Purpose::Token(n)));
    }

    fn logs_out(&mut self, net: &mut Net, nodes: usize, person: Person) {
        let human = &self.people[person];
        let Some(known) = human.sessions.choose(&mut net.rng) else { return };
        let (n, session) = (known.n, known.what.session.session);
        let families = human.families.iter().filter(|known| known.what.session == n && !known.what.offline);
        let families: Vec<usize> = families.map(|known| known.n).collect();
        self.doubt(person, |session| session == n, |family| families.contains(&family));
        let to = Self::somewhere(net, nodes);
        self.command(net, to, person, (EndSession { session }, Purpose::LogOut(n)));
    }

    fn revokes_token(&mut self, net: &mut Net, nodes: usize, person: Person) {
        let Some(known) = self.people[person].families.choose(&mut net.rng) else { return };
        let (n, family, client) = (known.n, known.what.family, self.client.clone());
        self.doubt(person, |_| false, |of| of == n);
        let to = Self::somewhere(net, nodes);
        self.command(net, to, person, (RevokeToken { family, client }, Purpose::RevokeToken(n)));
    }

    fn changes_password(&mut self, net: &mut Net, nodes: usize, person: Person) {
        let human = &mut self.people[person];
        let Some(known) = human.sessions.choose(&mut net.rng) else { return };
        let session = known.what.session.clone();
        let old = *human.passwords.last().expect("one");
        let sessions = human.sessions.iter().map(|known| known.n).collect();
        human.ending += 1;
        self.doubt(person, |_| true, |_| true);
        let (to, attempt, new) = (Self::somewhere(net, nodes), people::attempt(&mut net.rng), self.number());
        let (current, new_hash) = (people::text(old).into(), people::hash_of(&people::text(new)));
        let what = What::Change(ChangePasswordRequest { session, device: None, current, new_hash });
        self.send(net, to, (person, attempt), (what, Purpose::Change { old, new, sessions }));
    }

    fn disables(&mut self, net: &mut Net, nodes: usize, person: Person) {
        self.people[person].ending += 1;
        self.doubt(person, |_| true, |_| true);
        let to = Self::somewhere(net, nodes);
        self.command(net, to, person, (DisableUser, Purpose::Disable));
    }
}
