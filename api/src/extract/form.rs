//! Forms: read only after the browser said that they come from our own pages, and handed out only after the hidden value
//! was checked (HAZARDS H18).

use actors::secret::Secret;
use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, Request, rejection::BytesRejection},
    http::request::Parts,
};
use http::{StatusCode, header};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use super::{
    LiveSession, LoginState, Visit,
    csrf::{self, Binding},
    policy::ENROLMENT,
};
use crate::{error::PageError, state::ApiState};

/// The most bytes of a form.
pub const MAX_BODY: usize = 64 * 1024;

/// Fields that the server gave the page.
#[derive(Debug, Default, Deserialize)]
struct Hidden {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    l: String,
}

/// A form from our own origin. What was typed is handed out by the method that checks what the form belongs to.
#[derive(Debug)]
pub struct Submitted<T> {
    visit: Visit,
    typed: T,
    hidden: Hidden,
}

impl<T: DeserializeOwned> FromRequest<ApiState> for Submitted<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, PageError> {
        let (mut parts, body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, state).await?;
        let of_a_login = is_of_a_login(parts.uri.path());
        match Self::read(&visit, (parts, body)).await {
            Ok((typed, hidden)) => Ok(Self { visit, typed, hidden }),
            Err(error) => {
                // What was not read does not say to which login it belongs.
                if of_a_login {
                    visit.prefer_newest(None);
                }
                Err(error)
            }
        }
    }
}

impl<T: DeserializeOwned> Submitted<T> {
    async fn read(visit: &Visit, (parts, body): (Parts, Body)) -> Result<(T, Hidden), PageError> {
        let state = &visit.state;
        if !csrf::is_same_origin(&parts.headers, &state.settings.origin()) {
            return Err(PageError::OutOfDate { reason: "sent from another origin", start: start_of(parts.uri.path()) });
        }
        let is_form = parts.headers.get(header::CONTENT_TYPE).is_some_and(|value| {
            let kind = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
            kind.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
        });
        if !is_form {
            return Err(PageError::BadRequest("the body is no form"));
        }
        let body = Bytes::from_request(Request::from_parts(parts, body), state).await.map_err(unread)?;
        let read = PageError::BadRequest("a field is missing, double or not text");
        let Ok(hidden) = serde_urlencoded::from_bytes::<Hidden>(&body) else { return Err(read) };
        visit.prefer_label(&hidden.l);
        let Ok(typed) = serde_urlencoded::from_bytes(&body) else { return Err(read) };
        Ok((typed, hidden))
    }
}

/// Are the forms of this path steps of a login, or on the way to its application?
fn is_of_a_login(path: &str) -> bool {
    ["/login", "/consent", ENROLMENT].iter().any(|of| path == *of || path.starts_with(&format!("{of}/")))
}

#[expect(clippy::needless_pass_by_value, reason = "it is the shape of map_err")]
fn unread(rejection: BytesRejection) -> PageError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        PageError::TooLarge
    } else {
        PageError::BadRequest("the body ended early")
    }
}

/// Where somebody with a page that is out of date begins anew.
fn start_of(path: &str) -> String {
    let start = match path {
        path if path == "/register" || path.starts_with("/register/") => "/register",
        path if path == "/account" || path.starts_with("/account/") => "/account",
        path if path.starts_with("/login") => "/login",
        _ => "/",
    };
    start.to_owned()
}

impl<T> Submitted<T> {
    /// What was typed, before anything is known of who typed it.
    pub const fn typed(&self) -> &T {
        &self.typed
    }

    /// A form of a session. `back` is where somebody who is signed out comes back to.
    pub async fn in_session(self, back: &str) -> Result<(Visit, LiveSession, T), PageError> {
        let session = self.visit.signed_in(back).await?;
        self.check(Binding::Session(session.view.session), back)?;
        Ok((self.visit, session, self.typed))
    }

    /// The same for a session that may have ended already.
    pub async fn in_session_if_any(self, back: &str) -> Result<(Visit, Option<LiveSession>, T), PageError> {
        let session = self.visit.session().await?;
        if let Some(session) = &session {
            self.check(Binding::Session(session.view.session), back)?;
        }
        Ok((self.visit, session, self.typed))
    }

    /// A step of the login that the form names.
    pub async fn in_login(self) -> Result<(Visit, LoginState, T), PageError> {
        let login = self.visit.login_step(&self.hidden.l).await?;
        self.check(Binding::Login(login.login), "/login")?;
        Ok((self.visit, login, self.typed))
    }

    /// A form that belongs to no login and no session.
    pub fn in_browser(self, start: &str) -> Result<(Visit, T), PageError> {
        self.check(Binding::Browser, start)?;
        Ok((self.visit, self.typed))
    }

    /// A form that began on its own, or in a login if it names one.
    pub async fn in_login_if_any(self, start: &str) -> Result<(Visit, Option<LoginState>, T), PageError> {
        if self.hidden.l.is_empty() {
            let (visit, typed) = self.in_browser(start)?;
            return Ok((visit, None, typed));
        }
        let (visit, login, typed) = self.in_login().await?;
        Ok((visit, Some(login), typed))
    }

    fn check(&self, binding: Binding, start: &str) -> Result<(), PageError> {
        if csrf::is_token(&self.visit.state.services.vault, self.visit.browser, binding, &self.hidden.csrf) {
            Ok(())
        } else {
            Err(PageError::OutOfDate { reason: "its hidden value is not good here", start: start.to_owned() })
        }
    }
}

/// A form without a field of its own.
#[derive(Debug, Deserialize)]
pub struct Nothing {}

/// `#[serde(default = "unsaid")]` for a secret that need not be there.
pub fn unsaid() -> Secret<String> {
    Secret::new(String::new())
}

/// `#[serde(deserialize_with = "secret")]` for what must not show itself, such as passwords.
pub fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret<String>, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}
