//! `/register`: a new account. Afterwards its browser is signed in.

use actors::{
    domain::{command::SignedIn, context::Attempt},
    registration::{NewAccount, RegisterError},
    secret::Secret,
};
use axum::{Router, response::Response, routing::get};
use schema::UserId;
use serde::Deserialize;

use super::{
    account::recommended::{Onward, way_on},
    login::{Step, client_line, judge},
    register_by_email, words,
};
use crate::{
    ApiState, RegistrationBy,
    error::PageError,
    extract::{
        LoginState, Query, Submitted, Visit,
        form::secret,
        policy::Occasion,
        visit::{Frame, see_other},
    },
    locale::text,
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

/// The pages of new accounts: under a user name, and under an address.
pub fn routes() -> Router<ApiState> {
    Router::new()
        .route("/register", get(open).post(post))
        .route(register_by_email::ASK, get(register_by_email::get).post(register_by_email::post))
        .route(register_by_email::CONFIRM, get(register_by_email::show).post(register_by_email::complete))
}

/// Shows the form.
async fn open(visit: Visit, Query(step): Query<Step>) -> Result<Response, PageError> {
    let login = if step.l.is_empty() { None } else { Some(visit.login_step(&step.l).await?) };
    if visit.state.settings.registration == RegistrationBy::Email {
        return Ok(see_other(&register_by_email::path(login.as_ref())));
    }
    show(&visit, login.as_ref(), Kept::default(), None).await
}

/// Makes the account. Whether a name is taken is told, so the bounds of the address come before the look-up.
async fn post(form: Submitted<Typed>) -> Result<Response, PageError> {
    let (visit, login, typed) = form.in_login_if_any("/register").await?;
    if visit.state.settings.registration == RegistrationBy::Email {
        return Err(PageError::NotFound);
    }
    let now = visit.state.services.clock.monotonic();
    let taken = visit.state.limits.registrations.take(visit.caller.address, now);
    // Spent whatever comes of it: a refused name is an answer as well.
    let _spent = taken.map_err(|wait| PageError::TooMany { wait })?;
    let kept = Kept { user_name: typed.user_name.clone(), email: typed.email.clone() };
    let new =
        NewAccount { user_name: typed.user_name, email: typed.email, password: typed.password, browser: visit.browser };
    let attempt = visit.attempt();
    match visit.state.services.registration.register(&attempt, new, visit.deadline).await {
        Ok((user, signed_in)) => registered(&visit, login, (user, &signed_in), &attempt).await,
        Err(error) => show(&visit, login.as_ref(), kept, Some(told(error, "password")?)).await,
    }
}

/// The browser is signed in, and goes on to what waits for it.
pub(super) async fn registered(
    visit: &Visit,
    login: Option<LoginState>,
    (user, signed_in): (UserId, &SignedIn),
    attempt: &Attempt,
) -> Result<Response, PageError> {
    if let Some(login) = login {
        return judge::complete(visit, login, user, signed_in, attempt).await;
    }
    judge::sign_in_browser(visit, user, signed_in, attempt).await?;
    let to = format!("/account?done={}", Notice::Registered.name());
    way_on(visit, user, signed_in, attempt, Onward { to, occasion: Occasion::default() }).await
}

/// The words for the form, whose field for the new password has that name; or the failure that ends the step.
pub(super) fn told(error: RegisterError, password_field: &'static str) -> Result<FormError, PageError> {
    Ok(match error {
        RegisterError::UserName(error) => FormError::field("user_name", words::user_name(error)),
        RegisterError::NameTaken => FormError::field("user_name", text("user-name-taken")),
        RegisterError::Email(error) => FormError::field("email", words::email(error)),
        RegisterError::Password(weakness) => FormError::field(password_field, words::weakness(&weakness)),
        RegisterError::Link => return Err(PageError::LinkEnded),
        RegisterError::Call(error) => return Err(error.into()),
    })
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
        rule: visit.state.services.registration.rule_of_registration().await?.into(),
        by_email: register_by_email::is_offered(visit),
        error,
    };
    visit.page(frame, &page)
}
