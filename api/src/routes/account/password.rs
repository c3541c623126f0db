//! `/account/password`: a new password for somebody who knows the current one. Who must choose one, since somebody else may know the
//! current one too, is led here, and from here on to the application that waits.

use actors::{
    account::{ChangePasswordRequest, Request},
    domain::{
        command::ChangePasswordOutcome,
        factor::password::{Policy, normalise},
    },
    secret::Secret,
};
use axum::response::Response;
use serde::Deserialize;

use super::{done, overview, reauthenticate, sign_in};
use crate::{
    error::PageError,
    extract::{
        LiveSession, Submitted, Visit,
        form::secret,
        visit::{Frame, see_other},
    },
    locale::text,
    page::{FormError, Notice, PasswordPage},
    routes::{
        login::judge::{Try, suspended},
        register::told,
    },
};

pub(in crate::routes) const HERE: &str = "/account/password";

/// What was typed.
#[derive(Debug, Deserialize)]
pub struct Typed {
    #[serde(deserialize_with = "secret")]
    current_password: Secret<String>,
    #[serde(deserialize_with = "secret")]
    new_password: Secret<String>,
}

/// Shows the form.
pub async fn get(visit: Visit) -> Result<Response, PageError> {
    let session = visit.signed_in(HERE).await?;
    if !visit.may_change_at(&session, HERE).await? {
        return Ok(reauthenticate(HERE));
    }
    let rule = visit.password_policy(session.user).await?;
    show(&visit, &session, rule, None)
}

/// Changes the password.
pub async fn post(form: Submitted<Typed>) -> Result<Response, PageError> {
    let (visit, session, typed) = form.in_session(HERE).await?;
    if !visit.may_change_at(&session, HERE).await? {
        return Ok(reauthenticate(HERE));
    }
    let rule = visit.password_policy(session.user).await?;
    // As it is typed again at once, this tells nobody whether it is the current one.
    if normalise(typed.new_password.expose()).ct_eq(&normalise(typed.current_password.expose())) {
        return show(&visit, &session, rule, Some(FormError::field("new_password", text("password-same"))));
    }
    // A hash is made for each try, so the address is asked first.
    let tried = Try::begin(&visit)?;
    let email = overview(&visit, &session, HERE).await?.email.unwrap_or_default();
    let inputs = [session.view.user_name.as_str(), email.as_str()];
    let registration = &visit.state.services.registration;
    let new_hash = match registration.hash_new_password(&rule, &typed.new_password, &inputs, visit.deadline).await {
        Ok(hash) => hash,
        Err(error) => {
            tried.not_counted();
            return show(&visit, &session, rule, Some(told(error, "new_password")?));
        }
    };
    let request = Request::ChangePassword(ChangePasswordRequest {
        session: session.reference.clone(),
        device: visit.known_device().filter(|known| known.user == session.user).map(|known| known.device),
        current: normalise(typed.current_password.expose()),
        new_hash,
    });
    let accounts = &visit.state.services.accounts;
    let error = match accounts.request(session.user, &tried.attempt, request, visit.deadline).await {
        Ok(ChangePasswordOutcome::Changed(signed_in)) => {
            visit.set_session(session.user, &signed_in, &tried.not_counted());
            rebound(&visit, &session.view.user_name).await;
            return Ok(onward(&visit, &session).await);
        }
        Ok(ChangePasswordOutcome::Wrong) => FormError::field("current_password", text("password-current-wrong")),
        Ok(ChangePasswordOutcome::Throttled { until }) => visit.cool_down(until),
        Ok(ChangePasswordOutcome::Suspended) => suspended(),
        Ok(ChangePasswordOutcome::NotFresh) => return Ok(reauthenticate(HERE)),
        Ok(ChangePasswordOutcome::SessionEnded | ChangePasswordOutcome::Stale) => return Err(sign_in(HERE)),
        Err(error) => {
            tried.not_counted();
            return Err(error.into());
        }
    };
    let error = tried.refused(error).await;
    show(&visit, &session, rule, Some(error))
}

fn show(visit: &Visit, session: &LiveSession, rule: Policy, error: Option<FormError>) -> Result<Response, PageError> {
    let user_name = session.view.user_name.clone();
    let frame = Frame::session(session).with_error(error.as_ref());
    let compromised = session.view.password_compromised;
    visit.page(frame, &PasswordPage { user_name, compromised, rule: rule.into(), error })
}

/// Where a new password leads: who had to choose it goes on to the application that waits for that.
async fn onward(visit: &Visit, session: &LiveSession) -> Response {
    let waiting = if session.view.password_compromised { visit.waiting(session.user).await } else { None };
    match waiting {
        Some(login) => see_other(&format!("/oauth/authorize/continue?l={}", login.label())),
        None => done("/account", Notice::PasswordChanged),
    }
}

/// A name whose password is new waits no longer for what was guessed at the old one (HAZARDS H11). The password is set by
/// then, so a failure here is no failure of the step: the cool-down ends by itself.
pub(in crate::routes) async fn rebound(visit: &Visit, name: &str) {
    if let Err(error) = visit.state.services.sign_in.rebound(name).await {
        tracing::warn!(%error, "the cool-down of a name with a new password stays");
    }
}
