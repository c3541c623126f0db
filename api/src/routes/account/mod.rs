//! `/account`: what a signed-in user sees and changes.

pub mod address;
mod address_allowance;
pub mod address_link;
pub mod address_rename;
pub mod backup_codes;
pub mod mfa;
pub mod own_address;
pub mod passkey;
pub mod password;
pub mod reauthenticate;
pub mod recommended;
pub mod recovery;
pub mod sessions;
pub mod totp;

use actors::domain::{
    command::{AddressView, ConfirmOutcome, Overview, OverviewOutcome},
    device::active_since,
};
use axum::response::Response;
use schema::FactorId;
use serde::Deserialize;

use crate::{
    error::PageError,
    extract::{
        LiveSession, Query, Visit,
        visit::{Frame, see_other},
    },
    locale::Text,
    page::{AccountPage, EmailLine, FormError, Notice, RecoveryLine, When},
    routes::login::judge::{Try, suspended},
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
    let authenticators = account.totps.iter().filter(|t| active_since(t.state).is_some()).count();
    let page = AccountPage {
        user_name: account.user_name,
        email: account.email.map(|address| EmailLine { address, verified: account.email_verified }),
        email_changes: own_address::is_offered(&visit),
        created: When::of(account.created_at),
        password_set: account.password_changed_at.map(When::of),
        authenticators,
        emails: in_force(&account.emails),
        phones: in_force(&account.phones),
        passkeys: account.passkeys.len(),
        backup_codes_left: account.backup_codes_left,
        sessions: account.sessions.len(),
        recovery: account.recovery.map(|of| RecoveryLine { begun: When::of(of.begun_at), due: When::of(of.due_at) }),
        notice: done.notice(),
    };
    visit.page(Frame::session(&session), &page)
}

fn in_force(addresses: &[AddressView]) -> usize {
    addresses.iter().filter(|address| active_since(address.state).is_some()).count()
}

/// How many devices of every method count at sign-in.
fn devices(account: &OverviewOutcome) -> usize {
    let totps = account.totps.iter().filter(|totp| active_since(totp.state).is_some()).count();
    totps + in_force(&account.emails) + in_force(&account.phones) + account.passkeys.len()
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

/// What awaits its confirmation is not shown: it was confirmed, the proofs are not fresh, or there is nothing at this path any more.
async fn not_shown(
    visit: &Visit,
    session: &LiveSession,
    (factor, path): (FactorId, &str),
) -> Result<Response, PageError> {
    let account = overview(visit, session, mfa::HERE).await?;
    let totp = account.totps.iter().any(|totp| totp.factor == factor && active_since(totp.state).is_some());
    let confirmed = totp || account.passkeys.iter().any(|passkey| passkey.factor == factor);
    let over = confirmed || visit.may_change_at(session, mfa::HERE).await?;
    Ok(if over { see_other(mfa::HERE) } else { reauthenticate(path) })
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

/// How the confirmation of a device is told.
struct Confirming {
    /// Where the device is confirmed, to come back to after fresh proofs.
    path: String,
    /// What is said of a device that counts from now on, where no backup codes are shown.
    notice: Notice,
    /// What is said of a wrong code.
    wrong: Text,
}

/// What a code that confirms a device came to: an answer, or the form again. The page with the backup codes is the answer itself,
/// if there are new ones: they are shown once.
fn confirmed(
    visit: &Visit,
    session: &LiveSession,
    tried: Try<'_>,
    outcome: ConfirmOutcome,
    told: &Confirming,
) -> Result<Result<Response, FormError>, PageError> {
    let error = match outcome {
        ConfirmOutcome::Activated { signed_in, backup_taken } => {
            let attempt = tried.not_counted();
            visit.set_session(session.user, &signed_in, &attempt);
            return if backup_taken {
                backup_codes::show_once(visit, session, &attempt).map(Ok)
            } else {
                Ok(Ok(done(mfa::HERE, told.notice)))
            };
        }
        ConfirmOutcome::AlreadyActivated => return Ok(Ok(done(mfa::HERE, told.notice))),
        ConfirmOutcome::Ended => return Ok(Ok(see_other(mfa::HERE))),
        ConfirmOutcome::SessionEnded => return Err(sign_in(mfa::HERE)),
        ConfirmOutcome::NotFresh => return Ok(Ok(reauthenticate(&told.path))),
        ConfirmOutcome::Wrong => FormError::field("code", told.wrong.clone()),
        ConfirmOutcome::Throttled { until } => visit.cool_down(until),
        ConfirmOutcome::Suspended => suspended(),
    };
    Ok(Err(error))
}
