//! `/account/mfa/{way}/{factor}/rename`: another name for an address that gets codes, or none.

use actors::domain::{
    address,
    command::{AddressView, OverviewOutcome, RenameAddress, RenameOutcome},
    device::active_since,
};
use axum::{extract::Path, response::Response};
use schema::{FactorId, record::Channel};
use serde::Deserialize;

use super::{
    address::read,
    done,
    mfa::{HERE, name_of},
    overview, sign_in,
};
use crate::{
    error::PageError,
    extract::{
        LiveSession, Submitted, Visit,
        visit::{Frame, see_other},
    },
    locale::text,
    page::{AddressRenamePage, FormError, Notice},
};

/// The level of the data from which on every node knows of other names.
const LEVEL: u32 = 4;

/// Another name, or none.
#[derive(Debug, Deserialize)]
pub struct Renamed {
    #[serde(default)]
    name: String,
}

/// Does every node of the cluster know how an address is renamed?
pub(super) fn is_known(visit: &Visit) -> bool {
    visit.state.services.level.current() >= LEVEL
}

/// Asks for another name.
pub(super) async fn ask(way: Channel, visit: Visit, Path(factor): Path<String>) -> Result<Response, PageError> {
    let factor = read(&factor)?;
    let session = visit.signed_in(HERE).await?;
    let account = overview(&visit, &session, HERE).await?;
    let Some(AddressView { name, address, .. }) = found(account, way, factor) else { return Ok(see_other(HERE)) };
    let page = AddressRenamePage { way: address::name(way), factor: factor.to_string(), address, name, error: None };
    visit.page(Frame::session(&session), &page)
}

/// Gives it another name.
pub(super) async fn rename(
    way: Channel,
    Path(factor): Path<String>,
    form: Submitted<Renamed>,
) -> Result<Response, PageError> {
    let factor = read(&factor)?;
    let (visit, session, typed) = form.in_session(HERE).await?;
    if !is_known(&visit) {
        return Err(PageError::NotFound);
    }
    let (name, wrong) = match typed.name.trim() {
        "" => (String::new(), None),
        named => name_of(named, text("device-name-control")),
    };
    if let Some(wrong) = wrong {
        return again(way, &visit, &session, (factor, name, FormError::field("name", wrong))).await;
    }
    let command = RenameAddress { session: session.reference.clone(), channel: way, factor, name };
    let accounts = &visit.state.services.accounts;
    match accounts.ask(session.user, &visit.attempt(), command, visit.deadline).await? {
        RenameOutcome::Renamed => Ok(done(HERE, notice(way))),
        RenameOutcome::Gone => Ok(see_other(HERE)),
        RenameOutcome::SessionEnded => Err(sign_in(HERE)),
    }
}

/// The form once more, with what was typed.
async fn again(
    way: Channel,
    visit: &Visit,
    session: &LiveSession,
    (factor, name, error): (FactorId, String, FormError),
) -> Result<Response, PageError> {
    let account = overview(visit, session, HERE).await?;
    let Some(AddressView { address, .. }) = found(account, way, factor) else { return Ok(see_other(HERE)) };
    let (way, factor) = (address::name(way), factor.to_string());
    let page = AddressRenamePage { way, factor, address, name, error: Some(error) };
    visit.page(Frame::session(session).with_error(page.error.as_ref()), &page)
}

/// The address, if it gets codes.
fn found(account: OverviewOutcome, way: Channel, factor: FactorId) -> Option<AddressView> {
    let all = match way {
        Channel::Email => account.emails,
        Channel::Sms => account.phones,
    };
    all.into_iter().find(|address| address.factor == factor && active_since(address.state).is_some())
}

const fn notice(way: Channel) -> Notice {
    match way {
        Channel::Email => Notice::EmailRenamed,
        Channel::Sms => Notice::PhoneRenamed,
    }
}
