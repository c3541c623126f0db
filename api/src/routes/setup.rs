//! `/setup?token=`: the link that the first start prints makes the first administrator (HAZARDS H8).

use actors::{registration::NewAccount, secret::Secret};
use axum::response::Response;
use serde::Deserialize;

use super::{login::judge::sign_in_browser, register::told};
use crate::{
    error::PageError,
    extract::{
        Link, Query, Submitted, Visit,
        form::secret,
        visit::{Frame, see_other},
    },
    page::{Concealed, FormError, Notice, SetupPage},
};

/// What was typed.
#[derive(Debug, Deserialize)]
pub struct Typed {
    #[serde(deserialize_with = "secret")]
    token: Secret<String>,
    user_name: String,
    #[serde(deserialize_with = "secret")]
    password: Secret<String>,
}

/// Shows the form. Consumes nothing.
pub async fn get(visit: Visit, Query(link): Query<Link>) -> Result<Response, PageError> {
    let registration = &visit.state.services.registration;
    if !registration.setup_link_is_good(link.token().expose(), visit.browser).await? {
        return Err(PageError::LinkEnded);
    }
    show(&visit, link.token(), String::new(), None).await
}

/// Makes the account and signs its browser in.
pub async fn post(form: Submitted<Typed>) -> Result<Response, PageError> {
    let (visit, typed) = form.in_browser("/")?;
    let new = NewAccount {
        user_name: typed.user_name.clone(),
        email: String::new(),
        password: typed.password,
        browser: visit.browser,
    };
    let attempt = visit.attempt();
    let registration = &visit.state.services.registration;
    match registration.set_up(&attempt, typed.token.expose(), new, visit.deadline).await {
        Ok((user, signed_in)) => {
            sign_in_browser(&visit, user, &signed_in, &attempt).await?;
            Ok(see_other(&format!("/account?done={}", Notice::Registered.name())))
        }
        Err(error) => show(&visit, &typed.token, typed.user_name, Some(told(error, "password")?)).await,
    }
}

async fn show(
    visit: &Visit,
    token: &Secret<String>,
    user_name: String,
    error: Option<FormError>,
) -> Result<Response, PageError> {
    let rule = visit.state.services.registration.rule_of_first_admin().await?.into();
    let token = Concealed::from(token.expose().as_str());
    let frame = Frame::browser().with_error(error.as_ref());
    visit.page(frame, &SetupPage { token, user_name, rule, error })
}
