//! `/dev/inbox`: what a development server would have sent. It exists in development mode only, where no relay is configured,
//! and answers this machine alone.

use axum::response::Response;

use crate::{
    error::PageError,
    extract::{Visit, visit::Frame},
    page::{Concealed, InboxPage, LetterRow, When},
};

/// Shows the messages.
pub async fn get(visit: Visit) -> Result<Response, PageError> {
    let inbox = visit.state.inbox.as_ref().filter(|_| !visit.state.settings.https());
    let inbox = inbox.filter(|_| visit.caller.address.is_loopback()).ok_or(PageError::NotFound)?;
    let letters = inbox.newest_first().into_iter().map(|(at, mail)| LetterRow {
        to: mail.to,
        subject: mail.subject,
        text: Concealed::from(mail.text.as_str()),
        at: When::of(at),
    });
    visit.page(Frame::browser(), &InboxPage { letters: letters.collect() })
}
