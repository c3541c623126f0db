//! `/login`: identifier and password.
//!
//! Nobody of that name, a wrong password and a disabled user get the same page, with the same status, after the same time
//! (HAZARDS H13).

use actors::{
    domain::{assurance::Acr, command::LoginRef, trusted_device::Trust},
    secret::Secret,
    sign_in::PasswordTry,
};
use axum::response::Response;
use schema::record::Channel;
use serde::Deserialize;

use super::{
    client_line,
    judge::{Judged, Try},
    passkey, raise,
};
use crate::{
    RegistrationBy,
    error::PageError,
    extract::{
        LoginState, Query, Submitted, Then, Visit,
        form::secret,
        visit::{Frame, is_local_path},
    },
    locale::{Text, text},
    page::{FormError, LoginPage, PasskeyAsk},
};

/// The query of the page.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    /// A login under way.
    #[serde(default)]
    l: String,
    /// Where to go afterwards; `/account` unless it is a path of this site.
    #[serde(default, rename = "return")]
    back: String,
    /// Set where a policy asks for more than was proved.
    #[serde(default)]
    more: String,
    /// Set where something is to be changed there.
    #[serde(default)]
    change: String,
}

/// What was typed.
#[derive(Debug, Deserialize)]
pub struct Typed {
    username: String,
    #[serde(deserialize_with = "secret")]
    password: Secret<String>,
}

/// Shows the form; begins a login where none is under way.
pub async fn get(visit: Visit, Query(asked): Query<Asked>) -> Result<Response, PageError> {
    let login = if asked.l.is_empty() {
        let back = if is_local_path(&asked.back) { &asked.back } else { "/account" };
        // Who is signed in already is asked once more for a change.
        let again = !asked.more.is_empty() || visit.session_locator().is_some();
        let aim = if again { visit.aim_of_change(back).await? } else { None };
        let then = Then::Account { path: back.to_owned(), aim, change: !asked.change.is_empty() };
        let login = visit.login_to(then).await?;
        if asked.more.is_empty() {
            login
        } else {
            // What the session has is kept, if devices are all that is missing.
            match raise::begin(&visit, login).await? {
                Ok(led) => return Ok(led),
                Err(login) => login,
            }
        }
    } else {
        visit.login_step(&asked.l).await?
    };
    let hint = login.request().and_then(|request| request.login_hint.clone()).unwrap_or_default();
    let filled = Filled { username: hint, more: !asked.more.is_empty(), passkey: passkey::ask_any(&visit, &login) };
    show(&visit, &login, filled, None).await
}

/// Takes the password.
pub async fn post(form: Submitted<Typed>) -> Result<Response, PageError> {
    let (visit, login, typed) = form.in_login().await?;
    let password = PasswordTry {
        name: typed.username.clone(),
        password: typed.password,
        login: LoginRef {
            login: login.login,
            browser: login.browser,
            device: None,
            renews: visit.session_locator().map(|session| session.session),
            trust: Trust::None,
            asks: visit.asks(&login).await?,
        },
        known: visit.known_device(),
        trusted: if asks_for_two_steps(&login) { Vec::new() } else { visit.trusted_devices() },
    };
    let tried = Try::begin(&visit)?.at(&typed.username);
    let outcome = visit.state.services.sign_in.password(&tried.attempt, password, visit.deadline).await;
    let wrong = FormError::fields(&["username", "password"], wrong_words(&visit));
    match tried.judge(login.clone(), outcome, wrong).await? {
        Judged::Done(response) => Ok(response),
        Judged::Again(error) => {
            let passkey = passkey::ask_any(&visit, &login);
            show(&visit, &login, Filled { username: typed.username, more: false, passkey }, Some(error)).await
        }
    }
}

/// What is told of a wrong sign-in, under what accounts have here.
fn wrong_words(visit: &Visit) -> Text {
    match visit.state.settings.registration {
        RegistrationBy::UserName => text("login-wrong"),
        RegistrationBy::Email => text("login-wrong-email"),
        RegistrationBy::Either => text("login-wrong-either"),
    }
}

/// Would a sign-in that a trusted device completes not be enough for who waits for it?
fn asks_for_two_steps(login: &LoginState) -> bool {
    login.aims_at().is_some_and(|acr| acr > Acr::OneFactor)
}

/// What the page begins with.
pub(super) struct Filled {
    pub(super) username: String,
    /// Does a policy ask for more than was proved?
    pub(super) more: bool,
    /// What is asked of the browser's passkeys, where they are taken.
    pub(super) passkey: Option<PasskeyAsk>,
}

pub(super) async fn show(
    visit: &Visit,
    login: &LoginState,
    Filled { username, more, passkey }: Filled,
    error: Option<FormError>,
) -> Result<Response, PageError> {
    let frame = Frame::login(login).with_error(error.as_ref());
    let client = client_line(visit, login).await?;
    let forgot = visit.state.services.notifier.can_send(Channel::Email);
    let names = visit.state.settings.registration;
    visit.page(frame, &LoginPage { login: login.label(), client, passkey, forgot, names, username, more, error })
}
