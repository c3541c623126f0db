//! `/reset?token=`: the link that an operator printed sets a new password, once. It signs nobody in.

use actors::{
    domain::{
        command::{ResetPassword, ResetPasswordOutcome},
        factor::password::Policy,
    },
    locator::ResetLocator,
    secret::Secret,
};
use axum::response::Response;
use serde::Deserialize;

use super::{account::password::rebound, register::told};
use crate::{
    error::PageError,
    extract::{
        Link, Query, Submitted, Visit,
        form::secret,
        visit::{Frame, see_other},
    },
    page::{Concealed, FormError, ResetPage},
};

/// What was typed.
#[derive(Debug, Deserialize)]
pub struct Typed {
    #[serde(deserialize_with = "secret")]
    token: Secret<String>,
    #[serde(deserialize_with = "secret")]
    new_password: Secret<String>,
}

/// Shows the form. Consumes nothing.
pub async fn get(visit: Visit, Query(link): Query<Link>) -> Result<Response, PageError> {
    let locator = open(&visit, link.token())?;
    let user_name = whose(&visit, &locator).await?;
    let rule = visit.password_policy(locator.user).await?;
    show(&visit, link.token(), (user_name, rule), None)
}

/// Sets the password.
pub async fn post(form: Submitted<Typed>) -> Result<Response, PageError> {
    let (visit, typed) = form.in_browser("/")?;
    let locator = open(&visit, &typed.token)?;
    let user_name = whose(&visit, &locator).await?;
    let registration = &visit.state.services.registration;
    let rule = visit.password_policy(locator.user).await?;
    let hash = registration.hash_new_password(&rule, &typed.new_password, &[&user_name], visit.deadline).await;
    let hash = match hash {
        Ok(hash) => hash,
        Err(error) => return show(&visit, &typed.token, (user_name, rule), Some(told(error, "new_password")?)),
    };
    match ask(&visit, &locator, Some(hash)).await? {
        ResetPasswordOutcome::Done => {
            rebound(&visit, &user_name).await;
            Ok(see_other("/login"))
        }
        ResetPasswordOutcome::Good { .. } | ResetPasswordOutcome::Ended => Err(PageError::LinkEnded),
    }
}

fn open(visit: &Visit, token: &Secret<String>) -> Result<ResetLocator, PageError> {
    visit.state.locators().open_reset(token.expose()).map_err(|_| PageError::LinkEnded)
}

/// The name of the link's user, if the link is good.
async fn whose(visit: &Visit, locator: &ResetLocator) -> Result<String, PageError> {
    match ask(visit, locator, None).await? {
        ResetPasswordOutcome::Good { user_name, .. } => Ok(user_name),
        ResetPasswordOutcome::Done | ResetPasswordOutcome::Ended => Err(PageError::LinkEnded),
    }
}

async fn ask(
    visit: &Visit,
    locator: &ResetLocator,
    new_hash: Option<String>,
) -> Result<ResetPasswordOutcome, PageError> {
    let command = ResetPassword { reset: locator.reset, secret_hash: locator.secret_hash.clone(), new_hash };
    let accounts = &visit.state.services.accounts;
    Ok(accounts.ask(locator.user, &visit.attempt(), command, visit.deadline).await?)
}

fn show(
    visit: &Visit,
    token: &Secret<String>,
    (user_name, rule): (String, Policy),
    error: Option<FormError>,
) -> Result<Response, PageError> {
    let token = Concealed::from(token.expose().as_str());
    let frame = Frame::browser().with_error(error.as_ref());
    visit.page(frame, &ResetPage { token, user_name, rule: rule.into(), error })
}
