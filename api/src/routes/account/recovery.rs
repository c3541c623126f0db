//! `/account/recovery/cancel`: somebody who is signed in cancels a recovery of the account.

use actors::domain::command::{CancelOutcome, CancelRecovery, CancelWith};
use axum::response::Response;

use super::{HERE, done};
use crate::{
    error::PageError,
    extract::{Submitted, form::Nothing, visit::see_other},
    page::Notice,
};

/// Cancels it. It need not be there any more: the same form may be sent twice.
pub async fn cancel(form: Submitted<Nothing>) -> Result<Response, PageError> {
    let (visit, session, Nothing {}) = form.in_session(HERE).await?;
    let command = CancelRecovery { with: CancelWith::Session(session.reference), confirmed: true };
    match visit.state.services.accounts.ask(session.user, &visit.attempt(), command, visit.deadline).await? {
        CancelOutcome::Cancelled => Ok(done(HERE, Notice::RecoveryCancelled)),
        CancelOutcome::Good { .. } | CancelOutcome::Ended => Ok(see_other(HERE)),
    }
}
