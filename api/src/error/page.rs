//! Failures of pages, and of everything that happens before a route is reached.

use std::{sync::Arc, time::Duration};

use actors::call::CallError;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use schema::StoreError;
use thiserror::Error;

use crate::{
    locale::{Text, text},
    page::{Cooldown, ErrorPage, Link, RenderError},
    wire::authorization::PageProblem,
};

/// A client that is told to come back, and not told when, waits this long.
const RETRY: Duration = Duration::from_secs(2);

/// Why there is no page.
#[derive(Debug, Error)]
pub enum PageError {
    /// The request is not one that a browser with our pages sends.
    #[error("the request cannot be read: {0}")]
    BadRequest(&'static str),
    /// An authorization request that nobody may be redirected for (RFC 9700, 4.11).
    #[error("an authorization request: {0}")]
    Authorization(#[from] PageProblem),
    /// Development mode answers under the issuer's own name only (HAZARDS H18).
    #[error("the request names a host other than the issuer's, or passed a proxy, in development mode")]
    WrongHost,
    /// The form was not made by this server for this browser and this login or session (HAZARDS H18).
    #[error("the form is out of date or from elsewhere: {reason}")]
    OutOfDate {
        /// For the log.
        reason: &'static str,
        /// Where to begin anew: a path of this site.
        start: String,
    },
    /// Somebody must sign in first. Not shown: it redirects.
    #[error("a sign-in is needed")]
    SignInNeeded {
        /// Where to go afterwards: a path of this site.
        back: String,
    },
    /// A policy asks for a proof that was not given in this session. Not shown: it redirects.
    #[error("a policy asks for more proof")]
    MoreNeeded {
        /// Where to go afterwards: a path of this site.
        back: String,
    },
    /// A policy asks for a device that the account does not have. Not shown: it redirects.
    #[error("a policy asks for a device")]
    EnrolmentNeeded,
    /// Somebody else may know the password that was typed in this session. Not shown: it redirects.
    #[error("another password is needed")]
    NewPasswordNeeded,
    /// The login ended, and what it was for is reached: the browser is signed in. Not shown: it redirects.
    #[error("the login has ended, and its browser is signed in")]
    AlreadySignedIn,
    /// The login ended, was completed, or was never begun in this browser.
    #[error("the login has ended")]
    LoginEnded,
    /// The link was used, has expired, or was never made.
    #[error("the link does not work")]
    LinkEnded,
    /// No such page.
    #[error("there is no such page")]
    NotFound,
    /// The page does not take this method.
    #[error("the page does not take this method")]
    MethodNotAllowed,
    /// The body is longer than any form of ours.
    #[error("the body is too long")]
    TooLarge,
    /// This address did too much.
    #[error("too many attempts from this address")]
    TooMany {
        /// How long to wait.
        wait: Duration,
    },
    /// All permits are taken.
    #[error("too many requests are in flight")]
    Busy,
    /// The owner of an account gave no answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A template is at fault.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// A handler panicked.
    #[error("a handler panicked")]
    Panicked,
    /// Something that cannot be.
    #[error("{0}")]
    Internal(&'static str),
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        Self::Call(error.into())
    }
}

/// A failure on its way to [`crate::layer::render`].
#[derive(Clone, Debug)]
pub(crate) struct Failed(pub(crate) Arc<PageError>);

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let encoded = |back: &str| url::form_urlencoded::byte_serialize(back.as_bytes()).collect::<String>();
        let elsewhere = match &self {
            Self::SignInNeeded { back } => Some(format!("/login?return={}", encoded(back))),
            Self::MoreNeeded { back } => Some(format!("/login?more=yes&return={}", encoded(back))),
            Self::EnrolmentNeeded => Some("/account/mfa".to_owned()),
            Self::NewPasswordNeeded => Some("/account/password".to_owned()),
            Self::AlreadySignedIn => Some("/account".to_owned()),
            _ => None,
        };
        if let Some(elsewhere) = elsewhere {
            return Redirect::to(&elsewhere).into_response();
        }
        let status = self.told().status;
        let mut response = status.into_response();
        response.extensions_mut().insert(Failed(Arc::new(self)));
        response
    }
}

/// What the other side is told of a failure.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    heading: Text,
    message: Text,
    next_step: Option<Text>,
    pub(crate) retry_after: Option<Duration>,
    link: Option<Link>,
}

impl Told {
    fn new(status: StatusCode, heading: Text, message: Text) -> Self {
        Self { status, heading, message, next_step: None, retry_after: None, link: None }
    }

    fn with_link(self, href: impl Into<String>, text: Text) -> Self {
        Self { link: Some(Link { href: href.into(), text }), ..self }
    }

    fn with_next(self, next_step: Text) -> Self {
        Self { next_step: Some(next_step), ..self }
    }

    fn with_retry(self, after: Duration) -> Self {
        Self { retry_after: Some(after), ..self }
    }

    /// Whole seconds, rounded up, for `Retry-After` and the page.
    pub(crate) fn retry_secs(&self) -> Option<u64> {
        self.retry_after.map(whole_secs)
    }

    /// The page; `now` in seconds since the epoch.
    pub(crate) fn into_page(self, correlation_id: String, now: i64) -> ErrorPage {
        ErrorPage {
            status: self.status.as_u16(),
            retry: self.retry_secs().map(|wait| Cooldown::starting(now, wait)),
            heading: self.heading,
            message: self.message,
            next_step: self.next_step,
            link: self.link,
            correlation_id,
        }
    }
}

/// Whole seconds, rounded up and at least one: what belongs into `Retry-After`.
pub(crate) fn whole_secs(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

impl PageError {
    /// The public words; what is logged is the error itself.
    pub(crate) fn told(&self) -> Told {
        match self {
            Self::BadRequest(_) => bad_request(),
            Self::Authorization(problem) => wrong_request(*problem),
            Self::WrongHost => wrong_host(),
            Self::OutOfDate { start, .. } => {
                Told::new(StatusCode::FORBIDDEN, text("error-out-of-date"), text("error-out-of-date-about"))
                    .with_link(start.clone(), text("start-again"))
            }
            Self::SignInNeeded { .. } | Self::MoreNeeded { .. } => {
                Told::new(StatusCode::UNAUTHORIZED, text("error-sign-in-first"), text("error-sign-in-first-about"))
                    .with_link("/login", text("sign-in"))
            }
            Self::EnrolmentNeeded => {
                Told::new(StatusCode::FORBIDDEN, text("error-enrol-first"), text("error-enrol-first-about"))
                    .with_link("/account/mfa", text("set-it-up"))
            }
            Self::NewPasswordNeeded => {
                Told::new(StatusCode::FORBIDDEN, text("error-password-first"), text("error-password-first-about"))
                    .with_link("/account/password", text("password-change"))
            }
            Self::AlreadySignedIn => {
                Told::new(StatusCode::CONFLICT, text("error-signed-in"), text("error-signed-in-about"))
                    .with_link("/account", text("account-title"))
            }
            Self::LoginEnded => login_ended(),
            Self::LinkEnded => link_ended(),
            Self::NotFound => Told::new(StatusCode::NOT_FOUND, text("error-not-found"), text("error-not-found-about"))
                .with_link("/", text("to-front-page")),
            Self::MethodNotAllowed => {
                Told::new(StatusCode::METHOD_NOT_ALLOWED, text("error-method"), text("error-method-about"))
                    .with_link("/", text("to-front-page"))
            }
            Self::TooLarge => {
                Told::new(StatusCode::PAYLOAD_TOO_LARGE, text("error-too-large"), text("error-too-large-about"))
                    .with_next(text("error-too-large-next"))
            }
            Self::TooMany { wait } => {
                Told::new(StatusCode::TOO_MANY_REQUESTS, text("error-too-many"), text("error-too-many-about"))
                    .with_retry(*wait)
            }
            Self::Busy => unavailable().with_retry(Duration::from_secs(1)),
            Self::Call(error) => match error {
                CallError::Overloaded | CallError::TimedOut | CallError::Unavailable(_) | CallError::Unreachable => {
                    unavailable().with_retry(RETRY)
                }
                CallError::Corrupt(_) | CallError::AttemptMismatch => internal(),
            },
            Self::Render(_) | Self::Panicked | Self::Internal(_) => internal(),
        }
    }
}

fn bad_request() -> Told {
    Told::new(StatusCode::BAD_REQUEST, text("error-bad-request"), text("error-bad-request-about"))
        .with_link("/", text("to-front-page"))
}

fn wrong_host() -> Told {
    Told::new(StatusCode::MISDIRECTED_REQUEST, text("error-wrong-host"), text("error-wrong-host-about"))
        .with_next(text("error-wrong-host-next"))
}

fn login_ended() -> Told {
    Told::new(StatusCode::BAD_REQUEST, text("error-login-ended"), text("error-login-ended-about"))
        .with_next(text("error-login-ended-next"))
        .with_link("/login", text("sign-in-again"))
}

fn link_ended() -> Told {
    Told::new(StatusCode::GONE, text("error-link-ended"), text("error-link-ended-about"))
        .with_next(text("error-link-ended-next"))
}

fn wrong_request(problem: PageProblem) -> Told {
    let message = match problem {
        PageProblem::NoClient => text("error-application-no-client"),
        PageProblem::UnknownClient => text("error-application-unknown-client"),
        PageProblem::NoRedirectUri => text("error-application-no-redirect"),
        PageProblem::UnregisteredRedirectUri => text("error-application-unregistered"),
        PageProblem::Repeated(_) => text("error-application-repeated"),
        PageProblem::Unreadable => text("error-application-unreadable"),
    };
    Told::new(StatusCode::BAD_REQUEST, text("error-application"), message).with_next(text("error-application-next"))
}

fn unavailable() -> Told {
    Told::new(StatusCode::SERVICE_UNAVAILABLE, text("error-unavailable"), text("error-unavailable-about"))
        .with_next(text("error-unavailable-next"))
}

fn internal() -> Told {
    Told::new(StatusCode::INTERNAL_SERVER_ERROR, text("error-internal"), text("error-internal-about"))
        .with_next(text("error-internal-next"))
}
