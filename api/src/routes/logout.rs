//! `/logout`: the button in the header, and what it leads to. What a client begins is `/oauth/logout`.

use actors::domain::command::EndSession;
use axum::response::Response;

use crate::{
    error::PageError,
    extract::{
        Submitted, Visit,
        form::Nothing,
        visit::{Frame, see_other},
    },
    page::LoggedOutPage,
};

/// Says that nobody is signed in, if that is so.
pub async fn get(visit: Visit) -> Result<Response, PageError> {
    match visit.session().await? {
        Some(_) => Ok(see_other("/account")),
        None => visit.page(Frame::browser(), &LoggedOutPage::default()),
    }
}

/// Ends the session. Whoever is signed out already is told the same.
pub async fn post(form: Submitted<Nothing>) -> Result<Response, PageError> {
    let (visit, session, Nothing {}) = form.in_session_if_any("/account").await?;
    if let Some(session) = session {
        let command = EndSession { session: session.view.session };
        let accounts = &visit.state.services.accounts;
        accounts.ask(session.user, &visit.attempt(), command, visit.deadline).await?;
    }
    visit.forget_session();
    Ok(see_other("/logout"))
}
