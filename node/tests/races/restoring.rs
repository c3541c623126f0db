//! The store is put back to an earlier time, and does not know what was used since: none of it is accepted again (HAZARDS
//! H14), as people and applications see it over HTTP.
//!
//! The snapshot of a shared store needs one that is ours to stop: `CQL_HOME=… CQL_NET=… .ci/cql-cluster up 1`, with the same
//! variables and `DOORWARD_TEST_CQL` in the environment of the test.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use crate::{
    application::{Application, Tokens},
    browser::Browser,
    http::Answer,
    person::{Authenticator, Person, STEP, now, signed_in, to_backup_code},
    server,
    support::{Server, alone},
};

/// Until then the throttles of a restored store are closed: each has a burst spent.
const CLOSED: u64 = 30;
/// Between two looks at the clock.
const LOOK: Duration = Duration::from_millis(100);

/// What somebody has when the store is put aside.
struct Before {
    person: Person,
    authenticator: Authenticator,
    /// Not redeemed yet.
    code: String,
    tokens: Tokens,
}

/// What becomes of it after that.
struct Used {
    totp_code: String,
    /// Where somebody signed in with each of the codes.
    browsers: Vec<Browser>,
    /// Of the code, and of the refresh token.
    tokens: Vec<Tokens>,
}

impl Before {
    fn new(site: SocketAddr, application: &Application) -> Self {
        let mut person = Person::register(site, "ada").expect("served");
        let authenticator = person.enrol().expect("served");
        let code = application.code(&mut person.browser).expect("served");
        let tokens = redeemed(site, application, &code).expect("a fresh code is good");
        let code = application.code(&mut person.browser).expect("served");
        Self { person, authenticator, code, tokens }
    }

    /// The same at a server that was started again.
    fn at(mut self, site: SocketAddr) -> Self {
        self.person.browser.site = site;
        self
    }

    /// Uses everything that is good once.
    fn use_up(&self, application: &Application) -> Used {
        let (person, site) = (&self.person, self.person.browser.site);
        let totp_code = self.authenticator.unused_code();
        let with_app = present(person.challenged().expect("served"), "/login/totp", &totp_code);
        let login = to_backup_code(person.challenged().expect("served")).expect("served");
        let with_backup_code = present(login, "/login/backup-code", &self.authenticator.backup_codes[0]);
        let browsers = [with_app, with_backup_code].map(|(mut browser, answer)| {
            assert!(signed_in(&answer), "{answer}");
            browser.follow(answer).expect("served");
            assert!(is_signed_in(&browser));
            browser
        });
        let redeemed = redeemed(site, application, &self.code).expect("a fresh code is good");
        let refreshed = refreshed(site, application, &self.tokens).expect("a fresh token is good");
        Used { totp_code, browsers: browsers.into(), tokens: vec![redeemed, refreshed] }
    }

    /// Holds a server to it, whose store was put back just before `restored`.
    fn hold(&self, used: &Used, application: &Application, restored: u64) {
        let site = self.person.browser.site;
        for browser in used.browsers.iter().chain([&self.person.browser]) {
            let mut browser = browser.clone();
            browser.site = site;
            assert!(!is_signed_in(&browser), "a session lives on");
        }
        assert_eq!(redeemed(site, application, &self.code), None, "a code is good twice");
        // Those that the snapshot knows come first: one that it does not know looks stolen, and would end their family.
        for tokens in std::iter::once(&self.tokens).chain(&used.tokens) {
            assert!(!tokens.live(site), "an access token lives on");
            assert_eq!(refreshed(site, application, tokens), None, "a refresh token lives on");
        }
        while now() <= restored + CLOSED {
            thread::sleep(LOOK);
        }
        self.hold_factors(used, application, restored);
    }

    /// The password is what it was. Codes of the app are good from the first that nobody can have used before.
    fn hold_factors(&self, used: &Used, application: &Application, restored: u64) {
        let (person, site, app) = (&self.person, self.person.browser.site, &self.authenticator);
        let login = person.challenged().expect("served");
        for code in [&used.totp_code, &app.code_at(restored)] {
            let (_, answer) = present(login.clone(), "/login/totp", code);
            assert!(!signed_in(&answer) && !answer.throttled(), "a TOTP code is good twice: {answer}");
        }
        // There is no way any more to where they are typed, so the form is made of another one.
        let mut forged = login.clone();
        forged.1.body = forged.1.body.replace("/login/totp", "/login/backup-code");
        for code in &app.backup_codes[..2] {
            let (_, answer) = present(forged.clone(), "/login/backup-code", code);
            assert!(!signed_in(&answer) && !answer.throttled(), "a backup code is good after the restore: {answer}");
        }
        let (mut browser, answer) = present(login, "/login/totp", &app.code_at(restored + 2 * STEP));
        assert!(signed_in(&answer), "a code that nobody can have used is good: {answer}");
        browser.follow(answer).expect("served");
        let code = application.code(&mut browser).expect("served");
        let tokens = redeemed(site, application, &code).expect("a fresh code is good");
        assert!(tokens.live(site));
    }
}

fn redeemed(site: SocketAddr, application: &Application, code: &str) -> Option<Tokens> {
    Tokens::of(&application.redemption(code).served(site).expect("served"))
}

fn refreshed(site: SocketAddr, application: &Application, tokens: &Tokens) -> Option<Tokens> {
    Tokens::of(&application.refresh(&tokens.refresh).served(site).expect("served"))
}

fn present((browser, page): (Browser, Answer), action: &str, code: &str) -> (Browser, Answer) {
    let answer = browser.fill(&page, action, &[("code", code)]).served(browser.site).expect("served");
    (browser, answer)
}

fn is_signed_in(browser: &Browser) -> bool {
    browser.clone().open("/account").expect("served").body.contains("Sign out")
}

/// A verb of the command line that must succeed.
#[track_caller]
fn done(command: &mut Command) {
    let output = command.output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A server whose codes for applications outlive the putting aside of its store.
fn serving(mut command: Command, folder: &Path) -> Server {
    command.env("DOORWARD__TOKEN__CODE", "10m");
    server(command, folder)
}

#[test]
fn what_was_used_after_a_backup_is_refused_after_its_restore() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let first = serving(alone(folder), folder);
    let application = Application::register(&mut alone(folder));
    let before = Before::new(first.public, &application);
    done(alone(folder).args(["backup", "create", "--out", "b"]));
    let used = before.use_up(&application);
    drop(first);
    done(alone(folder).args(["backup", "restore", "b", "--to", "embedded:new"]));
    let restored = now();
    fs::copy(folder.join("doorward-data/master-keys"), folder.join("new/master-keys")).expect("copied");
    let mut command = alone(folder);
    command.env("DOORWARD__STORE__URL", "embedded:new");
    let second = serving(command, folder);
    before.at(second.public).hold(&used, &application, restored);
}

/// The node of the store is stopped, and its folder copied there or back.
fn copied(from: &Path, to: &Path) {
    script("stop");
    let _ = fs::remove_dir_all(to);
    done(Command::new("cp").arg("-a").args([from, to]));
    script("start");
}

fn script(verb: &str) {
    done(Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.ci/cql-cluster")).args([verb, "1"]));
}

#[test]
#[ignore = "needs a node of a store to stop: .ci/cql-cluster"]
fn what_was_used_after_a_snapshot_is_refused_after_it_was_put_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let keys = folder.join("keys");
    fs::write(&keys, "k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=").expect("written");
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).expect("closed");
    let store = std::env::var("DOORWARD_TEST_CQL").expect("DOORWARD_TEST_CQL names the node");
    let keyspace = format!("restored_{}", data_encoding::HEXLOWER.encode(&rand::random::<[u8; 8]>()));
    let program = || {
        let mut command = alone(folder);
        command.env("DOORWARD__STORE__URL", format!("scylla://{store}/{keyspace}?replication=1"));
        command.env("DOORWARD_MASTER_KEYS_FILE", &keys);
        command
    };
    let home = PathBuf::from(std::env::var_os("CQL_HOME").expect("CQL_HOME is where the store is"));
    let (node, snapshot) = (home.join("node1"), folder.join("snapshot"));
    done(program().args(["migrate", "up"]));
    let mut first = serving(program(), folder);
    let application = Application::register(&mut program());
    let before = Before::new(first.public, &application);
    stop(&mut first);
    copied(&node, &snapshot);
    let mut second = serving(program(), folder);
    let before = before.at(second.public);
    let used = before.use_up(&application);
    stop(&mut second);
    copied(&snapshot, &node);
    done(program().args(["store", "restored", "--yes"]));
    let restored = now();
    let third = serving(program(), folder);
    before.at(third.public).hold(&used, &application, restored);
}

/// Stops a server as operators do.
fn stop(server: &mut Server) {
    server.signal("TERM");
    assert!(server.ended().success());
}
