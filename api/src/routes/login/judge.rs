//! What follows a proof: the next step, the session and its cookies, or the form again.

use actors::{
    call::{CallError, Deadline},
    domain::{
        command::{EndSession, SignInOutcome, SignedIn, Ways},
        context::Attempt,
        user_name,
    },
};
use axum::response::Response;
use schema::{UserId, record::Channel};

use super::{
    recovery,
    sent_code::{self, Sending},
};
use crate::{
    error::PageError,
    extract::{Awaited, LoginState, Then, Visit, policy::Occasion, visit::see_other},
    limits::{Spray, Taken},
    locale::text,
    page::FormError,
    routes::account::recommended::{Onward, way_on},
};

/// A proof that is about to be checked. It counts against the address unless it turns out to be right.
#[derive(Debug)]
pub struct Try<'a> {
    visit: &'a Visit,
    /// Its attempt.
    pub attempt: Attempt,
    token: Taken<'a>,
    floor: Deadline,
    /// What was typed as a name, folded, where one was.
    name: Option<String>,
}

/// What a proof came to.
#[derive(Debug)]
pub enum Verdict {
    /// Right; another one is awaited.
    SecondFactor(Awaited),
    /// Right, and complete.
    SignedIn(SignedIn),
    /// The form is shown again.
    Again(FormError),
}

/// What a step of a login came to.
#[derive(Debug)]
pub enum Judged {
    /// On to the next page.
    Done(Response),
    /// The form is shown again.
    Again(FormError),
}

impl<'a> Try<'a> {
    /// Asks the bounds of the address, before any look-up.
    pub fn begin(visit: &'a Visit) -> Result<Self, PageError> {
        let floor = Deadline::after(visit.state.settings.failure_floor);
        let now = visit.state.services.clock.monotonic();
        let taken = visit.state.limits.failures.take(visit.caller.address, now);
        let token = taken.map_err(|wait| PageError::TooMany { wait })?;
        Ok(Self { visit, attempt: visit.attempt(), token, floor, name: None })
    }

    /// It is a guess at this name: who fails at many is told of to the audit log.
    #[must_use]
    pub fn at(self, name: &str) -> Self {
        Self { name: Some(user_name::fold(name)), ..self }
    }

    /// Tells of a spray, if this failure made it one.
    fn failed(&self) {
        let spray = self.name.as_deref().and_then(|name| self.token.failed_at(name));
        if let Some(Spray { prefix, names }) = spray {
            self.visit.state.services.sign_in.tell_of_spray(&self.attempt, &prefix, names);
        }
    }

    /// A refusal, which comes no earlier than the floor whatever its reason (HAZARDS H13).
    pub async fn refused(self, error: FormError) -> FormError {
        tokio::time::sleep_until(self.floor.instant()).await;
        error
    }

    /// It was right, or was not looked at for a reason that is ours: it does not count.
    pub fn not_counted(self) -> Attempt {
        self.token.give_back();
        self.attempt
    }

    /// Reads an outcome; `wrong` says what is told of a wrong proof.
    pub async fn verdict(
        self,
        outcome: Result<SignInOutcome, CallError>,
        wrong: FormError,
    ) -> Result<(Verdict, Attempt), PageError> {
        let verdict = match outcome {
            Err(error) => {
                self.not_counted();
                return Err(error.into());
            }
            Ok(SignInOutcome::LoginEnded | SignInOutcome::Stale) => {
                self.not_counted();
                return Err(PageError::LoginEnded);
            }
            Ok(SignInOutcome::SecondFactor { expires_at, ways, stage, .. }) => {
                Verdict::SecondFactor(Awaited { expires_at, ways, stage })
            }
            Ok(SignInOutcome::SignedIn(signed_in)) => Verdict::SignedIn(signed_in),
            Ok(SignInOutcome::Wrong) => Verdict::Again(wrong),
            Ok(SignInOutcome::Throttled { until }) => Verdict::Again(self.visit.cool_down(until)),
            Ok(SignInOutcome::Suspended) => Verdict::Again(suspended()),
        };
        match verdict {
            Verdict::Again(error) => {
                self.failed();
                let attempt = self.attempt.clone();
                Ok((Verdict::Again(self.refused(error).await), attempt))
            }
            right => Ok((right, self.not_counted())),
        }
    }

    /// Answers a step of a login.
    pub async fn judge(
        self,
        mut login: LoginState,
        outcome: Result<(Option<UserId>, SignInOutcome), CallError>,
        wrong: FormError,
    ) -> Result<Judged, PageError> {
        let visit = self.visit;
        let (user, outcome) = match outcome {
            Ok((user, outcome)) => (user, Ok(outcome)),
            Err(error) => (None, Err(error)),
        };
        let (verdict, attempt) = match self.verdict(outcome, wrong).await {
            Err(PageError::LoginEnded) => return Err(visit.ended(&login.label()).await),
            other => other?,
        };
        Ok(match verdict {
            Verdict::SecondFactor(awaited) => {
                let user = user.ok_or(PageError::Internal("a proof was right and nobody knows whose"))?;
                login.awaits(user, awaited);
                visit.keep_login(&login);
                Judged::Done(next_page(visit, &login).await?)
            }
            Verdict::SignedIn(signed_in) => {
                let user = user.ok_or(PageError::Internal("somebody signed in and nobody knows who"))?;
                Judged::Done(complete(visit, login, user, &signed_in, &attempt).await?)
            }
            Verdict::Again(error) => Judged::Again(error),
        })
    }
}

/// The page of the next proof: where a recovery can be completed that, else the strongest way that there is. A code that is to be
/// sent is sent at once, so that nobody has to ask for it; where those of all addresses of one way are not looked at, by the other.
pub async fn next_page(visit: &Visit, login: &LoginState) -> Result<Response, PageError> {
    // Whether it is offered, policies say as well.
    if login.ways.recovery && recovery::is_due(visit, login).await? {
        return Ok(see_other(&recovery::path(login)));
    }
    for way in sent_by(login.ways) {
        match sent_code::send(way, visit, login, None).await {
            Ok(Sending::Closed(_)) => {}
            Ok(Sending::Unsent(unsent)) => return sent_code::refused(way, visit, login, unsent).await,
            // Whether another one can be sent now, the page tells.
            Ok(_) | Err(PageError::TooMany { .. }) => return Ok(see_other(&sent_code::path(way, login))),
            Err(error) => return Err(error),
        }
    }
    // Where all of them are closed the page of the first says so, and has the other ways.
    Ok(see_other(&page_of(login)))
}

/// How a code is sent, if that is the strongest way, and how it is sent instead. A passkey is the one that no other site can ask for.
fn sent_by(ways: Ways) -> impl Iterator<Item = Channel> {
    let sent = !ways.passkey && !ways.totp;
    let by = [(Channel::Sms, ways.sms), (Channel::Email, ways.email)];
    by.into_iter().filter_map(move |(way, has)| (sent && has).then_some(way))
}

/// The page of the strongest way.
pub fn page_of(login: &LoginState) -> String {
    match (sent_by(login.ways).next(), login.ways) {
        (Some(way), _) => sent_code::path(way, login),
        (None, Ways { passkey: true, .. }) => format!("/login/passkey?l={}", login.label()),
        (None, Ways { totp: false, backup_code: true, .. }) => format!("/login/backup-code?l={}", login.label()),
        (None, _) => format!("/login/totp?l={}", login.label()),
    }
}

/// What is told of an authenticator that is suspended.
pub fn suspended() -> FormError {
    FormError::whole(text("way-closed"))
}

/// The browser is signed in: its cookies, the end of an older session in it, and the way on.
pub async fn complete(
    visit: &Visit,
    login: LoginState,
    user: UserId,
    signed_in: &SignedIn,
    attempt: &Attempt,
) -> Result<Response, PageError> {
    sign_in_browser(visit, user, signed_in, attempt).await?;
    let onward = onward(visit, login, user);
    way_on(visit, user, signed_in, attempt, onward).await
}

/// Where a login leads that is complete.
pub(super) fn onward(visit: &Visit, mut login: LoginState, user: UserId) -> Onward {
    match &login.then {
        Then::Account { path, .. } => {
            visit.end_login(&login);
            Onward { to: path.clone(), occasion: Occasion::default() }
        }
        // The request is still in the login's cookie, so that stays until the client is answered. It says whose answer that is, so
        // that who sets up a device on the way finds the way on.
        Then::Authorize(request) => {
            let occasion = Occasion::of(request);
            login.user = Some(user);
            visit.keep_login(&login);
            Onward { to: format!("/oauth/authorize/continue?l={}", login.label()), occasion }
        }
    }
}

/// Sets the cookies of a session. A browser has one: an older one, of another user or not renewed, ends.
pub async fn sign_in_browser(
    visit: &Visit,
    user: UserId,
    signed_in: &SignedIn,
    attempt: &Attempt,
) -> Result<(), PageError> {
    let older = visit.session_locator().filter(|older| older.session.session != signed_in.session);
    // The cookie's secret must still be the session's: an old cookie must not end what it does not open.
    if older.is_some()
        && let Some(live) = visit.session().await?
    {
        let command = EndSession { session: live.view.session };
        visit.state.services.accounts.ask(live.user, &visit.attempt(), command, visit.deadline).await?;
    }
    visit.set_session(user, signed_in, attempt);
    Ok(())
}
