//! `kill -9` while people register, enrol, sign in by all that there is, and guess: after the next start everything that was acknowledged holds,
//! and nothing that was consumed is good again. One process and its folder; `tests/cluster` kills nodes of a cluster.

mod carried;

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, mpsc},
    thread,
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use self::carried::{Carried, WAYS};
use crate::{
    application::{Application, Tokens},
    browser::Browser,
    hashes,
    http::{Answer, Gone},
    person::{Authenticator, Person, signed_in, to_backup_code},
    server,
    support::{PATIENCE, Server, alone},
};

const ROUNDS: u64 = 5;
/// People at the same time.
const WRITERS: u64 = 4;
/// More than one of them lives in a round; no multiple of the ways, so that each round begins with others.
const LIVES: u64 = 1_001;
/// Acknowledgements before the kill, at most; a person has up to eleven to get.
const MOST: usize = 100;
/// Wrong guesses before the throttle closes.
const BURST: usize = 5;

const WRONG_PASSWORD: &str = "one that is not right";

/// What one person was told had happened.
#[derive(Default)]
struct Acknowledged {
    person: Option<Person>,
    authenticator: Option<Authenticator>,
    code: Option<String>,
    spent: Option<Tokens>,
    newest: Option<Tokens>,
    totp_code: Option<String>,
    backup_code: Option<String>,
    wrong_guesses: usize,
    wrong_passwords: usize,
    carried: Option<Carried>,
}

/// What a writer works with.
#[derive(Clone)]
struct World {
    site: SocketAddr,
    application: Arc<Application>,
    /// Told of each acknowledgement.
    told: mpsc::Sender<()>,
}

impl Acknowledged {
    /// One life, until it is complete or the server is gone.
    fn live(&mut self, world: &World, name: &str) -> Result<(), Gone> {
        let person = Person::register(world.site, name)?;
        let person = self.person.insert(person);
        world.acknowledged();
        let authenticator = self.authenticator.insert(person.enrol()?);
        world.acknowledged();
        let code = world.application.code(&mut person.browser)?;
        let first = Tokens::of(&world.application.redemption(&code).send(world.site)?);
        self.code = Some(code);
        world.acknowledged();
        let first = first.expect("a fresh code is good");
        let next = Tokens::of(&world.application.refresh(&first.refresh).send(world.site)?);
        (self.spent, self.newest) = (Some(first), Some(next.expect("a fresh token is good")));
        world.acknowledged();
        let (browser, page) = person.challenged()?;
        let code = authenticator.code();
        let answer = present(&browser, &page, "/login/totp", &code)?;
        assert!(signed_in(&answer), "{answer}");
        self.totp_code = Some(code);
        world.acknowledged();
        let (browser, page) = to_backup_code(person.challenged()?)?;
        let code = authenticator.backup_codes[0].clone();
        let answer = present(&browser, &page, "/login/backup-code", &code)?;
        assert!(signed_in(&answer), "{answer}");
        self.backup_code = Some(code);
        world.acknowledged();
        let (browser, page) = person.challenged()?;
        for _ in 0..BURST {
            let answer = present(&browser, &page, "/login/totp", &authenticator.wrong_code())?;
            assert!(!signed_in(&answer) && !answer.throttled());
            self.wrong_guesses += 1;
            world.acknowledged();
        }
        Ok(())
    }

    /// The life of somebody whose password others try.
    fn be_tried(&mut self, world: &World, name: &str) -> Result<(), Gone> {
        let person = self.person.insert(Person::register(world.site, name)?);
        world.acknowledged();
        for _ in 0..BURST {
            let (_, page) = person.with_password(WRONG_PASSWORD)?;
            assert!(page.status != 200 && !page.throttled(), "{page}");
            self.wrong_passwords += 1;
            world.acknowledged();
        }
        Ok(())
    }

    /// The life of somebody without an app; the number is theirs alone.
    fn carry(&mut self, world: &World, name: &str, number: u64) -> Result<(), Gone> {
        let person = self.person.insert(Person::register(world.site, name)?);
        world.acknowledged();
        let way = WAYS[usize::try_from(number).expect("small") % WAYS.len()];
        self.carried.insert(Carried::by(way)).live(world, person, number)
    }

    /// Holds the server to what it said before it was killed.
    fn hold(&self, server: &Server, application: &Application) -> Result<(), Gone> {
        let site = server.public;
        if let Some(newest) = &self.newest {
            let answer = application.refresh(&newest.refresh).send(site)?;
            assert!(Tokens::of(&answer).is_some(), "the newest refresh token is lost: {}", answer.body);
        }
        if let Some(spent) = &self.spent {
            let answer = application.refresh(&spent.refresh).send(site)?;
            assert_eq!(Tokens::of(&answer), None, "a refresh token is good twice");
        }
        if let Some(code) = &self.code {
            let answer = application.redemption(code).send(site)?;
            assert_eq!(Tokens::of(&answer), None, "a code is good twice");
        }
        let Some(person) = &self.person else { return Ok(()) };
        let person = person.at(site);
        if let Some(carried) = &self.carried {
            carried.hold(&person, site)?;
        }
        if self.wrong_passwords > 0 {
            return self.hold_passwords(&person, server);
        }
        let Some(authenticator) = &self.authenticator else {
            let (_, page) = person.password()?;
            assert_eq!(page.status, 200, "{} is lost: {}", person.name, page.body);
            return Ok(());
        };
        self.hold_guesses(&person, authenticator)?;
        let (browser, page) = to_backup_code(person.challenged()?)?;
        if let Some(code) = &self.backup_code {
            let answer = present(&browser, &page, "/login/backup-code", code)?;
            assert!(!signed_in(&answer), "a backup code is good twice");
        }
        let unused = authenticator.backup_codes.last().expect("ten codes");
        let answer = present(&browser, &page, "/login/backup-code", unused)?;
        assert!(signed_in(&answer), "the backup codes are lost: {answer}");
        Ok(())
    }

    /// Used codes are wrong ones, and the guesses from before the kill still count.
    fn hold_guesses(&self, person: &Person, authenticator: &Authenticator) -> Result<(), Gone> {
        let (browser, page) = person.challenged()?;
        let used = [Some(authenticator.enrolled_with()), self.totp_code.clone()];
        let mut guesses = self.wrong_guesses;
        for code in used.into_iter().flatten().chain((0..=BURST).map(|_| authenticator.wrong_code())) {
            let answer = present(&browser, &page, "/login/totp", &code)?;
            assert!(!signed_in(&answer), "a TOTP code is good twice");
            if answer.throttled() {
                break;
            }
            guesses += 1;
        }
        assert!(guesses <= BURST, "{}: {guesses} guesses were looked at", person.name);
        let fresh = present(&browser, &page, "/login/totp", &authenticator.code())?;
        assert!(fresh.throttled());
        Ok(())
    }

    /// Wrong passwords from before the kill still count.
    fn hold_passwords(&self, person: &Person, server: &Server) -> Result<(), Gone> {
        let before = hashes(server);
        for _ in self.wrong_passwords..=BURST {
            let (_, page) = person.with_password(WRONG_PASSWORD)?;
            assert_ne!(page.status, 200);
        }
        let tried = self.wrong_passwords + hashes(server) - before;
        assert!(tried <= BURST, "{}: {tried} passwords were looked at", person.name);
        let (_, page) = person.password()?;
        assert!(page.throttled(), "{page}");
        Ok(())
    }
}

impl World {
    fn acknowledged(&self) {
        // Nobody listens any more once the moment of the kill is chosen.
        let _ = self.told.send(());
    }
}

fn present(browser: &Browser, page: &Answer, action: &str, code: &str) -> Result<Answer, Gone> {
    browser.fill(page, action, &[("code", code)]).send(browser.site)
}

/// People live until the kill, which comes after `enough` acknowledgements.
fn interrupted(folder: &Path, application: &Arc<Application>, round: u64, enough: usize) -> Vec<Acknowledged> {
    let mut server = server(alone(folder), folder);
    let (told, acknowledgements) = mpsc::channel();
    let world = World { site: server.public, application: Arc::clone(application), told };
    let writers = (0..WRITERS).map(|writer| {
        let world = world.clone();
        thread::spawn(move || {
            let mut lives = Vec::new();
            for life in 0.. {
                let mut acknowledged = Acknowledged::default();
                let name = format!("person-{round}-{writer}-{life}");
                let ended = match (writer + life) % WRITERS {
                    0 => acknowledged.be_tried(&world, &name),
                    1 => acknowledged.live(&world, &name),
                    // Of each way as many as of the others.
                    _ => acknowledged.carry(&world, &name, LIVES * (WRITERS * round + writer) + life),
                };
                lives.push(acknowledged);
                if ended.is_err() {
                    break;
                }
            }
            lives
        })
    });
    let writers: Vec<_> = writers.collect();
    for _ in 0..enough {
        acknowledgements.recv_timeout(PATIENCE).expect("people get on");
    }
    server.signal("KILL");
    server.ended();
    writers.into_iter().flat_map(|writer| writer.join().expect("no panic")).collect()
}

#[test]
fn after_kill_9_everything_acknowledged_holds_and_nothing_consumed_is_good_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    println!("SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let application = {
        let _server = server(alone(folder.path()), folder.path());
        Arc::new(Application::register(&mut alone(folder.path())))
    };
    for round in 0..ROUNDS {
        let enough = random.random_range(1..=MOST);
        println!("round {round}: killed after {enough} acknowledgements");
        let lives = interrupted(folder.path(), &application, round, enough);
        let server = server(alone(folder.path()), folder.path());
        for life in &lives {
            life.hold(&server, &application).expect("served");
        }
    }
}
