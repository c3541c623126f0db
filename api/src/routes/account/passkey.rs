//! `/account/mfa/passkey`: passkeys, from their making to their removal.

use actors::domain::{
    command::{
        AwaitedPasskey, BeginPasskey, BeginPasskeyOutcome, ConfirmPasskey, ConfirmPasskeyOutcome, PasskeyView,
        RemoveOutcome, RemovePasskey, RenameOutcome, RenamePasskey, ShowPasskey,
    },
    device::active_since,
    factor::passkey::{Making, RelyingParty},
};
use axum::{extract::Path, response::Response};
use data_encoding::BASE64URL_NOPAD;
use schema::FactorId;
use serde::Deserialize;
use serde_json::json;
use webauthn_rs_core::proto::RegisterPublicKeyCredential;

use super::{
    Confirming, confirmed, done,
    mfa::{self, HERE, Kept, Said, name_of},
    not_shown, overview, reauthenticate, sign_in,
};
use crate::{
    error::PageError,
    extract::{
        LiveSession, Submitted, Visit,
        form::Nothing,
        visit::{Frame, see_other},
    },
    locale::text,
    page::{FormError, Notice, PasskeyEnrolPage, PasskeyRemovePage, PasskeyRenamePage, PasskeyRow, When},
    routes::login::{judge::Try, passkey::are_known},
};

/// A name for a new passkey, or none.
#[derive(Debug, Deserialize)]
pub struct Named {
    passkey_name: String,
}

/// What the browser sent.
#[derive(Debug, Deserialize)]
pub struct Answered {
    #[serde(default)]
    answer: String,
}

/// Another name.
#[derive(Debug, Deserialize)]
pub struct Renamed {
    name: String,
}

/// Passkeys in force, the oldest first.
pub(super) fn rows(passkeys: Vec<PasskeyView>) -> Vec<PasskeyRow> {
    let mut active: Vec<_> = passkeys.into_iter().filter_map(|view| Some((active_since(view.state)?, view))).collect();
    active.sort_by_key(|(at, _)| *at);
    let row = |(at, view): (_, PasskeyView)| PasskeyRow {
        id: view.factor.to_string(),
        kind: view.kind.filter(|kind| *kind != view.name),
        name: view.name,
        synced: view.backup_eligible,
        alone: view.user_verified,
        hardware: view.hardware,
        added: When::of(at),
        last_used: view.last_used_at.map(When::of),
    };
    active.into_iter().map(row).collect()
}

/// What a browser is told of the passkeys that are in force, so that it offers no other ones. Nothing where there can be none.
pub(super) fn signal(visit: &Visit, session: &LiveSession, passkeys: &[PasskeyView]) -> Option<String> {
    let rp = RelyingParty::of(&visit.state.services.settings.issuer).filter(|_| are_known(visit))?;
    let known: Vec<&str> = passkeys.iter().map(|passkey| passkey.credential.as_str()).collect();
    let user = BASE64URL_NOPAD.encode(session.user.as_bytes());
    Some(json!({ "rpId": rp.id(), "userId": user, "allAcceptedCredentialIds": known }).to_string())
}

/// Begins the making of a passkey.
pub async fn begin(form: Submitted<Named>) -> Result<Response, PageError> {
    let (visit, session, typed) = form.in_session(HERE).await?;
    if !are_known(&visit) {
        return Err(PageError::NotFound);
    }
    let kept = || Kept { passkey: Some(typed.passkey_name.clone()), ..Kept::default() };
    let (name, wrong) = match typed.passkey_name.trim() {
        "" => (String::new(), None),
        named => name_of(named, text("device-name-control")),
    };
    if let Some(wrong) = wrong {
        let error = FormError::field("passkey_name", wrong);
        return mfa::show(&visit, &session, kept(), Said::Error(error)).await;
    }
    let command = BeginPasskey { session: session.reference.clone(), name };
    let accounts = &visit.state.services.accounts;
    match accounts.ask(session.user, &visit.attempt(), command, visit.deadline).await? {
        BeginPasskeyOutcome::Begun { factor } => Ok(see_other(&path(factor))),
        BeginPasskeyOutcome::SessionEnded => Err(sign_in(HERE)),
        BeginPasskeyOutcome::NotFresh => Ok(reauthenticate(HERE)),
        BeginPasskeyOutcome::TooMany => {
            let error = FormError::whole(text("passkey-no-room"));
            mfa::show(&visit, &session, kept(), Said::Error(error)).await
        }
    }
}

/// Shows the page that has the passkey made.
pub async fn get(visit: Visit, Path(factor): Path<String>) -> Result<Response, PageError> {
    let factor = read(&factor)?;
    let session = visit.signed_in(HERE).await?;
    show(&visit, &session, factor, None).await
}

/// Takes the new passkey.
pub async fn confirm(Path(factor): Path<String>, form: Submitted<Answered>) -> Result<Response, PageError> {
    let factor = read(&factor)?;
    let (visit, session, answered) = form.in_session(HERE).await?;
    let Ok(answer) = serde_json::from_str::<Box<RegisterPublicKeyCredential>>(&answered.answer) else {
        let error = FormError::whole(text("passkey-not-created"));
        return show(&visit, &session, factor, Some(error)).await;
    };
    let services = &visit.state.services;
    // Ten hashes are made for each try, so the address is asked first.
    let tried = Try::begin(&visit)?;
    let backup = services.hashes.backup_codes(&tried.attempt.seed, visit.deadline).await?;
    let attested = services.attestation().anchors().is_some();
    let command = ConfirmPasskey { session: session.reference.clone(), factor, answer, backup, attested };
    let outcome = services.accounts.ask(session.user, &tried.attempt, command, visit.deadline).await?;
    let wrong = text("passkey-not-accepted");
    let told = Confirming { path: path(factor), notice: Notice::PasskeyAdded, wrong };
    let confirmed = match outcome {
        ConfirmPasskeyOutcome::Judged(outcome) => confirmed(&visit, &session, tried, outcome, &told)?,
        ConfirmPasskeyOutcome::Synced => Err(FormError::whole(text("passkey-synced-refused"))),
        ConfirmPasskeyOutcome::Unattested => Err(FormError::whole(text("passkey-unattested"))),
    };
    match confirmed {
        Ok(answer) => Ok(answer),
        // There is no field to go to.
        Err(error) => show(&visit, &session, factor, Some(FormError { fields: Vec::new(), ..error })).await,
    }
}

async fn show(
    visit: &Visit,
    session: &LiveSession,
    factor: FactorId,
    error: Option<FormError>,
) -> Result<Response, PageError> {
    let services = &visit.state.services;
    let command = ShowPasskey { session: session.reference.clone(), factor };
    let shown = services.accounts.ask(session.user, &visit.attempt(), command, visit.deadline).await?;
    let Some(AwaitedPasskey { name, user_name, challenge, known }) = shown else {
        return not_shown(visit, session, (factor, &path(factor))).await;
    };
    let known: Vec<_> = known.iter().collect();
    let allow_synced = services.settings.allow_synced_passkeys;
    let attestation = services.attestation();
    let making = Making { user: session.user, user_name: &user_name, known: &known, allow_synced, attestation };
    let options = RelyingParty::of(&services.settings.issuer)
        .and_then(|rp| rp.creation(visit.state.pages.product_name(), &making, &challenge))
        .and_then(|options| serde_json::to_string(&options.public_key).ok())
        .ok_or(PageError::Internal("there are no options for a passkey"))?;
    let frame = Frame::session(session).with_error(error.as_ref());
    visit.page(frame, &PasskeyEnrolPage { factor: factor.to_string(), name, options, error })
}

/// Asks before a passkey is removed.
pub async fn ask_remove(visit: Visit, Path(factor): Path<String>) -> Result<Response, PageError> {
    let factor = read(&factor)?;
    let session = visit.signed_in(HERE).await?;
    if !visit.may_change_at(&session, HERE).await? {
        return Ok(reauthenticate(&format!("{}/remove", path(factor))));
    }
    let account = overview(&visit, &session, HERE).await?;
    let removal = mfa::removal(&visit, &session, (&account, factor)).await?;
    let found = account.passkeys.into_iter().find(|passkey| passkey.factor == factor);
    let Some(PasskeyView { name, .. }) = found else { return Ok(see_other(HERE)) };
    visit.page(Frame::session(&session), &PasskeyRemovePage { factor: factor.to_string(), name, removal })
}

/// Removes it. One that is gone already was removed by the same form.
pub async fn remove(Path(factor): Path<String>, form: Submitted<Nothing>) -> Result<Response, PageError> {
    let factor = read(&factor)?;
    let (visit, session, Nothing {}) = form.in_session(HERE).await?;
    let command = RemovePasskey { session: session.reference.clone(), factor };
    let accounts = &visit.state.services.accounts;
    match accounts.ask(session.user, &visit.attempt(), command, visit.deadline).await? {
        RemoveOutcome::Removed | RemoveOutcome::Gone => Ok(done(HERE, Notice::PasskeyRemoved)),
        RemoveOutcome::SessionEnded => Err(sign_in(HERE)),
        RemoveOutcome::NotFresh => Ok(reauthenticate(&format!("{}/remove", path(factor)))),
    }
}

/// Asks for another name.
pub async fn ask_name(visit: Visit, Path(factor): Path<String>) -> Result<Response, PageError> {
    let factor = read(&factor)?;
    let session = visit.signed_in(HERE).await?;
    let account = overview(&visit, &session, HERE).await?;
    let found = account.passkeys.into_iter().find(|passkey| passkey.factor == factor);
    let Some(PasskeyView { name, .. }) = found else { return Ok(see_other(HERE)) };
    visit.page(Frame::session(&session), &PasskeyRenamePage { factor: factor.to_string(), name, error: None })
}

/// Gives it another name.
pub async fn rename(Path(factor): Path<String>, form: Submitted<Renamed>) -> Result<Response, PageError> {
    let factor = read(&factor)?;
    let (visit, session, typed) = form.in_session(HERE).await?;
    let (name, wrong) = name_of(&typed.name, text("passkey-nameless"));
    if let Some(wrong) = wrong {
        let error = Some(FormError::field("name", wrong));
        let page = PasskeyRenamePage { factor: factor.to_string(), name, error };
        return visit.page(Frame::session(&session).with_error(page.error.as_ref()), &page);
    }
    let command = RenamePasskey { session: session.reference.clone(), factor, name };
    let accounts = &visit.state.services.accounts;
    match accounts.ask(session.user, &visit.attempt(), command, visit.deadline).await? {
        RenameOutcome::Renamed => Ok(done(HERE, Notice::PasskeyRenamed)),
        RenameOutcome::Gone => Ok(see_other(HERE)),
        RenameOutcome::SessionEnded => Err(sign_in(HERE)),
    }
}

fn read(factor: &str) -> Result<FactorId, PageError> {
    factor.parse().map_err(|_| PageError::NotFound)
}

fn path(factor: FactorId) -> String {
    format!("{HERE}/passkey/{factor}")
}
