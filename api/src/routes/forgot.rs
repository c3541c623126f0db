//! `/forgot`: a link to the confirmed address of an account. Whoever asks is told the same, after the same time, whatever there is
//! (HAZARDS H13).

use actors::{call::Deadline, domain::command::MailReset};
use axum::response::Response;
use schema::record::Channel;
use serde::Deserialize;

use crate::{
    error::PageError,
    extract::{
        Query, Submitted, Visit,
        visit::{Frame, see_other},
    },
    page::ForgotPage,
};

/// From which level of the data on the device of who asks is known to those who judge it.
const LEVEL: u32 = 4;

/// Was the form just sent?
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    sent: String,
}

/// What was typed.
#[derive(Debug, Deserialize)]
pub struct Typed {
    username: String,
}

/// Shows the form, or says what to do next.
pub async fn get(visit: Visit, Query(asked): Query<Asked>) -> Result<Response, PageError> {
    if !visit.state.services.notifier.can_send(Channel::Email) {
        return Err(PageError::NotFound);
    }
    let names = visit.state.settings.registration;
    visit.page(Frame::browser(), &ForgotPage { sent: !asked.sent.is_empty(), names })
}

/// Has a link sent, if there is somebody to send it to.
pub async fn post(form: Submitted<Typed>) -> Result<Response, PageError> {
    let (visit, typed) = form.in_browser("/forgot")?;
    if !visit.state.services.notifier.can_send(Channel::Email) {
        return Err(PageError::NotFound);
    }
    visit.may_cause_a_message()?;
    let floor = Deadline::after(visit.state.settings.failure_floor);
    let services = &visit.state.services;
    let holder = services.sign_in.holder(&typed.username).await.map_err(actors::call::CallError::from)?;
    if let Some(user) = holder {
        let known = visit.known_device().filter(|known| known.user == user && services.level.current() >= LEVEL);
        let command = MailReset { device: known.map(|known| known.device) };
        let asked = services.accounts.ask(user, &visit.attempt(), command, visit.deadline).await;
        // A name that nobody has never fails so, and the page says what to do without a message.
        if let Err(error) = asked {
            tracing::warn!(%error, "a link for a forgotten password was not sent");
        }
    }
    tokio::time::sleep_until(floor.instant()).await;
    Ok(see_other("/forgot?sent=1"))
}
