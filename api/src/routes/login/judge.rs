//! What follows a proof: the next step, the session and its cookies, or the form again.

use actors::{
    call::{CallError, Deadline},
    domain::{
        command::{EndSession, SignInOutcome, SignedIn, Ways},
        context::Attempt,
    },
};
use axum::response::Response;
use schema::{Timestamp, UserId, record::Channel};

use super::sent_code::{self, Sending};
use crate::{
    error::PageError,
    extract::{LoginState, Then, Visit, visit::see_other},
    limits::Taken,
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
}

/// What a proof came to.
#[derive(Debug)]
pub enum Verdict {
    /// Right; a second one is awaited until then, in one of these ways.
    SecondFactor(Timestamp, Ways),
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
        Ok(Self { visit, attempt: visit.attempt(), token, floor })
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
            Ok(SignInOutcome::SecondFactor { expires_at, ways }) => Verdict::SecondFactor(expires_at, ways),
            Ok(SignInOutcome::SignedIn(signed_in)) => Verdict::SignedIn(signed_in),
            Ok(SignInOutcome::Wrong) => Verdict::Again(wrong),
            Ok(SignInOutcome::Throttled { until }) => Verdict::Again(self.visit.cool_down(until)),
            Ok(SignInOutcome::Suspended) => Verdict::Again(suspended()),
        };
        match verdict {
            Verdict::Again(error) => {
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
            Verdict::SecondFactor(expires_at, ways) => {
                login.user = user;
                login.expires_at = expires_at;
                login.ways = ways;
                visit.keep_login(&login);
                Judged::Done(second_step(visit, &login, ways).await?)
            }
            Verdict::SignedIn(signed_in) => {
                let user = user.ok_or(PageError::Internal("somebody signed in and nobody knows who"))?;
                Judged::Done(complete(visit, login, user, &signed_in, &attempt).await?)
            }
            Verdict::Again(error) => Judged::Again(error),
        })
    }
}

/// The page of the second proof: the strongest way that there is. A code that is to be sent is sent at once, so that nobody has to
/// ask for it.
async fn second_step(visit: &Visit, login: &LoginState, ways: Ways) -> Result<Response, PageError> {
    let way = match ways {
        // The one that no other site can ask for.
        Ways { passkey: true, .. } => return Ok(see_other(&format!("/login/passkey?l={}", login.label()))),
        Ways { totp: false, sms: true, .. } => Channel::Sms,
        Ways { totp: false, sms: false, email: true, .. } => Channel::Email,
        _ => return Ok(see_other(&format!("/login/totp?l={}", login.label()))),
    };
    match sent_code::send(way, visit, login, None).await {
        Ok(Sending::Unpaid(unpaid)) => sent_code::refused(way, visit, login, unpaid).await,
        // Whether another one can be sent now, the page tells.
        Ok(_) | Err(PageError::TooMany { .. }) => Ok(see_other(&sent_code::path(way, login))),
        Err(error) => Err(error),
    }
}

/// What is told of an authenticator that is suspended.
pub fn suspended() -> FormError {
    FormError::whole(
        "There were too many failures, so this way is closed. Use another one, or ask the people who run this service.",
    )
}

/// The browser is signed in: its cookies, the end of an older session in it, and the way on.
pub async fn complete(
    visit: &Visit,
    mut login: LoginState,
    user: UserId,
    signed_in: &SignedIn,
    attempt: &Attempt,
) -> Result<Response, PageError> {
    sign_in_browser(visit, user, signed_in, attempt).await?;
    let onward = match &login.then {
        Then::Account { path } => {
            visit.end_login(&login);
            Onward { to: path.clone(), client: None }
        }
        // The request is still in the login's cookie, so that stays until the client is answered. It says whose answer that is, so
        // that who sets up a device on the way finds the way on.
        Then::Authorize(request) => {
            let client = Some(request.client.clone());
            login.user = Some(user);
            visit.keep_login(&login);
            Onward { to: format!("/oauth/authorize/continue?l={}", login.label()), client }
        }
    };
    way_on(visit, user, signed_in, attempt, onward).await
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
