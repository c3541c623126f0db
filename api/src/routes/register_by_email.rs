//! `/register/email` and `/register/confirm?token=`: a new account under an e-mail address.
//!
//! 1. An address is typed. Whatever there is of it, the answer is the same, after the same time (HAZARDS H13): look into your mail.
//! 2. The link in the message shows where to choose a password. Opening it consumes nothing.
//! 3. The form with the password makes the account, in whatever browser: only who reads the mail has the link. In the browser in
//!    which an application waits it goes on to that.

use actors::{
    call::{CallError, Deadline},
    domain::email::{self, Identifier},
    registration_by_email::GoodLink,
    secret::Secret,
};
use axum::response::Response;
use schema::record::Channel;
use serde::Deserialize;

use super::{
    login::client_line,
    register::{registered, told},
    words,
};
use crate::{
    RegistrationBy,
    error::PageError,
    extract::{
        Link, LoginState, Query, Submitted, Visit,
        form::secret,
        visit::{Frame, see_other},
    },
    page::{ClientLine, Concealed, ConfirmRegistrationPage, FormError, RegisterByEmailPage},
};

/// Where the address is typed.
pub(crate) const ASK: &str = "/register/email";
/// Where links lead.
pub(crate) const CONFIRM: &str = "/register/confirm";
/// The level of data from which on every node knows of accounts that await a message.
const LEVEL: u32 = 4;

/// The query of the first page.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    /// The login's id.
    #[serde(default)]
    l: String,
    /// Was the form just sent?
    #[serde(default)]
    sent: String,
}

/// An address was typed.
#[derive(Debug, Deserialize)]
pub struct TypedAddress {
    email: String,
}

/// A password was chosen.
#[derive(Debug, Deserialize)]
pub struct TypedPassword {
    #[serde(deserialize_with = "secret")]
    token: Secret<String>,
    #[serde(deserialize_with = "secret")]
    password: Secret<String>,
}

/// Can people register under an address, here and now?
pub(super) fn is_offered(visit: &Visit) -> bool {
    let services = &visit.state.services;
    let wanted = visit.state.settings.registration != RegistrationBy::UserName;
    wanted && services.notifier.can_send(Channel::Email) && services.level.current() >= LEVEL
}

/// The path of the first page, in a login or without one.
pub(super) fn path(login: Option<&LoginState>) -> String {
    login.map_or_else(|| ASK.to_owned(), |login| format!("{ASK}?l={}", login.label()))
}

/// Shows the form, or says what to do next.
pub async fn get(visit: Visit, Query(asked): Query<Asked>) -> Result<Response, PageError> {
    offered(&visit)?;
    let login = if asked.l.is_empty() { None } else { Some(visit.login_step(&asked.l).await?) };
    ask(&visit, login.as_ref(), !asked.sent.is_empty(), (String::new(), None)).await
}

/// Has a message sent to the address.
pub async fn post(form: Submitted<TypedAddress>) -> Result<Response, PageError> {
    let (visit, login, typed) = form.in_login_if_any(ASK).await?;
    offered(&visit)?;
    let address = match email::identifier(&typed.email) {
        Ok(address) => address,
        Err(error) => {
            let error = FormError::field("email", words::email(error));
            return ask(&visit, login.as_ref(), false, (typed.email, Some(error))).await;
        }
    };
    may_register(&visit)?;
    visit.may_cause_a_message()?;
    let floor = Deadline::after(visit.state.settings.failure_floor);
    if let Err(error) = send(&visit, address, login.as_ref()).await {
        // Of an address that nobody has nothing else is told, and the page says what to do without a message.
        tracing::warn!(%error, "a message to somebody who wants to register was not sent");
    }
    tokio::time::sleep_until(floor.instant()).await;
    let mark = if login.is_some() { '&' } else { '?' };
    Ok(see_other(&format!("{}{mark}sent=1", path(login.as_ref()))))
}

/// Sends it, unless the address has got too many.
async fn send(visit: &Visit, address: Identifier, login: Option<&LoginState>) -> Result<(), CallError> {
    let services = &visit.state.services;
    if services.recipients.take(&address.address).await?.is_err() {
        return Ok(());
    }
    let login = login.map(|login| login.login);
    services.registration.begin_by_email(&visit.attempt(), address, login, visit.deadline).await
}

/// Shows where to choose a password. Consumes nothing.
pub async fn show(visit: Visit, Query(link): Query<Link>) -> Result<Response, PageError> {
    let good = look_at(&visit, link.token()).await?;
    let login = match good.login() {
        Some(id) => visit.login_of(id).await.filter(|login| login.user.is_none()),
        None => None,
    };
    confirm(&visit, login.as_ref(), (&good, link.token()), None).await
}

/// Makes the account. Each try counts against the address of the client, for it may cost a hash.
pub async fn complete(form: Submitted<TypedPassword>) -> Result<Response, PageError> {
    let (visit, login, typed) = form.in_login_if_any("/register").await?;
    may_register(&visit)?;
    let good = look_at(&visit, &typed.token).await?;
    let attempt = visit.attempt();
    let registration = &visit.state.services.registration;
    let chosen = (&typed.password, visit.browser);
    match registration.complete_by_email(&attempt, &good, chosen, visit.deadline).await {
        Ok(signed_in) => registered(&visit, login, (good.user(), &signed_in), &attempt).await,
        Err(error) => {
            let error = told(error, "password")?;
            confirm(&visit, login.as_ref(), (&good, &typed.token), Some(error)).await
        }
    }
}

fn offered(visit: &Visit) -> Result<(), PageError> {
    if is_offered(visit) { Ok(()) } else { Err(PageError::NotFound) }
}

/// Asks the bounds of the client's address.
fn may_register(visit: &Visit) -> Result<(), PageError> {
    let now = visit.state.services.clock.monotonic();
    let taken = visit.state.limits.registrations.take(visit.caller.address, now);
    // The token is spent.
    taken.map(drop).map_err(|wait| PageError::TooMany { wait })
}

/// The link of a token, if it is good. It is, also where registration was turned off meanwhile: it was promised.
async fn look_at(visit: &Visit, token: &Secret<String>) -> Result<GoodLink, PageError> {
    let locator = visit.state.locators().open_registration(token.expose()).map_err(|_| PageError::LinkEnded)?;
    let registration = &visit.state.services.registration;
    let good = registration.look_at(&visit.attempt(), locator, visit.deadline).await?;
    good.ok_or(PageError::LinkEnded)
}

async fn ask(
    visit: &Visit,
    login: Option<&LoginState>,
    sent: bool,
    (email, error): (String, Option<FormError>),
) -> Result<Response, PageError> {
    let (frame, client) = around(visit, login).await?;
    let by_name = visit.state.settings.registration == RegistrationBy::Either;
    let page = RegisterByEmailPage { login: login.map(LoginState::label), client, email, sent, by_name, error };
    visit.page(frame.with_error(page.error.as_ref()), &page)
}

async fn confirm(
    visit: &Visit,
    login: Option<&LoginState>,
    (good, token): (&GoodLink, &Secret<String>),
    error: Option<FormError>,
) -> Result<Response, PageError> {
    let (frame, client) = around(visit, login).await?;
    let page = ConfirmRegistrationPage {
        login: login.map(LoginState::label),
        client,
        token: Concealed::from(token.expose().as_str()),
        address: good.address().to_owned(),
        rule: visit.state.services.registration.rule_of_registration().await?.into(),
        error,
    };
    visit.page(frame.with_error(page.error.as_ref()), &page)
}

/// What is around a page that a login may have led to: its forms may lead to the login's application.
async fn around(visit: &Visit, login: Option<&LoginState>) -> Result<(Frame, Option<ClientLine>), PageError> {
    match login {
        Some(login) => Ok((Frame::login(login), client_line(visit, login).await?)),
        None => Ok((Frame::browser(), None)),
    }
}
