//! Looking: is a session alive, and what does its account hold? Only "last seen" may be written, once a minute.

use std::collections::BTreeSet;

use schema::{
    FactorId, SessionId, Sid, Timestamp, UserId,
    record::{AccountStatus, Address, Channel, FactorState, Passkey, PublicKey, Recovery, Session},
};
use serde::{Deserialize, Serialize};

use super::{
    Decide, Decision,
    sensitive::{self, Operation},
    sign_in::Ways,
    verify_totp::throttle_of,
};
use crate::domain::{
    address,
    assurance::{self, Assurance},
    change::{Change, Item},
    compromised,
    context::Context,
    factor::passkey::aaguid,
    limits, recovery, trusted_device,
    user::{Areas, SessionRef, User},
};

/// A live session, as pages need it.
#[expect(clippy::struct_excessive_bools, reason = "each says another thing of the session, and any of them may be so")]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SessionView {
    /// Which.
    pub session: SessionId,
    /// Its public id.
    pub sid: Sid,
    /// Whose.
    pub user: UserId,
    /// The user's name.
    pub user_name: String,
    /// What was proved in it.
    pub assurance: Assurance,
    /// Are its proofs fresh enough to change factors and the password, at the account's highest level? Policies of these operations
    /// may ask for more.
    pub fresh: bool,
    /// Does the account ask for a second factor?
    pub second_factor: bool,
    /// Has the account no authenticator app, or none whose codes are looked at? Then the second proof, unless it is a backup code, is sent
    /// or asked of a device between two pages, as a login does it. The name is of a version that knew e-mail alone.
    #[serde(default, rename = "by_mail_alone")]
    pub without_app: bool,
    /// How a second proof can be given.
    #[serde(default)]
    pub ways: Ways,
    /// Does an operator ask for a second step of this very account?
    #[serde(default)]
    pub second_factor_required: bool,
    /// Must another password be chosen before anything else ([`compromised`])?
    #[serde(default)]
    pub password_compromised: bool,
}

/// Is this session alive?
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckSession {
    /// As the cookie names it.
    pub session: SessionRef,
}

impl Decide for CheckSession {
    type Outcome = Option<SessionView>;
    const NAME: &'static str = "check_session";
    const NEEDS: Areas = Areas::SESSIONS;
    /// It only looks.
    const REVOKES: bool = false;
    const LOOKS: bool = true;

    fn misses(outcome: &Self::Outcome) -> bool {
        outcome.is_none()
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<Option<SessionView>> {
        let Some(session) = user.live_session(&self.session, cx.now, cx.settings) else {
            return Decision::answer(None);
        };
        let mut change = Change::default();
        touch(session, cx, &mut change);
        Decision { change, events: Vec::new(), outcome: view(user, session, cx) }
    }
}

/// Writes "last seen", at most once a minute.
pub(super) fn touch(session: &Session, cx: &Context<'_>, change: &mut Change) {
    if session.last_seen_at.after(limits::TOUCH_INTERVAL) <= cx.now {
        change.put(Item::Session(Session { last_seen_at: cx.now, ..session.clone() }));
    }
}

/// The session as pages need it; `None` for one without a proof, which never comes to be.
pub(super) fn view(user: &User, session: &Session, cx: &Context<'_>) -> Option<SessionView> {
    let account = user.active_account()?;
    let assurance = assurance::of(&session.proofs)?;
    Some(SessionView {
        session: session.session,
        sid: session.sid,
        user: user.id,
        user_name: account.user_name.clone(),
        fresh: is_recent(user, session, cx),
        second_factor: user.has_second_factor(),
        without_app: user.has_second_factor() && user.usable_totps().next().is_none(),
        ways: Ways::of(user),
        second_factor_required: account.mfa_required_at.is_some(),
        password_compromised: compromised::must_change(user, &session.proofs),
        assurance,
    })
}

/// Are its proofs enough to change what guards the account: recent, and what policies of that ask for?
pub(super) fn is_fresh(user: &User, session: &Session, cx: &Context<'_>) -> bool {
    sensitive::allows(user, session, cx, Operation::ChangeSecurity)
}

/// Were factors proved recently, at the account's highest level (NIST SP 800-63B-4, 4.1.2.1)?
pub(super) fn is_recent(user: &User, session: &Session, cx: &Context<'_>) -> bool {
    assurance::of(&session.proofs)
        .is_some_and(|a| a.acr >= user.acr_to_change() && cx.now < a.auth_time.after(limits::FRESH_PROOF))
}

/// A TOTP device, as pages and operators see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TotpView {
    /// Which.
    pub factor: FactorId,
    /// The user's name for it.
    pub name: String,
    /// Where it stands.
    pub state: FactorState,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last proved something.
    pub last_used_at: Option<Timestamp>,
    /// It is not looked at any more, after a hundred failures in a row; another one must take its place.
    #[serde(default)]
    pub suspended: bool,
}

/// An address that gets codes, as pages and operators see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AddressView {
    /// Which.
    pub factor: FactorId,
    /// The user's name for it, if it has one.
    #[serde(default)]
    pub name: String,
    /// The address.
    pub address: String,
    /// Where it stands.
    pub state: FactorState,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last proved something.
    pub last_used_at: Option<Timestamp>,
    /// It is not looked at any more, after a hundred failures in a row; another one must take its place.
    pub suspended: bool,
}

/// A trusted device in a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrustedView {
    /// Which.
    pub device: FactorId,
    /// `User-Agent` when it was last used.
    pub user_agent: Option<String>,
    /// When trust was given.
    pub created_at: Timestamp,
    /// When it last stood in for a second step.
    pub last_used_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A passkey, as pages and operators see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PasskeyView {
    /// Which.
    pub factor: FactorId,
    /// The user's name for it.
    pub name: String,
    /// What kind of authenticator it says it is in, if that is well known.
    pub kind: Option<String>,
    /// Its id at browsers, base64url.
    pub credential: String,
    /// May it leave its device?
    pub backup_eligible: bool,
    /// Does it verify its user, so that it stands alone?
    pub user_verified: bool,
    /// Does a maker who is trusted vouch that it is in hardware, and stays there?
    #[serde(default)]
    pub hardware: bool,
    /// Where it stands.
    pub state: FactorState,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last proved something.
    pub last_used_at: Option<Timestamp>,
}

/// A session in a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Shown {
    /// Which.
    pub session: SessionId,
    /// `User-Agent` at sign-in.
    pub user_agent: Option<String>,
    /// Address at sign-in.
    pub address: Option<String>,
    /// Sign-in.
    pub started_at: Timestamp,
    /// Last use.
    pub last_seen_at: Timestamp,
}

/// What does this account hold?
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Overview;

/// The account without secrets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OverviewOutcome {
    /// The name.
    pub user_name: String,
    /// The address, if one was given.
    pub email: Option<String>,
    /// Was it proved?
    pub email_verified: bool,
    /// Roles.
    pub roles: BTreeSet<String>,
    /// May the user sign in?
    pub status: AccountStatus,
    /// Since when an operator asks for a second step of this very account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mfa_required_at: Option<Timestamp>,
    /// Registration.
    pub created_at: Timestamp,
    /// When the password was last chosen.
    pub password_changed_at: Option<Timestamp>,
    /// Since when somebody else may know it, so that who signs in with it chooses another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_compromised_at: Option<Timestamp>,
    /// Devices that are activated or await it.
    pub totps: Vec<TotpView>,
    /// Addresses that get codes, or await activation.
    #[serde(default)]
    pub emails: Vec<AddressView>,
    /// Phone numbers that get codes, or await activation.
    #[serde(default)]
    pub phones: Vec<AddressView>,
    /// Passkeys.
    #[serde(default)]
    pub passkeys: Vec<PasskeyView>,
    /// Backup codes left.
    pub backup_codes_left: usize,
    /// When the current backup codes were drawn.
    pub backup_codes_created_at: Option<Timestamp>,
    /// When the user confirmed to have saved them; `None` until then, and without codes.
    #[serde(default)]
    pub backup_codes_saved_at: Option<Timestamp>,
    /// Live sessions, the last used first.
    pub sessions: Vec<Shown>,
    /// Browsers in which no second step is asked for, the last used first.
    #[serde(default)]
    pub trusted: Vec<TrustedView>,
    /// A recovery that waits, or can be completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<RecoveryShown>,
}

/// A recovery, as pages and operators see it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct RecoveryShown {
    /// When it was begun.
    pub begun_at: Timestamp,
    /// From when on it can be completed.
    pub due_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
}

impl From<&Recovery> for RecoveryShown {
    fn from(recovery: &Recovery) -> Self {
        let Recovery { begun_at, due_at, expires_at, .. } = *recovery;
        Self { begun_at, due_at, expires_at }
    }
}

fn trusted(user: &User, cx: &Context<'_>) -> Vec<TrustedView> {
    let counts = user.trusted.values().filter(|trusted| trusted_device::counts(user, trusted, cx.now));
    let shown = counts.map(|trusted| TrustedView {
        device: trusted.device,
        user_agent: trusted.user_agent.clone(),
        created_at: trusted.created_at,
        last_used_at: trusted.last_used_at,
        expires_at: trusted.expires_at,
    });
    let mut shown: Vec<_> = shown.collect();
    shown.sort_by_key(|trusted| std::cmp::Reverse(trusted.last_used_at));
    shown
}

impl Decide for Overview {
    type Outcome = Option<OverviewOutcome>;
    const NAME: &'static str = "overview";
    const NEEDS: Areas = Areas::SESSIONS.and(Areas::BACKUP);
    /// It only looks.
    const REVOKES: bool = false;
    const LOOKS: bool = true;

    fn misses(outcome: &Self::Outcome) -> bool {
        outcome.is_none()
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<Option<OverviewOutcome>> {
        let Some(account) = &user.account else { return Decision::answer(None) };
        let live = user.sessions.values().filter(|s| user.live_session_by_id(s.session, cx.now, cx.settings).is_some());
        let mut sessions: Vec<Shown> = live
            .map(|s| Shown {
                session: s.session,
                user_agent: s.user_agent.clone(),
                address: s.address.clone(),
                started_at: s.started_at,
                last_seen_at: s.last_seen_at,
            })
            .collect();
        sessions.sort_by_key(|s| std::cmp::Reverse(s.last_seen_at));
        let shown = |state: FactorState| match state {
            FactorState::Registered | FactorState::Activated { .. } => true,
            FactorState::AwaitingActivation { until } => cx.now < until,
            FactorState::Revoked { .. } => false,
        };
        let totps = user.totps.values().filter(|t| shown(t.state)).map(|t| TotpView {
            factor: t.factor,
            name: t.name.clone(),
            state: t.state,
            created_at: t.created_at,
            last_used_at: t.last_used_at,
            suspended: user.is_suspended(&throttle_of(t)),
        });
        let view = |channel, address: &Address| AddressView {
            factor: address.factor,
            name: address.name.clone(),
            address: address.address.clone(),
            state: address.state,
            created_at: address.created_at,
            last_used_at: address.last_used_at,
            suspended: user.is_suspended(&address::throttle(channel, address.factor)),
        };
        let addresses = |channel| {
            let kept = user.addresses(channel).values().filter(|address| shown(address.state));
            kept.map(|address| view(channel, address)).collect()
        };
        Decision::answer(Some(OverviewOutcome {
            user_name: account.user_name.clone(),
            email: account.email.clone(),
            email_verified: account.email_verified,
            roles: account.roles.clone(),
            status: account.status,
            mfa_required_at: account.mfa_required_at,
            created_at: account.created_at,
            password_changed_at: user.password.as_ref().map(|p| p.changed_at),
            password_compromised_at: user.password.as_ref().and_then(|p| p.compromised_at),
            totps: totps.collect(),
            emails: addresses(Channel::Email),
            phones: addresses(Channel::Sms),
            passkeys: user.active_passkeys().map(|passkey| passkey_view(passkey, cx)).collect(),
            backup_codes_left: user.backup_codes_left(),
            backup_codes_created_at: user.backup.as_ref().map(|set| set.created_at),
            backup_codes_saved_at: user.backup.as_ref().and_then(|set| set.saved_at),
            sessions,
            trusted: trusted(user, cx),
            recovery: recovery::alive(user, cx.now).map(RecoveryShown::from),
        }))
    }
}

fn passkey_view((passkey, key): (&Passkey, &PublicKey), cx: &Context<'_>) -> PasskeyView {
    PasskeyView {
        factor: passkey.factor,
        name: passkey.name.clone(),
        kind: key.aaguid.as_deref().and_then(aaguid::name).map(str::to_owned),
        credential: key.id.clone(),
        backup_eligible: key.backup_eligible,
        user_verified: key.user_verified,
        hardware: cx.settings.attestation.is_hardware(key),
        state: passkey.state,
        created_at: passkey.created_at,
        last_used_at: passkey.last_used_at,
    }
}
