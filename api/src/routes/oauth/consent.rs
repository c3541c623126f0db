//! `/consent`: the user allows or denies what a client of somebody else asks for, and confirms an operation. The answer counts for
//! the user who was asked, in the browser that was asked, and for that very request.

use axum::{
    extract::Query,
    response::{IntoResponse, Redirect, Response},
};
use schema::UserId;
use serde::Deserialize;

use super::answer::{Question, Step, refuse, step};
use crate::{
    error::{
        PageError,
        oauth::{ErrorCode, OAuthError},
    },
    extract::{LoginState, Submitted, Visit, visit::Frame},
    page::{ConsentPage, OperationLines, OperationPage, ScopeLine},
};

/// The login whose request is asked about.
#[derive(Debug, Deserialize)]
pub(super) struct Reference {
    l: String,
}

/// The answer.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    decision: Decision,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Decision {
    Allow,
    Deny,
}

/// Shows the question.
pub(super) async fn get(visit: Visit, Query(reference): Query<Reference>) -> Result<Response, PageError> {
    let login = visit.login(&reference.l).await?;
    go_on(&visit, login, None).await
}

/// Takes the answer.
pub(super) async fn post(form: Submitted<Answer>) -> Result<Response, PageError> {
    let (visit, login, answer) = form.in_login().await?;
    match answer.decision {
        Decision::Allow => {
            let user = login.user;
            go_on(&visit, login, user).await
        }
        Decision::Deny => {
            let request = login.request().ok_or(PageError::LoginEnded)?;
            let error = OAuthError::new(ErrorCode::AccessDenied, "the user did not allow it");
            let response = refuse(&visit.state, visit.locale(), &request.return_to(), &error)?;
            visit.end_login(&login);
            Ok(response)
        }
    }
}

/// `allowed`: who said yes. If somebody else is signed in by now, that one is asked.
async fn go_on(visit: &Visit, mut login: LoginState, allowed: Option<UserId>) -> Result<Response, PageError> {
    let request = login.request().ok_or(PageError::LoginEnded)?;
    match step(visit, request, allowed).await? {
        Step::Answered(response) => {
            visit.end_login(&login);
            Ok(response)
        }
        Step::Raise | Step::SignIn(_) | Step::Enrol(_) | Step::Recommend(_) | Step::NewPassword(_) => {
            Ok(Redirect::to(&format!("/oauth/authorize/continue?l={}", login.label())).into_response())
        }
        Step::Consent(question) => {
            login.user = Some(question.user);
            visit.keep_login(&login);
            show(visit, &login, question)
        }
    }
}

fn show(visit: &Visit, login: &LoginState, question: Question) -> Result<Response, PageError> {
    let (frame, scopes) = (Frame::login(login), ScopeLine::all(&question.scopes));
    let (login, client, user_name) = (login.label(), question.client, question.user_name);
    if question.details.is_empty() {
        return visit.page(frame, &ConsentPage { login, client, user_name, scopes });
    }
    let operations = OperationLines::all(&question.details);
    visit.page(frame, &OperationPage { login, client, user_name, operations, scopes })
}
