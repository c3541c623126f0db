//! One presentation of a secret over HTTP, as often as wanted, and what its answer means.

use std::time::Duration;

use ::http::{StatusCode, header};

use super::{
    history::{Kind, Presented, RequestId, SecretId, Verdict},
    person::World,
};
use crate::{
    http::{Answer, Browser},
    page::Form,
};

/// How cookies of trusted devices are called, after a prefix that only https has.
pub(super) const TRUSTED: &str = "dw_trusted_";

/// What a page says about a code or a password that was looked at.
const NOT_RIGHT: &str = "is not right";
/// What it says about a passkey.
const NOT_ACCEPTED: &str = "was not accepted";
/// What it says when an authenticator is not looked at any more.
const CLOSED: &str = "this way is closed";

/// How long one waits before knocking again where nobody opens.
const PAUSE: Duration = Duration::from_millis(100);

/// A request that presents a secret; the same each time it is sent.
#[derive(Clone, Debug)]
pub(super) struct Presentation {
    secret: SecretId,
    how: How,
}

#[derive(Clone, Debug)]
enum How {
    /// A form of a login.
    Form { browser: Browser, action: String, body: String },
    /// The token endpoint takes it.
    Token(String),
    /// An access token at the userinfo endpoint.
    Bearer(String),
    /// A session's cookie at a page of the account.
    Cookie(Browser),
}

impl Presentation {
    /// The form that asks for a code.
    pub(super) fn form(secret: SecretId, browser: &Browser, form: &Form, code: &str) -> Self {
        Self::fields(secret, browser, form, &[("code", code)])
    }

    /// A form with these fields.
    pub(super) fn fields(secret: SecretId, browser: &Browser, form: &Form, fields: &[(&str, &str)]) -> Self {
        let (browser, action, body) = (browser.clone(), form.action.clone(), form.filled(fields));
        Self { secret, how: How::Form { browser, action, body } }
    }

    /// The body of a token request.
    pub(super) const fn token(secret: SecretId, body: String) -> Self {
        Self { secret, how: How::Token(body) }
    }

    pub(super) fn access(secret: SecretId, token: &str) -> Self {
        Self { secret, how: How::Bearer(format!("Bearer {token}")) }
    }

    pub(super) fn session(secret: SecretId, browser: &Browser) -> Self {
        Self { secret, how: How::Cookie(browser.clone()) }
    }

    /// A used code or refresh token that comes again ends its family.
    pub(super) const fn ends_a_family(&self) -> bool {
        matches!(self.how, How::Token(_))
    }

    /// Is it looked at without a write? Such a thing can be presented any number of times at once.
    pub(super) const fn is_read(&self) -> bool {
        matches!(self.how, How::Bearer(_) | How::Cookie(_))
    }

    /// Sends it and writes down how it was answered.
    pub(super) async fn present(&self, world: &World) -> (Verdict, Option<Answer>) {
        self.present_before(world, u64::MAX).await
    }

    /// The same, if it is answered before `end`; what comes later says nothing.
    pub(super) async fn present_before(&self, world: &World, end: u64) -> (Verdict, Option<Answer>) {
        let from = world.history.now();
        let answer = match &self.how {
            How::Form { browser, action, body } => browser.step("present", action, Some(body.clone())).await,
            How::Token(body) => world.http.send("present", "/oauth/token", &[], Some(body.clone())).await,
            How::Bearer(token) => {
                world.http.send("present", "/oauth/userinfo", &[(header::AUTHORIZATION, token)], None).await
            }
            How::Cookie(browser) => browser.step("present", "/account", None).await,
        };
        if let Err(failure) = &answer
            && failure.unsent
        {
            // Nobody was asked.
            tokio::time::sleep(PAUSE).await;
            return (Verdict::Lost, None);
        }
        let kind = world.history.story().secrets[self.secret.0].kind;
        let verdict = answer.as_ref().map_or(Verdict::Lost, |answer| self.verdict(kind, answer));
        let verdict = if world.history.now() < end { verdict } else { Verdict::Unavailable };
        let answer = answer.ok();
        world.history.tell(Presented {
            secret: self.secret,
            at: world.history.since(from),
            node: answer.as_ref().map(|answer| answer.node),
            request: answer.as_ref().and_then(Answer::request_id).and_then(RequestId::parse),
            verdict,
            trusted_anew: answer.as_ref().is_some_and(|answer| answer.brings_cookie(TRUSTED)),
        });
        (verdict, answer)
    }

    fn verdict(&self, kind: Kind, answer: &Answer) -> Verdict {
        if answer.status == StatusCode::SERVICE_UNAVAILABLE {
            return Verdict::Unavailable;
        }
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            return Verdict::Throttled;
        }
        match &self.how {
            How::Form { .. } => form_verdict(kind, answer),
            How::Token(_) | How::Bearer(_) | How::Cookie(_) if answer.status == StatusCode::OK => Verdict::Accepted,
            How::Token(_) if answer.body.contains("invalid_grant") => Verdict::Refused,
            How::Bearer(_) if answer.status == StatusCode::UNAUTHORIZED => Verdict::Refused,
            How::Cookie(_) if answer.location().is_some_and(|to| to.contains("/login")) => Verdict::Refused,
            // Not an answer to the secret.
            How::Token(_) | How::Bearer(_) | How::Cookie(_) => Verdict::Unavailable,
        }
    }
}

/// A right answer leads on: after a password perhaps to the second factor, after that out of the login. A wrong one shows
/// the form again and says so; whatever else there is was no answer to the secret, such as that its login is over.
fn form_verdict(kind: Kind, answer: &Answer) -> Verdict {
    let second_step = |to: &str| to.split(['?', '#']).next().is_some_and(|path| path.contains("/login/"));
    let looked_at = |text| answer.status == StatusCode::UNPROCESSABLE_ENTITY && answer.body.contains(text);
    match answer.location() {
        Some(to) if !to.contains("/login") => Verdict::Accepted,
        Some(to) if second_step(to) => match kind {
            Kind::Password | Kind::WrongPassword | Kind::LatePassword => Verdict::Accepted,
            Kind::TrustedDevice | Kind::StaleTrust => Verdict::Refused,
            _ => Verdict::Unavailable,
        },
        None if looked_at(NOT_RIGHT) || looked_at(NOT_ACCEPTED) => Verdict::Refused,
        None if looked_at(CLOSED) => Verdict::Throttled,
        Some(_) | None => Verdict::Unavailable,
    }
}
