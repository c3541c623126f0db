//! What every door to a session shares: a login moves from its first accepted proof to its last.
//!
//! ```text
//! (sealed cookie) ── first proof ──► Login item ── last proof ──► Session item
//!                         └── no second factor ─────────────────────┘
//! ```
//!
//! A trusted device stands in for the second proof of a login that renews nothing ([`trusted_device`]), where the policies let it.
//! Where they ask for more than a second proof the login goes on ([`policy::steps`](crate::domain::policy)).
//!
//! A login that renews a session (fresh proofs for a sensitive operation, `prompt=login`, `max_age`) replaces the proofs of
//! that session by its own; one that raises it ([`super::raise_session`]) adds to them. In all cases the session's secret is new, so
//! that no id from before the proof is worth anything.

use schema::{
    BrowserId, DeviceId, SessionId, Sid, Timestamp,
    record::{AuditEvent, CountedText, KnownDevice, Login, Method, PolicyMethod, Proof, SentCode, Session, Unknown},
};

pub use super::login::{LoginRef, SignInOutcome, SignedIn, Stage, Ways};
use super::trusted_device::end_trust;
use crate::{
    domain::{
        assurance::{self, Acr},
        change::{Change, Item, ItemKey},
        context::Context,
        event::{self, WithFact},
        limits,
        policy::Outlook,
        recovery::{self, Standing},
        texts,
        throttle::{self, Bucketing},
        trusted_device::{self, Given, Trust, TrustRef},
        user::User,
    },
    secret::sha256_b64,
};

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

/// The login item, if it lives and belongs to this browser. One that raises a session ends with it.
pub(super) fn live_login<'a>(user: &'a User, of: &LoginRef, cx: &Context<'_>) -> Option<&'a Login> {
    user.active_account()?;
    let login = user.logins.get(&of.login).filter(|login| login.browser == of.browser && cx.now < login.expires_at)?;
    let session = || user.live_session_by_id(login.renews?, cx.now, cx.settings);
    let raisable = || session().is_some_and(|session| session.browser == login.browser);
    (!login.raises || raisable()).then_some(login)
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
    let login = live_login(user, of, cx);
    let begun = Begun {
        // A password that is typed twice voids no code that is on its way.
        sent: login.and_then(|login| login.sent.clone()).filter(|_| proof.method == Method::Password),
        texts: texts::after(change, login, proof.method),
        renews: renews(user, of, cx),
        raises: login.is_some_and(|login| login.raises),
    };
    let mut own = login.map(|login| login.proofs.clone()).unwrap_or_default();
    let last = proof.method;
    assurance::add(&mut own, proof);
    let (stand_in, trusted) = stand_in.map_or((None, None), |(proof, given)| (Some(proof), given));
    let mut proofs = raised(user, login, cx);
    own.iter().cloned().chain(stand_in.clone()).for_each(|proof| assurance::add(&mut proofs, proof));
    // What was proved decides, not how often: the same factor twice is one factor.
    let enough = stand_in.is_some() || assurance::of(&proofs).is_some_and(|proved| proved.acr >= Acr::TwoStep);
    let outlook = of.asks.outlook(user, &proofs, cx.now, cx.settings);
    if (user.has_second_factor() && !enough) || outlook.goes_on {
        let next = Next::of(user, &proofs, outlook, begun.raises);
        return await_proof(user, cx, change, of, (begun, own, next));
    }
    texts::taken_back(change, &begun.texts);
    let trusted = match of.trust {
        Trust::Wanted => give_trust(user, cx, change, &proofs, begun.renews),
        Trust::None | Trust::Shown(_) => trusted,
    };
    if login.is_some() {
        change.delete(ItemKey::Login(of.login));
    }
    let renewed = begun.renews.and_then(|id| user.live_session_by_id(id, cx.now, cx.settings));
    recovery::signed_in(user, cx, change, &proofs, last);
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

/// The proofs of the session that a login raises, as they are at this moment; none of any other login.
fn raised(user: &User, login: Option<&Login>, cx: &Context<'_>) -> Vec<Proof> {
    let session = login.filter(|login| login.raises).and_then(|login| login.renews);
    let session = session.and_then(|id| user.live_session_by_id(id, cx.now, cx.settings));
    session.map(|session| session.proofs.clone()).unwrap_or_default()
}

/// What was proved for a login so far, with what the session has that it raises.
pub(super) fn proved(user: &User, login: &Login, cx: &Context<'_>) -> Vec<Proof> {
    let mut proofs = raised(user, Some(login), cx);
    login.proofs.iter().cloned().for_each(|proof| assurance::add(&mut proofs, proof));
    proofs
}

/// The end of a login that this code is sent for: that of the code, which would else be good for less than its message says. Whoever has
/// one sent again and again does not keep the login for ever.
pub(super) fn end_with(login: &Login, sent: &SentCode) -> Timestamp {
    login.expires_at.max(sent.expires_at.min(login.started_at.after(limits::LOGIN_AT_MOST)))
}

/// How a login goes on in which nothing was proved just now.
pub(super) fn goes_on(user: &User, cx: &Context<'_>, of: &LoginRef, login: &Login) -> SignInOutcome {
    let proofs = proved(user, login, cx);
    let outlook = of.asks.outlook(user, &proofs, cx.now, cx.settings);
    let Next { ways, stage } = Next::of(user, &proofs, outlook, login.raises);
    SignInOutcome::SecondFactor { expires_at: login.expires_at, ways, stage, trust_ended: false }
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

/// The cookie of a trusted device, where it may stand in for what follows this proof: in a login that only begins, and renews no
/// session, for who is asked for fresh proofs is asked for all of them; and where the policies ask for nothing beside it.
pub(super) fn shown_trust<'a>(user: &User, of: &'a LoginRef, cx: &Context<'_>, first: &Proof) -> Option<&'a TrustRef> {
    let Trust::Shown(shown) = &of.trust else { return None };
    let begins = live_login(user, of, cx).is_none() && renews(user, of, cx).is_none();
    let stand_in = Proof { method: Method::TrustedDevice, factor: Some(shown.device), credential: None, ..*first };
    let enough = || !of.asks.outlook(user, &[first.clone(), stand_in], cx.now, cx.settings).goes_on;
    (begins && enough()).then_some(shown)
}

/// What stays of a login that awaits another proof.
pub(super) struct Begun {
    pub(super) sent: Option<SentCode>,
    pub(super) renews: Option<SessionId>,
    pub(super) raises: bool,
    /// Text messages that count as unverified, until the login is complete.
    pub(super) texts: Vec<CountedText>,
}

/// What is awaited.
pub(super) struct Next {
    ways: Ways,
    stage: Option<Stage>,
}

impl Next {
    /// After these proofs. Where the policies ask for nothing that the account has, any device will do; but not mail beside a password that
    /// came by mail ([`User::takes_mail`]).
    pub(super) fn of(user: &User, proofs: &[Proof], outlook: Outlook, raises: bool) -> Self {
        let given = proofs.iter().filter(|proof| proof.method != Method::TrustedDevice).count();
        let backup_code = outlook.backup_code || !outlook.goes_on;
        let takes_mail = user.takes_mail(proofs);
        // Where policies ask for mail alone, and that does not count yet, it is asked for after another device.
        let bring_on = outlook.methods.iter().any(|method| takes_mail || *method != PolicyMethod::Email);
        let ways = if bring_on { Ways::by(user, &outlook.methods, backup_code) } else { Ways::of(user) };
        let ways = Ways { email: ways.email && takes_mail, ..ways };
        let several = outlook.goes_on && (raises || given > 1 || outlook.left > 1);
        let (step, of) = (given + 1, given + outlook.left);
        Self { ways, stage: several.then_some(Stage { step, of, asked: outlook.named, raises }) }
    }
}

pub(super) fn await_proof(
    user: &User,
    cx: &Context<'_>,
    change: &mut Change,
    of: &LoginRef,
    (begun, proofs, next): (Begun, Vec<Proof>, Next),
) -> SignInOutcome {
    let expires_at = cx.now.after(limits::LOGIN_LIFETIME);
    let live = user.logins.values().filter(|login| cx.now < login.expires_at && login.login != of.login);
    if live.clone().count() >= limits::MAX_LOGINS
        // Whoever knows the password can begin as many as they like, and must not end those that its owner began (HAZARDS H11).
        && let Some(oldest) = live.min_by_key(|login| (login.known, login.started_at))
    {
        change.delete(ItemKey::Login(oldest.login));
    }
    // Who has proved more than the password has not lost everything; the page can be asked for all the same.
    let password_alone = !begun.raises && proofs.iter().all(|proof| proof.method == Method::Password);
    let recovery = password_alone && matches!(recovery::standing(user, cx.now), Standing::Due(_));
    change.put(Item::Login(Login {
        login: of.login,
        browser: of.browser,
        proofs,
        renews: begun.renews,
        raises: begun.raises,
        sent: begun.sent,
        texts: begun.texts,
        known: matches!(user.bucket(of.device.as_ref(), cx.now), Bucketing::Device(_)),
        started_at: cx.now,
        expires_at,
        unknown: Unknown::default(),
    }));
    let Next { ways, stage } = next;
    SignInOutcome::SecondFactor { expires_at, ways: Ways { recovery, ..ways }, stage, trust_ended: false }
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

/// The audit event of an accepted or refused proof. A sign-in that gives trust says to which device, and one that cancels a recovery
/// says so.
pub(super) fn told(user: &User, cx: &Context<'_>, of: Method, outcome: &SignInOutcome) -> AuditEvent {
    let (kind, method) = (event_kind(outcome), method_name(of));
    let event = event::of(cx, kind, user.id).with("method", method);
    match outcome {
        SignInOutcome::SignedIn(signed_in) => {
            let event = event.with("session", signed_in.session.to_string());
            let event = recovery::noted(event, recovery::is_met_by(user, of, cx.now));
            match &signed_in.trusted {
                Some(given) => event.with("trusted_device", given.device.to_string()),
                None => event,
            }
        }
        _ => event,
    }
}

fn event_kind(outcome: &SignInOutcome) -> &'static str {
    match outcome {
        SignInOutcome::Wrong => "login.failed",
        // Nothing is written of a guess that is refused unseen; the one that closed the way was told then (`guess`).
        SignInOutcome::Throttled { .. } | SignInOutcome::Suspended => "login.refused",
        SignInOutcome::Stale => "login.stale",
        SignInOutcome::LoginEnded => "login.ended",
        SignInOutcome::SecondFactor { stage: Some(Stage { step, .. }), .. } if *step > 2 => "login.further_factor",
        SignInOutcome::SecondFactor { .. } => "login.first_factor",
        SignInOutcome::SignedIn(_) => "login.succeeded",
    }
}

/// The name of a method in the audit log.
pub(crate) const fn method_name(method: Method) -> &'static str {
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
