//! The session cookie: opened here, judged by the owner of the account. A cookie that is not good any more stays in the
//! browser: another tab may have got a new one while this request was on its way, and clearing would hit that one.

use actors::{
    domain::{
        command::{CheckSession, SessionView, SignIn, SignedIn},
        context::Attempt,
        limits::DEVICE_LIFETIME,
        user::SessionRef,
    },
    locator::{DeviceLocator, SessionLocator},
};
use schema::UserId;

use super::{
    Visit,
    cookies::{DEVICE, SESSION},
    policy::ENROLMENT,
};
use crate::error::PageError;

/// The session of a browser.
#[derive(Clone, Debug)]
pub struct LiveSession {
    /// As its cookie names it, for commands.
    pub reference: SessionRef,
    /// Whose.
    pub user: UserId,
    /// As its owner sees it.
    pub view: SessionView,
}

impl Visit {
    /// The session, if there is a live one. Asks the owner.
    pub async fn session(&self) -> Result<Option<LiveSession>, PageError> {
        let Some(SessionLocator { user, session: reference }) = self.session_locator() else { return Ok(None) };
        let command = CheckSession { session: reference.clone() };
        let view = self.state.services.accounts.ask(user, &self.attempt(), command, self.deadline).await?;
        Ok(view.map(|view| LiveSession { reference, user, view }))
    }

    /// What the session's cookie says; nobody was asked whether it lives.
    pub fn session_locator(&self) -> Option<SessionLocator> {
        self.cookies.get(SESSION).and_then(|cookie| self.state.locators().open_session(&cookie).ok())
    }

    /// The session, if the policies let it in to the page `back`; or the way to sign in and come back there.
    pub async fn signed_in(&self, back: &str) -> Result<LiveSession, PageError> {
        if back.starts_with(ENROLMENT) {
            self.prefer_waiting();
        }
        let session = self.session().await?.ok_or_else(|| PageError::SignInNeeded { back: back.to_owned() })?;
        if session.view.password_compromised {
            self.prefer_waiting();
        }
        self.lets_in(&session, back).await?;
        Ok(session)
    }

    /// From here on in the language of the application that waits for who was signed in here: for what is set up on the way to it.
    pub(super) fn prefer_waiting(&self) {
        if let Some(SessionLocator { user, .. }) = self.session_locator() {
            self.prefer_newest(Some(user));
        }
    }

    /// The device that this browser says it is; believed only for its own user.
    pub fn known_device(&self) -> Option<DeviceLocator> {
        self.cookies.get(DEVICE).and_then(|cookie| self.state.locators().open_device(&cookie).ok())
    }

    /// Forgets the session in this browser.
    pub fn forget_session(&self) {
        self.cookies.clear(SESSION);
    }

    /// Gives the browser the cookies of a session that an attempt made or renewed. The session's ends with the browser or
    /// with the session, whatever comes first.
    pub fn set_session(&self, user: UserId, signed_in: &SignedIn, attempt: &Attempt) {
        let locators = self.state.locators();
        let secret = SignIn::session_secret(&attempt.seed);
        self.cookies.set(SESSION, locators.session(user, signed_in.session, &secret), None);
        self.cookies.set(DEVICE, locators.device(user, signed_in.device), Some(DEVICE_LIFETIME));
        self.set_trusted(user, signed_in, attempt);
    }
}
