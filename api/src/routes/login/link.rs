//! `/login/link?token=`: the link beside a code by e-mail, as the second proof of a login.
//!
//! 1. A GET, or a HEAD, consumes nothing, for scanners of mail open links too. In the browser that began the login, which has
//!    its cookie, it shows a button.
//! 2. The button sends the token from there, and the owner of the account judges and consumes it like the code beside it.
//! 3. In another browser nothing is completed: it is told to go back, and shown the code to type there. That code stands in the
//!    message as well, which whoever has the token has too.
//!
//! A wrong token is not counted: it is sealed, and has a secret of 128 bits inside.

use actors::{
    domain::{
        command::{Linked, ShowSentLink, VerifySentLink},
        factor::totp::Code,
    },
    locator::LoginLinkLocator,
    secret::Secret,
};
use axum::response::Response;
use serde::Deserialize;

use super::{
    client_line, identified,
    judge::{Judged, Try},
    proving, sent_code,
};
use crate::{
    error::PageError,
    extract::{Link, LoginState, Query, Submitted, Visit, form::secret, trust::Ticked, visit::Frame},
    locale::text,
    page::{Concealed, FormError, LinkElsewherePage, LoginLinkPage},
};

/// Where links to logins lead.
pub(crate) const PATH: &str = "/login/link";
/// The level of data from which on every node knows of links.
const LEVEL: u32 = 4;

/// The button was pressed.
#[derive(Debug, Deserialize)]
pub struct Pressed {
    #[serde(deserialize_with = "secret")]
    token: Secret<String>,
    #[serde(default)]
    trust: Ticked,
}

/// Do messages hold links, where they have room for one?
pub(crate) fn are_sent(visit: &Visit) -> bool {
    visit.state.services.level.current() >= LEVEL
}

/// Shows a button, or where to go. Consumes nothing.
pub async fn get(visit: Visit, Query(link): Query<Link>) -> Result<Response, PageError> {
    let locator = open(&visit, link.token())?;
    let command = ShowSentLink { of: Linked::Login(locator.login), secret_hash: locator.secret_hash.clone() };
    let good = visit.state.services.accounts.ask(locator.user, &visit.attempt(), command, visit.deadline).await?;
    let login = visit.login_of(locator.login).await.filter(|login| login.user == Some(locator.user));
    match login {
        Some(login) if good => confirm(&visit, &login, link.token(), (&Ticked::default(), None)).await,
        Some(login) => sent_code::link_ended(&visit, &login, &Ticked::default()).await,
        None if good => elsewhere(&visit, "login", &locator.code),
        None => Err(used(&visit, &locator).await),
    }
}

/// Completes the login, in the browser that began it.
pub async fn post(form: Submitted<Pressed>) -> Result<Response, PageError> {
    let (visit, login, pressed) = form.in_login().await?;
    let user = identified(&login)?;
    let locator = open(&visit, &pressed.token)?;
    if (locator.user, locator.login) != (user, login.login) {
        return Err(PageError::LinkEnded);
    }
    let of = proving(&visit, &login, user, visit.wanted_trust(&pressed.trust)).await?;
    let tried = Try::begin(&visit)?;
    let command = VerifySentLink { login: of, secret_hash: locator.secret_hash };
    let outcome = visit.state.services.sign_in.sent_link(user, &tried.attempt, command, visit.deadline).await;
    let outcome = match sent_code::judged(outcome) {
        Ok(Some(outcome)) => Ok((Some(user), outcome)),
        // It counts against the address, for the audit log has a line of it.
        Ok(None) => return sent_code::link_ended(&visit, &login, &pressed.trust).await,
        Err(error) => Err(error),
    };
    let wrong = FormError::whole(text("login-link-wrong"));
    match tried.judge(login.clone(), outcome, wrong).await? {
        Judged::Done(response) => Ok(response),
        Judged::Again(error) => confirm(&visit, &login, &pressed.token, (&pressed.trust, Some(error))).await,
    }
}

fn open(visit: &Visit, token: &Secret<String>) -> Result<LoginLinkLocator, PageError> {
    visit.state.locators().open_login_link(token.expose()).map_err(|_| PageError::LinkEnded)
}

async fn confirm(
    visit: &Visit,
    login: &LoginState,
    token: &Secret<String>,
    (ticked, error): (&Ticked, Option<FormError>),
) -> Result<Response, PageError> {
    let frame = Frame::login(login).with_error(error.as_ref());
    let (client, trust) = (client_line(visit, login).await?, visit.trust_box(ticked));
    let token = Concealed::from(token.expose().as_str());
    visit.page(frame, &LoginLinkPage { login: login.label(), token, client, ways: login.next_step(), trust, error })
}

/// The page of a browser that may not use the link; `what` it would complete is `login` or `address`.
pub(crate) fn elsewhere(visit: &Visit, what: &'static str, code: &Code) -> Result<Response, PageError> {
    let code = Concealed::from(String::from(code.clone()));
    visit.page(Frame::browser(), &LinkElsewherePage { what, code })
}

/// What is told of a link that is good no more in a browser without its login: who is signed in has used it already.
async fn used(visit: &Visit, locator: &LoginLinkLocator) -> PageError {
    match visit.session().await {
        Ok(Some(session)) if session.user == locator.user => PageError::AlreadySignedIn,
        Ok(_) => PageError::LinkEnded,
        Err(error) => error,
    }
}
