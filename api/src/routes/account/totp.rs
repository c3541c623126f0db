//! `/account/mfa/totp/{factor}`: the QR code of an enrolment, its confirmation, and the renaming and removal of an authenticator
//! app.

use actors::{
    domain::{
        command::{ConfirmTotp, RemoveOutcome, RemoveTotp, RenameOutcome, RenameTotp, ShowTotp, TotpView},
        factor::totp,
    },
    secret::Secret,
    vault::Purpose,
};
use axum::{extract::Path, response::Response};
use schema::FactorId;
use serde::Deserialize;

use super::{Confirming, confirmed, done, mfa, not_shown, overview, reauthenticate, sign_in};
use crate::{
    error::PageError,
    extract::{
        LiveSession, Submitted, Visit,
        form::{Nothing, secret},
        visit::{Frame, see_other},
    },
    locale::text,
    page::{Concealed, FormError, Notice, TotpEnrolPage, TotpRemovePage, TotpRenamePage},
    qr::QrSvg,
    routes::login::judge::Try,
};

/// What was typed.
#[derive(Debug, Deserialize)]
pub struct Typed {
    #[serde(deserialize_with = "secret")]
    code: Secret<String>,
}

/// Shows the QR code.
pub async fn get(visit: Visit, Path(factor): Path<String>) -> Result<Response, PageError> {
    let factor = read(&factor)?;
    let session = visit.signed_in(mfa::HERE).await?;
    show(&visit, &session, factor, None).await
}

/// Takes the first code.
pub async fn confirm(Path(factor): Path<String>, form: Submitted<Typed>) -> Result<Response, PageError> {
    let factor = read(&factor)?;
    let (visit, session, typed) = form.in_session(mfa::HERE).await?;
    let Some(code) = totp::parse_code(typed.code.expose()) else {
        let error = FormError::field("code", text("totp-malformed"));
        return show(&visit, &session, factor, Some(error)).await;
    };
    let services = &visit.state.services;
    // Ten hashes are made for each try, so the address is asked first.
    let tried = Try::begin(&visit)?;
    let backup = services.hashes.backup_codes(&tried.attempt.seed, visit.deadline).await?;
    let command = ConfirmTotp { session: session.reference.clone(), factor, code, backup };
    let outcome = services.accounts.ask(session.user, &tried.attempt, command, visit.deadline).await?;
    let wrong = text("totp-confirm-wrong");
    let told = Confirming { path: path(factor), notice: Notice::MfaEnabled, wrong };
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
    let command = ShowTotp { session: session.reference.clone(), factor };
    let services = &visit.state.services;
    let shown = services.accounts.ask(session.user, &visit.attempt(), command, visit.deadline).await?;
    let Some(shown) = shown else { return not_shown(visit, session, (factor, &path(factor))).await };
    let aad = [session.user.to_string(), factor.to_string()];
    let seed = services.vault.open(Purpose::TotpSeed, &[&aad[0], &aad[1]], &shown.sealed_seed);
    let seed = seed.map_err(|_| PageError::Internal("a TOTP seed does not open"))?;
    let uri = totp::otpauth_uri(visit.state.pages.product_name(), &shown.user_name, &seed);
    let qr = QrSvg::new(uri.expose(), &visit.say(&text("totp-enrol-qr"))?)
        .map_err(|_| PageError::Internal("an otpauth link does not fit into a QR code"))?;
    let frame = Frame::session(session).with_error(error.as_ref());
    let page = TotpEnrolPage {
        factor: factor.to_string(),
        name: shown.name,
        qr,
        key_groups: totp::base32_groups(&seed).expose().split(' ').map(Concealed::from).collect(),
        uri: Concealed::from(uri.expose().as_str()),
        error,
    };
    visit.page(frame, &page)
}

/// Asks before an authenticator app is removed.
pub async fn ask_remove(visit: Visit, Path(factor): Path<String>) -> Result<Response, PageError> {
    let factor = read(&factor)?;
    let session = visit.signed_in(mfa::HERE).await?;
    if !visit.may_change_at(&session, mfa::HERE).await? {
        return Ok(reauthenticate(&format!("{}/remove", path(factor))));
    }
    let account = overview(&visit, &session, mfa::HERE).await?;
    let removal = mfa::removal(&visit, &session, (&account, factor)).await?;
    let mut all = account.totps.into_iter().filter_map(mfa::in_force);
    let Some((_, totp)) = all.find(|(_, totp)| totp.factor == factor) else {
        return Ok(see_other(mfa::HERE));
    };
    visit.page(Frame::session(&session), &TotpRemovePage { factor: factor.to_string(), name: totp.name, removal })
}

/// Removes it. One that is gone already was removed by the same form.
pub async fn remove(Path(factor): Path<String>, form: Submitted<Nothing>) -> Result<Response, PageError> {
    let factor = read(&factor)?;
    let (visit, session, Nothing {}) = form.in_session(mfa::HERE).await?;
    let command = RemoveTotp { session: session.reference.clone(), factor };
    let accounts = &visit.state.services.accounts;
    match accounts.ask(session.user, &visit.attempt(), command, visit.deadline).await? {
        RemoveOutcome::Removed | RemoveOutcome::Gone => Ok(done(mfa::HERE, Notice::AuthenticatorRemoved)),
        RemoveOutcome::SessionEnded => Err(sign_in(mfa::HERE)),
        RemoveOutcome::NotFresh => Ok(reauthenticate(&format!("{}/remove", path(factor)))),
    }
}

/// Asks for another name.
pub async fn ask_name(visit: Visit, Path(factor): Path<String>) -> Result<Response, PageError> {
    let factor = read(&factor)?;
    let session = visit.signed_in(mfa::HERE).await?;
    let account = overview(&visit, &session, mfa::HERE).await?;
    let found = account.totps.into_iter().filter_map(mfa::in_force).find(|(_, totp)| totp.factor == factor);
    let Some((_, TotpView { name, .. })) = found else { return Ok(see_other(mfa::HERE)) };
    visit.page(Frame::session(&session), &TotpRenamePage { factor: factor.to_string(), name, error: None })
}

/// Gives it another name.
pub async fn rename(Path(factor): Path<String>, form: Submitted<mfa::Typed>) -> Result<Response, PageError> {
    let factor = read(&factor)?;
    let (visit, session, typed) = form.in_session(mfa::HERE).await?;
    let (name, error) = typed.checked();
    if error.is_some() {
        let page = TotpRenamePage { factor: factor.to_string(), name, error };
        return visit.page(Frame::session(&session).with_error(page.error.as_ref()), &page);
    }
    let command = RenameTotp { session: session.reference.clone(), factor, name };
    let accounts = &visit.state.services.accounts;
    match accounts.ask(session.user, &visit.attempt(), command, visit.deadline).await? {
        RenameOutcome::Renamed => Ok(done(mfa::HERE, Notice::AuthenticatorRenamed)),
        RenameOutcome::Gone => Ok(see_other(mfa::HERE)),
        RenameOutcome::SessionEnded => Err(sign_in(mfa::HERE)),
    }
}

fn read(factor: &str) -> Result<FactorId, PageError> {
    factor.parse().map_err(|_| PageError::NotFound)
}

fn path(factor: FactorId) -> String {
    format!("{}/totp/{factor}", mfa::HERE)
}
