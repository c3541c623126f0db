//! `GET /`: where to go from here.

use axum::response::Response;

use crate::{
    error::PageError,
    extract::{Visit, visit::Frame},
    page::FrontPage,
};

/// Shows the front page.
pub async fn get(visit: Visit) -> Result<Response, PageError> {
    let session = visit.session().await?;
    visit.page(Frame::of(session.as_ref()), &FrontPage {})
}
