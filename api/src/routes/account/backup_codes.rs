//! `/account/mfa/backup-codes`: new backup codes, shown once.

use actors::domain::{
    command::{ReplaceBackupCodes, ReplaceBackupCodesOutcome, SaveBackupCodes},
    context::Attempt,
    factor::backup_code,
};
use axum::response::Response;
use serde::Deserialize;

use super::{done, mfa, overview, reauthenticate, sign_in};
use crate::{
    error::PageError,
    extract::{
        LiveSession, Submitted, Visit,
        form::Nothing,
        visit::{Frame, see_other},
    },
    page::{BackupCodesPage, BackupCodesRegeneratePage, BackupCodesUnsavedPage, Concealed, Notice, When},
    routes::login::judge::Try,
};

const HERE: &str = "/account/mfa/backup-codes";

/// The tick below the codes.
#[derive(Debug, Deserialize)]
pub struct Ticked {
    #[serde(default)]
    saved: String,
}

/// Asks before the codes are replaced.
pub async fn get(visit: Visit) -> Result<Response, PageError> {
    let session = visit.signed_in(HERE).await?;
    if !visit.may_change_at(&session, HERE).await? {
        return Ok(reauthenticate(HERE));
    }
    if !session.view.second_factor {
        return Ok(see_other(mfa::HERE));
    }
    let left = overview(&visit, &session, HERE).await?.backup_codes_left;
    visit.page(Frame::session(&session), &BackupCodesRegeneratePage { left })
}

/// Replaces them. The page with the new ones is the answer itself.
pub async fn replace(form: Submitted<Nothing>) -> Result<Response, PageError> {
    let (visit, session, Nothing {}) = form.in_session(HERE).await?;
    if !visit.may_change_at(&session, HERE).await? {
        return Ok(reauthenticate(HERE));
    }
    if !session.view.second_factor {
        return Ok(see_other(mfa::HERE));
    }
    // Ten hashes are made each time, in the line of known devices, so each time counts against the address.
    let attempt = Try::begin(&visit)?.attempt;
    let services = &visit.state.services;
    let backup = services.hashes.backup_codes(&attempt.seed, visit.deadline).await?;
    let command = ReplaceBackupCodes { session: session.reference.clone(), backup };
    match services.accounts.ask(session.user, &attempt, command, visit.deadline).await? {
        ReplaceBackupCodesOutcome::Replaced => show_once(&visit, &session, &attempt),
        ReplaceBackupCodesOutcome::NoDevice => Ok(see_other(mfa::HERE)),
        ReplaceBackupCodesOutcome::SessionEnded => Err(sign_in(HERE)),
        ReplaceBackupCodesOutcome::NotFresh => Ok(reauthenticate(HERE)),
    }
}

/// The codes that an attempt drew. Nothing else can show them again.
pub(super) fn show_once(visit: &Visit, session: &LiveSession, attempt: &Attempt) -> Result<Response, PageError> {
    let codes = backup_code::draw(&attempt.seed);
    let page = BackupCodesPage {
        codes: codes.iter().map(|code| Concealed::from(code.expose())).collect(),
        user_name: session.view.user_name.clone(),
        created: When::of(visit.now()),
    };
    visit.page(Frame::session(session), &page)
}

/// "I have saved these codes."
pub async fn saved(form: Submitted<Ticked>) -> Result<Response, PageError> {
    let (visit, session, ticked) = form.in_session(mfa::HERE).await?;
    if ticked.saved != "yes" {
        let page = BackupCodesUnsavedPage::default();
        return visit.page(Frame::session(&session).refused(&page.error), &page);
    }
    let command = SaveBackupCodes { session: session.reference.clone() };
    let accounts = &visit.state.services.accounts;
    let noted = accounts.ask(session.user, &visit.attempt(), command, visit.deadline).await?;
    Ok(if noted { done(mfa::HERE, Notice::MfaEnabled) } else { see_other(mfa::HERE) })
}
