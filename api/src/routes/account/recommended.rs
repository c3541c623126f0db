//! `/account/mfa/recommended?to=PATH`: a second step is recommended after a sign-in, and may be declined.

use actors::{
    domain::{
        command::{DeclineMfa, Demand, ExplainPolicies, Explained, SignIn, SignedIn},
        context::Attempt,
        policy::{Strength, Verdict},
        user::SessionRef,
    },
    policies::OPERATIONS_LEVEL,
};
use axum::response::Response;
use schema::UserId;
use serde::Deserialize;

use super::{mfa, sign_in};
use crate::{
    error::PageError,
    extract::{
        LiveSession, Query, Submitted, Visit,
        policy::Occasion,
        visit::{Frame, is_local_path, see_other},
    },
    page::{RecommendedPage, When},
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
    let open = open(&visit, &session).await?;
    let page = RecommendedPage {
        to: local(asked.to),
        until: open.iter().filter_map(|demand| demand.due_at).min().map(When::of),
        left: open.iter().filter_map(|demand| demand.skips_left).min(),
    };
    visit.page(Frame::session(&session), &page)
}

/// What is recommended to the user, and not there yet.
async fn open(visit: &Visit, session: &LiveSession) -> Result<Vec<Demand>, PageError> {
    let waiting = visit.waiting(session.user).await;
    let client = waiting.as_ref().and_then(|login| login.request()).map(|request| request.client.clone());
    let command = ExplainPolicies { policies: visit.policies().await?, client, operation: None };
    let explained = visit.state.services.accounts.ask(session.user, &visit.attempt(), command, visit.deadline).await?;
    let open = |one: &Explained| one.applies && one.strength == Strength::Recommended && one.missing.is_some();
    Ok(explained.unwrap_or_default().into_iter().filter(open).filter_map(|one| one.demand).collect())
}

/// Declines it for a while, and goes on.
pub async fn decline(form: Submitted<Asked>) -> Result<Response, PageError> {
    // Who must set up a device has nothing to decline.
    let (visit, session, asked) = form.in_session(FALLBACK).await?;
    let counted = visit.state.services.level.current() >= OPERATIONS_LEVEL;
    let command = DeclineMfa { session: session.reference, counted };
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
    /// What is done there.
    pub occasion: Occasion,
}

/// The way on after a sign-in: to where it leads, or past the recommendation.
pub async fn way_on(
    visit: &Visit,
    user: UserId,
    signed_in: &SignedIn,
    attempt: &Attempt,
    onward: Onward,
) -> Result<Response, PageError> {
    lead(visit, user, (signed_in, attempt), onward, false).await
}

/// The same for somebody whose second steps were just removed: past the recommendation, whatever there was to decline before.
pub async fn way_on_recovered(
    visit: &Visit,
    user: UserId,
    signed_in: &SignedIn,
    attempt: &Attempt,
    onward: Onward,
) -> Result<Response, PageError> {
    lead(visit, user, (signed_in, attempt), onward, true).await
}

async fn lead(
    visit: &Visit,
    user: UserId,
    (signed_in, attempt): (&SignedIn, &Attempt),
    Onward { to, occasion }: Onward,
    recovered: bool,
) -> Result<Response, PageError> {
    let secret_hash = SignIn::session_secret_hash(&attempt.seed);
    let session = SessionRef { session: signed_in.session, secret_hash };
    let verdict = if recovered {
        // Without any policy too: who must set up a device is not asked whether to.
        visit.judged(user, session, (visit.policies().await?, occasion)).await?
    } else {
        visit.verdict(user, session, occasion).await?
    };
    let recommended = match verdict {
        Some(Verdict::Recommended) => true,
        Some(Verdict::Met) => recovered,
        // What is missing, be it the session, is asked for where the sign-in leads.
        Some(Verdict::StepUp | Verdict::Enrol { .. }) | None => false,
    };
    if !recommended {
        return Ok(see_other(&to));
    }
    Ok(see_other(&path(&to)))
}

/// The recommendation, on the way to this path.
pub fn path(to: &str) -> String {
    let to: String = url::form_urlencoded::byte_serialize(to.as_bytes()).collect();
    format!("{HERE}?to={to}")
}

/// No parameter leads out of this site.
fn local(to: String) -> String {
    if is_local_path(&to) { to } else { FALLBACK.to_owned() }
}
