//! `/account/mfa/email`: addresses that get codes, from the first code to the removal.

use actors::{
    call::CallError,
    domain::{
        command::{
            AwaitedEmail, BeginEmail, BeginEmailOutcome, ConfirmEmail, EmailView, RemoveEmail, RemoveOutcome,
            ResendEmail, SendOutcome, ShowEmail,
        },
        device::active_since,
        email,
        factor::totp,
    },
    secret::Secret,
};
use axum::{extract::Path, response::Response};
use schema::FactorId;
use serde::Deserialize;

use super::{
    Confirming, confirmed, devices, done,
    mfa::{self, HERE, Kept, Said},
    overview, reauthenticate,
    sessions::Nothing,
    sign_in, when,
};
use crate::{
    error::PageError,
    extract::{
        LiveSession, Submitted, Visit,
        form::secret,
        visit::{Frame, see_other},
    },
    page::{Cooldown, EmailEnrolPage, EmailRemovePage, EmailRow, FormError, Notice},
    routes::login::judge::Try,
};

/// The level of the data from which on every node knows of addresses that get codes.
const LEVEL: u32 = 2;

/// An address was typed.
#[derive(Debug, Deserialize)]
pub struct Address {
    email: String,
}

/// A code was typed.
#[derive(Debug, Deserialize)]
pub struct Typed {
    #[serde(deserialize_with = "secret")]
    code: Secret<String>,
}

/// Can codes be sent from here, and does every node of the cluster know what they are?
pub(super) fn can_be_added(visit: &Visit) -> bool {
    let services = &visit.state.services;
    services.notifier.can_send() && services.level.current() >= LEVEL
}

/// Addresses that get codes, the oldest first.
pub(super) fn rows(emails: Vec<EmailView>) -> Vec<EmailRow> {
    let active = emails.into_iter().filter_map(|email| Some((active_since(email.state)?, email)));
    let mut active: Vec<_> = active.collect();
    active.sort_by_key(|(at, _)| *at);
    let row = |(at, email): (_, EmailView)| EmailRow {
        id: email.factor.to_string(),
        address: email.address,
        added: when(at),
        last_used: email.last_used_at.map(when),
        suspended: email.suspended,
    };
    active.into_iter().map(row).collect()
}

/// Sends the first code to an address.
pub async fn begin(form: Submitted<Address>) -> Result<Response, PageError> {
    let (visit, session, typed) = form.in_session(HERE).await?;
    if !can_be_added(&visit) {
        return Err(PageError::NotFound);
    }
    let kept = || Kept { email: Some(typed.email.clone()), ..Kept::default() };
    let address = match email::parse(&typed.email) {
        Ok(address) => address,
        Err(error) => {
            let error = FormError::field("email", error.to_string());
            return mfa::show(&visit, &session, kept(), Said::Error(error)).await;
        }
    };
    visit.may_cause_a_message()?;
    if let Err(until) = visit.state.services.recipients.take(&address).await.map_err(CallError::from)? {
        return mfa::show(&visit, &session, kept(), Said::Error(visit.too_early(until))).await;
    }
    let command = BeginEmail { session: session.reference.clone(), address };
    let accounts = &visit.state.services.accounts;
    let error = match accounts.ask(session.user, &visit.attempt(), command, visit.deadline).await? {
        BeginEmailOutcome::Begun { factor } => return Ok(see_other(&path(factor))),
        BeginEmailOutcome::SessionEnded => return Err(sign_in(HERE)),
        BeginEmailOutcome::NotFresh => return Ok(reauthenticate(HERE)),
        BeginEmailOutcome::Known => FormError::field("email", "Codes are sent to this address already."),
        BeginEmailOutcome::TooMany => {
            FormError::whole("There is no room for another address. Remove one first, or wait a day.")
        }
        BeginEmailOutcome::Wait { until } => visit.too_early(until),
    };
    mfa::show(&visit, &session, kept(), Said::Error(error)).await
}

/// Shows the form for the code.
pub async fn get(visit: Visit, Path(factor): Path<String>) -> Result<Response, PageError> {
    let factor = read(&factor)?;
    let session = visit.signed_in(HERE).await?;
    show(&visit, &session, factor, None).await
}

/// Sends another code, which replaces the one before.
pub async fn resend(Path(factor): Path<String>, form: Submitted<Nothing>) -> Result<Response, PageError> {
    let factor = read(&factor)?;
    let (visit, session, Nothing {}) = form.in_session(HERE).await?;
    visit.may_cause_a_message()?;
    let shown = ShowEmail { session: session.reference.clone(), factor };
    let accounts = &visit.state.services.accounts;
    let shown = accounts.ask(session.user, &visit.attempt(), shown, visit.deadline).await?;
    let Some(AwaitedEmail { address, .. }) = shown else { return Ok(see_other(HERE)) };
    if let Err(until) = visit.state.services.recipients.take(&address).await.map_err(CallError::from)? {
        return show(&visit, &session, factor, Some(visit.too_early(until))).await;
    }
    let command = ResendEmail { session: session.reference.clone(), factor };
    match accounts.ask(session.user, &visit.attempt(), command, visit.deadline).await? {
        SendOutcome::Sent => Ok(see_other(&path(factor))),
        SendOutcome::Wait { until } => show(&visit, &session, factor, Some(visit.too_early(until))).await,
        SendOutcome::Ended => Ok(see_other(HERE)),
    }
}

/// Takes the code.
pub async fn confirm(Path(factor): Path<String>, form: Submitted<Typed>) -> Result<Response, PageError> {
    let factor = read(&factor)?;
    let (visit, session, typed) = form.in_session(HERE).await?;
    let Some(code) = totp::parse_code(typed.code.expose()) else {
        let error = FormError::field("code", "Enter the 6 digits from the newest message.");
        return show(&visit, &session, factor, Some(error)).await;
    };
    let services = &visit.state.services;
    // Ten hashes are made for each try, so the address is asked first.
    let tried = Try::begin(&visit)?;
    let backup = services.hashes.backup_codes(&tried.attempt.seed, visit.deadline).await?;
    let command = ConfirmEmail { session: session.reference.clone(), factor, code, backup };
    let outcome = services.accounts.ask(session.user, &tried.attempt, command, visit.deadline).await?;
    let wrong = "This code is not right, or not good any more. Enter the newest one.";
    let told = Confirming { path: path(factor), notice: Notice::EmailCodesOn, wrong };
    match confirmed(&visit, &session, tried, outcome, &told)? {
        Ok(answer) => Ok(answer),
        Err(error) => show(&visit, &session, factor, Some(error)).await,
    }
}

async fn show(
    visit: &Visit,
    session: &LiveSession,
    factor: FactorId,
    error: Option<FormError>,
) -> Result<Response, PageError> {
    let command = ShowEmail { session: session.reference.clone(), factor };
    let accounts = &visit.state.services.accounts;
    let shown = accounts.ask(session.user, &visit.attempt(), command, visit.deadline).await?;
    let Some(AwaitedEmail { address, again_at, .. }) = shown else { return Ok(see_other(HERE)) };
    let frame = Frame::session(session).with_error(error.as_ref());
    let again = Cooldown::until(visit.now(), again_at);
    visit.page(frame, &EmailEnrolPage { factor: factor.to_string(), address, again, error })
}

/// Asks before an address gets no more codes.
pub async fn ask_remove(visit: Visit, Path(factor): Path<String>) -> Result<Response, PageError> {
    let factor = read(&factor)?;
    let session = visit.signed_in(HERE).await?;
    if !session.view.fresh {
        return Ok(reauthenticate(&format!("{}/remove", path(factor))));
    }
    let account = overview(&visit, &session, HERE).await?;
    let last = devices(&account) == 1;
    let rows = rows(account.emails);
    let Some(row) = rows.into_iter().find(|row| row.id == factor.to_string()) else {
        return Ok(see_other(HERE));
    };
    visit.page(Frame::session(&session), &EmailRemovePage { factor: row.id, address: row.address, last })
}

/// Removes it. One that is gone already was removed by the same form.
pub async fn remove(Path(factor): Path<String>, form: Submitted<Nothing>) -> Result<Response, PageError> {
    let factor = read(&factor)?;
    let (visit, session, Nothing {}) = form.in_session(HERE).await?;
    let command = RemoveEmail { session: session.reference.clone(), factor };
    let accounts = &visit.state.services.accounts;
    match accounts.ask(session.user, &visit.attempt(), command, visit.deadline).await? {
        RemoveOutcome::Removed | RemoveOutcome::Gone => Ok(done(HERE, Notice::EmailCodesOff)),
        RemoveOutcome::SessionEnded => Err(sign_in(HERE)),
        RemoveOutcome::NotFresh => Ok(reauthenticate(&format!("{}/remove", path(factor)))),
    }
}

fn read(factor: &str) -> Result<FactorId, PageError> {
    factor.parse().map_err(|_| PageError::NotFound)
}

fn path(factor: FactorId) -> String {
    format!("{HERE}/email/{factor}")
}
