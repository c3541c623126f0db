//! `/recovery/cancel?token=`: the link that cancels a recovery, for its owner in whatever browser. It needs no proof, since it only keeps
//! things as they are; opening it cancels nothing.

use actors::{
    domain::command::{CancelOutcome, CancelRecovery, CancelWith},
    locator::RecoveryLocator,
    secret::Secret,
};
use axum::response::Response;
use schema::record::Channel;
use serde::Deserialize;

use crate::{
    error::PageError,
    extract::{
        Link, Query, Submitted, Visit,
        form::secret,
        visit::{Frame, see_other},
    },
    page::{Concealed, RecoveryCancelPage, RecoveryCancelledPage, When},
};

/// Was the link just used?
#[derive(Debug, Deserialize)]
pub struct Used {
    #[serde(default)]
    done: String,
}

/// What the button sends.
#[derive(Debug, Deserialize)]
pub struct Pressed {
    #[serde(deserialize_with = "secret")]
    token: Secret<String>,
}

/// Says what would be cancelled, or what to do next.
pub async fn get(visit: Visit, Query(link): Query<Link>, Query(used): Query<Used>) -> Result<Response, PageError> {
    if !used.done.is_empty() {
        let forgot = visit.state.services.notifier.can_send(Channel::Email);
        return visit.page(Frame::browser(), &RecoveryCancelledPage { forgot });
    }
    let CancelOutcome::Good { user_name, begun_at, due_at } = ask(&visit, link.token(), false).await? else {
        return Err(PageError::LinkEnded);
    };
    let [begun, due] = [begun_at, due_at].map(When::of);
    let token = Concealed::from(link.token().expose().as_str());
    visit.page(Frame::browser(), &RecoveryCancelPage { token, user_name, begun, due })
}

/// Cancels it.
pub async fn post(form: Submitted<Pressed>) -> Result<Response, PageError> {
    let (visit, pressed) = form.in_browser("/")?;
    match ask(&visit, &pressed.token, true).await? {
        CancelOutcome::Cancelled => Ok(see_other("/recovery/cancel?done=1")),
        CancelOutcome::Good { .. } | CancelOutcome::Ended => Err(PageError::LinkEnded),
    }
}

async fn ask(visit: &Visit, token: &Secret<String>, confirmed: bool) -> Result<CancelOutcome, PageError> {
    let opened = visit.state.locators().open_recovery(token.expose());
    let RecoveryLocator { user, recovery, secret_hash } = opened.map_err(|_| PageError::LinkEnded)?;
    let command = CancelRecovery { with: CancelWith::Link { recovery, secret_hash }, confirmed };
    Ok(visit.state.services.accounts.ask(user, &visit.attempt(), command, visit.deadline).await?)
}
