//! `/account/sessions`: where the user is signed in, which browsers are trusted, and ending both.

use actors::domain::command::{EndAllSessions, EndSession, ForgetOutcome, ForgetTrusted};
use axum::response::Response;
use schema::{FactorId, SessionId};
use serde::Deserialize;

use super::{Done, done, overview, sign_in};
use crate::{
    error::PageError,
    extract::{
        Query, Submitted, Visit,
        form::Nothing,
        visit::{Frame, see_other},
    },
    page::{Notice, SessionRow, SessionsPage, TrustedRow, When, describe_user_agent},
};

const HERE: &str = "/account/sessions";

/// Which one to end.
#[derive(Debug, Deserialize)]
pub struct Chosen {
    session: String,
}

/// Which browser to forget.
#[derive(Debug, Deserialize)]
pub struct ChosenBrowser {
    device: String,
}

/// Lists the sessions, this one first, then the last used.
pub async fn get(visit: Visit, Query(done): Query<Done>) -> Result<Response, PageError> {
    let session = visit.signed_in(HERE).await?;
    let account = overview(&visit, &session, HERE).await?;
    let mut sessions: Vec<SessionRow> = account
        .sessions
        .into_iter()
        .map(|shown| SessionRow {
            id: shown.session.to_string(),
            browser: describe_user_agent(shown.user_agent.as_deref()),
            address: shown.address,
            started: When::of(shown.started_at),
            last_seen: When::of(shown.last_seen_at),
            current: shown.session == session.view.session,
        })
        .collect();
    sessions.sort_by_key(|row| !row.current);
    let trusted = account.trusted.into_iter().map(|shown| TrustedRow {
        id: shown.device.to_string(),
        browser: describe_user_agent(shown.user_agent.as_deref()),
        since: When::of(shown.created_at),
        last_used: When::of(shown.last_used_at),
        until: When::of(shown.expires_at),
    });
    let page = SessionsPage { sessions, trusted: trusted.collect(), notice: done.notice() };
    visit.page(Frame::session(&session), &page)
}

/// Ends one. It need not be there any more: the same form may be sent twice.
pub async fn end(form: Submitted<Chosen>) -> Result<Response, PageError> {
    let (visit, session, chosen) = form.in_session(HERE).await?;
    let id: SessionId = chosen.session.parse().map_err(|_| PageError::BadRequest("not the id of a session"))?;
    let accounts = &visit.state.services.accounts;
    accounts.ask(session.user, &visit.attempt(), EndSession { session: id }, visit.deadline).await?;
    if id == session.view.session {
        visit.forget_session();
        return Ok(see_other("/logout"));
    }
    Ok(done(HERE, Notice::SessionEnded))
}

/// Trusts one browser no more. It need not be trusted any more: the same form may be sent twice.
pub async fn forget(form: Submitted<ChosenBrowser>) -> Result<Response, PageError> {
    let (visit, session, chosen) = form.in_session(HERE).await?;
    let device: FactorId = chosen.device.parse().map_err(|_| PageError::BadRequest("not the id of a browser"))?;
    let command = ForgetTrusted { session: session.reference, device: Some(device) };
    let accounts = &visit.state.services.accounts;
    match accounts.ask(session.user, &visit.attempt(), command, visit.deadline).await? {
        ForgetOutcome::Forgotten { .. } => Ok(done(HERE, Notice::TrustForgotten)),
        ForgetOutcome::SessionEnded => Err(sign_in(HERE)),
    }
}

/// Ends all, this one too.
pub async fn end_all(form: Submitted<Nothing>) -> Result<Response, PageError> {
    let (visit, session, Nothing {}) = form.in_session(HERE).await?;
    let accounts = &visit.state.services.accounts;
    accounts.ask(session.user, &visit.attempt(), EndAllSessions { except: None }, visit.deadline).await?;
    visit.forget_session();
    Ok(see_other("/logout"))
}
