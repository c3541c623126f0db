//! `/account/email`: the account's own address, which is no factor. A code is sent there, and typed at `/account/email/confirm`: that
//! proves the address that was typed at registration, or puts another one in its place.

use actors::{
    call::CallError,
    domain::{
        command::{
            AwaitedOwnAddress, BeginOwnAddress, BeginOwnAddressOutcome, ConfirmOwnAddressOutcome, OverviewOutcome,
            ShowOwnAddress,
        },
        email::{self, EmailError},
        factor::totp,
    },
    secret::Secret,
};
use axum::response::Response;
use schema::record::Channel;
use serde::Deserialize;

use super::{done, overview, reauthenticate, sign_in};
use crate::{
    error::PageError,
    extract::{
        LiveSession, Submitted, Visit,
        form::secret,
        visit::{Frame, see_other},
    },
    locale::text,
    page::{Cooldown, FormError, Notice, OwnAddressConfirmPage, OwnAddressPage},
    routes::{fee, login::judge::Try, words},
};

const ACCOUNT: &str = "/account";
const HERE: &str = "/account/email";
const CONFIRM: &str = "/account/email/confirm";
/// The level of the data from which on every node knows what awaits its code.
const LEVEL: u32 = 4;

/// What was typed.
#[derive(Debug, Deserialize)]
pub struct Typed {
    email: String,
}

/// A code was typed.
#[derive(Debug, Deserialize)]
pub struct TypedCode {
    #[serde(deserialize_with = "secret")]
    code: Secret<String>,
}

/// Can a code be sent from here, and does every node of the cluster know what it is for?
pub(super) fn is_offered(visit: &Visit) -> bool {
    let services = &visit.state.services;
    services.notifier.can_send(Channel::Email) && services.level.current() >= LEVEL
}

/// Shows the form for another address.
pub async fn get(visit: Visit) -> Result<Response, PageError> {
    let session = visit.signed_in(HERE).await?;
    if !is_offered(&visit) {
        return Err(PageError::NotFound);
    }
    if !visit.may_change_at(&session, HERE).await? {
        return Ok(reauthenticate(HERE));
    }
    let account = overview(&visit, &session, HERE).await?;
    show(&visit, &session, account, (String::new(), None))
}

/// Has a code sent to an address: another one, or that of the account.
pub async fn post(form: Submitted<Typed>) -> Result<Response, PageError> {
    let (visit, session, typed) = form.in_session(HERE).await?;
    if !is_offered(&visit) {
        return Err(PageError::NotFound);
    }
    let account = overview(&visit, &session, HERE).await?;
    let own = account.email.as_ref().is_some_and(|own| *own == typed.email);
    if !own && !visit.may_change_at(&session, HERE).await? {
        return Ok(reauthenticate(HERE));
    }
    let address = match read(&account, &typed.email) {
        Ok(address) => address,
        Err(error) => {
            let error = FormError::field("email", words::email(error));
            return show(&visit, &session, account, (typed.email, Some(error)));
        }
    };
    visit.may_cause_a_message()?;
    let recipients = &visit.state.services.recipients;
    let counted = match recipients.take(&address).await.map_err(CallError::from)? {
        Ok(counted) => counted,
        Err(until) => return refuse(&visit, &session, account, (address, visit.too_early(until))).await,
    };
    let command = BeginOwnAddress { session: session.reference.clone(), address: address.clone() };
    let accounts = &visit.state.services.accounts;
    let outcome = accounts.ask(session.user, &visit.attempt(), command, visit.deadline).await?;
    if outcome != BeginOwnAddressOutcome::Begun {
        fee::give_back(&visit, Some(counted)).await;
    }
    match outcome {
        BeginOwnAddressOutcome::Begun => Ok(see_other(CONFIRM)),
        BeginOwnAddressOutcome::SessionEnded => Err(sign_in(HERE)),
        BeginOwnAddressOutcome::NotFresh => Ok(reauthenticate(HERE)),
        BeginOwnAddressOutcome::Known => {
            let error = FormError::field("email", text("own-address-known"));
            show(&visit, &session, account, (address, Some(error)))
        }
        BeginOwnAddressOutcome::Wait { until } => {
            refuse(&visit, &session, account, (address, visit.too_early(until))).await
        }
    }
}

/// An address that somebody signs in with must be one that is its own look-up; any other need only be one that mail goes to.
fn read(account: &OverviewOutcome, typed: &str) -> Result<String, EmailError> {
    if is_name(account) { email::identifier(typed).map(|identifier| identifier.address) } else { email::parse(typed) }
}

/// Is the account's address its name? No user name has an `@`.
fn is_name(account: &OverviewOutcome) -> bool {
    account.user_name.contains('@')
}

/// No code is sent now: where one is awaited from this address its page says so, else the form does.
async fn refuse(
    visit: &Visit,
    session: &LiveSession,
    account: OverviewOutcome,
    (address, error): (String, FormError),
) -> Result<Response, PageError> {
    match awaited(visit, session).await? {
        Some(awaited) if awaited.address == address => show_code(visit, session, awaited, Some(error)),
        Some(_) | None => show(visit, session, account, (address, Some(error))),
    }
}

fn show(
    visit: &Visit,
    session: &LiveSession,
    account: OverviewOutcome,
    (email, error): (String, Option<FormError>),
) -> Result<Response, PageError> {
    let frame = Frame::session(session).with_error(error.as_ref());
    let name = is_name(&account);
    visit.page(frame, &OwnAddressPage { current: account.email, name, email, error })
}

/// Shows the form for the code.
pub async fn ask(visit: Visit) -> Result<Response, PageError> {
    let session = visit.signed_in(CONFIRM).await?;
    match awaited(&visit, &session).await? {
        Some(awaited) => show_code(&visit, &session, awaited, None),
        None => Ok(see_other(ACCOUNT)),
    }
}

/// Takes the code.
pub async fn confirm(form: Submitted<TypedCode>) -> Result<Response, PageError> {
    let (visit, session, typed) = form.in_session(CONFIRM).await?;
    let Some(awaited) = awaited(&visit, &session).await? else {
        return Ok(see_other(ACCOUNT));
    };
    let Some(code) = totp::parse_code(typed.code.expose()) else {
        return show_code(&visit, &session, awaited, Some(FormError::field("code", text("sent-malformed"))));
    };
    let tried = Try::begin(&visit)?;
    let (registration, given) = (&visit.state.services.registration, (session.reference.clone(), code));
    let outcome = registration.confirm_own_address(&tried.attempt, session.user, given, visit.deadline).await?;
    let error = match outcome {
        ConfirmOwnAddressOutcome::Confirmed => {
            tried.not_counted();
            return Ok(done(ACCOUNT, Notice::AddressConfirmed));
        }
        ConfirmOwnAddressOutcome::Taken => {
            tried.not_counted();
            let account = overview(&visit, &session, HERE).await?;
            let error = FormError::field("email", text("own-address-taken"));
            return show(&visit, &session, account, (awaited.address, Some(error)));
        }
        ConfirmOwnAddressOutcome::Ended => return Ok(see_other(ACCOUNT)),
        ConfirmOwnAddressOutcome::SessionEnded => return Err(sign_in(ACCOUNT)),
        ConfirmOwnAddressOutcome::NotFresh => return Ok(reauthenticate(CONFIRM)),
        ConfirmOwnAddressOutcome::Voided => {
            let reason = "the address was claimed for too long and was given up; try again";
            return Err(CallError::Unavailable(reason.to_owned()).into());
        }
        ConfirmOwnAddressOutcome::Wrong => FormError::field("code", text("address-wrong")),
        ConfirmOwnAddressOutcome::Throttled { until } => visit.cool_down(until),
    };
    show_code(&visit, &session, awaited, Some(error))
}

/// The address that awaits its code in this session, if one does.
async fn awaited(visit: &Visit, session: &LiveSession) -> Result<Option<AwaitedOwnAddress>, PageError> {
    let command = ShowOwnAddress { session: session.reference.clone() };
    Ok(visit.state.services.accounts.ask(session.user, &visit.attempt(), command, visit.deadline).await?)
}

fn show_code(
    visit: &Visit,
    session: &LiveSession,
    AwaitedOwnAddress { address, again_at, .. }: AwaitedOwnAddress,
    error: Option<FormError>,
) -> Result<Response, PageError> {
    let frame = Frame::session(session).with_error(error.as_ref());
    let again = Cooldown::until(visit.now(), again_at);
    visit.page(frame, &OwnAddressConfirmPage { address, again, error })
}
