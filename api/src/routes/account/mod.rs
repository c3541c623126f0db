//! `/account`: what a signed-in user sees and changes.

pub mod backup_codes;
pub mod email;
pub mod mfa;
pub mod password;
pub mod reauthenticate;
pub mod sessions;
pub mod totp;

use actors::domain::command::{Overview, OverviewOutcome};
use axum::response::Response;
use schema::{Timestamp, record::FactorState};
use serde::Deserialize;

use crate::{
    error::PageError,
    extract::{
        LiveSession, Query, Visit,
        visit::{Frame, see_other},
    },
    page::{AccountPage, EmailLine, Notice, When},
};

const HERE: &str = "/account";

/// The query of pages that say what the step before did.
#[derive(Debug, Default, Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
}

impl Done {
    fn notice(&self) -> Option<Notice> {
        Notice::named(&self.done)
    }
}

/// Shows the account.
pub async fn get(visit: Visit, Query(done): Query<Done>) -> Result<Response, PageError> {
    let session = visit.signed_in(HERE).await?;
    let account = overview(&visit, &session, HERE).await?;
    let active = |state: FactorState| matches!(state, FactorState::Activated { .. });
    let authenticators = account.totps.iter().filter(|t| active(t.state)).count();
    let page = AccountPage {
        user_name: account.user_name,
        email: account.email.map(|address| EmailLine { address, verified: account.email_verified }),
        created: when(account.created_at),
        password_set: account.password_changed_at.map(when),
        authenticators,
        emails: account.emails.iter().filter(|e| active(e.state)).count(),
        backup_codes_left: account.backup_codes_left,
        sessions: account.sessions.len(),
        notice: done.notice(),
    };
    visit.page(Frame::session(&session), &page)
}

/// What the account holds; `here` is where somebody whose account is gone comes back to.
async fn overview(visit: &Visit, session: &LiveSession, here: &str) -> Result<OverviewOutcome, PageError> {
    let accounts = &visit.state.services.accounts;
    let account = accounts.ask(session.user, &visit.attempt(), Overview, visit.deadline).await?;
    account.ok_or_else(|| sign_in(here))
}

/// The session has ended: sign in, then come back.
fn sign_in(back: &str) -> PageError {
    PageError::SignInNeeded { back: back.to_owned() }
}

/// Proofs are not fresh enough: give them again, then come back.
fn reauthenticate(back: &str) -> Response {
    let to: String = url::form_urlencoded::byte_serialize(back.as_bytes()).collect();
    see_other(&format!("/account/reauthenticate?to={to}"))
}

/// Back to a page that says what was done.
fn done(path: &str, notice: Notice) -> Response {
    see_other(&format!("{path}?done={}", notice.name()))
}

fn when(at: Timestamp) -> When {
    When::from_unix_secs(at.as_secs())
}
