//! What every door to a session shares: a login moves from its first accepted proof to its last.
//!
//! ```text
//! (sealed cookie) ── first proof ──► Login item ── last proof ──► Session item
//!                         └── no second factor ─────────────────────┘
//! ```
//!
//! A trusted device stands in for the second proof of a login that renews nothing ([`trusted_device`]).
//!
//! A login that renews a session (fresh proofs for a sensitive operation, `prompt=login`, `max_age`) replaces the proofs of
//! that session by its own. In both cases the session's secret is new, so that no id from before the proof is worth anything.

use schema::{
    BrowserId, DeviceId, LoginId, SessionId, Sid, Timestamp,
    record::{AuditEvent, Channel, KnownDevice, Login, Method, Proof, SentCode, Session, Unknown},
};
use serde::{Deserialize, Serialize};

use super::trusted_device::end_trust;
use crate::{
    domain::{
        assurance::{self, Acr},
        change::{Change, Item, ItemKey},
        context::Context,
        event::{self, WithFact},
        limits,
        throttle::{self, Bucketing},
        trusted_device::{self, Given, Trust, TrustRef},
        user::{SessionRef, User},
    },
    secret::sha256_b64,
};

/// A login as its sealed cookie names it, and the browser that it lives in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LoginRef {
    /// Which.
    pub login: LoginId,
    /// The browser that began it.
    pub browser: BrowserId,
    /// The known device that the browser claims to be.
    pub device: Option<DeviceId>,
    /// The session that gets the proofs, if one asks for fresh ones.
    pub renews: Option<SessionRef>,
    /// What the browser shows or wants of trust. A node of an earlier version knows nothing of it.
    #[serde(default, skip_serializing_if = "Trust::is_none")]
    pub trust: Trust,
}

/// A browser is signed in. The session's secret is [`SignIn::session_secret`] of the attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedIn {
    /// The session.
    pub session: SessionId,
    /// The device that the browser is known as from now on.
    pub device: DeviceId,
    /// When the session ends at the latest.
    pub expires_at: Timestamp,
    /// The cookie of a trusted device, if there is a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted: Option<Given>,
}

/// How a second factor can be given, beside a backup code.
#[expect(clippy::struct_excessive_bools, reason = "one for each way, and a person has any of them")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ways {
    /// By the code of an authenticator app.
    pub totp: bool,
    /// By a code that is sent by e-mail.
    pub email: bool,
    /// By a code that is sent by text message.
    #[serde(default)]
    pub sms: bool,
    /// By a passkey.
    #[serde(default)]
    pub passkey: bool,
}

impl Ways {
    /// By the code of an authenticator app.
    pub const fn by_app() -> Self {
        Self { totp: true, email: false, sms: false, passkey: false }
    }
}

/// How a proof was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignInOutcome {
    /// It was not right; or, by design indistinguishable, there is nobody to sign in.
    Wrong,
    /// Not looked at: the cool-down lasts until then.
    Throttled {
        /// When to try again.
        until: Timestamp,
    },
    /// Not looked at: the authenticator is suspended (100 consecutive failures).
    Suspended,
    /// Computed against a secret that is not the current one any more (HAZARDS H7): compute again.
    Stale,
    /// The login ended, belongs to another browser, or was never begun.
    LoginEnded,
    /// Right; a second factor is awaited.
    SecondFactor {
        /// When the login ends.
        expires_at: Timestamp,
        /// How it can be given. A node of an earlier version knows one way only.
        #[serde(default = "Ways::by_app")]
        ways: Ways,
    },
    /// Right, and complete.
    SignedIn(SignedIn),
}

/// Purposes of what is drawn from an attempt's seed at sign-in.
#[derive(Debug)]
pub struct SignIn;

impl SignIn {
    /// The secret of the session's cookie, 128 bits.
    pub fn session_secret(cx: &crate::secret::Seed) -> [u8; 16] {
        cx.derive("session secret")
    }

    /// Its hash, as stored and as a [`SessionRef`] holds it.
    pub fn session_secret_hash(cx: &crate::secret::Seed) -> String {
        sha256_b64(&Self::session_secret(cx))
    }
}

/// The login item, if it lives and belongs to this browser.
pub(super) fn live_login<'a>(user: &'a User, of: &LoginRef, cx: &Context<'_>) -> Option<&'a Login> {
    user.active_account()?;
    user.logins.get(&of.login).filter(|login| login.browser == of.browser && cx.now < login.expires_at)
}

/// Takes an accepted proof: asks for the second factor where there is one, or completes the login.
pub(super) fn accept(user: &User, cx: &Context<'_>, change: &mut Change, of: &LoginRef, proof: Proof) -> SignInOutcome {
    accept_with(user, cx, change, of, Accepted { proof, stand_in: None })
}

/// A proof, and perhaps what stands in for the second one.
pub(super) struct Accepted {
    pub(super) proof: Proof,
    /// A trusted device, with its new cookie if there is one.
    pub(super) stand_in: Option<(Proof, Option<Given>)>,
}

/// As [`accept`], where a trusted device may stand in.
pub(super) fn accept_with(
    user: &User,
    cx: &Context<'_>,
    change: &mut Change,
    of: &LoginRef,
    Accepted { proof, stand_in }: Accepted,
) -> SignInOutcome {
    let begun = live_login(user, of, cx);
    // A password that is typed twice voids no code that is on its way.
    let sent = begun.and_then(|login| login.sent.clone()).filter(|_| proof.method == Method::Password);
    let mut proofs = begun.map(|login| login.proofs.clone()).unwrap_or_default();
    assurance::add(&mut proofs, proof);
    // What was proved decides, not how often: the same factor twice is one factor.
    let enough = assurance::of(&proofs).is_some_and(|proved| proved.acr >= Acr::TwoStep);
    let renews = renews(user, of, cx);
    if user.has_second_factor() && !enough && stand_in.is_none() {
        return await_second_factor(user, cx, change, of, Begun { proofs, renews, sent });
    }
    let trusted = match stand_in {
        Some((stand_in, given)) => {
            assurance::add(&mut proofs, stand_in);
            given
        }
        None if of.trust == Trust::Wanted => give_trust(user, cx, change, &proofs, renews),
        None => None,
    };
    if begun.is_some() {
        change.delete(ItemKey::Login(of.login));
    }
    let renewed = renews.and_then(|id| user.live_session_by_id(id, cx.now, cx.settings));
    let device = remember_device(user, cx, change, of.device);
    let session = match renewed.filter(|session| session.browser == of.browser) {
        Some(session) => renew_session(session, cx, proofs, device),
        None => new_session(cx, of.browser, proofs, device),
    };
    end_oldest_session(user, change, &session, cx);
    let signed_in = SignedIn { session: session.session, device, expires_at: session.expires_at, trusted };
    change.put(Item::Session(session));
    SignInOutcome::SignedIn(signed_in)
}

/// Trusts the browser. The one that gives way to it, if there are too many, takes with it what rests on it, but for the session that
/// is renewed.
fn give_trust(
    user: &User,
    cx: &Context<'_>,
    change: &mut Change,
    proofs: &[Proof],
    renews: Option<SessionId>,
) -> Option<Given> {
    let given = trusted_device::give(user, cx, change, proofs)?;
    if let Some(oldest) = trusted_device::surplus(user, cx) {
        end_trust(user, cx, change, |device| device == oldest, renews);
    }
    Some(given)
}

/// The live session that a login renews, if it does.
fn renews(user: &User, of: &LoginRef, cx: &Context<'_>) -> Option<SessionId> {
    match live_login(user, of, cx) {
        Some(login) => login.renews,
        None => of.renews.as_ref().and_then(|r| user.live_session(r, cx.now, cx.settings)).map(|s| s.session),
    }
}

/// The cookie of a trusted device, where it may stand in for a second proof: in a login that only begins, and renews no
/// session, for who is asked for fresh proofs is asked for all of them.
pub(super) fn shown_trust<'a>(user: &User, of: &'a LoginRef, cx: &Context<'_>) -> Option<&'a TrustRef> {
    match &of.trust {
        Trust::Shown(shown) if live_login(user, of, cx).is_none() && renews(user, of, cx).is_none() => Some(shown),
        Trust::Shown(_) | Trust::None | Trust::Wanted => None,
    }
}

/// What a login is at when a second factor is awaited.
struct Begun {
    proofs: Vec<Proof>,
    renews: Option<SessionId>,
    sent: Option<SentCode>,
}

fn await_second_factor(
    user: &User,
    cx: &Context<'_>,
    change: &mut Change,
    of: &LoginRef,
    begun: Begun,
) -> SignInOutcome {
    let expires_at = cx.now.after(limits::LOGIN_LIFETIME);
    let live = user.logins.values().filter(|login| cx.now < login.expires_at && login.login != of.login);
    if live.clone().count() >= limits::MAX_LOGINS
        && let Some(oldest) = live.min_by_key(|login| login.started_at)
    {
        change.delete(ItemKey::Login(oldest.login));
    }
    change.put(Item::Login(Login {
        login: of.login,
        browser: of.browser,
        proofs: begun.proofs,
        renews: begun.renews,
        sent: begun.sent,
        started_at: cx.now,
        expires_at,
        unknown: Unknown::default(),
    }));
    SignInOutcome::SecondFactor { expires_at, ways: ways_of(user) }
}

/// How this user can give a second factor.
pub(super) fn ways_of(user: &User) -> Ways {
    Ways {
        totp: user.active_totps().next().is_some(),
        email: !user.active_addresses(Channel::Email).is_empty(),
        sms: !user.active_addresses(Channel::Sms).is_empty(),
        passkey: user.active_passkeys().next().is_some(),
    }
}

/// A session for somebody who just proved who they are.
pub(super) fn new_session(cx: &Context<'_>, browser: BrowserId, proofs: Vec<Proof>, device: DeviceId) -> Session {
    let seed = &cx.attempt.seed;
    Session {
        session: SessionId::from_bytes(seed.derive("session")),
        sid: Sid::from_bytes(seed.derive("sid")),
        secret_hash: SignIn::session_secret_hash(seed),
        browser,
        device,
        proofs,
        clients: Vec::new(),
        user_agent: cx.attempt.origin.user_agent.clone(),
        address: cx.attempt.origin.address.clone(),
        started_at: cx.now,
        last_seen_at: cx.now,
        expires_at: cx.now.after(cx.settings.session_absolute),
        unknown: Unknown::default(),
    }
}

/// The login that renews a session is complete by itself, so its proofs take the place of those before: who chose a weaker
/// way this time has proved less, and no old proof makes the new ones look old.
fn renew_session(session: &Session, cx: &Context<'_>, proofs: Vec<Proof>, device: DeviceId) -> Session {
    let mut renewed = session.clone();
    renewed.proofs = proofs;
    renewed.secret_hash = SignIn::session_secret_hash(&cx.attempt.seed);
    renewed.device = device;
    renewed.last_seen_at = cx.now;
    renewed
}

/// A known device comes of a complete sign-in alone (HAZARDS H11).
pub(super) fn remember_device(
    user: &User,
    cx: &Context<'_>,
    change: &mut Change,
    claimed: Option<DeviceId>,
) -> DeviceId {
    let known = claimed.and_then(|id| user.devices.get(&id));
    let device = match known {
        Some(known) => KnownDevice { last_used_at: cx.now, ..known.clone() },
        None => KnownDevice {
            device: DeviceId::from_bytes(cx.attempt.seed.derive("device")),
            created_at: cx.now,
            last_used_at: cx.now,
            unknown: Unknown::default(),
        },
    };
    let others = user.devices.values().filter(|other| other.device != device.device);
    if others.clone().count() >= limits::MAX_DEVICES
        && let Some(oldest) = others.min_by_key(|other| other.last_used_at)
    {
        change.delete(ItemKey::Device(oldest.device));
        forget_failures(user, change, &oldest.device);
    }
    let id = device.device;
    change.put(Item::Device(device));
    id
}

/// The buckets of a device that is forgotten go with it, out of what this decision writes of throttles already, too.
fn forget_failures(user: &User, change: &mut Change, device: &DeviceId) {
    let mut throttles = user.throttles.clone();
    for item in change.puts() {
        if let Item::Throttle(name, counts) = item {
            throttles.insert(name.clone(), counts.clone());
        }
    }
    let bucket = Bucketing::Device(device).name();
    for (name, mut counts) in throttles.into_iter().filter(|(_, counts)| counts.buckets.contains_key(&bucket)) {
        throttle::forget(&mut counts, device);
        change.put(Item::Throttle(name, counts));
    }
}

fn end_oldest_session(user: &User, change: &mut Change, newest: &Session, cx: &Context<'_>) {
    let live = user.sessions.values().filter(|s| s.session != newest.session && cx.now < s.expires_at);
    if live.clone().count() >= limits::MAX_SESSIONS
        && let Some(oldest) = live.min_by_key(|session| session.last_seen_at)
    {
        change.delete(ItemKey::Session(oldest.session));
    }
}

/// The audit event of an accepted or refused proof. A sign-in that gives trust says to which device.
pub(super) fn told(user: &User, cx: &Context<'_>, method: Method, outcome: &SignInOutcome) -> AuditEvent {
    let (kind, method) = (event_kind(outcome), method_name(method));
    let event = event::of(cx, kind, user.id).with("method", method);
    match outcome {
        SignInOutcome::SignedIn(signed_in) => {
            let event = event.with("session", signed_in.session.to_string());
            match &signed_in.trusted {
                Some(given) => event.with("trusted_device", given.device.to_string()),
                None => event,
            }
        }
        _ => event,
    }
}

const fn event_kind(outcome: &SignInOutcome) -> &'static str {
    match outcome {
        SignInOutcome::Wrong => "login.failed",
        SignInOutcome::Throttled { .. } => "login.throttled",
        SignInOutcome::Suspended => "login.suspended",
        SignInOutcome::Stale => "login.stale",
        SignInOutcome::LoginEnded => "login.ended",
        SignInOutcome::SecondFactor { .. } => "login.first_factor",
        SignInOutcome::SignedIn(_) => "login.succeeded",
    }
}

/// The name of a method in the audit log.
pub(super) const fn method_name(method: Method) -> &'static str {
    match method {
        Method::Password => "password",
        Method::Totp => "totp",
        Method::BackupCode => "backup_code",
        Method::EmailCode => "email_code",
        Method::TrustedDevice => "trusted_device",
        Method::SmsCode => "sms_code",
        Method::Passkey { .. } => "passkey",
    }
}
