//! `/account/mfa/recommended?to=PATH`: a second step is recommended after a sign-in, and may be declined.

use actors::domain::{
    command::{DeclineMfa, SignIn, SignedIn},
    context::Attempt,
    policy::Verdict,
    user::SessionRef,
};
use axum::response::Response;
use schema::{ClientId, UserId};
use serde::Deserialize;

use super::{mfa, sign_in};
use crate::{
    error::PageError,
    extract::{
        Query, Submitted, Visit,
        visit::{Frame, is_local_path, see_other},
    },
    page::RecommendedPage,
};

const HERE: &str = "/account/mfa/recommended";
const FALLBACK: &str = "/account";

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    to: String,
}

/// Shows the recommendation.
pub async fn get(visit: Visit, Query(asked): Query<Asked>) -> Result<Response, PageError> {
    let session = visit.signed_in(mfa::HERE).await?;
    visit.page(Frame::session(&session), &RecommendedPage { to: local(asked.to) })
}

/// Declines it for a while, and goes on.
pub async fn decline(form: Submitted<Asked>) -> Result<Response, PageError> {
    let (visit, session, asked) = form.in_session(mfa::HERE).await?;
    let command = DeclineMfa { session: session.reference };
    if !visit.state.services.accounts.ask(session.user, &visit.attempt(), command, visit.deadline).await? {
        return Err(sign_in(FALLBACK));
    }
    Ok(see_other(&local(asked.to)))
}

/// Where a sign-in leads.
#[derive(Debug)]
pub struct Onward {
    /// The path.
    pub to: String,
    /// The application that is answered there, if one is.
    pub client: Option<ClientId>,
}

/// The way on after a sign-in: to where it leads, or past the recommendation.
pub async fn way_on(
    visit: &Visit,
    user: UserId,
    signed_in: &SignedIn,
    attempt: &Attempt,
    Onward { to, client }: Onward,
) -> Result<Response, PageError> {
    let secret_hash = SignIn::session_secret_hash(&attempt.seed);
    let session = SessionRef { session: signed_in.session, secret_hash };
    match visit.verdict(user, session, client).await? {
        Some(Verdict::Recommended) => {
            let to: String = url::form_urlencoded::byte_serialize(to.as_bytes()).collect();
            Ok(see_other(&format!("{HERE}?to={to}")))
        }
        // What is missing, be it the session, is asked for where the sign-in leads.
        Some(Verdict::Met | Verdict::StepUp | Verdict::Enrol { .. }) | None => Ok(see_other(&to)),
    }
}

/// No parameter leads out of this site.
fn local(to: String) -> String {
    if is_local_path(&to) { to } else { FALLBACK.to_owned() }
}
