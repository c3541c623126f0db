//! `/login/recovery`: the second steps are all lost. A recovery is begun here, and completed when its wait is over.
//!
//! Whoever gets here has given the right password in this login, so what is said of the account is said to nobody else.

use actors::{
    call::CallError,
    domain::{
        command::{BeginRecovery, CompleteRecovery, RecoveryView, SendOutcome, SendRecoveryCode, ShowRecovery},
        context::Attempt,
        factor::totp,
    },
    secret::Secret,
};
use axum::{Router, response::Response, routing::get};
use schema::{UserId, record::Channel};
use serde::Deserialize;

use super::{
    Step, client_line, identified,
    judge::{Try, Verdict, onward, sign_in_browser},
    second_step,
    sent_code::judged,
};
use crate::{
    ApiState,
    error::PageError,
    extract::{
        LoginState, Query, Submitted, Visit,
        form::{Nothing, secret},
        visit::{Frame, see_other},
    },
    locale::text,
    page::{Cooldown, FormError, RecoveryPage, RecoveryStage, When},
    routes::account::recommended::way_on_recovered,
};

/// The level of the data from which on there are recoveries.
const LEVEL: u32 = 4;
const SECS_PER_DAY: u64 = 24 * 60 * 60;

/// The pages.
pub fn routes() -> Router<ApiState> {
    use axum::routing::post;
    Router::new()
        .route("/login/recovery", get(show_page).post(begin))
        .route("/login/recovery/send", post(send))
        .route("/login/recovery/complete", post(complete))
}

/// Are accounts recovered on this server? What that takes of an account, its owner knows.
pub fn is_offered(state: &ApiState) -> bool {
    let services = &state.services;
    let wait = services.settings.recovery_wait;
    !wait.is_zero() && services.notifier.can_send(Channel::Email) && services.level.current() >= LEVEL
}

/// Can a recovery of this account be completed now?
pub(super) async fn is_due(visit: &Visit, login: &LoginState) -> Result<bool, PageError> {
    Ok(is_offered(&visit.state) && matches!(look(visit, login).await?, RecoveryView::Due { .. }))
}

/// Where a login goes for it.
pub(super) fn path(login: &LoginState) -> String {
    format!("/login/recovery?l={}", login.label())
}

/// What was typed.
#[derive(Debug, Deserialize)]
pub struct Typed {
    #[serde(deserialize_with = "secret")]
    code: Secret<String>,
}

async fn show_page(visit: Visit, Query(step): Query<Step>) -> Result<Response, PageError> {
    let login = visit.login_step(&step.l).await?;
    show(&visit, &login, None).await
}

/// Begins a recovery. Sent twice it has begun once.
async fn begin(form: Submitted<Nothing>) -> Result<Response, PageError> {
    let (visit, login, Nothing {}) = form.in_login().await?;
    let user = here(&visit, &login)?;
    visit.may_cause_a_message()?;
    if !matches!(look(&visit, &login).await?, RecoveryView::Open { .. }) {
        // Nothing is begun, and the reminder of one that waits must not be put off. Why, the page tells.
        return Ok(see_other(&path(&login)));
    }
    // First, so that none is begun whose owner would not be reminded.
    visit.state.services.reminders.note(user).await.map_err(CallError::from)?;
    let command = BeginRecovery { login: second_step(&visit, &login, user), policies: visit.policies().await? };
    match visit.state.services.accounts.ask(user, &visit.attempt(), command, visit.deadline).await? {
        RecoveryView::LoginEnded => Err(visit.ended(&login.label()).await),
        RecoveryView::NotOffered
        | RecoveryView::Open { .. }
        | RecoveryView::Waiting { .. }
        | RecoveryView::Due { .. }
        | RecoveryView::Closed { .. } => Ok(see_other(&path(&login))),
    }
}

/// Sends the code that completes it, which replaces the one before.
async fn send(form: Submitted<Nothing>) -> Result<Response, PageError> {
    let (visit, login, Nothing {}) = form.in_login().await?;
    let user = here(&visit, &login)?;
    visit.may_cause_a_message()?;
    let command = SendRecoveryCode { login: second_step(&visit, &login, user), policies: visit.policies().await? };
    match visit.state.services.accounts.ask(user, &visit.attempt(), command, visit.deadline).await? {
        SendOutcome::Sent => {
            visit.keep_login(&login.with_code(visit.now()));
            Ok(see_other(&path(&login)))
        }
        // Why there is none any more, the page tells.
        SendOutcome::Ended => Ok(see_other(&path(&login))),
        SendOutcome::Wait { until } => show(&visit, &login, Some(visit.too_early(until))).await,
    }
}

/// Takes the code. What cannot be one is refused without being counted.
async fn complete(form: Submitted<Typed>) -> Result<Response, PageError> {
    let (visit, login, typed) = form.in_login().await?;
    let user = here(&visit, &login)?;
    let Some(code) = totp::parse_code(typed.code.expose()) else {
        let error = FormError::field("code", text("sent-malformed"));
        return show(&visit, &login, Some(error)).await;
    };
    let policies = visit.policies().await?;
    let tried = Try::begin(&visit)?;
    let command = CompleteRecovery { login: second_step(&visit, &login, user), code, policies };
    let sign_in = &visit.state.services.sign_in;
    let outcome = sign_in.sent_code(user, &tried.attempt, (Channel::Email, command), visit.deadline).await;
    let outcome = match judged(outcome) {
        Ok(Some(outcome)) => Ok(outcome),
        Ok(None) => {
            // It counts against the address, for the audit log has a line of it.
            let error = FormError::whole(text("recovery-ended"));
            return show(&visit, &login, Some(error)).await;
        }
        Err(error) => Err(error),
    };
    let wrong = FormError::field("code", text("sent-wrong"));
    match tried.verdict(outcome, wrong).await {
        Err(PageError::LoginEnded) => Err(visit.ended(&login.label()).await),
        Err(error) => Err(error),
        Ok((Verdict::Again(error), _)) => show(&visit, &login, Some(error)).await,
        Ok((Verdict::SignedIn(signed_in), attempt)) => recovered(&visit, login, user, (&signed_in, &attempt)).await,
        Ok((Verdict::SecondFactor(..), _)) => {
            Err(PageError::Internal("a second proof is asked for where all are gone"))
        }
    }
}

/// Signed in, and led to a new second step before anything else.
async fn recovered(
    visit: &Visit,
    login: LoginState,
    user: UserId,
    (signed_in, attempt): (&actors::domain::command::SignedIn, &Attempt),
) -> Result<Response, PageError> {
    sign_in_browser(visit, user, signed_in, attempt).await?;
    let onward = onward(visit, login, user);
    way_on_recovered(visit, user, signed_in, attempt, onward).await
}

/// The user of the login, where accounts are recovered.
fn here(visit: &Visit, login: &LoginState) -> Result<UserId, PageError> {
    let user = identified(login)?;
    if is_offered(&visit.state) { Ok(user) } else { Err(PageError::NotFound) }
}

async fn look(visit: &Visit, login: &LoginState) -> Result<RecoveryView, PageError> {
    let user = identified(login)?;
    let command = ShowRecovery { login: second_step(visit, login, user), policies: visit.policies().await? };
    Ok(visit.state.services.accounts.ask(user, &visit.attempt(), command, visit.deadline).await?)
}

async fn show(visit: &Visit, login: &LoginState, error: Option<FormError>) -> Result<Response, PageError> {
    here(visit, login)?;
    let stage = match look(visit, login).await? {
        RecoveryView::LoginEnded => return Err(visit.ended(&login.label()).await),
        RecoveryView::NotOffered => RecoveryStage::NotOffered,
        RecoveryView::Open { wait } => RecoveryStage::Open { days: wait.as_secs().div_ceil(SECS_PER_DAY) },
        RecoveryView::Waiting { begun_at, due_at } => {
            RecoveryStage::Waiting { begun: When::of(begun_at), due: When::of(due_at) }
        }
        RecoveryView::Due { until, to, sent } => {
            let again = sent.and_then(|again_at| Cooldown::until(visit.now(), again_at));
            RecoveryStage::Due { until: When::of(until), to, sent: sent.is_some(), again }
        }
        RecoveryView::Closed { until } => RecoveryStage::Closed { until: until.map(When::of) },
    };
    let frame = Frame::login(login).with_error(error.as_ref());
    let client = client_line(visit, login).await?;
    visit.page(frame, &RecoveryPage { login: login.label(), client, stage, ways: login.next_step(), error })
}
