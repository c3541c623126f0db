//! The model: from which state which door leads on, and exactly what it changes. Everything else changes nothing, whatever is sent.

use crate::{doors::NEW_ADDRESS, state::State};

/// What a legal step changes of the account at stake and of nobody's before, and who is signed in afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) changes: Vec<&'static str>,
    /// Of users beside the account at stake.
    pub(crate) others: &'static [&'static str],
    pub(crate) who: Option<&'static str>,
}

#[expect(clippy::unnecessary_wraps, reason = "the arms of the model read alike")]
fn to(who: Option<&'static str>, changes: &[&'static str]) -> Option<Edge> {
    Some(Edge { changes: changes.to_vec(), others: &[], who })
}

/// The account at stake is signed in, or still is.
const AMELIA: Option<&str> = Some("amelia");
/// A session that is new takes the place of the one that the browser had.
const NEW_ACCOUNT: &[&str] = &["+account", "+device", "+password", "+session"];
const NEW_BY_ADDRESS: &[&str] = &["+account", "+device", "+password", "+session", "-registration"];

/// Where a door leads from a state with everything right. `None`: nowhere.
pub(crate) fn edge(state: State, path: &str) -> Option<Edge> {
    let mut edge = anybody(state, path).or_else(|| second_step(state, path)).or_else(|| account(state, path))?;
    edge.changes.extend(ends_a_recovery(state, path));
    edge.changes.sort_unstable();
    Some(edge)
}

/// Doors that ask for nothing that was proved before.
fn anybody(state: State, path: &str) -> Option<Edge> {
    let who = if state.is_signed_in() { AMELIA } else { None };
    // The browser's session before ends with one of somebody else.
    let left: &[&str] = if state.has_session() { &["-session"] } else { &[] };
    match path {
        // Whoever has the link sets the password, and signs nobody in: every session, and what rests on the password, ends.
        "/reset" => to(None, &["-device", "-login", "-session", "-trusted", "~password", "~reset"]),
        "/register" => Some(Edge { others: NEW_ACCOUNT, ..to(Some("newcomer"), left)? }),
        "/register/confirm" => Some(Edge { others: NEW_BY_ADDRESS, ..to(Some(NEW_ADDRESS), left)? }),
        // Who asks need not be who follows the link.
        "/register/email" => Some(Edge { others: &["+registration"], ..to(who, &[])? }),
        // Another link beside those before, which goes to the confirmed address; here nobody learns of it.
        "/forgot" => to(who, &["+reset"]),
        // The second step is awaited all the same, and a code that was sent is still good; only the time of the proof is another.
        "/login" if matches!(state, State::AwaitingMail | State::AwaitingText | State::Recovering) => {
            to(None, &["~login"])
        }
        // What was proved beside it counts on.
        "/login" if state.is_asked_for_more() => to(None, &["~login"]),
        "/login" if state.is_awaiting() => to(None, &[]),
        "/login" => to(who, &["+login"]),
        // It needs no proof: it only keeps things as they are.
        "/recovery/cancel" if state.recovers() => to(who, &[]),
        _ => None,
    }
}

/// Doors of a login whose password was right.
fn second_step(state: State, path: &str) -> Option<Edge> {
    use State::{Asked, Awaiting, AwaitingMail, AwaitingText, Due, Further, Raising, Recovering};
    let awaiting = state.is_awaiting();
    match path {
        // Once more is no more: the passkey is still missing.
        "/login/totp" if state == Further => to(None, &["~login", "~totp"]),
        // What raises the session that there is; a backup code stands for any one device.
        _ if state == Raising => match path {
            "/login/passkey" => to(AMELIA, &["-login", "~passkey", "~session"]),
            "/login/backup-code" => to(AMELIA, &["-login", "~backup", "~session"]),
            "/login/totp" => to(None, &["~login", "~totp"]),
            "/login/email/send" | "/login/sms/send" => to(None, &["~login"]),
            _ => None,
        },
        "/login/totp" if awaiting => to(AMELIA, &["+session", "-login", "~totp"]),
        "/login/backup-code" if awaiting => to(AMELIA, &["+session", "-login", "~backup"]),
        // A login has one code, by whichever way it was sent; where it is typed does not matter to what it proves.
        "/login/email" | "/login/sms" | "/login/link" if state == AwaitingMail => {
            to(AMELIA, &["+session", "-login", "~email"])
        }
        "/login/email" | "/login/sms" if state == AwaitingText => to(AMELIA, &["+session", "-login", "~phone"]),
        // A minute lies between two codes to one address.
        "/login/email/send" if awaiting && state != AwaitingMail => to(None, &["~login"]),
        "/login/sms/send" if awaiting && state != AwaitingText => to(None, &["~login"]),
        "/login/passkey" if awaiting => to(AMELIA, &["+session", "-login", "~passkey"]),
        "/consent" if state == Asked => to(AMELIA, &["+code", "+consent", "~session"]),
        // What was asked of the passkey was asked for another login.
        "/login/passkey" if state == Asked => None,
        // It renews the session, if there is one.
        "/login/passkey" if state.is_signed_in() => to(AMELIA, &["~passkey", "~session"]),
        "/login/passkey" => to(AMELIA, &["+session", "~passkey"]),
        "/login/recovery" if matches!(state, Awaiting | AwaitingMail | AwaitingText) => to(None, &["+recovery"]),
        "/login/recovery/send" if state == Due => to(None, &["~login", "~recovery"]),
        // Every second step is gone, and what rests on them.
        "/login/recovery/complete" if state == Recovering => to(AMELIA, &COMPLETED),
        _ => None,
    }
}

const COMPLETED: [&str; 10] = [
    "+session",
    "-backup",
    "-login",
    "-recovery",
    "-session",
    "-trusted",
    "email=revoked",
    "passkey=revoked",
    "phone=revoked",
    "totp=revoked",
];

/// Doors of a session.
fn account(state: State, path: &str) -> Option<Edge> {
    if !state.has_session() {
        return None;
    }
    match path {
        "/logout" | "/oauth/logout" => to(None, &["-session"]),
        // Of a session that does not meet the policies nothing else is done.
        _ if !state.is_signed_in() => None,
        "/account/sessions/end" => to(AMELIA, &["-session"]),
        "/account/sessions/end-all" => to(None, &["-login", "-session", "-trusted"]),
        // The session that asks stays, though it rests on that trust.
        "/account/trusted/forget" => to(AMELIA, &["-trusted"]),
        "/account/mfa/decline" => to(AMELIA, &["~account"]),
        "/account/mfa/totp/{factor}/rename" => to(AMELIA, &["~totp"]),
        "/account/mfa/passkey/{factor}/rename" => to(AMELIA, &["~passkey"]),
        "/account/mfa/email/{factor}/rename" => to(AMELIA, &["~email"]),
        "/account/mfa/sms/{factor}/rename" => to(AMELIA, &["~phone"]),
        "/account/mfa/backup-codes/saved" => to(AMELIA, &["~backup"]),
        "/account/recovery/cancel" if state.recovers() => to(AMELIA, &[]),
        // It is where a session becomes fresh.
        "/account/reauthenticate" => to(AMELIA, &["~session", "~totp"]),
        // What changes the factors asks for as much as there is, a moment ago.
        _ if !state.is_fresh() => None,
        _ => factors(path),
    }
}

/// Doors that change the factors. With any change of them, and of the password, the trust in browsers ends.
fn factors(path: &str) -> Option<Edge> {
    match path {
        // One enrolment at a time: another one gives way.
        "/account/mfa/totp" => to(AMELIA, &["+totp", "-totp"]),
        "/account/mfa/email" => to(AMELIA, &["+email", "-email"]),
        "/account/mfa/sms" => to(AMELIA, &["+phone", "-phone"]),
        "/account/mfa/passkey" => to(AMELIA, &["+passkey", "-passkey"]),
        "/account/mfa/email/{factor}/resend" => to(AMELIA, &["~email"]),
        "/account/mfa/sms/{factor}/resend" => to(AMELIA, &["~phone"]),
        "/account/mfa/totp/{factor}/confirm" => to(AMELIA, &["-trusted", "totp=activated", "~session"]),
        "/account/mfa/email/{factor}/confirm" | "/account/mfa/email/link" => {
            to(AMELIA, &["-trusted", "email=activated", "~session"])
        }
        "/account/mfa/sms/{factor}/confirm" => to(AMELIA, &["-trusted", "phone=activated", "~session"]),
        "/account/mfa/passkey/{factor}/confirm" => to(AMELIA, &["-trusted", "passkey=activated", "~session"]),
        // What was proved by it is proved no more.
        "/account/mfa/totp/{factor}/remove" => to(AMELIA, &["-trusted", "totp=revoked", "~session"]),
        "/account/mfa/email/{factor}/remove" => to(AMELIA, &["-trusted", "email=revoked", "~session"]),
        "/account/mfa/sms/{factor}/remove" => to(AMELIA, &["-trusted", "phone=revoked", "~session"]),
        // Nobody used it for a session here.
        "/account/mfa/passkey/{factor}/remove" => to(AMELIA, &["-trusted", "passkey=revoked"]),
        "/account/mfa/backup-codes" => to(AMELIA, &["~backup"]),
        // One address awaits its code, and another one gives way.
        "/account/email" => to(AMELIA, &["~own-address"]),
        // Links that went to the address before end.
        "/account/email/confirm" => to(AMELIA, &["-own-address", "-reset", "~account"]),
        "/account/password" => {
            to(AMELIA, &["-device", "-login", "-reset", "-session", "-trusted", "~password", "~session"])
        }
        _ => None,
    }
}

/// What a step does to a recovery, which most do by the way.
fn ends_a_recovery(state: State, path: &str) -> Option<&'static str> {
    match path {
        // It was begun with another password, and cancelled for another one.
        "/reset" | "/account/password" => (state.recovers() || state == State::Cancelled).then_some("-recovery"),
        _ => (state.recovers() && cancels(path)).then_some("recovery=cancelled"),
    }
}

fn cancels(path: &str) -> bool {
    match path {
        // Who gives a second step has not lost all of them.
        "/recovery/cancel" | "/account/recovery/cancel" | "/account/reauthenticate" => true,
        _ if path.starts_with("/login/") => !path.ends_with("/send") && path != "/login/recovery/complete",
        // Nor has who changes them.
        _ if path.starts_with("/account/mfa/") => {
            ["/confirm", "/remove", "/link"].iter().any(|step| path.ends_with(step))
        }
        _ => false,
    }
}
