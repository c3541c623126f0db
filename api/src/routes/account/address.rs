//! `/account/mfa/email` and `/account/mfa/sms`: addresses that get codes, from the first code to the removal.

use actors::{
    domain::{
        address,
        command::{
            AddressView, AwaitedAddress, BeginAddress, BeginAddressOutcome, ConfirmAddress, RemoveAddress,
            RemoveOutcome, ResendCode, SendOutcome, ShowAddress,
        },
        device::active_since,
        email,
        factor::totp,
        limits::MAX_FACTOR_NAME,
        phone::PhoneNumber,
    },
    secret::Secret,
};
use axum::{
    Router,
    extract::Path,
    response::Response,
    routing::{get, post},
};
use schema::{FactorId, record::Channel};
use serde::Deserialize;

use super::{
    Confirming,
    address_allowance::may_send,
    address_link, address_rename, confirmed, done,
    mfa::{self, HERE, Kept, Said},
    overview, reauthenticate, sign_in,
};
use crate::{
    ApiState,
    error::PageError,
    extract::{
        LiveSession, Submitted, Visit,
        form::{Nothing, secret},
        visit::{Frame, see_other},
    },
    locale::{Text, text},
    page::{AddressEnrolPage, AddressRemovePage, AddressRow, Cooldown, FormError, Notice, When},
    routes::{
        login::{judge::Try, link},
        words,
    },
};

/// An address was typed, in the field that is named as its kind.
#[derive(Debug, Deserialize)]
pub struct Typed {
    #[serde(rename = "email", alias = "phone")]
    address: String,
    #[serde(default, rename = "phone_name")]
    name: String,
}

impl Typed {
    /// The name, without blanks around it; or what is wrong with it, in words. It may be empty.
    fn named(&self) -> Result<String, Text> {
        let name = self.name.trim();
        if name.chars().any(char::is_control) {
            Err(text("phone-name-control"))
        } else if name.chars().count() > MAX_FACTOR_NAME {
            Err(text("name-long"))
        } else {
            Ok(name.to_owned())
        }
    }
}

/// A code was typed.
#[derive(Debug, Deserialize)]
pub struct TypedCode {
    #[serde(deserialize_with = "secret")]
    code: Secret<String>,
}

/// The pages of one way; in mail there is a link beside the code.
pub fn routes(way: Channel) -> Router<ApiState> {
    let begin_at = format!("{HERE}/{}", address::name(way));
    let device = format!("{begin_at}/{{factor}}");
    let pages = Router::new()
        .route(&begin_at, post(move |form| begin(way, form)))
        .route(&device, get(move |visit, factor| open(way, visit, factor)))
        .route(&format!("{device}/confirm"), post(move |factor, form| confirm(way, factor, form)))
        .route(&format!("{device}/resend"), post(move |factor, form| resend(way, factor, form)))
        .route(
            &format!("{device}/remove"),
            get(move |visit, factor| ask_remove(way, visit, factor))
                .post(move |factor, form| remove(way, factor, form)),
        )
        .route(
            &format!("{device}/rename"),
            get(move |visit, factor| address_rename::ask(way, visit, factor))
                .post(move |factor, form| address_rename::rename(way, factor, form)),
        );
    match way {
        Channel::Email => pages.route(address_link::PATH, get(address_link::get).post(address_link::post)),
        Channel::Sms => pages,
    }
}

/// The level of the data from which on every node knows of addresses that get codes this way.
const fn level(way: Channel) -> u32 {
    match way {
        Channel::Email => 2,
        Channel::Sms => 3,
    }
}

/// The field in which an address is typed.
pub(super) const fn field(way: Channel) -> &'static str {
    match way {
        Channel::Email => "email",
        Channel::Sms => "phone",
    }
}

/// Can codes be sent from here, and does every node of the cluster know what they are?
pub(super) fn can_be_added(way: Channel, visit: &Visit) -> bool {
    let services = &visit.state.services;
    services.notifier.can_send(way) && services.level.current() >= level(way)
}

/// Addresses that get codes, the oldest first.
pub(super) fn rows(addresses: Vec<AddressView>) -> Vec<AddressRow> {
    let active = addresses.into_iter().filter_map(|address| Some((active_since(address.state)?, address)));
    let mut active: Vec<_> = active.collect();
    active.sort_by_key(|(at, _)| *at);
    let row = |(at, address): (_, AddressView)| AddressRow {
        id: address.factor.to_string(),
        name: address.name,
        address: address.address,
        added: When::of(at),
        last_used: address.last_used_at.map(When::of),
        suspended: address.suspended,
    };
    active.into_iter().map(row).collect()
}

/// What was typed, read; or what is wrong with it, in words.
fn parse(way: Channel, visit: &Visit, typed: &str) -> Result<String, Text> {
    match way {
        Channel::Email => email::parse(typed).map_err(words::email),
        Channel::Sms => {
            let default = visit.state.services.sms_budget.policy().default_country;
            let number = PhoneNumber::parse(typed, default).map_err(words::phone)?;
            Ok(number.as_str().to_owned())
        }
    }
}

/// Sends the first code to an address.
async fn begin(way: Channel, form: Submitted<Typed>) -> Result<Response, PageError> {
    let (visit, session, typed) = form.in_session(HERE).await?;
    if !can_be_added(way, &visit) {
        return Err(PageError::NotFound);
    }
    let kept = || Kept { address: Some((way, typed.address.clone(), typed.name.clone())), ..Kept::default() };
    let name = match typed.named() {
        Ok(name) => name,
        Err(wrong) => {
            let error = FormError::field("phone_name", wrong);
            return mfa::show(&visit, &session, kept(), Said::Error(error)).await;
        }
    };
    let address = match parse(way, &visit, &typed.address) {
        Ok(address) => address,
        Err(error) => {
            let error = FormError::field(field(way), error);
            return mfa::show(&visit, &session, kept(), Said::Error(error)).await;
        }
    };
    // Before anything is counted: who may add nothing must not use up what the owner of the address is sent.
    if !session.view.fresh {
        return Ok(reauthenticate(HERE));
    }
    let allowed = match may_send(way, &visit, &session, &address).await? {
        Ok(allowed) => allowed,
        Err(error) => return mfa::show(&visit, &session, kept(), Said::Error(error)).await,
    };
    let link = link::are_sent(&visit);
    let (reference, count) = (session.reference.clone(), allowed.sms_count());
    let command = BeginAddress { session: reference, channel: way, name, address, link, count };
    let accounts = &visit.state.services.accounts;
    let outcome = accounts.ask(session.user, &visit.attempt(), command, visit.deadline).await?;
    allowed.settle(&visit, matches!(outcome, BeginAddressOutcome::Begun { .. })).await;
    let error = match outcome {
        BeginAddressOutcome::Begun { factor } => return Ok(see_other(&path(way, factor))),
        BeginAddressOutcome::SessionEnded => return Err(sign_in(HERE)),
        BeginAddressOutcome::NotFresh => return Ok(reauthenticate(HERE)),
        BeginAddressOutcome::Known => FormError::field(field(way), known(way)),
        BeginAddressOutcome::TooMany => FormError::whole(too_many(way)),
        BeginAddressOutcome::Wait { until } => visit.too_early(until),
    };
    mfa::show(&visit, &session, kept(), Said::Error(error)).await
}

const fn known(way: Channel) -> Text {
    match way {
        Channel::Email => text("email-known"),
        Channel::Sms => text("phone-known"),
    }
}

const fn too_many(way: Channel) -> Text {
    match way {
        Channel::Email => text("email-no-room"),
        Channel::Sms => text("phone-no-room"),
    }
}

/// Shows the form for the code.
async fn open(way: Channel, visit: Visit, Path(factor): Path<String>) -> Result<Response, PageError> {
    let factor = read(&factor)?;
    let session = visit.signed_in(HERE).await?;
    show(&visit, &session, (way, factor), None).await
}

/// Sends another code, which replaces the one before.
async fn resend(way: Channel, Path(factor): Path<String>, form: Submitted<Nothing>) -> Result<Response, PageError> {
    let factor = read(&factor)?;
    let (visit, session, Nothing {}) = form.in_session(HERE).await?;
    if !session.view.fresh {
        return Ok(reauthenticate(&path(way, factor)));
    }
    let Some(AwaitedAddress { address, .. }) = awaited(&visit, &session, (way, factor)).await? else {
        return Ok(see_other(HERE));
    };
    let allowed = match may_send(way, &visit, &session, &address).await? {
        Ok(allowed) => allowed,
        Err(error) => return show(&visit, &session, (way, factor), Some(error)).await,
    };
    let link = link::are_sent(&visit);
    let (reference, count) = (session.reference.clone(), allowed.sms_count());
    let command = ResendCode { session: reference, channel: way, factor, link, count };
    let accounts = &visit.state.services.accounts;
    let outcome = accounts.ask(session.user, &visit.attempt(), command, visit.deadline).await?;
    allowed.settle(&visit, matches!(outcome, SendOutcome::Sent)).await;
    match outcome {
        SendOutcome::Sent => Ok(see_other(&path(way, factor))),
        SendOutcome::Wait { until } => show(&visit, &session, (way, factor), Some(visit.too_early(until))).await,
        SendOutcome::Ended => Ok(see_other(HERE)),
    }
}

/// Takes the code.
async fn confirm(way: Channel, Path(factor): Path<String>, form: Submitted<TypedCode>) -> Result<Response, PageError> {
    let factor = read(&factor)?;
    let (visit, session, typed) = form.in_session(HERE).await?;
    let Some(code) = totp::parse_code(typed.code.expose()) else {
        let error = FormError::field("code", text("sent-malformed"));
        return show(&visit, &session, (way, factor), Some(error)).await;
    };
    let services = &visit.state.services;
    // Ten hashes are made for each try, so the address is asked first.
    let tried = Try::begin(&visit)?;
    let backup = services.hashes.backup_codes(&tried.attempt.seed, visit.deadline).await?;
    let command = ConfirmAddress { session: session.reference.clone(), channel: way, factor, code, backup };
    let outcome = services.accounts.ask(session.user, &tried.attempt, command, visit.deadline).await?;
    let wrong = text("address-wrong");
    let told = Confirming { path: path(way, factor), notice: notice(way, true), wrong };
    match confirmed(&visit, &session, tried, outcome, &told)? {
        Ok(answer) => Ok(answer),
        Err(error) => show(&visit, &session, (way, factor), Some(error)).await,
    }
}

/// The address that awaits its code, if it does.
pub(super) async fn awaited(
    visit: &Visit,
    session: &LiveSession,
    (way, factor): (Channel, FactorId),
) -> Result<Option<AwaitedAddress>, PageError> {
    let command = ShowAddress { session: session.reference.clone(), channel: way, factor };
    Ok(visit.state.services.accounts.ask(session.user, &visit.attempt(), command, visit.deadline).await?)
}

/// The page that asks for the code of an address; without such an address, that of all.
pub(super) async fn show(
    visit: &Visit,
    session: &LiveSession,
    (way, factor): (Channel, FactorId),
    error: Option<FormError>,
) -> Result<Response, PageError> {
    let Some(AwaitedAddress { address, again_at, link, .. }) = awaited(visit, session, (way, factor)).await? else {
        return Ok(see_other(HERE));
    };
    let frame = Frame::session(session).with_error(error.as_ref());
    let again = Cooldown::until(visit.now(), again_at);
    let (way, factor) = (address::name(way), factor.to_string());
    visit.page(frame, &AddressEnrolPage { way, factor, address, again, link, error })
}

/// Asks before an address gets no more codes.
async fn ask_remove(way: Channel, visit: Visit, Path(factor): Path<String>) -> Result<Response, PageError> {
    let factor = read(&factor)?;
    let session = visit.signed_in(HERE).await?;
    if !visit.may_change_at(&session, HERE).await? {
        return Ok(reauthenticate(&format!("{}/remove", path(way, factor))));
    }
    let account = overview(&visit, &session, HERE).await?;
    let removal = mfa::removal(&visit, &session, (&account, factor)).await?;
    let rows = rows(match way {
        Channel::Email => account.emails,
        Channel::Sms => account.phones,
    });
    let Some(row) = rows.into_iter().find(|row| row.id == factor.to_string()) else {
        return Ok(see_other(HERE));
    };
    let page = AddressRemovePage { way: address::name(way), factor: row.id, address: row.address, removal };
    visit.page(Frame::session(&session), &page)
}

/// Removes it. One that is gone already was removed by the same form.
async fn remove(way: Channel, Path(factor): Path<String>, form: Submitted<Nothing>) -> Result<Response, PageError> {
    let factor = read(&factor)?;
    let (visit, session, Nothing {}) = form.in_session(HERE).await?;
    let command = RemoveAddress { session: session.reference.clone(), channel: way, factor };
    let accounts = &visit.state.services.accounts;
    match accounts.ask(session.user, &visit.attempt(), command, visit.deadline).await? {
        RemoveOutcome::Removed | RemoveOutcome::Gone => Ok(done(HERE, notice(way, false))),
        RemoveOutcome::SessionEnded => Err(sign_in(HERE)),
        RemoveOutcome::NotFresh => Ok(reauthenticate(&format!("{}/remove", path(way, factor)))),
    }
}

pub(super) const fn notice(way: Channel, on: bool) -> Notice {
    match (way, on) {
        (Channel::Email, true) => Notice::EmailCodesOn,
        (Channel::Email, false) => Notice::EmailCodesOff,
        (Channel::Sms, true) => Notice::SmsCodesOn,
        (Channel::Sms, false) => Notice::SmsCodesOff,
    }
}

pub(super) fn read(factor: &str) -> Result<FactorId, PageError> {
    factor.parse().map_err(|_| PageError::NotFound)
}

pub(super) fn path(way: Channel, factor: FactorId) -> String {
    format!("{HERE}/{}/{factor}", address::name(way))
}
