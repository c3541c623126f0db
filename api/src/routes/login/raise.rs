//! A session is raised: what it has stays, and a login of its own asks for what the policies miss.

use actors::{
    domain::{
        command::{LoginRef, RaiseSession, RaiseSessionOutcome, SignInOutcome},
        trusted_device::Trust,
    },
    locator::SessionLocator,
    policies::STEPS_LEVEL,
};
use axum::response::Response;

use super::judge::page_of;
use crate::{
    error::PageError,
    extract::{Awaited, LoginState, Visit, visit::see_other},
};

/// Does every node know of it?
pub(crate) fn is_known(visit: &Visit) -> bool {
    visit.state.services.level.current() >= STEPS_LEVEL
}

/// Where this login raises the browser's session; or the login again, which asks for everything. No code is sent before somebody
/// presses a button.
pub(crate) async fn begin(visit: &Visit, mut login: LoginState) -> Result<Result<Response, LoginState>, PageError> {
    let Some(SessionLocator { user, session }) = visit.session_locator().filter(|_| is_known(visit)) else {
        return Ok(Err(login));
    };
    let of = LoginRef {
        login: login.login,
        browser: login.browser,
        device: None,
        renews: Some(session.clone()),
        trust: Trust::None,
        asks: visit.asks(&login).await?,
    };
    let command = RaiseSession { session, login: of };
    match visit.state.services.accounts.ask(user, &visit.attempt(), command, visit.deadline).await? {
        RaiseSessionOutcome::Begun(SignInOutcome::SecondFactor { expires_at, ways, stage, .. }) => {
            login.awaits(user, Awaited { expires_at, ways, stage });
            visit.keep_login(&login);
            Ok(Ok(see_other(&page_of(&login))))
        }
        RaiseSessionOutcome::Begun(_) | RaiseSessionOutcome::Nothing | RaiseSessionOutcome::SessionEnded => {
            Ok(Err(login))
        }
    }
}
