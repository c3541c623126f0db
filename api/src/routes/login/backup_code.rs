//! `/login/backup-code`: a backup code as the second proof.

use actors::{
    domain::{factor::backup_code, trusted_device::Trust},
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
    extract::{LoginState, Query, Submitted, Visit, form::secret, visit::Frame},
    locale::text,
    page::{BackupCodePage, FormError},
};

/// What was typed.
#[derive(Debug, Deserialize)]
pub struct Typed {
    #[serde(deserialize_with = "secret")]
    code: Secret<String>,
}

/// Shows the form.
pub async fn get(visit: Visit, Query(step): Query<Step>) -> Result<Response, PageError> {
    let login = visit.login_step(&step.l).await?;
    identified(&login)?;
    show(&visit, &login, None).await
}

/// Takes the code. What cannot be one is refused without being counted.
pub async fn post(form: Submitted<Typed>) -> Result<Response, PageError> {
    let (visit, login, typed) = form.in_login().await?;
    let user = identified(&login)?;
    let Some(code) = backup_code::parse(typed.code.expose()) else {
        let error = FormError::field("code", text("backup-code-malformed"));
        return show(&visit, &login, Some(error)).await;
    };
    let of = proving(&visit, &login, user, Trust::None).await?;
    let tried = Try::begin(&visit)?;
    let sign_in = &visit.state.services.sign_in;
    let outcome = sign_in.backup_code(user, &tried.attempt, of, code, visit.deadline).await;
    let outcome = outcome.map(|outcome| (Some(user), outcome));
    let wrong = FormError::field("code", text("backup-code-wrong"));
    match tried.judge(login.clone(), outcome, wrong).await? {
        Judged::Done(response) => Ok(response),
        Judged::Again(error) => show(&visit, &login, Some(error)).await,
    }
}

async fn show(visit: &Visit, login: &LoginState, error: Option<FormError>) -> Result<Response, PageError> {
    let frame = Frame::login(login).with_error(error.as_ref());
    let client = client_line(visit, login).await?;
    visit.page(frame, &BackupCodePage { login: login.label(), client, ways: login.next_step(), error })
}
