//! `/login/email`: a code that was sent by e-mail as the second proof. Opening the page sends nothing.

use actors::{
    call::CallError,
    domain::{
        command::{LoginRef, SendLoginCode, SendOutcome, ShowLoginCode, VerifyEmailCode, VerifyEmailCodeOutcome},
        factor::totp,
    },
    secret::Secret,
};
use axum::response::Response;
use schema::FactorId;
use serde::Deserialize;

use super::{
    Step, client_line, identified,
    judge::{Judged, Try},
    second_step,
};
use crate::{
    error::PageError,
    extract::{
        LoginState, Query, Submitted, Visit,
        form::secret,
        trust::Ticked,
        visit::{Frame, see_other},
    },
    page::{AddressChoice, Cooldown, EmailCodePage, FormError, SentLine},
};

/// Which address.
#[derive(Debug, Deserialize)]
pub struct Chosen {
    #[serde(default)]
    address: String,
}

/// What was typed.
#[derive(Debug, Deserialize)]
pub struct Typed {
    #[serde(deserialize_with = "secret")]
    code: Secret<String>,
    #[serde(default)]
    trust: Ticked,
}

/// Shows the form, or asks where to send a code.
pub async fn get(visit: Visit, Query(step): Query<Step>) -> Result<Response, PageError> {
    let login = visit.login_step(&step.l).await?;
    identified(&login)?;
    show(&visit, &login, &Ticked::default(), None).await
}

/// Sends a code, which replaces the one before.
pub async fn post_send(form: Submitted<Chosen>) -> Result<Response, PageError> {
    let (visit, login, chosen) = form.in_login().await?;
    let factor = match chosen.address.as_str() {
        "" => None,
        id => Some(id.parse().map_err(|_| PageError::BadRequest("not the id of an address"))?),
    };
    match send(&visit, &login, factor).await? {
        SendOutcome::Sent => Ok(see_other(&format!("/login/email?l={}", login.label()))),
        SendOutcome::Wait { until } => show(&visit, &login, &Ticked::default(), Some(visit.too_early(until))).await,
        SendOutcome::Ended => Err(visit.ended(&login.label()).await),
    }
}

/// Has a code sent for a login.
pub(super) async fn send(
    visit: &Visit,
    login: &LoginState,
    factor: Option<FactorId>,
) -> Result<SendOutcome, PageError> {
    let user = identified(login)?;
    visit.may_cause_a_message()?;
    let command = SendLoginCode { login: second_step(visit, login, user), factor };
    Ok(visit.state.services.accounts.ask(user, &visit.attempt(), command, visit.deadline).await?)
}

/// Takes the code. What cannot be one is refused without being counted.
pub async fn post(form: Submitted<Typed>) -> Result<Response, PageError> {
    let (visit, login, typed) = form.in_login().await?;
    let user = identified(&login)?;
    let Some(code) = totp::parse_code(typed.code.expose()) else {
        let error = FormError::field("code", "Enter the 6 digits from the newest message.");
        return show(&visit, &login, &typed.trust, Some(error)).await;
    };
    let tried = Try::begin(&visit)?;
    let of = LoginRef { trust: visit.wanted_trust(&typed.trust), ..second_step(&visit, &login, user) };
    let command = VerifyEmailCode { login: of, code };
    let outcome = visit.state.services.accounts.ask(user, &tried.attempt, command, visit.deadline).await;
    let outcome = match judged(outcome) {
        Ok(Some(outcome)) => Ok((Some(user), outcome)),
        Ok(None) => {
            tried.not_counted();
            let error = FormError::whole("The code is not good any more. Ask for another one.");
            return show(&visit, &login, &typed.trust, Some(error)).await;
        }
        Err(error) => Err(error),
    };
    let wrong = FormError::field("code", "This code is not right. Enter the one from the newest message.");
    match tried.judge(login.clone(), outcome, wrong).await? {
        Judged::Done(response) => Ok(response),
        Judged::Again(error) => show(&visit, &login, &typed.trust, Some(error)).await,
    }
}

/// What came of a code; `None` if there is none that it could be.
fn judged(
    outcome: Result<VerifyEmailCodeOutcome, CallError>,
) -> Result<Option<actors::domain::command::SignInOutcome>, CallError> {
    match outcome? {
        VerifyEmailCodeOutcome::Judged(outcome) => Ok(Some(outcome)),
        VerifyEmailCodeOutcome::NoCode => Ok(None),
    }
}

async fn show(
    visit: &Visit,
    login: &LoginState,
    ticked: &Ticked,
    error: Option<FormError>,
) -> Result<Response, PageError> {
    let user = identified(login)?;
    let command = ShowLoginCode { login: second_step(visit, login, user) };
    let shown = visit.state.services.accounts.ask(user, &visit.attempt(), command, visit.deadline).await?;
    let Some(shown) = shown else { return Err(visit.ended(&login.label()).await) };
    let frame = Frame::login(login).with_error(error.as_ref());
    let (client, now) = (client_line(visit, login).await?, visit.now());
    let page = EmailCodePage {
        login: login.label(),
        client,
        sent: shown.sent.map(|(to, again_at)| SentLine { to, again: Cooldown::until(now, again_at) }),
        addresses: shown
            .addresses
            .into_iter()
            .map(|(factor, hidden)| AddressChoice { id: factor.to_string(), hidden })
            .collect(),
        totp: login.ways.totp,
        trust: visit.trust_box(ticked),
        passkey: login.ways.passkey,
        error,
    };
    visit.page(frame, &page)
}
