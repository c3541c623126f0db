//! `/login/passkey`: a passkey as the second proof, and the answer of one without a name typed. Who cannot be found by what the
//! answer names is answered as a passkey that is not right, after the same time (HAZARDS H13).

use actors::{
    call::CallError,
    domain::{
        assurance::Acr,
        command::{LoginRef, ShowLoginPasskeys, SignInOutcome, VerifyPasskey, VerifyPasskeyOutcome},
        factor::passkey::{RelyingParty, Verification},
    },
};
use axum::response::Response;
use schema::{UserId, record::PublicKey};
use serde::Deserialize;
use serde_json::json;
use webauthn_rs_core::proto::PublicKeyCredential;

use super::{
    Step, client_line, identified,
    judge::{Judged, Try},
    password::{self, Filled},
    second_step,
};
use crate::{
    error::PageError,
    extract::{LoginState, Query, Submitted, Visit, trust::Ticked, visit::Frame},
    locale::text,
    page::{FormError, PasskeyAsk, PasskeyPage},
};

/// The level of the data from which on every node knows of passkeys.
pub const LEVEL: u32 = 3;

/// What the browser sent.
#[derive(Debug, Deserialize)]
pub struct Answered {
    #[serde(default)]
    ceremony: String,
    #[serde(default)]
    answer: String,
    #[serde(default)]
    trust: Ticked,
}

/// Are there passkeys here, and does every node of the cluster know what they are?
pub fn are_known(visit: &Visit) -> bool {
    let services = &visit.state.services;
    services.level.current() >= LEVEL && RelyingParty::of(&services.settings.issuer).is_some()
}

/// What a login page without a name asks of any passkey.
pub fn ask_any(visit: &Visit, login: &LoginState) -> Option<PasskeyAsk> {
    are_known(visit).then(|| visit.ask_passkey(login, Verification::Required, &[])).flatten()
}

/// Shows the page of the second proof.
pub async fn get(visit: Visit, Query(step): Query<Step>) -> Result<Response, PageError> {
    let login = visit.login_step(&step.l).await?;
    identified(&login)?;
    show(&visit, &login, &Ticked::default(), None).await
}

/// Takes an answer. What cannot be one is refused without being counted.
pub async fn post(form: Submitted<Answered>) -> Result<Response, PageError> {
    let (visit, login, answered) = form.in_login().await?;
    let read = serde_json::from_str::<Box<PublicKeyCredential>>(&answered.answer);
    let (Ok(answer), Some(ceremony)) = (read, visit.open_ceremony(&login, &answered.ceremony)) else {
        let error = FormError::whole(text("passkey-not-used"));
        return again(&visit, &login, (&answered.trust, error), None).await;
    };
    let asks = visit.asks(&login).await?;
    let tried = Try::begin(&visit)?;
    let id = answer.raw_id.clone();
    let named =
        answer.response.user_handle.as_deref().and_then(|handle| handle.try_into().ok()).map(UserId::from_bytes);
    let outcome = match (login.user, named) {
        (Some(user), _) => {
            let trust = visit.wanted_trust(&answered.trust);
            let of = LoginRef { trust, asks, ..second_step(&visit, &login, user) };
            let command = VerifyPasskey { login: of, ceremony, answer };
            let sign_in = &visit.state.services.sign_in;
            sign_in.second_passkey(user, &tried.attempt, command, visit.deadline).await.map(|outcome| (user, outcome))
        }
        (None, Some(user)) => {
            let command =
                VerifyPasskey { login: LoginRef { asks, ..first_step(&visit, &login, user) }, ceremony, answer };
            let sign_in = &visit.state.services.sign_in;
            sign_in.passkey(user, &tried.attempt, command, visit.deadline).await.map(|outcome| (user, outcome))
        }
        (None, None) => Ok((UserId::from_bytes([0; 16]), VerifyPasskeyOutcome::Judged(SignInOutcome::Wrong))),
    };
    let unknown = matches!(outcome, Ok((_, VerifyPasskeyOutcome::Unknown))).then_some(id);
    let wrong = FormError::whole(text("passkey-refused"));
    match tried.judge(login.clone(), judged(outcome), wrong).await? {
        Judged::Done(response) => Ok(response),
        Judged::Again(error) => again(&visit, &login, (&answered.trust, error), unknown).await,
    }
}

fn judged(
    outcome: Result<(UserId, VerifyPasskeyOutcome), CallError>,
) -> Result<(Option<UserId>, SignInOutcome), CallError> {
    outcome.map(|(user, outcome)| match outcome {
        VerifyPasskeyOutcome::Judged(outcome) => (Some(user), outcome),
        VerifyPasskeyOutcome::Unknown => (Some(user), SignInOutcome::Wrong),
    })
}

/// The login as the owner of `user` knows it, before a first proof.
fn first_step(visit: &Visit, login: &LoginState, user: UserId) -> LoginRef {
    LoginRef { renews: visit.session_locator().map(|session| session.session), ..second_step(visit, login, user) }
}

/// The page that asked, with what was wrong. `unknown` is the id of a passkey that nobody has here.
async fn again(
    visit: &Visit,
    login: &LoginState,
    (ticked, error): (&Ticked, FormError),
    unknown: Option<Vec<u8>>,
) -> Result<Response, PageError> {
    if login.user.is_some() {
        return show(visit, login, ticked, Some(error)).await;
    }
    let unknown = unknown.zip(RelyingParty::of(&visit.state.services.settings.issuer)).map(|(id, rp)| {
        let id = data_encoding::BASE64URL_NOPAD.encode(&id);
        json!({ "rpId": rp.id(), "credentialId": id }).to_string()
    });
    let passkey = ask_any(visit, login).map(|ask| PasskeyAsk { unknown, ..ask });
    let filled = Filled { username: String::new(), more: false, passkey };
    password::show(visit, login, filled, Some(error)).await
}

/// The keys that reach what is asked for, if some do and others do not.
fn wanted<'a>(visit: &Visit, login: &LoginState, keys: &'a [PublicKey]) -> Vec<&'a PublicKey> {
    let asked = login.aims_at();
    let attestation = visit.state.services.attestation();
    let hardware: Vec<_> = keys.iter().filter(|key| attestation.is_hardware(key)).collect();
    let strictest = asked >= Some(Acr::PhishingResistantHardware) && !hardware.is_empty();
    if strictest { hardware } else { keys.iter().collect() }
}

async fn show(
    visit: &Visit,
    login: &LoginState,
    ticked: &Ticked,
    error: Option<FormError>,
) -> Result<Response, PageError> {
    let user = identified(login)?;
    let command = ShowLoginPasskeys { login: second_step(visit, login, user) };
    let keys = visit.state.services.accounts.ask(user, &visit.attempt(), command, visit.deadline).await?;
    let Some(keys) = keys else { return Err(visit.ended(&login.label()).await) };
    let ask = visit.ask_passkey(login, Verification::Preferred, &wanted(visit, login, &keys));
    let ask = ask.ok_or(PageError::NotFound)?;
    let frame = Frame::login(login).with_error(error.as_ref());
    let client = client_line(visit, login).await?;
    let (ways, trust) = (login.next_step(), visit.trust_box(ticked));
    visit.page(frame, &PasskeyPage { login: login.label(), client, ask, ways, trust, error })
}
