//! Attackers at full speed against one account, through a cool-down and into the next: no more guesses are looked at than the rule
//! allows, and the owner signs in all the while, from a browser that did before (HAZARDS H11).

use std::{
    net::SocketAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use crate::{
    House,
    browser::Browser,
    http::{Answer, Request},
    no_more_than,
    person::{Authenticator, Person, asks_for_a_code, signed_in},
    several_nodes,
};

/// Guesses before a cool-down.
const BURST: usize = 5;
/// Attackers, each with one request after the other.
const ATTACKERS: usize = 8;
/// Guesses that were refused unseen after one that was looked at: by then the way is closed.
const CLOSED: usize = 200;
/// Sign-ins of the owner, or looks at the time, at most: far more than a cool-down leaves room for.
const LONGEST: usize = 5_000;

/// What the attackers have got.
#[derive(Default)]
struct Siege {
    over: AtomicBool,
    /// The answers that call a guess wrong.
    wrong: Mutex<Vec<Answer>>,
    /// Guesses refused unseen since the last one that was not.
    refused: AtomicUsize,
}

impl Siege {
    /// One attacker, until it is over.
    fn attack(&self, site: SocketAddr, guess: &Request) {
        while !self.over.load(SeqCst) {
            // One that is not served just now is as good as not sent.
            let Ok(answer) = guess.send(site) else { continue };
            assert!(!signed_in(&answer), "a wrong guess signs in: {answer}");
            if answer.throttled() {
                self.refused.fetch_add(1, SeqCst);
            } else if answer.status == 422 {
                self.wrong.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
                self.refused.store(0, SeqCst);
            }
        }
    }

    fn wrong(&self) -> Vec<Answer> {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All attackers at once, and the owner in between, whose turns go on until a second burst is spent: `evaluated` says how many
    /// guesses were looked at.
    fn lay(&self, site: SocketAddr, guesses: &[Request], mut owner: impl FnMut(), evaluated: impl Fn() -> usize) {
        thread::scope(|scope| {
            // Whatever ends this, the attackers end as well.
            let _lifted = Lifted(self);
            for guess in guesses {
                scope.spawn(move || self.attack(site, guess));
            }
            for _ in 0..LONGEST {
                owner();
                if evaluated() > BURST && self.refused.load(SeqCst) >= CLOSED {
                    return;
                }
            }
            panic!("no second burst: {} guesses were looked at", evaluated());
        });
    }
}

struct Lifted<'a>(&'a Siege);

impl Drop for Lifted<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, SeqCst);
    }
}

/// The browser in which somebody registered, signed out: a known device.
fn known_browser(person: &mut Person) -> Browser {
    let page = person.browser.open("/account").expect("served");
    person.browser.submit(&page, "/logout", &[]).expect("served");
    person.browser.clone()
}

/// The password, typed in the owner's browser.
fn password(browser: &Browser, person: &Person) -> (Browser, Answer) {
    let mut browser = browser.clone();
    let page = browser.open("/login").expect("served");
    let fields = [("username", &*person.name), ("password", &*person.password)];
    let page = browser.submit(&page, "/login", &fields).expect("served");
    (browser, page)
}

#[test]
fn attackers_at_the_password_get_their_bursts_and_the_owner_is_let_in() {
    let house = House::new();
    let mut person = Person::register(house.site(), "password-siege").expect("served");
    let browser = known_browser(&mut person);
    let guesses: Vec<_> = (0..ATTACKERS).map(|_| wrong_password(&house, &person)).collect();
    let (siege, before, sign_ins) = (Siege::default(), house.hashes(), AtomicUsize::new(0));
    let owner = || {
        let (_, page) = password(&browser, &person);
        assert!(page.status == 200 && page.body.contains("Sign out"), "the owner is kept out: {page}");
        sign_ins.fetch_add(1, SeqCst);
    };
    siege.lay(house.site(), &guesses, owner, || house.looked_at(&siege.wrong()));
    no_more_than(2 * BURST, house.looked_at(&siege.wrong()));
    let (hashes, sign_ins) = (house.hashes() - before, sign_ins.into_inner());
    assert!(hashes == 2 * BURST + sign_ins || several_nodes(), "{hashes} hashes, {sign_ins} sign-ins");
    assert!(sign_ins > 1);
    let (_, page) = person.password().expect("served");
    assert!(page.throttled(), "in another browser the right password must wait as well: {page}");
    let (_, page) = password(&browser, &person);
    assert!(page.body.contains("Sign out"), "{page}");
}

fn wrong_password(house: &House, person: &Person) -> Request {
    let mut browser = Browser::new(house.site());
    let page = browser.open("/login").expect("served");
    browser.fill(&page, "/login", &[("username", &person.name), ("password", "one that is not right")])
}

/// The attackers know the password.
#[test]
fn attackers_at_the_code_get_their_bursts_and_the_owner_is_let_in() {
    let house = House::new();
    let mut person = Person::register(house.site(), "code-siege").expect("served");
    let authenticator = person.enrol().expect("served");
    let browser = known_browser(&mut person);
    let wrong = authenticator.wrong_code();
    let guesses = (0..ATTACKERS).map(|_| {
        let (browser, page) = person.challenged().expect("served");
        browser.fill(&page, "/login/totp", &[("code", &wrong)])
    });
    let guesses: Vec<_> = guesses.collect();
    let (siege, sign_ins) = (Siege::default(), AtomicUsize::new(0));
    let owner = || by_code(&browser, (&person, &authenticator), &sign_ins);
    siege.lay(house.site(), &guesses, owner, || siege.wrong().len());
    no_more_than(2 * BURST, siege.wrong().len());
    assert!(sign_ins.load(SeqCst) > 1, "one of each code");
    let (browser, page) = person.challenged().expect("served");
    let code = [("code", &*authenticator.code())];
    let answer = browser.fill(&page, "/login/totp", &code).served(house.site()).expect("served");
    assert!(answer.throttled(), "in another browser every code must wait: {answer}");
}

/// Signs in with the app's next code, if it is time for it: each is good once.
fn by_code(browser: &Browser, (person, authenticator): (&Person, &Authenticator), sign_ins: &AtomicUsize) {
    let Some(code) = authenticator.code_after(sign_ins.load(SeqCst)) else {
        return thread::sleep(Duration::from_millis(50));
    };
    let (browser, page) = password(browser, person);
    assert!(asks_for_a_code(&page), "the owner is kept out: {page}");
    let answer = browser.fill(&page, "/login/totp", &[("code", &code)]).served(browser.site).expect("served");
    assert!(signed_in(&answer), "the owner is kept out: {answer}");
    sign_ins.fetch_add(1, SeqCst);
}
