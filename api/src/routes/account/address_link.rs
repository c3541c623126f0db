//! `/account/mfa/email/link?token=`: the link beside the code that activates an e-mail address. As that of a login
//! ([`link`](crate::routes::login::link)): a GET consumes nothing, and the button works in the session that wants the address.

use actors::{
    domain::command::{AwaitedAddress, ConfirmAddressByLink, ConfirmOutcome, Linked, ShowSentLink},
    locator::AddressLinkLocator,
    secret::Secret,
};
use axum::response::Response;
use schema::record::Channel;
use serde::Deserialize;

use super::{
    Confirming,
    address::{awaited, notice, path, show},
    confirmed,
    mfa::HERE,
};
use crate::{
    error::PageError,
    extract::{Link, LiveSession, Query, Submitted, Visit, form::secret, visit::Frame},
    locale::{Text, text},
    page::{AddressLinkPage, Concealed, FormError},
    routes::login::{judge::Try, link::elsewhere},
};

/// Where links to addresses lead.
pub(crate) const PATH: &str = "/account/mfa/email/link";

const ENDED: Text = text("address-link-ended");

/// The button was pressed.
#[derive(Debug, Deserialize)]
pub struct Pressed {
    #[serde(deserialize_with = "secret")]
    token: Secret<String>,
}

/// Shows a button, or where to go. Consumes nothing.
pub async fn get(visit: Visit, Query(link): Query<Link>) -> Result<Response, PageError> {
    let locator = open(&visit, link.token())?;
    let of = Linked::Address { session: locator.session, factor: locator.factor };
    let command = ShowSentLink { of, secret_hash: locator.secret_hash.clone() };
    let good = visit.state.services.accounts.ask(locator.user, &visit.attempt(), command, visit.deadline).await?;
    let session = visit.session().await?.filter(|session| is_of(&locator, session));
    match session {
        Some(session) if good => confirm(&visit, &session, (&locator, link.token()), None).await,
        // The page of the code says what there is to do; without one, that of all addresses does.
        Some(session) => show(&visit, &session, (Channel::Email, locator.factor), Some(FormError::whole(ENDED))).await,
        None if good => elsewhere(&visit, "address", &locator.code),
        None => Err(PageError::LinkEnded),
    }
}

/// Activates the address, in the session that wants it.
pub async fn post(form: Submitted<Pressed>) -> Result<Response, PageError> {
    let (visit, session, pressed) = form.in_session(HERE).await?;
    let locator = open(&visit, &pressed.token)?;
    if !is_of(&locator, &session) {
        return Err(PageError::LinkEnded);
    }
    let services = &visit.state.services;
    // Ten hashes are made for each try, so the address is asked first.
    let tried = Try::begin(&visit)?;
    let backup = services.hashes.backup_codes(&tried.attempt.seed, visit.deadline).await?;
    let (reference, factor) = (session.reference.clone(), locator.factor);
    let command = ConfirmAddressByLink { session: reference, factor, secret_hash: locator.secret_hash.clone(), backup };
    let outcome = services.accounts.ask(session.user, &tried.attempt, command, visit.deadline).await?;
    let told = Confirming { path: path(Channel::Email, factor), notice: notice(Channel::Email, true), wrong: ENDED };
    if matches!(outcome, ConfirmOutcome::Wrong) {
        tried.not_counted();
        return show(&visit, &session, (Channel::Email, factor), Some(FormError::whole(ENDED))).await;
    }
    match confirmed(&visit, &session, tried, outcome, &told)? {
        Ok(answer) => Ok(answer),
        Err(error) => confirm(&visit, &session, (&locator, &pressed.token), Some(error)).await,
    }
}

fn open(visit: &Visit, token: &Secret<String>) -> Result<AddressLinkLocator, PageError> {
    visit.state.locators().open_address_link(token.expose()).map_err(|_| PageError::LinkEnded)
}

/// Is this the browser that asked for the message?
fn is_of(locator: &AddressLinkLocator, session: &LiveSession) -> bool {
    (locator.user, locator.session) == (session.user, session.view.session)
}

async fn confirm(
    visit: &Visit,
    session: &LiveSession,
    (locator, token): (&AddressLinkLocator, &Secret<String>),
    error: Option<FormError>,
) -> Result<Response, PageError> {
    let Some(AwaitedAddress { address, .. }) = awaited(visit, session, (Channel::Email, locator.factor)).await? else {
        return Err(PageError::LinkEnded);
    };
    let frame = Frame::session(session).with_error(error.as_ref());
    visit.page(frame, &AddressLinkPage { token: Concealed::from(token.expose().as_str()), address, error })
}
