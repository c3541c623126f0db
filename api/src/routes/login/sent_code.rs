//! `/login/email` and `/login/sms`: a code that was sent as the second proof. Opening the page sends nothing.

use actors::{
    call::CallError,
    domain::{
        address,
        command::{
            LoginCodeView, SendLoginCode, SendOutcome, ShowLoginCode, SignInOutcome, VerifySentCode,
            VerifySentCodeOutcome,
        },
        factor::totp,
    },
    secret::Secret,
};
use axum::{
    Router,
    response::Response,
    routing::{get, post},
};
use schema::{FactorId, Timestamp, record::Channel};
use serde::Deserialize;

use super::{
    Step, client_line, identified,
    judge::{self, Judged, Try},
    link, proving, second_step,
};
use crate::{
    ApiState,
    error::PageError,
    extract::{
        LoginState, Query, Submitted, Visit,
        form::secret,
        trust::Ticked,
        visit::{Frame, see_other},
    },
    locale::text,
    page::{AddressChoice, Cooldown, FormError, SentCodePage, SentLine},
    routes::fee::{self, Unsent},
};

/// Which address.
#[derive(Debug, Deserialize)]
pub struct Chosen {
    #[serde(default)]
    address: String,
}

/// What was typed.
#[derive(Debug, Deserialize)]
pub struct Typed {
    #[serde(deserialize_with = "secret")]
    code: Secret<String>,
    #[serde(default)]
    trust: Ticked,
}

/// What came of having a code sent.
pub(super) enum Sending {
    /// It is on its way.
    Sent,
    /// Too early, or too many messages.
    Wait(Timestamp),
    /// No text message goes there now.
    Unsent(Unsent),
    /// Codes of that address are not looked at before this moment; unset: it is suspended.
    Closed(Option<Timestamp>),
    /// The login has ended, or there is no such address.
    Ended,
}

/// The pages of one way; in mail there is a link beside the code.
pub fn routes(way: Channel) -> Router<ApiState> {
    let path = format!("/login/{}", address::name(way));
    let forms = get(move |visit, step| open(way, visit, step)).post(move |form| verify(way, form));
    let pages = Router::new().route(&path, forms).route(&format!("{path}/send"), post(move |form| choose(way, form)));
    match way {
        Channel::Email => pages.route(link::PATH, get(link::get).post(link::post)),
        Channel::Sms => pages,
    }
}

/// Where the code is typed.
pub(super) fn path(way: Channel, login: &LoginState) -> String {
    format!("/login/{}?l={}", address::name(way), login.label())
}

/// Shows the form, or asks where to send a code.
async fn open(way: Channel, visit: Visit, Query(step): Query<Step>) -> Result<Response, PageError> {
    let login = visit.login_step(&step.l).await?;
    identified(&login)?;
    show(way, &visit, &login, (&Ticked::default(), None)).await
}

/// Sends a code, which replaces the one before.
async fn choose(way: Channel, form: Submitted<Chosen>) -> Result<Response, PageError> {
    let (visit, login, chosen) = form.in_login().await?;
    let factor = match chosen.address.as_str() {
        "" => None,
        id => Some(id.parse().map_err(|_| PageError::BadRequest("not the id of an address"))?),
    };
    match send(way, &visit, &login, factor).await? {
        Sending::Sent => Ok(see_other(&path(way, &login))),
        Sending::Wait(until) => show(way, &visit, &login, (&Ticked::default(), Some(visit.too_early(until)))).await,
        Sending::Unsent(unsent) => refused(way, &visit, &login, unsent).await,
        Sending::Closed(until) => show(way, &visit, &login, (&Ticked::default(), Some(closed(&visit, until)))).await,
        Sending::Ended => Err(visit.ended(&login.label()).await),
    }
}

/// Has a code sent for a login: to that address, or to the first whose codes are looked at.
pub(super) async fn send(
    way: Channel,
    visit: &Visit,
    login: &LoginState,
    factor: Option<FactorId>,
) -> Result<Sending, PageError> {
    let user = identified(login)?;
    let Some(shown) = look(way, visit, login).await? else { return Ok(Sending::Ended) };
    let Some(factor) = chosen(&shown, factor) else { return Ok(Sending::Ended) };
    if let Some(closed) = shown.closed.iter().find(|closed| closed.factor == factor) {
        return Ok(Sending::Closed(closed.until));
    }
    visit.may_cause_a_message()?;
    let fee = match way {
        Channel::Email => None,
        Channel::Sms => {
            let country = shown.countries.iter().find(|(id, _)| *id == factor).map(|(_, country)| *country);
            let Some(country) = country else { return Ok(Sending::Ended) };
            let number = shown.numbers.iter().find(|(id, _)| *id == factor).map(|(_, number)| number.as_str());
            match fee::pay(visit, user, (country, number)).await? {
                Ok(fee) => Some(fee),
                Err(unsent) => return Ok(Sending::Unsent(unsent)),
            }
        }
    };
    let link = link::are_sent(visit);
    let count = fee.as_ref().and_then(|fee| fee.count.clone());
    let of = second_step(visit, login, user);
    let command = SendLoginCode { login: of, channel: way, factor: Some(factor), link, count };
    let outcome = visit.state.services.accounts.ask(user, &visit.attempt(), command, visit.deadline).await?;
    fee::settle(visit, fee, matches!(outcome, SendOutcome::Sent)).await;
    Ok(match outcome {
        SendOutcome::Sent => {
            visit.keep_login(&login.with_code(visit.now()));
            Sending::Sent
        }
        SendOutcome::Wait { until } => Sending::Wait(until),
        SendOutcome::Ended => Sending::Ended,
    })
}

/// The address that was chosen, if it is one of the login's; or the first whose codes are looked at, or the first.
fn chosen(shown: &LoginCodeView, wanted: Option<FactorId>) -> Option<FactorId> {
    let mut all = shown.addresses.iter().map(|(factor, _)| *factor);
    let is_open = |factor: &FactorId| shown.closed.iter().all(|closed| closed.factor != *factor);
    match wanted {
        Some(wanted) => all.find(|factor| *factor == wanted),
        None => all.clone().find(is_open).or_else(|| all.next()),
    }
}

/// What is told where the codes of no address are looked at.
fn all_closed(visit: &Visit, shown: &LoginCodeView) -> Option<FormError> {
    let first = chosen(shown, None)?;
    shown.closed.iter().find(|of| of.factor == first).map(|of| closed(visit, of.until))
}

/// Says of an address that its codes are not looked at, so none is sent there; the other ways are on the page.
fn closed(visit: &Visit, until: Option<Timestamp>) -> FormError {
    until.map_or_else(judge::suspended, |until| visit.cool_down(until))
}

/// Says that no code is sent this way; the other ways are on the page.
pub(super) async fn refused(
    way: Channel,
    visit: &Visit,
    login: &LoginState,
    unsent: Unsent,
) -> Result<Response, PageError> {
    let error = FormError::whole(fee::words(unsent).and_then(text("sms-unpaid-choose")));
    show(way, visit, login, (&Ticked::default(), Some(error))).await
}

/// Takes the code. What cannot be one is refused without being counted.
async fn verify(way: Channel, form: Submitted<Typed>) -> Result<Response, PageError> {
    let (visit, login, typed) = form.in_login().await?;
    let user = identified(&login)?;
    let Some(code) = totp::parse_code(typed.code.expose()) else {
        let error = FormError::field("code", text("sent-malformed"));
        return show(way, &visit, &login, (&typed.trust, Some(error))).await;
    };
    let of = proving(&visit, &login, user, visit.wanted_trust(&typed.trust)).await?;
    let tried = Try::begin(&visit)?;
    let command = VerifySentCode { login: of, code };
    let sign_in = &visit.state.services.sign_in;
    let outcome = sign_in.sent_code(user, &tried.attempt, (way, command), visit.deadline).await;
    let outcome = match judged(outcome) {
        Ok(Some(outcome)) => Ok((Some(user), outcome)),
        Ok(None) => {
            // It counts against the address, for the audit log has a line of it.
            let error = FormError::whole(text("sent-ended"));
            return show(way, &visit, &login, (&typed.trust, Some(error))).await;
        }
        Err(error) => Err(error),
    };
    let wrong = FormError::field("code", text("sent-wrong"));
    match tried.judge(login.clone(), outcome, wrong).await? {
        Judged::Done(response) => Ok(response),
        Judged::Again(error) => show(way, &visit, &login, (&typed.trust, Some(error))).await,
    }
}

/// What came of a code, or of the link beside it; `None` if there is none that it could be.
pub(super) fn judged(outcome: Result<VerifySentCodeOutcome, CallError>) -> Result<Option<SignInOutcome>, CallError> {
    match outcome? {
        VerifySentCodeOutcome::Judged(outcome) => Ok(Some(outcome)),
        VerifySentCodeOutcome::NoCode => Ok(None),
    }
}

/// Says of a link that it was used, replaced or is over; the code of the newest message can still be typed here.
pub(super) async fn link_ended(visit: &Visit, login: &LoginState, ticked: &Ticked) -> Result<Response, PageError> {
    let error = FormError::whole(text("sent-link-ended"));
    show(Channel::Email, visit, login, (ticked, Some(error))).await
}

/// What is known of the code of a login; `None` if the login has ended.
async fn look(way: Channel, visit: &Visit, login: &LoginState) -> Result<Option<LoginCodeView>, PageError> {
    let user = identified(login)?;
    let command = ShowLoginCode { login: second_step(visit, login, user), channel: way };
    Ok(visit.state.services.accounts.ask(user, &visit.attempt(), command, visit.deadline).await?)
}

async fn show(
    way: Channel,
    visit: &Visit,
    login: &LoginState,
    (ticked, error): (&Ticked, Option<FormError>),
) -> Result<Response, PageError> {
    let Some(shown) = look(way, visit, login).await? else { return Err(visit.ended(&login.label()).await) };
    let frame = Frame::login(login).with_error(error.as_ref());
    let error = error.or_else(|| all_closed(visit, &shown));
    let (client, now) = (client_line(visit, login).await?, visit.now());
    let choice = |(factor, hidden): (FactorId, String)| AddressChoice { id: factor.to_string(), hidden };
    let page = SentCodePage {
        way: address::name(way),
        login: login.label(),
        client,
        sent: shown.sent.map(|(to, again_at)| SentLine { to, again: Cooldown::until(now, again_at), link: shown.link }),
        addresses: shown.addresses.into_iter().map(choice).collect(),
        ways: login.next_step(),
        trust: visit.trust_box(ticked),
        error,
    };
    visit.page(frame, &page)
}
