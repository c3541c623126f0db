//! A person in trouble: what one does over and over while nodes come and go, and what is presented far too often on
//! purpose. Whatever comes to nothing is begun anew; only what was answered goes into the history.

mod deeds;
mod end;
mod reached;
mod trusted;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use data_encoding::BASE32_NOPAD_NOCASE;
use rand::{RngExt as _, rngs::StdRng};
use tokio::task::JoinSet;
use totp_rs::{Builder, Totp};

pub(super) use self::reached::Way;
use self::{reached::MAX_SENDS, trusted::Stale};
use super::{
    history::{History, Kind, Secret, SecretId, Subject, Verdict},
    inbox::Inbox,
    present::Presentation,
    soft_key::SoftKey,
};
use crate::{
    http::{Browser, Failure, Http},
    machine,
    page::{self, Form},
    scenario::Client,
};

/// Seconds of a TOTP step.
const STEP: u64 = 30;
/// Steps of a life, after which another one begins: every account is used from its first day, over and over.
const LIFE: usize = 300;
/// Spent codes that somebody keeps, to type them again later.
const SPENT: usize = 6;
/// Used secrets that somebody keeps, to present them again later.
const KEPT: usize = 24;
/// A user has 50 live sessions; beyond this many sign-ins the oldest may have ended.
const MANY_SESSIONS: usize = 40;
/// Of so many who are sent codes, those of one are guessed at.
const GUESSED_AT: usize = 3;
/// Wrong passwords in a row before a cool-down of 30 s; clocks that decide may be set 4 s each way meanwhile.
const BURST: usize = 5;
const COOL_DOWN_AT_LEAST: u64 = 20_000_000;

/// What everybody shares.
#[derive(Debug)]
pub(super) struct World {
    pub(super) http: Http,
    pub(super) client: Client,
    pub(super) inbox: Inbox,
    pub(super) history: History,
    /// The same secret is presented this often at once.
    pub(super) crowd: usize,
}

/// What somebody does all the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Password alone: signs in and out, uses applications.
    Plain,
    /// Signs in with an authenticator app and with backup codes.
    Guarded,
    /// Is guessed at.
    Victim,
    /// Wrong passwords are typed for it until they are not looked at, then the right one.
    Target,
    /// Is sent codes.
    Reached(Way),
    /// Signs in with a passkey.
    Keyed,
}

/// A person.
#[derive(Debug)]
pub(super) struct Person {
    world: Arc<World>,
    number: usize,
    role: Role,
    rng: StdRng,
    name: String,
    password: Current,
    /// The other one that may be in force, after a change whose answer was lost.
    alternative: Option<Current>,
    /// Steps taken.
    steps: usize,
    /// Sign-ins since the session in hand began; a user has so many sessions, then the oldest ends.
    sign_ins: usize,
    /// Somebody signed in here, and what a sign-out ends.
    session: Option<(Browser, Subject)>,
    totp: Option<(Totp, u64)>,
    /// Codes of steps that were typed at some time: the same code is the same secret.
    typed: BTreeMap<u64, SecretId>,
    backup_codes: Vec<String>,
    /// One backup code that is used at the end, when it must be good.
    last_code: Option<String>,
    spent: Vec<Spent>,
    /// Codes that were sent and came.
    codes: BTreeSet<String>,
    /// Messages caused.
    sends: usize,
    passkey: Option<SoftKey>,
    stale: Option<Stale>,
    /// Refresh token that was given and never presented.
    newest: Option<(String, Subject)>,
    used: Vec<Presentation>,
}

/// A code of the second factor that was used, or may have been.
#[derive(Clone, Debug)]
struct Spent {
    secret: SecretId,
    code: String,
    form: CodeForm,
}

/// Where a code of the second factor is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CodeForm {
    Totp,
    Backup,
    Sent(Way),
}

/// A password, as the history knows it.
#[derive(Clone, Debug)]
struct Current {
    text: String,
    secret: SecretId,
    subject: Subject,
}

impl Person {
    /// Somebody new, with an account to be.
    pub(super) fn new(world: &Arc<World>, role: Role, rng: StdRng) -> Self {
        let number = world.history.person();
        let (name, text) = (format!("somebody-{number}"), format!("lantern harbour violin {number} 0"));
        let password = Current::new(&world.history, number, text);
        Self {
            world: Arc::clone(world),
            number,
            role,
            rng,
            name,
            password,
            alternative: None,
            steps: 0,
            sign_ins: 0,
            session: None,
            totp: None,
            typed: BTreeMap::new(),
            backup_codes: Vec::new(),
            last_code: None,
            spent: Vec::new(),
            codes: BTreeSet::new(),
            sends: 0,
            passkey: None,
            stale: None,
            newest: None,
            used: Vec::new(),
        }
    }

    /// Has it lived long enough, or nothing left to use?
    pub(super) const fn is_done(&self) -> bool {
        match self.role {
            Role::Plain => self.steps >= LIFE,
            Role::Guarded => self.backup_codes.is_empty() && self.stale.is_none(),
            // So long that the cool-downs double; so short that many are guessed at.
            Role::Victim | Role::Keyed => self.steps >= LIFE / 3,
            Role::Reached(_) => self.sends >= MAX_SENDS,
            Role::Target => self.steps > 0,
        }
    }

    /// Registers, enrols, and gets ready for its role. What fails on the way is tried anew by another name.
    pub(super) async fn begin(&mut self) -> Result<(), Failure> {
        let mut browser = Browser::new(&self.world.http);
        let page = browser.open("register", "/register").await?.page("register")?;
        let fields = [("user_name", self.name.as_str()), ("password", &self.password.text)];
        browser.submit("register", Form::find(&page, "/register", ""), &fields).await?;
        self.session = Some((browser, self.world.history.subject()));
        match self.role {
            Role::Guarded | Role::Victim => self.enrol().await,
            Role::Reached(way) => self.enrol_address(way).await,
            Role::Keyed => self.enrol_passkey().await,
            Role::Plain | Role::Target => Ok(()),
        }
    }

    async fn enrol(&mut self) -> Result<(), Failure> {
        let Some((browser, _)) = &mut self.session else { return Ok(()) };
        let page = browser.open("enrol", "/account/mfa").await?.page("enrol")?;
        let form = Form::find(&page, "/account/mfa/totp", "totp");
        let page = browser.submit("enrol", form, &[("name", "Phone")]).await?.page("enrol")?;
        let key = page::totp_key(&page).and_then(|key| BASE32_NOPAD_NOCASE.decode(key.as_bytes()).ok());
        let totp = key.and_then(|key| Builder::new().with_secret(key).build().ok());
        let totp = totp.ok_or(Failure::new("enrol: no key"))?;
        let step = machine::unix_secs() / STEP;
        let form = Form::find(&page, "/account/mfa/totp/", "/confirm");
        let code = totp.generate(step * STEP).to_string();
        let secret = self.world.history.secret(Secret {
            kind: Kind::TotpCode,
            person: self.number,
            subject: None,
            family: None,
            order: step,
        });
        let from = self.world.history.now();
        let page = browser.submit("confirm", form, &[("code", &code)]).await?.page("confirm")?;
        let codes = page.split("<li><code>").skip(1).filter_map(|rest| rest.split("</code>").next());
        self.backup_codes = codes.map(str::to_owned).collect();
        self.last_code = self.backup_codes.pop();
        // The code that confirms an app is used up by that.
        self.world.history.accepted(secret, from);
        self.typed.insert(step, secret);
        browser.submit("saved", Form::find(&page, "/account/mfa/backup-codes/saved", ""), &[("saved", "yes")]).await?;
        self.totp = Some((totp, step));
        self.spend(secret, code, CodeForm::Totp);
        Ok(())
    }

    /// One step of a life; says whether it came to anything.
    pub(super) async fn step(&mut self) -> bool {
        self.steps += 1;
        let done = match self.role {
            Role::Victim if self.rng.random_range(0..3) == 0 => self.be_guessed_at_by_backup_codes().await,
            Role::Victim => self.be_guessed_at().await,
            Role::Target => self.be_locked_out().await,
            Role::Plain => match self.rng.random_range(0..11) {
                0 | 1 => self.crowd_at_a_code().await,
                2 | 3 => self.refresh_in_turn().await,
                4 => self.crowd_at_a_refresh().await,
                5 | 6 => self.sign_out_and_look().await,
                7 => self.change_password().await,
                8 => self.revoke_and_look().await,
                _ => self.replay().await,
            },
            // The address of whom codes are guessed at waits most of the time.
            Role::Reached(way) if self.number.is_multiple_of(GUESSED_AT) => self.guess_at_a_sent_code(way).await,
            Role::Reached(way) => match self.rng.random_range(0..4) {
                0..=2 => self.crowd_at_a_sent_code(way).await,
                _ => self.type_again().await,
            },
            Role::Keyed => match self.rng.random_range(0..4) {
                0..=2 => self.crowd_at_an_answer().await,
                _ => self.replay().await,
            },
            Role::Guarded => self.step_guarded().await,
        };
        if done.is_err() {
            self.world.history.stalled();
        }
        done.is_ok()
    }

    /// Presents the same thing many times at once, to all nodes in turn; how it was answered each time.
    async fn crowd(&mut self, presentations: Vec<Presentation>) -> Vec<Verdict> {
        let mut all = JoinSet::new();
        for presentation in presentations {
            let world = Arc::clone(&self.world);
            all.spawn(async move { presentation.present(&world).await });
        }
        let answers = all.join_all().await;
        answers.into_iter().map(|(verdict, _)| verdict).collect()
    }

    /// Keeps something used, to be presented again another time.
    fn keep(&mut self, used: Presentation) {
        if self.used.len() == KEPT {
            let oldest = self.rng.random_range(0..KEPT);
            self.used.swap_remove(oldest);
        }
        self.used.push(used);
    }

    /// Keeps a code that was used, to be typed again in another login.
    fn spend(&mut self, secret: SecretId, code: String, form: CodeForm) {
        if self.spent.len() == SPENT {
            let oldest = self.rng.random_range(0..SPENT);
            self.spent.swap_remove(oldest);
        }
        self.spent.push(Spent { secret, code, form });
    }

    /// A session that lives, signed in anew if need be.
    async fn signed_in(&mut self) -> Result<(Browser, Subject), Failure> {
        if let Some(session) = &self.session {
            return Ok(session.clone());
        }
        let (mut browser, page) = self.with_password().await?;
        if let Some(page) = page {
            // A second factor: a backup code, since each TOTP step is good for one sign-in in half a minute.
            let code = self.backup_codes.pop().ok_or(Failure::new("no backup code is left"))?;
            let form = self.backup_form(&mut browser, &page).await?;
            let secret = self.secret(Kind::BackupCode, None, 0);
            let presentation = Presentation::form(secret, &browser, &form, &code);
            let (verdict, answer) = presentation.present(&self.world).await;
            self.spend(secret, code, CodeForm::Backup);
            let answer = answer.filter(|_| verdict == Verdict::Accepted).ok_or(Failure::new("not signed in"))?;
            browser.take(&answer);
        }
        let session = (browser, self.world.history.subject());
        self.session = Some(session.clone());
        (self.sign_ins, self.newest) = (0, None);
        Ok(session)
    }

    /// Types name and password in a new browser; with the page that asks for a second factor, if there is one.
    async fn with_password(&mut self) -> Result<(Browser, Option<String>), Failure> {
        let mut browser = Browser::new(&self.world.http);
        let page = browser.open("login", "/login").await?.page("login")?;
        let form = Form::find(&page, "/login", "").ok_or(Failure::new("login: no form"))?;
        let fields = [("username", self.name.as_str()), ("password", &self.password.text)];
        let presentation = Presentation::fields(self.password.secret, &browser, &form, &fields);
        let (verdict, answer) = presentation.present(&self.world).await;
        if verdict == Verdict::Refused
            && let Some(other) = self.alternative.take()
        {
            self.alternative = Some(std::mem::replace(&mut self.password, other));
        }
        let answer = answer.filter(|_| verdict == Verdict::Accepted).ok_or(Failure::new("password: not accepted"))?;
        self.sign_ins += 1;
        browser.take(&answer);
        let to = answer.location().unwrap_or_default().to_owned();
        if to.contains("/login") {
            let page = browser.open("challenge", &to).await?.page("challenge")?;
            return Ok((browser, Some(page)));
        }
        Ok((browser, None))
    }

    async fn backup_form(&self, browser: &mut Browser, page: &str) -> Result<Form, Failure> {
        let link = page.split("href=\"/login/backup-code").nth(1).and_then(|rest| rest.split('"').next());
        let link = link.ok_or(Failure::new("backup code: no link"))?.replace("&amp;", "&");
        let page = browser.open("backup code", &format!("/login/backup-code{link}")).await?.page("backup code")?;
        Form::find(&page, "/login/backup-code", "").ok_or(Failure::new("backup code: no form"))
    }

    fn secret(&self, kind: Kind, subject: Option<Subject>, order: u64) -> SecretId {
        self.world.history.secret(Secret { kind, person: self.number, subject, family: None, order })
    }

    /// A token that ends with its session, or before that with its family.
    fn token(&self, kind: Kind, subject: Subject, family: Subject) -> SecretId {
        let (subject, family) = (Some(subject), Some(family));
        self.world.history.secret(Secret { kind, person: self.number, subject, family, order: 0 })
    }

    /// The form for a code of the second factor, in a new login.
    async fn code_form(&mut self, form: CodeForm) -> Result<(Browser, Form), Failure> {
        if let CodeForm::Sent(_) = form {
            self.sends += 1;
        }
        let (mut browser, page) = self.with_password().await?;
        let page = page.ok_or(Failure::new("code: not asked for"))?;
        let form = match form {
            CodeForm::Totp => Form::find(&page, "/login/totp", "").ok_or(Failure::new("totp: no form"))?,
            CodeForm::Backup => self.backup_form(&mut browser, &page).await?,
            CodeForm::Sent(way) => {
                let form = Form::find(&page, "/login/", way.path());
                form.ok_or(Failure::new("sent code: no form"))?
            }
        };
        Ok((browser, form))
    }

    /// An authorization code of the session.
    async fn code(&mut self) -> Result<(String, Subject), Failure> {
        let (mut browser, subject) = self.signed_in().await?;
        let path = self.world.client.authorization();
        let landed = browser.open("authorize", &path).await?;
        let Ok(address) = landed.outside("authorize") else {
            // The session has ended, by a fault or by an acknowledgement that was lost.
            self.session = None;
            return Err(Failure::new("authorize: not signed in"));
        };
        let code = address.split("code=").nth(1).and_then(|rest| rest.split('&').next());
        Ok((code.ok_or(Failure::new("authorize: no code"))?.to_owned(), subject))
    }
}

impl Current {
    fn new(history: &History, person: usize, text: String) -> Self {
        let subject = history.subject();
        let kind = Kind::Password;
        let secret = history.secret(Secret { kind, person, subject: Some(subject), family: None, order: 0 });
        Self { text, secret, subject }
    }
}
