//! `/login/totp`: a code of an authenticator app as the second proof.

use actors::{
    domain::{command::VerifyTotp, factor::totp},
    secret::Secret,
};
use axum::response::Response;
use serde::Deserialize;

use super::{
    Step, client_line, identified,
    judge::{Judged, Try},
    proving,
};
use crate::{
    error::PageError,
    extract::{LoginState, Query, Submitted, Visit, form::secret, trust::Ticked, visit::Frame},
    locale::text,
    page::{FormError, TotpPage},
};

/// What was typed.
#[derive(Debug, Deserialize)]
pub struct Typed {
    #[serde(deserialize_with = "secret")]
    code: Secret<String>,
    #[serde(default)]
    trust: Ticked,
}

/// Shows the form.
pub async fn get(visit: Visit, Query(step): Query<Step>) -> Result<Response, PageError> {
    let login = visit.login_step(&step.l).await?;
    identified(&login)?;
    show(&visit, &login, &Ticked::default(), None).await
}

/// Takes the code. What cannot be one is refused without being counted.
pub async fn post(form: Submitted<Typed>) -> Result<Response, PageError> {
    let (visit, login, typed) = form.in_login().await?;
    let user = identified(&login)?;
    let Some(code) = totp::parse_code(typed.code.expose()) else {
        let error = FormError::field("code", text("totp-malformed"));
        return show(&visit, &login, &typed.trust, Some(error)).await;
    };
    let of = proving(&visit, &login, user, visit.wanted_trust(&typed.trust)).await?;
    let tried = Try::begin(&visit)?;
    let command = VerifyTotp { login: of, code };
    let outcome = visit.state.services.accounts.ask(user, &tried.attempt, command, visit.deadline).await;
    let outcome = outcome.map(|outcome| (Some(user), outcome));
    let wrong = FormError::field("code", text("totp-wrong"));
    match tried.judge(login.clone(), outcome, wrong).await? {
        Judged::Done(response) => Ok(response),
        Judged::Again(error) => show(&visit, &login, &typed.trust, Some(error)).await,
    }
}

async fn show(
    visit: &Visit,
    login: &LoginState,
    ticked: &Ticked,
    error: Option<FormError>,
) -> Result<Response, PageError> {
    let frame = Frame::login(login).with_error(error.as_ref());
    let client = client_line(visit, login).await?;
    let trust = visit.trust_box(ticked);
    visit.page(frame, &TotpPage { login: login.label(), client, ways: login.next_step(), trust, error })
}
