//! `/register`: a new account. Afterwards its browser is signed in.

use actors::{
    registration::{NewAccount, RegisterError},
    secret::Secret,
};
use axum::response::Response;
use serde::Deserialize;

use super::{
    account::recommended::{Onward, way_on},
    login::{Step, client_line, judge},
};
use crate::{
    error::PageError,
    extract::{LoginState, Query, Submitted, Visit, form::secret, visit::Frame},
    page::{FormError, Notice, RegisterPage},
};

/// What was typed.
#[derive(Debug, Deserialize)]
pub struct Typed {
    user_name: String,
    #[serde(default)]
    email: String,
    #[serde(deserialize_with = "secret")]
    password: Secret<String>,
}

/// What is kept when the form is shown again: everything but the password.
#[derive(Debug, Default)]
struct Kept {
    user_name: String,
    email: String,
}

/// Shows the form.
pub async fn get(visit: Visit, Query(step): Query<Step>) -> Result<Response, PageError> {
    let login = if step.l.is_empty() { None } else { Some(visit.login_step(&step.l).await?) };
    show(&visit, login.as_ref(), Kept::default(), None).await
}

/// Makes the account. Whether a name is taken is told, so the bounds of the address come before the look-up.
pub async fn post(form: Submitted<Typed>) -> Result<Response, PageError> {
    let (visit, login, typed) = form.in_login_if_any("/register").await?;
    let now = visit.state.services.clock.monotonic();
    let taken = visit.state.limits.registrations.take(visit.caller.address, now);
    // Spent whatever comes of it: a refused name is an answer as well.
    let _spent = taken.map_err(|wait| PageError::TooMany { wait })?;
    let kept = Kept { user_name: typed.user_name.clone(), email: typed.email.clone() };
    let new =
        NewAccount { user_name: typed.user_name, email: typed.email, password: typed.password, browser: visit.browser };
    let attempt = visit.attempt();
    match visit.state.services.registration.register(&attempt, new, visit.deadline).await {
        Ok((user, signed_in)) => {
            if let Some(login) = login {
                return judge::complete(&visit, login, user, &signed_in, &attempt).await;
            }
            judge::sign_in_browser(&visit, user, &signed_in, &attempt).await?;
            let to = format!("/account?done={}", Notice::Registered.name());
            way_on(&visit, user, &signed_in, &attempt, Onward { to, client: None }).await
        }
        Err(error) => show(&visit, login.as_ref(), kept, Some(told(error, "password")?)).await,
    }
}

/// The words for the form, whose field for the new password has that name; or the failure that ends the step.
pub(super) fn told(error: RegisterError, password_field: &'static str) -> Result<FormError, PageError> {
    let words = error.to_string();
    let field = match error {
        RegisterError::UserName(_) | RegisterError::NameTaken => "user_name",
        RegisterError::Email(_) => "email",
        RegisterError::Password(_) => password_field,
        RegisterError::Link => return Err(PageError::LinkEnded),
        RegisterError::Call(error) => return Err(error.into()),
    };
    Ok(FormError::field(field, words))
}

async fn show(
    visit: &Visit,
    login: Option<&LoginState>,
    kept: Kept,
    error: Option<FormError>,
) -> Result<Response, PageError> {
    let client = match login {
        Some(login) => client_line(visit, login).await?,
        None => None,
    };
    let frame = login.map_or_else(Frame::browser, Frame::login).with_error(error.as_ref());
    let page = RegisterPage {
        login: login.map(LoginState::label),
        client,
        user_name: kept.user_name,
        email: kept.email,
        rule: visit.password_rule(),
        error,
    };
    visit.page(frame, &page)
}
