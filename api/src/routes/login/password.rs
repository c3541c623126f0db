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
    passkey,
};
use crate::{
    error::PageError,
    extract::{
        LoginState, Query, Submitted, Visit,
        form::secret,
        visit::{Frame, is_local_path},
    },
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
        visit.login_to(back).await?
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
    let tried = Try::begin(&visit)?;
    let password = PasswordTry {
        name: typed.username.clone(),
        password: typed.password,
        login: LoginRef {
            login: login.login,
            browser: login.browser,
            device: None,
            renews: visit.session_locator().map(|session| session.session),
            trust: Trust::None,
        },
        known: visit.known_device(),
        trusted: if asks_for_two_steps(&login) { Vec::new() } else { visit.trusted_devices() },
    };
    let outcome = visit.state.services.sign_in.password(&tried.attempt, password, visit.deadline).await;
    let wrong = FormError::fields(&["username", "password"], "The user name or the password is not right.");
    match tried.judge(login.clone(), outcome, wrong).await? {
        Judged::Done(response) => Ok(response),
        Judged::Again(error) => {
            let passkey = passkey::ask_any(&visit, &login);
            show(&visit, &login, Filled { username: typed.username, more: false, passkey }, Some(error)).await
        }
    }
}

/// Would a sign-in that a trusted device completes not be enough for who waits for it?
fn asks_for_two_steps(login: &LoginState) -> bool {
    login.request().and_then(|request| request.requirement.aims_at()).is_some_and(|acr| acr > Acr::OneFactor)
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
    visit.page(frame, &LoginPage { login: login.label(), client, passkey, forgot, username, more, error })
}
