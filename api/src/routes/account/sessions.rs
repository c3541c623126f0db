//! `/account/sessions`: where the user is signed in, and ending that.

use actors::domain::command::{EndAllSessions, EndSession};
use axum::response::Response;
use schema::SessionId;
use serde::Deserialize;

use super::{Done, done, overview, when};
use crate::{
    error::PageError,
    extract::{
        Query, Submitted, Visit,
        visit::{Frame, see_other},
    },
    page::{Notice, SessionRow, SessionsPage, describe_user_agent},
};

const HERE: &str = "/account/sessions";

/// Which one to end.
#[derive(Debug, Deserialize)]
pub struct Chosen {
    session: String,
}

/// A form without fields of its own.
#[derive(Debug, Deserialize)]
pub struct Nothing {}

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
            started: when(shown.started_at),
            last_seen: when(shown.last_seen_at),
            current: shown.session == session.view.session,
        })
        .collect();
    sessions.sort_by_key(|row| !row.current);
    visit.page(Frame::session(&session), &SessionsPage { sessions, notice: done.notice() })
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

/// Ends all, this one too.
pub async fn end_all(form: Submitted<Nothing>) -> Result<Response, PageError> {
    let (visit, session, Nothing {}) = form.in_session(HERE).await?;
    let accounts = &visit.state.services.accounts;
    accounts.ask(session.user, &visit.attempt(), EndAllSessions { except: None }, visit.deadline).await?;
    visit.forget_session();
    Ok(see_other("/logout"))
}
