//! `/account/mfa`: authenticator apps, codes that are sent, and backup codes at a glance, and the beginning of an enrolment.
//! `/account/mfa`: passkeys, authenticator apps, e-mail codes and backup codes at a glance, and the beginning of an enrolment.

use actors::domain::{
    command::{BeginTotp, BeginTotpOutcome, TotpView},
    device::active_since,
    limits::{MAX_FACTOR_NAME, MAX_FACTORS_PER_METHOD},
    policy::Verdict,
};
use axum::response::Response;
use schema::{
    Timestamp,
    record::{Channel, PolicyMethod},
};
use serde::Deserialize;

use super::{Done, address, overview, passkey, reauthenticate, sign_in, when};
use crate::{
    error::PageError,
    extract::{
        LiveSession, Query, Submitted, Visit,
        visit::{Frame, see_other},
    },
    page::{AddAddress, AddPasskey, AddressRow, AuthenticatorRow, FormError, MfaPage, Notice, WaitingLine},
    routes::login,
};

pub(super) const HERE: &str = "/account/mfa";
/// What the first authenticator app is called unless its owner says otherwise; further ones are numbered.
const PROPOSED_NAME: &str = "Authenticator app";

/// What was typed.
#[derive(Debug, Deserialize)]
pub struct Typed {
    name: String,
}

impl Typed {
    /// The name, without blanks around it, and what is wrong with it.
    pub(super) fn checked(&self) -> (String, Option<FormError>) {
        let (name, wrong) = name_of(&self.name, "Give the authenticator app a name.");
        (name, wrong.map(|why| FormError::field("name", why)))
    }
}

/// A name for a device as it was typed, without blanks around it; and what is wrong with it, `missing` if there is none.
pub(super) fn name_of(typed: &str, missing: &'static str) -> (String, Option<&'static str>) {
    let name = typed.trim().to_owned();
    let wrong = if name.is_empty() || name.chars().any(char::is_control) {
        Some(missing)
    } else if name.chars().count() > MAX_FACTOR_NAME {
        Some("Give it a name of at most 64 characters.")
    } else {
        None
    };
    (name, wrong)
}

/// Shows authenticator apps and backup codes.
pub async fn get(visit: Visit, Query(done): Query<Done>) -> Result<Response, PageError> {
    let session = visit.signed_in(HERE).await?;
    show(&visit, &session, Kept::default(), Said::Notice(done.notice())).await
}

/// Begins the enrolment of an authenticator app.
pub async fn begin(form: Submitted<Typed>) -> Result<Response, PageError> {
    let (visit, session, typed) = form.in_session(HERE).await?;
    let (name, wrong) = typed.checked();
    if let Some(error) = wrong {
        return show(&visit, &session, Kept { name: Some(name), ..Kept::default() }, Said::Error(error)).await;
    }
    let command = BeginTotp { session: session.reference.clone(), name: name.clone() };
    let accounts = &visit.state.services.accounts;
    match accounts.ask(session.user, &visit.attempt(), command, visit.deadline).await? {
        BeginTotpOutcome::Begun { factor } => Ok(see_other(&format!("{HERE}/totp/{factor}"))),
        BeginTotpOutcome::SessionEnded => Err(sign_in(HERE)),
        BeginTotpOutcome::NotFresh => Ok(reauthenticate(HERE)),
        BeginTotpOutcome::TooMany => {
            let error = FormError::whole("There is no room for another authenticator app. Remove one first.");
            show(&visit, &session, Kept { name: Some(name), ..Kept::default() }, Said::Error(error)).await
        }
    }
}

/// What was typed and is kept in the forms.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) name: Option<String>,
    /// By which way, the address, and its name.
    pub(super) address: Option<(Channel, String, String)>,
    pub(super) passkey: Option<String>,
}

/// What stands above the page.
pub(super) enum Said {
    Notice(Option<Notice>),
    Error(FormError),
}

pub(super) async fn show(visit: &Visit, session: &LiveSession, typed: Kept, said: Said) -> Result<Response, PageError> {
    let account = overview(visit, session, HERE).await?;
    let mut activated: Vec<(Timestamp, TotpView)> = account.totps.into_iter().filter_map(in_force).collect();
    activated.sort_by_key(|(at, _)| *at);
    let authenticators: Vec<AuthenticatorRow> = activated
        .into_iter()
        .map(|(at, totp)| AuthenticatorRow {
            id: totp.factor.to_string(),
            name: totp.name,
            added: when(at),
            last_used: totp.last_used_at.map(when),
            suspended: totp.suspended,
        })
        .collect();
    let (emails, phones) = (address::rows(account.emails), address::rows(account.phones));
    let proposed = account.email.filter(|known| emails.iter().all(|row| row.address != *known)).unwrap_or_default();
    let add = |way, rows: &[AddressRow], proposed: String| {
        let room = address::can_be_added(way, visit) && rows.len() < MAX_FACTORS_PER_METHOD;
        let kept = typed.address.clone().filter(|(kept, ..)| *kept == way);
        let (address, name) = kept.map_or((proposed, String::new()), |(_, address, name)| (address, name));
        room.then_some(AddAddress { address, name })
    };
    let signal = passkey::signal(visit, session, &account.passkeys);
    let passkeys = passkey::rows(account.passkeys);
    let passkey_room = login::passkey::are_known(visit) && passkeys.len() < MAX_FACTORS_PER_METHOD;
    let (notice, error) = match said {
        Said::Notice(notice) => (notice, None),
        Said::Error(error) => (None, Some(error)),
    };
    let waiting = visit.waiting(session.user).await;
    let client = waiting.as_ref().and_then(|login| login.request()).map(|request| request.client.clone());
    let verdict = visit.verdict(session.user, session.reference.clone(), client).await?.ok_or_else(|| sign_in(HERE))?;
    let frame = Frame::session(session).with_error(error.as_ref());
    let page = MfaPage {
        needed: needed(visit, &verdict),
        waiting: match waiting {
            Some(login) => {
                login::client_line(visit, &login).await?.map(|client| WaitingLine { client, login: login.label() })
            }
            None => None,
        },
        may_add: authenticators.len() < MAX_FACTORS_PER_METHOD,
        add_email: add(Channel::Email, &emails, proposed),
        add_phone: add(Channel::Sms, &phones, String::new()),
        add_passkey: passkey_room.then(|| AddPasskey { name: typed.passkey.unwrap_or_default() }),
        passkeys,
        signal,
        emails,
        phones,
        name: typed.name.unwrap_or_else(|| proposed_name(&authenticators)),
        authenticators,
        backup_codes_left: account.backup_codes_left,
        backup_codes_unsaved: account.backup_codes_created_at.is_some() && account.backup_codes_saved_at.is_none(),
        notice,
        error,
    };
    visit.page(frame, &page)
}

/// What must be set up, in words.
fn needed(visit: &Visit, verdict: &Verdict) -> Vec<&'static str> {
    let Verdict::Enrol { methods } = verdict else { return Vec::new() };
    let word = |method: &PolicyMethod| match method {
        PolicyMethod::Totp => Some("an authenticator app"),
        PolicyMethod::Email => Some("codes by e-mail"),
        // One of several, perhaps: it is not named where nobody can set it up.
        PolicyMethod::Sms => address::can_be_added(Channel::Sms, visit).then_some("codes by text message"),
        PolicyMethod::Passkey => login::passkey::are_known(visit).then_some("a passkey"),
    };
    methods.iter().filter_map(word).collect()
}

/// A name that no authenticator app of the account has yet.
fn proposed_name(taken: &[AuthenticatorRow]) -> String {
    let free = |name: &String| taken.iter().all(|row| row.name != *name);
    let numbered = (2..).map(|number| format!("{PROPOSED_NAME} {number}"));
    std::iter::once(PROPOSED_NAME.to_owned()).chain(numbered).find(free).unwrap_or_default()
}

/// A device that counts, with when it began to.
pub(super) fn in_force(totp: TotpView) -> Option<(Timestamp, TotpView)> {
    active_since(totp.state).map(|at| (at, totp))
}
