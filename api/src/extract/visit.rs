//! A browser's request for a page: who asks, and what its answer sets. Pages are rendered here, so that no page can miss
//! its hidden value, its headers or its status.

use actors::{
    call::Deadline,
    domain::{
        context::{Attempt, Origin},
        factor::password::Policy,
    },
};
use axum::{
    extract::FromRequestParts,
    http::request::Parts,
    response::{Html, IntoResponse, Redirect, Response},
};
use http::{HeaderValue, StatusCode, header};
use schema::{BrowserId, Timestamp, UserId};
use url::Url;

use super::{
    Asked, Browser, Caller, Cookies, LiveSession, LoginState,
    csrf::{self, Binding},
    policy::ENROLMENT,
};
use crate::{
    error::PageError,
    layer::{render::retry_after, security_headers::Csp},
    locale::{Locale, Text},
    page::{FormError, Page},
    state::ApiState,
};

/// A request of a browser.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The state of all routes.
    pub state: ApiState,
    /// Who calls.
    pub caller: Caller,
    /// What it sent and what it gets.
    pub cookies: Cookies,
    /// Which browser it is.
    pub browser: BrowserId,
    /// Begins with the request.
    pub deadline: Deadline,
    /// What the browser reads best of what is offered.
    accepted: Locale,
    /// What the application asked for, once it is known for which one this is.
    asked: Asked,
}

impl FromRequestParts<ApiState> for Visit {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, PageError> {
        let accepts = parts.headers.get(header::ACCEPT_LANGUAGE).map(HeaderValue::as_bytes);
        let visit = Self {
            accepted: state.pages.locales().choose(None, accepts),
            asked: Asked::of(&parts.extensions),
            deadline: state.deadline(),
            caller: Caller::from_request_parts(parts, state).await?,
            cookies: Cookies::from_request_parts(parts, state).await?,
            browser: Browser::from_request_parts(parts, state).await?.0,
            state: state.clone(),
        };
        if parts.uri.path().starts_with(ENROLMENT) {
            visit.prefer_waiting();
        }
        Ok(visit)
    }
}

/// What is around a page: what its forms belong to, its status, where its forms may lead.
#[derive(Clone, Debug)]
pub struct Frame {
    binding: Binding,
    signed_in_as: Option<String>,
    status: StatusCode,
    retry_secs: Option<u64>,
    csp: Csp,
}

impl Frame {
    /// A page for anybody.
    pub fn browser() -> Self {
        Self {
            binding: Binding::Browser,
            signed_in_as: None,
            status: StatusCode::OK,
            retry_secs: None,
            csp: Csp::default(),
        }
    }

    /// A step of a login. Its header offers no sign-out: all forms of a page carry one hidden value.
    pub fn login(login: &LoginState) -> Self {
        let redirect = login.request().and_then(|request| Url::parse(&request.redirect_uri).ok());
        let csp = redirect.map(|uri| Csp::leading_to(&uri)).unwrap_or_default();
        Self { binding: Binding::Login(login.login), csp, ..Self::browser() }
    }

    /// A page of a signed-in user.
    pub fn session(session: &LiveSession) -> Self {
        let signed_in_as = Some(session.view.user_name.clone());
        Self { binding: Binding::Session(session.view.session), signed_in_as, ..Self::browser() }
    }

    /// The page of somebody who may be signed in.
    pub fn of(session: Option<&LiveSession>) -> Self {
        session.map_or_else(Self::browser, Self::session)
    }

    /// The form is shown again: `422`, or `429` with `Retry-After` if one must wait.
    #[must_use]
    pub fn refused(self, error: &FormError) -> Self {
        match &error.retry {
            None => Self { status: StatusCode::UNPROCESSABLE_ENTITY, ..self },
            Some(retry) => Self { status: StatusCode::TOO_MANY_REQUESTS, retry_secs: Some(retry.seconds), ..self },
        }
    }

    /// Refused if there is an error.
    #[must_use]
    pub fn with_error(self, error: Option<&FormError>) -> Self {
        match error {
            Some(error) => self.refused(error),
            None => self,
        }
    }
}

impl Visit {
    /// A new attempt. Two commands of one request need an attempt each (HAZARDS H5).
    pub fn attempt(&self) -> Attempt {
        let lang = Some(self.state.pages.locales().tag(self.locale()));
        self.state.services.attempt(Origin { lang, ..self.caller.origin.clone() })
    }

    /// The language of what is shown to this browser, and of messages that it causes.
    pub fn locale(&self) -> Locale {
        self.asked.get().unwrap_or(self.accepted)
    }

    /// The tag of the language that the application asked for, where it asked for one that is offered.
    pub(crate) fn preferred(&self) -> Option<String> {
        self.asked.get().map(|locale| self.state.pages.locales().tag(locale))
    }

    /// From here on in the language that an application asks for, if it is offered. The first application counts.
    pub(crate) fn prefer(&self, ui_locales: Option<&str>) {
        self.asked.prefer(ui_locales.and_then(|tags| self.state.pages.locales().asked(tags)));
    }

    /// A message in words, for what is handed on as text.
    pub fn say(&self, text: &Text) -> Result<String, PageError> {
        Ok(self.state.pages.say(self.locale(), text)?)
    }

    /// Wall time, to be shown.
    pub fn now(&self) -> Timestamp {
        self.state.services.clock.now()
    }

    /// Wall time, to judge by what has an end.
    pub fn certain_now(&self) -> Result<Timestamp, PageError> {
        Ok(self.state.services.certain_now()?)
    }

    /// Renders a page.
    pub fn page<P: Page>(&self, frame: Frame, page: &P) -> Result<Response, PageError> {
        let token = csrf::token(&self.state.services.vault, self.browser, frame.binding);
        let mut chrome = self.state.chrome(self.locale(), token);
        chrome.signed_in_as = frame.signed_in_as;
        let html = self.state.pages.render(&chrome, page)?;
        let mut response = (frame.status, Html(html)).into_response();
        response.extensions_mut().insert(frame.csp);
        retry_after(&mut response, frame.retry_secs);
        Ok(response)
    }

    /// Why a form cannot be taken before `until`.
    pub fn cool_down(&self, until: Timestamp) -> FormError {
        let now = self.now();
        FormError::cool_down(now.as_secs(), crate::error::page::whole_secs(until.since(now)))
    }

    /// Asks the bounds of the address before a message is sent. Every one counts, whatever becomes of it.
    pub fn may_cause_a_message(&self) -> Result<(), PageError> {
        let limits = &self.state.limits.messages;
        let taken = limits.take(self.caller.address, self.state.services.clock.monotonic());
        // The token is spent.
        taken.map(drop).map_err(|wait| PageError::TooMany { wait })
    }

    /// Why no message can be sent before `until`.
    pub fn too_early(&self, until: Timestamp) -> FormError {
        let now = self.now();
        FormError::too_early(now.as_secs(), crate::error::page::whole_secs(until.since(now)))
    }

    /// What a new password of this user must be.
    pub async fn password_policy(&self, user: UserId) -> Result<Policy, PageError> {
        Ok(self.state.services.registration.rule_of(user, &self.attempt(), self.deadline).await?)
    }
}

/// `303 See Other`: after a form was taken.
pub fn see_other(path: &str) -> Response {
    Redirect::to(path).into_response()
}

/// A path of this site that a parameter may name: `/…`, but not what a browser would take for another host, and nothing
/// that it would clean up first.
pub fn is_local_path(path: &str) -> bool {
    let plain = |b: u8| b.is_ascii_graphic() && b != b'\\';
    path.len() <= 512 && path.starts_with('/') && !path.starts_with("//") && path.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::is_local_path;

    #[test]
    fn only_a_path_of_this_site_is_a_way_back() {
        for good in ["/", "/account", "/account/mfa?done=mfa", "/oauth/authorize?x=//y"] {
            assert!(is_local_path(good), "{good}");
        }
        let long = format!("/{}", "x".repeat(600));
        for bad in [
            "",
            "account",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/a b",
            "/a\r\nSet-Cookie: x=y",
            "/ä",
            &long,
        ] {
            assert!(!is_local_path(bad), "{bad}");
        }
    }
}
