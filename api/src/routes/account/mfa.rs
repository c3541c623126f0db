//! `/account/mfa`: passkeys, authenticator apps, codes that are sent, and backup codes at a glance, and the beginning of an enrolment.

use actors::domain::{
    command::{BeginTotp, BeginTotpOutcome, OverviewOutcome, TotpView},
    device::active_since,
    limits::{MAX_FACTOR_NAME, MAX_FACTORS_PER_METHOD},
    policy::Verdict,
};
use axum::response::Response;
use schema::{
    FactorId, Timestamp,
    record::{Channel, PolicyMethod},
};
use serde::Deserialize;

use super::{Done, address, address_rename, devices, overview, passkey, password, reauthenticate, sign_in};
use crate::{
    error::PageError,
    extract::{
        LiveSession, LoginState, Query, Submitted, Visit,
        policy::Occasion,
        visit::{Frame, see_other},
    },
    locale::{Text, text},
    page::{
        AddAddress, AddPasskey, AddressRow, AuthenticatorRow, FormError, MfaPage, Notice, Removal, WaitingLine, When,
    },
    routes::login,
};

pub(in crate::routes) const HERE: &str = "/account/mfa";

/// What was typed.
#[derive(Debug, Deserialize)]
pub struct Typed {
    name: String,
}

impl Typed {
    /// The name, without blanks around it, and what is wrong with it.
    pub(super) fn checked(&self) -> (String, Option<FormError>) {
        let (name, wrong) = name_of(&self.name, text("totp-nameless"));
        (name, wrong.map(|why| FormError::field("name", why)))
    }
}

/// A name for a device as it was typed, without blanks around it; and what is wrong with it, `missing` if there is none.
pub(super) fn name_of(typed: &str, missing: Text) -> (String, Option<Text>) {
    let name = typed.trim().to_owned();
    let wrong = if name.is_empty() || name.chars().any(char::is_control) {
        Some(missing)
    } else if name.chars().count() > MAX_FACTOR_NAME {
        Some(text("name-long"))
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
            let error = FormError::whole(text("totp-no-room"));
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
            added: When::of(at),
            last_used: totp.last_used_at.map(When::of),
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
    let verdict = to_set_up(visit, session, waiting.as_ref()).await?.ok_or_else(|| sign_in(HERE))?;
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
        may_rename: address_rename::is_known(visit),
        passkeys,
        signal,
        emails,
        phones,
        name: typed.name.map_or_else(|| proposed_name(visit, &authenticators), Ok)?,
        authenticators,
        backup_codes_left: account.backup_codes_left,
        backup_codes_unsaved: account.backup_codes_created_at.is_some() && account.backup_codes_saved_at.is_none(),
        notice,
        error,
    };
    visit.page(frame, &page)
}

/// What must be set up first: for the application that waits, or else for a change of the account.
async fn to_set_up(
    visit: &Visit,
    session: &LiveSession,
    waiting: Option<&LoginState>,
) -> Result<Option<Verdict>, PageError> {
    let judge = |occasion| visit.verdict_on(session, occasion);
    if let Some(request) = waiting.and_then(LoginState::request) {
        return judge(Occasion::of(request)).await;
    }
    let mut verdict = judge(Occasion::default()).await?;
    for change in [password::HERE, HERE].map(Occasion::change_at) {
        if matches!(verdict, Some(Verdict::Met | Verdict::Recommended | Verdict::StepUp)) {
            verdict = judge(change).await?;
        }
    }
    Ok(verdict)
}

/// What the removal of a device comes to, for who holds this account.
pub(super) async fn removal(
    visit: &Visit,
    session: &LiveSession,
    (account, factor): (&OverviewOutcome, FactorId),
) -> Result<Removal, PageError> {
    let verdict = visit.verdict_on(session, Occasion::without(factor)).await?;
    let verdict = verdict.ok_or_else(|| sign_in(HERE))?;
    let must = matches!(verdict, Verdict::Enrol { .. });
    let needed = needed(visit, &verdict).or_else(|| must.then(|| text("needed-any")));
    Ok(Removal { last: devices(account) == 1, needed })
}

/// What must be set up, in words.
fn needed(visit: &Visit, verdict: &Verdict) -> Option<Text> {
    let Verdict::Enrol { methods, hardware, all } = verdict else { return None };
    let passkey = || if *hardware { text("needed-passkey-hardware") } else { text("needed-passkey") };
    let word = |method: &PolicyMethod| match method {
        PolicyMethod::Totp => Some(text("needed-app")),
        PolicyMethod::Email => Some(text("needed-email")),
        // One of several, perhaps: it is not named where nobody can set it up.
        PolicyMethod::Sms => address::can_be_added(Channel::Sms, visit).then(|| text("needed-sms")),
        PolicyMethod::Passkey => login::passkey::are_known(visit).then(passkey),
    };
    let words = methods.iter().filter_map(word).collect();
    if *all { Text::all_of(words) } else { Text::one_of(words) }
}

/// What the first authenticator app is called unless its owner says otherwise; further ones are numbered.
fn proposed_name(visit: &Visit, taken: &[AuthenticatorRow]) -> Result<String, PageError> {
    let first = visit.say(&text("totp-proposed-name"))?;
    let free = |name: &String| taken.iter().all(|row| row.name != *name);
    let numbered = (2..).map(|number| format!("{first} {number}"));
    Ok(std::iter::once(first.clone()).chain(numbered).find(free).unwrap_or_default())
}

/// A device that counts, with when it began to.
pub(super) fn in_force(totp: TotpView) -> Option<(Timestamp, TotpView)> {
    active_since(totp.state).map(|at| (at, totp))
}
