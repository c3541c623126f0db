//! A login under way, from its first page to its session: a sealed cookie of its own for each, so that tabs do not disturb
//! each other; at most eight, the oldest dropped (HAZARDS H18).

use std::time::Duration;

use actors::{
    domain::{
        assurance::Acr,
        command::{Stage, Ways},
        limits,
    },
    vault::{OpenError, Purpose},
};
use schema::{BrowserId, LoginId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::{Visit, cookies::LOGIN_PREFIX, stored_request};
use crate::{error::PageError, page::NextStep, wire::authorization::AuthorizationRequest};

/// From the first page to the last proof.
pub const LIFETIME: Duration = Duration::from_mins(15);
/// Logins of one browser.
const MAX: usize = 8;
/// A sealed cookie longer than this goes to the store, and only its reference to the browser. Browsers keep 4 KB.
const MAX_SEALED: usize = 3 * 1024;
/// So does one that would make all of them together longer than this: where a proxy takes 16 KB of headers at most, as many
/// do for HTTP/2, nobody could begin anything until the logins have expired.
const MAX_TOGETHER: usize = 10 * 1024;
/// In the label of a login that answers an application, behind its id; the language may follow.
const APPLICATION_MARK: &str = ".app";
/// The level of data from which on a label says the language: on every node it is the name of a cookie.
const LANGUAGE_LEVEL: u32 = 4;

/// What follows the last proof.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Then {
    /// A page of this site.
    Account {
        /// Its path, checked.
        path: String,
        /// The rung that proofs for it should reach. A node of an earlier version knows none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        aim: Option<Acr>,
        /// To change something there.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        change: bool,
    },
    /// The answer to a client.
    Authorize(Box<AuthorizationRequest>),
}

/// A login.
#[derive(Clone, Debug, PartialEq)]
pub struct LoginState {
    /// Which.
    pub login: LoginId,
    /// The browser that began it.
    pub browser: BrowserId,
    /// When it began.
    pub begun_at: Timestamp,
    /// Its end.
    pub expires_at: Timestamp,
    /// Who, once a first proof was accepted.
    pub user: Option<UserId>,
    /// How the second proof can be given, once one is awaited.
    pub ways: Ways,
    /// Which step that is, where policies ask for several.
    pub stage: Option<Stage>,
    /// What follows.
    pub then: Then,
    /// Is the request in the store?
    stored: bool,
    /// The tag of the language that its application asked for, if it is one that is offered.
    lang: Option<String>,
}

/// The proof that a login awaits.
#[derive(Clone, Debug)]
pub struct Awaited {
    /// Until when.
    pub expires_at: Timestamp,
    /// How it can be given.
    pub ways: Ways,
    /// Which step that is, where policies ask for several.
    pub stage: Option<Stage>,
}

impl LoginState {
    /// The name under which the browser knows it: in its cookie, in `?l=` and in the hidden field `l`. It says whether an
    /// application waits for it, and in which language, so that this can be told when the login has ended and nothing else is left
    /// of it.
    pub fn label(&self) -> String {
        match (self.request(), &self.lang) {
            (None, _) => self.login.to_string(),
            (Some(_), None) => format!("{}{APPLICATION_MARK}", self.login),
            (Some(_), Some(tag)) => format!("{}{APPLICATION_MARK}.{tag}", self.login),
        }
    }

    /// The ways that are offered: none that does not reach what is asked for beside one that does.
    pub fn offered(&self) -> Ways {
        let Ways { totp, email, sms, passkey, backup_code, recovery, suspended } = self.ways;
        let asked = self.aims_at();
        let strict = asked.is_some_and(|acr| acr >= Acr::Mfa);
        let strictest = asked.is_some_and(|acr| acr >= Acr::PhishingResistant);
        let reaches_two = totp || sms || passkey;
        Ways {
            totp: totp && !(strictest && passkey),
            email: email && !(strict && reaches_two),
            sms: sms && !(strictest && passkey),
            passkey,
            backup_code,
            recovery,
            suspended,
        }
    }

    /// The rung that a sign-in should reach, for its application or for the change that follows.
    pub fn aims_at(&self) -> Option<Acr> {
        match &self.then {
            Then::Account { aim, .. } => *aim,
            Then::Authorize(request) => request.aims_at(),
        }
    }

    /// What the pages of its further proofs offer, and say of the step.
    pub fn next_step(&self) -> NextStep {
        NextStep::new(self.offered(), self.stage.as_ref())
    }

    /// A proof was accepted, and another one is awaited.
    pub fn awaits(&mut self, user: UserId, awaited: Awaited) {
        let Awaited { expires_at, ways, stage } = awaited;
        self.user = Some(user);
        self.expires_at = expires_at;
        self.ways = ways;
        self.stage = stage;
    }

    /// The same, once a code was sent for it: it lasts as long as the code.
    #[must_use]
    pub fn with_code(&self, now: Timestamp) -> Self {
        Self { expires_at: self.expires_at.max(now.after(limits::SENT_CODE_LIFETIME)), ..self.clone() }
    }

    /// The authorization request that it answers, if it answers one.
    pub fn request(&self) -> Option<&AuthorizationRequest> {
        match &self.then {
            Then::Account { .. } => None,
            Then::Authorize(request) => Some(request),
        }
    }
}

/// The tag of the language in the label of a login. It is good for words alone: nobody has checked the label.
pub(super) fn language_of(label: &str) -> Option<&str> {
    label.split_once(APPLICATION_MARK)?.1.strip_prefix('.')
}

/// The cookie's content.
#[derive(Serialize, Deserialize)]
struct Content {
    login: LoginId,
    browser: BrowserId,
    begun_at: Timestamp,
    expires_at: Timestamp,
    user: Option<UserId>,
    /// A node of an earlier version knew one way only.
    #[serde(default = "Ways::by_app")]
    ways: Ways,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stage: Option<Stage>,
    then: Carried,
}

#[derive(Serialize, Deserialize)]
enum Carried {
    Here(Then),
    Stored,
}

impl Visit {
    /// Begins a login. An address that stores too many large requests is refused.
    pub async fn begin_login(&self, then: Then) -> Result<LoginState, PageError> {
        self.begin_login_as(LoginId::from_bytes(self.state.services.entropy.array()), then).await
    }

    /// The same under an id that is known already.
    pub async fn begin_login_as(&self, login: LoginId, then: Then) -> Result<LoginState, PageError> {
        let now = self.certain_now()?;
        let mut login = LoginState {
            login,
            browser: self.browser,
            begun_at: now,
            expires_at: now.after(LIFETIME),
            user: None,
            ways: Ways::default(),
            stage: None,
            lang: self.language_for(&then),
            then,
            stored: false,
        };
        let sealed = self.seal(&login).len();
        let beside: usize = self.cookies.beginning(LOGIN_PREFIX).iter().map(|(_, cookie)| cookie.len()).sum();
        if let Then::Authorize(request) = &login.then
            && (sealed > MAX_SEALED || sealed + beside > MAX_TOGETHER)
        {
            let limits = &self.state.limits.stored_requests;
            let taken = limits.take(self.caller.address, self.state.services.clock.monotonic());
            // The token is spent: every stored request counts.
            let _spent = taken.map_err(|wait| PageError::TooMany { wait })?;
            stored_request::store(&self.state.services, login.login, request, login.expires_at).await?;
            login.stored = true;
        }
        self.drop_oldest();
        self.keep_login(&login);
        Ok(login)
    }

    /// What the label says of the language of a login that begins.
    fn language_for(&self, then: &Then) -> Option<String> {
        let Then::Authorize(request) = then else { return None };
        let locales = self.state.pages.locales();
        // A node of an earlier version would lose it, and with it the cookie that is named after the label.
        let known = self.state.services.level.current() >= LANGUAGE_LEVEL;
        let asked = request.ui_locales.as_deref().filter(|_| known).and_then(|tags| locales.asked(tags));
        asked.map(|locale| locales.tag(locale))
    }

    /// A login that this browser began for that and in which nothing was proved yet, or a new one: reloading the page must not push
    /// other logins out.
    pub async fn login_to(&self, wanted: Then) -> Result<LoginState, PageError> {
        for (label, _) in self.cookies.beginning(LOGIN_PREFIX) {
            if let Ok(login) = self.opened(label).await
                && login.user.is_none()
                && login.then == wanted
            {
                return Ok(login);
            }
        }
        self.begin_login(wanted).await
    }

    /// The same as [`Self::login`] for the pages of its steps, which have a better answer to some that ended.
    pub async fn login_step(&self, label: &str) -> Result<LoginState, PageError> {
        match self.login(label).await {
            Err(PageError::LoginEnded) => Err(self.ended(label).await),
            other => other,
        }
    }

    /// What somebody is told whose login has ended. Was it for this site, and is the browser signed in — from another tab,
    /// or by the same form sent twice — then what it was for is reached. An application cannot be reached from here.
    pub async fn ended(&self, label: &str) -> PageError {
        if label.parse::<LoginId>().is_err() {
            return PageError::LoginEnded;
        }
        match self.session().await {
            Ok(Some(_)) => PageError::AlreadySignedIn,
            Ok(None) => PageError::LoginEnded,
            Err(error) => error,
        }
    }

    /// The login of this label, if it lives and belongs to this browser. What is shown and sent from here on is in the language
    /// that its application asked for.
    pub async fn login(&self, label: &str) -> Result<LoginState, PageError> {
        self.prefer_label(label);
        let login = self.opened(label).await?;
        self.prefer(login.request().and_then(|request| request.ui_locales.as_deref()));
        Ok(login)
    }

    /// From here on in the language of the login of this label, whatever has become of it.
    pub(super) fn prefer_label(&self, label: &str) {
        self.prefer(language_of(label));
    }

    async fn opened(&self, label: &str) -> Result<LoginState, PageError> {
        let cookie = self.cookies.get(&format!("{LOGIN_PREFIX}{label}")).ok_or(PageError::LoginEnded)?;
        let content = self.open(label, &cookie).map_err(|_| PageError::LoginEnded)?;
        if content.browser != self.browser || content.expires_at <= self.certain_now()? {
            return Err(PageError::LoginEnded);
        }
        let (then, stored) = match content.then {
            Carried::Here(then) => (then, false),
            Carried::Stored => {
                let request = stored_request::load(&self.state.services, content.login).await?;
                (Then::Authorize(Box::new(request.ok_or(PageError::LoginEnded)?)), true)
            }
        };
        Ok(LoginState {
            login: content.login,
            browser: content.browser,
            begun_at: content.begun_at,
            expires_at: content.expires_at,
            user: content.user,
            ways: content.ways,
            stage: content.stage,
            then,
            stored,
            lang: language_of(label).map(str::to_owned),
        })
    }

    /// The login of this id, if it lives and belongs to this browser.
    pub async fn login_of(&self, login: LoginId) -> Option<LoginState> {
        let id = login.to_string();
        let sent = self.cookies.beginning(LOGIN_PREFIX);
        let (label, _) = sent.into_iter().find(|(label, _)| label.split('.').next() == Some(&id))?;
        self.login(label).await.ok()
    }

    /// The newest login of this user in this browser whose application waits for an answer. The page on the way to it is in the
    /// language that the application asked for.
    pub async fn waiting(&self, user: UserId) -> Option<LoginState> {
        let mut newest: Option<LoginState> = None;
        for (label, _) in self.cookies.beginning(LOGIN_PREFIX) {
            if let Ok(login) = self.opened(label).await
                && login.user == Some(user)
                && login.request().is_some()
                && newest.as_ref().is_none_or(|newest| newest.begun_at < login.begun_at)
            {
                newest = Some(login);
            }
        }
        self.prefer(newest.as_ref().and_then(LoginState::request).and_then(|request| request.ui_locales.as_deref()));
        newest
    }

    /// From here on in the language of the newest login of this browser whose label names one; of this user's, if one is given. Nothing
    /// is asked of the store.
    pub(super) fn prefer_newest(&self, user: Option<UserId>) {
        let Ok(now) = self.certain_now() else { return };
        let found = self.cookies.beginning(LOGIN_PREFIX).into_iter().filter_map(|(label, cookie)| {
            let tag = language_of(label)?;
            let content = self.open(label, cookie).ok()?;
            let lives = content.browser == self.browser && now < content.expires_at;
            (lives && user.is_none_or(|user| content.user == Some(user))).then_some((content.begun_at, tag))
        });
        self.prefer(found.max().map(|(_, tag)| tag));
    }

    /// Writes a login into its cookie.
    pub fn keep_login(&self, login: &LoginState) {
        let left = login.expires_at.since(self.now());
        self.cookies.set(&cookie_name(login), self.seal(login), Some(left));
    }

    /// Forgets a login.
    pub fn end_login(&self, login: &LoginState) {
        self.cookies.clear(&cookie_name(login));
    }

    fn seal(&self, login: &LoginState) -> String {
        let then = if login.stored { Carried::Stored } else { Carried::Here(login.then.clone()) };
        let content = Content {
            login: login.login,
            browser: login.browser,
            begun_at: login.begun_at,
            expires_at: login.expires_at,
            user: login.user,
            ways: login.ways,
            stage: login.stage.clone(),
            then,
        };
        let text = serde_json::to_vec(&content).expect("a login is a plain struct with string keys");
        let services = &self.state.services;
        services.vault.seal(Purpose::LoginCookie, &[&login.label()], &text, services.entropy.as_ref())
    }

    fn open(&self, label: &str, cookie: &str) -> Result<Content, OpenError> {
        let text = self.state.services.vault.open(Purpose::LoginCookie, &[label], cookie)?;
        serde_json::from_slice(&text).map_err(|_| OpenError::Malformed)
    }

    /// Makes room for one more. What cannot be opened goes first, unless another node has its key (HAZARDS H19).
    fn drop_oldest(&self) {
        let sent = self.cookies.beginning(LOGIN_PREFIX);
        let mut known: Vec<(Option<Timestamp>, &str)> = Vec::new();
        for (label, cookie) in sent {
            match self.open(label, cookie) {
                Ok(content) => known.push((Some(content.begun_at), label)),
                Err(OpenError::Malformed | OpenError::Forged) => known.push((None, label)),
                Err(OpenError::UnknownKey(_)) => {}
            }
        }
        known.sort();
        let surplus = (known.len() + 1).saturating_sub(MAX);
        for (_, label) in known.iter().take(surplus) {
            self.cookies.clear(&format!("{LOGIN_PREFIX}{label}"));
        }
    }
}

fn cookie_name(login: &LoginState) -> String {
    format!("{LOGIN_PREFIX}{}", login.label())
}
