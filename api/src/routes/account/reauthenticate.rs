//! `/account/reauthenticate?to=PATH`: fresh proofs of the account's whole set, before factors or the password are changed.
//! They are added to the session, whose cookie is new afterwards.

use actors::{
    call::CallError,
    domain::{
        command::{LoginRef, SignInOutcome, VerifyTotp},
        factor::{backup_code, totp},
        policy::Verdict,
        trusted_device::Trust,
    },
    secret::Secret,
    sign_in::PasswordTry,
};
use axum::response::Response;
use schema::LoginId;
use serde::Deserialize;

use super::sign_in;
use crate::{
    error::PageError,
    extract::{
        Awaited, LiveSession, Query, Submitted, Then, Visit,
        form::{secret, unsaid},
        policy::{ENROLMENT, Occasion},
        visit::{Frame, is_local_path, see_other},
    },
    locale::text,
    page::{FormError, ReauthenticatePage},
    routes::login::judge::{Try, Verdict as Judged, next_page, sign_in_browser},
};

const HERE: &str = "/account/reauthenticate";
const FALLBACK: &str = "/account";

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    to: String,
}

/// What was typed.
#[derive(Debug, Deserialize)]
pub struct Typed {
    #[serde(default)]
    to: String,
    #[serde(deserialize_with = "secret")]
    password: Secret<String>,
    #[serde(default = "unsaid", deserialize_with = "secret")]
    code: Secret<String>,
}

/// A second proof, read.
enum Second {
    Totp(totp::Code),
    Backup(backup_code::BackupCode),
}

impl Second {
    fn read(text: &str) -> Option<Self> {
        totp::parse_code(text).map(Self::Totp).or_else(|| backup_code::parse(text).map(Self::Backup))
    }
}

/// Shows the form.
pub async fn get(visit: Visit, Query(asked): Query<Asked>) -> Result<Response, PageError> {
    let to = local(asked.to);
    let session = visit.signed_in(&to).await?;
    let back: String = url::form_urlencoded::byte_serialize(to.as_bytes()).collect();
    match visit.verdict_on(&session, Occasion::change_at(&to)).await? {
        // A policy asks for more than this page does, perhaps: there every way is open.
        Some(Verdict::StepUp) => return Ok(see_other(&format!("/login?more=yes&change=yes&return={back}"))),
        // Who sets it up gives the proofs that there are; so does who must choose another password before.
        Some(Verdict::Enrol { .. })
            if !session.view.password_compromised && (session.view.fresh || !to.starts_with(ENROLMENT)) =>
        {
            return Err(PageError::EnrolmentNeeded);
        }
        Some(Verdict::Met | Verdict::Recommended | Verdict::Enrol { .. }) => {}
        None => return Err(sign_in(&to)),
    }
    if session.view.without_app {
        // A code has to be sent, or a passkey asked, between the two proofs: signing in once more renews this very session.
        return Ok(see_other(&format!("/login?change=yes&return={back}")));
    }
    show(&visit, &session, to, None)
}

/// Takes the password, then the code where the account asks for one. A code that cannot be one is refused before
/// anything is counted.
pub async fn post(form: Submitted<Typed>) -> Result<Response, PageError> {
    // Who must set up a device is let in on the way there.
    let to = local(form.typed().to.clone());
    let (visit, session, typed) = form.in_session(&to).await?;
    let second = Second::read(typed.code.expose());
    if session.view.second_factor && second.is_none() {
        let error = FormError::field("code", text("reauthenticate-malformed"));
        return show(&visit, &session, to, Some(error));
    }
    let login = LoginRef {
        login: LoginId::from_bytes(visit.state.services.entropy.array()),
        browser: visit.browser,
        device: visit.known_device().filter(|known| known.user == session.user).map(|known| known.device),
        renews: Some(session.reference.clone()),
        trust: Trust::None,
        asks: visit.asks_on(Occasion::change_at(&to)).await?,
    };
    let tried = Try::begin(&visit)?;
    let outcome = password(&visit, &session, &tried, typed.password, &login).await;
    let wrong = FormError::field("password", text("reauthenticate-password-wrong"));
    let (mut verdict, mut attempt) = tried.verdict(outcome, wrong).await?;
    if let (Judged::SecondFactor(_), Some(second)) = (&verdict, second) {
        let id = login.login;
        let tried = Try::begin(&visit)?;
        let outcome = check_second(&visit, &session, &tried, second, login).await;
        let wrong = FormError::field("code", text("reauthenticate-code-wrong"));
        (verdict, attempt) = tried.verdict(outcome, wrong).await?;
        if let Judged::SecondFactor(awaited) = verdict {
            return go_on(&visit, &session, (id, to), awaited).await;
        }
    }
    match verdict {
        Judged::SignedIn(signed_in) => {
            sign_in_browser(&visit, session.user, &signed_in, &attempt).await?;
            Ok(see_other(&to))
        }
        Judged::Again(error) => show(&visit, &session, to, Some(error)),
        // An authenticator app was added in another tab since the page was made.
        Judged::SecondFactor(_) => {
            let error = FormError::field("code", text("reauthenticate-code-too"));
            let view = actors::domain::command::SessionView { second_factor: true, ..session.view.clone() };
            show(&visit, &LiveSession { view, ..session }, to, Some(error))
        }
    }
}

/// A policy asks for more than a code: the pages of a sign-in ask for it, and lead back.
async fn go_on(
    visit: &Visit,
    session: &LiveSession,
    (id, path): (LoginId, String),
    awaited: Awaited,
) -> Result<Response, PageError> {
    let aim = visit.aim_of_change(&path).await?;
    let mut login = visit.begin_login_as(id, Then::Account { path, aim, change: true }).await?;
    login.awaits(session.user, awaited);
    visit.keep_login(&login);
    next_page(visit, &login).await
}

async fn password(
    visit: &Visit,
    session: &LiveSession,
    tried: &Try<'_>,
    password: Secret<String>,
    login: &LoginRef,
) -> Result<SignInOutcome, CallError> {
    let name = session.view.user_name.clone();
    let typed = PasswordTry { name, password, login: login.clone(), known: visit.known_device(), trusted: Vec::new() };
    let sign_in = &visit.state.services.sign_in;
    sign_in.password(&tried.attempt, typed, visit.deadline).await.map(|(_, outcome)| outcome)
}

async fn check_second(
    visit: &Visit,
    session: &LiveSession,
    tried: &Try<'_>,
    second: Second,
    login: LoginRef,
) -> Result<SignInOutcome, CallError> {
    let services = &visit.state.services;
    match second {
        Second::Totp(code) => {
            let command = VerifyTotp { login, code };
            services.accounts.ask(session.user, &tried.attempt, command, visit.deadline).await
        }
        Second::Backup(code) => {
            services.sign_in.backup_code(session.user, &tried.attempt, login, code, visit.deadline).await
        }
    }
}

/// No parameter leads out of this site.
fn local(to: String) -> String {
    if is_local_path(&to) && !to.starts_with(HERE) { to } else { FALLBACK.to_owned() }
}

fn show(visit: &Visit, session: &LiveSession, to: String, error: Option<FormError>) -> Result<Response, PageError> {
    let frame = Frame::session(session).with_error(error.as_ref());
    let page = ReauthenticatePage {
        passkey: session.view.ways.passkey,
        to,
        user_name: session.view.user_name.clone(),
        wants_code: session.view.second_factor,
        takes_backup_code: true,
        error,
    };
    visit.page(frame, &page)
}
