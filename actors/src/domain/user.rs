//! A user as the rules see it: what is stored in one partition, typed, as of one revision.

mod areas;
mod items;

use std::collections::{BTreeMap, BTreeSet};

use schema::{
    ClaimId, ClientId, CodeId, DeviceId, FactorId, FamilyId, Kind, LoginId, MessageId, PartitionKey, ResetId, Revision,
    SessionId, Timestamp, UserId,
    record::{
        Account, AccountStatus, Address, BackupCodes, Channel, Code, Consent, FactorState, Family, FamilyState,
        KnownDevice, Login, Message, Passkey, Password, PendingAddress, PendingRegistration, Proof, PublicKey,
        Recovery, Reset, Sends, Session, Throttle, Totp, TrustedDevice, UsedChallenge,
    },
};
use serde::{Deserialize, Serialize};

pub use self::areas::Areas;

use super::{
    assurance::{self, Acr},
    change::{ItemKey, collectable, end_of},
    context::Settings,
    device::active_since,
    recovery,
    throttle::Bucketing,
};
use crate::secret::ct_eq_str;

/// A session as its cookie names it. Only the hash of the secret travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRef {
    /// Which.
    pub session: SessionId,
    /// SHA-256 of the cookie's secret.
    pub secret_hash: String,
}

/// Everything that one user's partition holds, as far as it is loaded.
#[derive(Clone, Debug)]
pub struct User {
    /// The user's id; also the partition's.
    pub id: UserId,
    /// `None`: never written.
    pub revision: Option<Revision>,
    /// What is loaded.
    pub areas: Areas,
    /// The account; `None` while nobody registered under this id.
    pub account: Option<Account>,
    /// The password, for those who have one.
    pub password: Option<Password>,
    /// TOTP devices in every state.
    pub totps: BTreeMap<FactorId, Totp>,
    /// E-mail addresses that get codes, in every state.
    pub emails: BTreeMap<FactorId, Address>,
    /// Phone numbers that get codes, in every state.
    pub phones: BTreeMap<FactorId, Address>,
    /// Passkeys in every state.
    pub passkeys: BTreeMap<FactorId, Passkey>,
    /// The current backup codes; to be trusted only where [`Areas::BACKUP`] is loaded, as with everything below.
    pub backup: Option<BackupCodes>,
    /// By authenticator: `password`, `totp/<factor>`, `email/<factor>`, `phone/<factor>`, `backup`.
    pub throttles: BTreeMap<String, Throttle>,
    /// Known devices.
    pub devices: BTreeMap<DeviceId, KnownDevice>,
    /// Messages that wait to be sent.
    pub messages: BTreeMap<MessageId, Message>,
    /// How many messages were caused.
    pub sends: Option<Sends>,
    /// Who waits for an account under an address.
    pub registration: Option<PendingRegistration>,
    /// Browsers in which no second step is asked for.
    pub trusted: BTreeMap<FactorId, TrustedDevice>,
    /// A request to do without the second factors, or what is left of it.
    pub recovery: Option<Recovery>,
    /// An address that awaits its proof before it is the account's.
    pub own_address: Option<PendingAddress>,
    /// Claims that the sweeper voided.
    pub voided: BTreeSet<ClaimId>,
    /// Logins under way.
    pub logins: BTreeMap<LoginId, Login>,
    /// Sessions.
    pub sessions: BTreeMap<SessionId, Session>,
    /// Codes.
    pub codes: BTreeMap<CodeId, Code>,
    /// Families.
    pub families: BTreeMap<FamilyId, Family>,
    /// Consents.
    pub consents: BTreeMap<ClientId, Consent>,
    /// Reset links.
    pub resets: BTreeMap<ResetId, Reset>,
    /// Challenges that passkeys answered, by their hash.
    pub challenges: BTreeMap<String, UsedChallenge>,
}

impl User {
    /// A user of whom nothing is loaded yet.
    pub fn unloaded(id: UserId) -> Self {
        Self {
            id,
            revision: None,
            areas: Areas::NONE,
            account: None,
            password: None,
            totps: BTreeMap::new(),
            emails: BTreeMap::new(),
            phones: BTreeMap::new(),
            passkeys: BTreeMap::new(),
            backup: None,
            throttles: BTreeMap::new(),
            devices: BTreeMap::new(),
            messages: BTreeMap::new(),
            sends: None,
            registration: None,
            trusted: BTreeMap::new(),
            recovery: None,
            own_address: None,
            voided: BTreeSet::new(),
            logins: BTreeMap::new(),
            sessions: BTreeMap::new(),
            codes: BTreeMap::new(),
            families: BTreeMap::new(),
            consents: BTreeMap::new(),
            resets: BTreeMap::new(),
            challenges: BTreeMap::new(),
        }
    }

    /// The partition of a user.
    pub fn partition(id: UserId) -> PartitionKey {
        PartitionKey::new(Kind::User, id)
    }

    /// The account, if it may sign in.
    pub fn active_account(&self) -> Option<&Account> {
        self.account.as_ref().filter(|account| account.status == AccountStatus::Active)
    }

    /// TOTP devices that count at sign-in.
    pub fn active_totps(&self) -> impl Iterator<Item = &Totp> {
        self.totps.values().filter(|totp| active_since(totp.state).is_some())
    }

    /// Addresses that get codes in this way, in every state.
    pub const fn addresses(&self, channel: Channel) -> &BTreeMap<FactorId, Address> {
        match channel {
            Channel::Email => &self.emails,
            Channel::Sms => &self.phones,
        }
    }

    /// Addresses whose codes count at sign-in, the longest in force first.
    pub fn active_addresses(&self, channel: Channel) -> Vec<&Address> {
        let all = self.addresses(channel).values();
        let mut active: Vec<_> = all.filter_map(|address| Some((active_since(address.state)?, address))).collect();
        active.sort_by_key(|(at, address)| (*at, address.factor));
        active.into_iter().map(|(_, address)| address).collect()
    }

    /// Passkeys that count at sign-in, each with its key.
    pub fn active_passkeys(&self) -> impl Iterator<Item = (&Passkey, &PublicKey)> {
        let active = self.passkeys.values().filter(|passkey| active_since(passkey.state).is_some());
        active.filter_map(|passkey| Some((passkey, passkey.public_key.as_ref()?)))
    }

    /// Devices of every method that count at sign-in.
    pub fn second_factors(&self) -> impl Iterator<Item = FactorId> {
        let sent_to = |channel| self.active_addresses(channel).into_iter().map(|address| address.factor);
        let totps = self.active_totps().map(|totp| totp.factor);
        let passkeys = self.active_passkeys().map(|(passkey, _)| passkey.factor);
        totps.chain(sent_to(Channel::Email)).chain(sent_to(Channel::Sms)).chain(passkeys)
    }

    /// Is a second factor asked for at sign-in?
    pub fn has_second_factor(&self) -> bool {
        self.second_factors().next().is_some()
    }

    /// Does a code by e-mail bring a sign-in on that has these proofs? Not while a mailed link has set the password and there is another
    /// device: whoever reads the mail would pass both steps. After two factors it is one proof more. Where mail is all that there is it
    /// counts as ever, or nobody came back who forgot the password; it never makes for two factors.
    pub fn takes_mail(&self, proofs: &[Proof]) -> bool {
        let by_mail = self.password.as_ref().is_some_and(|password| password.by_mail);
        let another = || {
            self.active_totps().next().is_some()
                || !self.active_addresses(Channel::Sms).is_empty()
                || self.active_passkeys().next().is_some()
        };
        let both = || assurance::of(proofs).is_some_and(|proved| proved.acr >= Acr::Mfa);
        !by_mail || !another() || both()
    }

    /// The same user, had this device been removed.
    #[must_use]
    pub fn without(&self, factor: FactorId) -> Self {
        let mut user = self.clone();
        user.totps.remove(&factor);
        user.emails.remove(&factor);
        user.phones.remove(&factor);
        user.passkeys.remove(&factor);
        user
    }

    /// The highest rung that this user's devices can reach. A passkey whose user is verified reaches its own alone, any other with a
    /// password.
    pub fn highest_acr(&self, settings: &Settings) -> Acr {
        let hardware = |key: &PublicKey| settings.attestation.is_hardware(key);
        if self.has_passkey(hardware) { Acr::PhishingResistantHardware } else { self.usual_acr() }
    }

    /// Is there such a passkey, with what it takes beside it?
    fn has_passkey(&self, such: impl Fn(&PublicKey) -> bool) -> bool {
        self.active_passkeys().any(|(_, key)| such(key) && (key.user_verified || self.password.is_some()))
    }

    /// The same, whoever made the authenticators.
    fn usual_acr(&self) -> Acr {
        if self.has_passkey(|_| true) {
            Acr::PhishingResistant
        } else if self.active_totps().next().is_some() || !self.active_addresses(Channel::Sms).is_empty() {
            Acr::Mfa
        } else if self.active_addresses(Channel::Email).is_empty() {
            Acr::OneFactor
        } else {
            Acr::TwoStep
        }
    }

    /// What must be proved by who changes this user's devices: as much as they can prove (NIST SP 800-63B-4, 4.1.2.1), since who
    /// reads another's mail must not be able to remove an authenticator app. Two factors are enough for passkeys too: their level is
    /// the same, and who has lost the passkey removes it so.
    pub fn acr_to_change(&self) -> Acr {
        self.usual_acr().min(Acr::Mfa)
    }

    /// Backup codes that are left.
    pub fn backup_codes_left(&self) -> usize {
        self.backup.as_ref().map_or(0, |set| set.codes.iter().filter(|code| code.used_at.is_none()).count())
    }

    /// The throttle of an authenticator; a fresh one where nothing ever failed.
    pub fn throttle(&self, authenticator: &str) -> Throttle {
        self.throttles.get(authenticator).cloned().unwrap_or_else(fresh_throttle)
    }

    /// Which bucket failures of this browser go to: a device that this user does not know is unknown (HAZARDS H11).
    pub fn bucket<'a>(&self, device: Option<&'a DeviceId>, now: Timestamp) -> Bucketing<'a> {
        let lives = |known: &KnownDevice| known.last_used_at.after(super::limits::DEVICE_LIFETIME) > now;
        match device {
            Some(id) if self.devices.get(id).is_some_and(lives) => Bucketing::Device(id),
            Some(_) | None => Bucketing::Unknown,
        }
    }

    /// The session, if it lives: known, the cookie's secret is right, neither its absolute nor its idle time is over,
    /// and the account may sign in.
    pub fn live_session(&self, of: &SessionRef, now: Timestamp, settings: &Settings) -> Option<&Session> {
        self.live_session_by_id(of.session, now, settings)
            .filter(|session| ct_eq_str(&session.secret_hash, &of.secret_hash))
    }

    /// As [`Self::live_session`], for holders of a token that names the session.
    pub fn live_session_by_id(&self, id: SessionId, now: Timestamp, settings: &Settings) -> Option<&Session> {
        self.active_account()?;
        let session = self.sessions.get(&id)?;
        (now < session.expires_at && now < session.last_seen_at.after(settings.session_idle)).then_some(session)
    }

    /// The family, if it lives: neither ended nor expired, the account may sign in, and its session lives unless the
    /// family may outlive it.
    pub fn live_family(&self, id: FamilyId, now: Timestamp, settings: &Settings) -> Option<&Family> {
        self.active_account()?;
        let family = self.families.get(&id)?;
        let idle_until = family.last_used_at.after(settings.refresh_idle);
        let session_ok = family.offline || self.live_session_by_id(family.session, now, settings).is_some();
        let lives = family.state == FamilyState::Live && now < family.expires_at && now < idle_until && session_ok;
        lives.then_some(family)
    }

    /// Keys of loaded items that ended so long ago that nothing depends on them any more, at most `limit`.
    pub fn collectable(&self, now: Timestamp, limit: usize) -> Vec<ItemKey> {
        let gone = |end: Timestamp| collectable(end, now);
        let ended = |state: FactorState| end_of(state).is_some_and(gone);
        let totps = self.totps.values().filter(|t| ended(t.state)).map(|t| ItemKey::Totp(t.factor));
        let emails = self.emails.values().filter(|e| ended(e.state)).map(|e| ItemKey::Email(e.factor));
        let phones = self.phones.values().filter(|p| ended(p.state)).map(|p| ItemKey::Phone(p.factor));
        let passkeys = self.passkeys.values().filter(|p| ended(p.state)).map(|p| ItemKey::Passkey(p.factor));
        let used = self.challenges.values().filter(|c| gone(c.expires_at)).map(|c| ItemKey::Challenge(c.hash.clone()));
        let messages = self.messages.values().filter(|m| gone(m.expires_at)).map(|m| ItemKey::Message(m.message));
        // Counters of devices that are gone, once their device was removed.
        let methods = ["totp/", "email/", "phone/"];
        let device = |name: &str| methods.iter().find_map(|method| name.strip_prefix(method)?.parse().ok());
        let known = |id: FactorId| {
            self.totps.contains_key(&id) || self.emails.contains_key(&id) || self.phones.contains_key(&id)
        };
        let orphan = |name: &&String| device(name).is_some_and(|id: FactorId| !known(id));
        let orphans = self.throttles.keys().filter(orphan).map(|name| ItemKey::Throttle(name.clone()));
        let logins = self.logins.values().filter(|l| gone(l.expires_at)).map(|l| ItemKey::Login(l.login));
        let sessions = self.sessions.values().filter(|s| gone(s.expires_at)).map(|s| ItemKey::Session(s.session));
        let codes = self.codes.values().filter(|c| gone(c.expires_at)).map(|c| ItemKey::Code(c.code));
        let families = self.families.values().filter(|f| gone(f.expires_at)).map(|f| ItemKey::Family(f.family));
        let resets = self.resets.values().filter(|r| gone(r.expires_at)).map(|r| ItemKey::Reset(r.reset));
        let trusted = self.trusted.values().filter(|t| gone(t.expires_at)).map(|t| ItemKey::Trusted(t.device));
        let recovery =
            self.recovery.iter().filter(|r| recovery::end_of(r).is_some_and(gone)).map(|_| ItemKey::Recovery);
        let own = self.own_address.iter().filter(|own| gone(own.expires_at)).map(|_| ItemKey::OwnAddress);
        let registration = self.registration.iter().filter(|r| gone(r.expires_at)).map(|_| ItemKey::Registration);
        totps
            .chain(emails)
            .chain(phones)
            .chain(passkeys)
            .chain(messages)
            .chain(logins)
            .chain(sessions)
            .chain(codes)
            .chain(families)
            .chain(resets)
            .chain(trusted)
            .chain(registration)
            .chain(used)
            .chain(recovery)
            .chain(own)
            .chain(orphans)
            .take(limit)
            .collect()
    }
}

/// A throttle that never counted a failure.
pub fn fresh_throttle() -> Throttle {
    Throttle { total: 0, suspended_at: None, buckets: BTreeMap::new(), unknown: schema::record::Unknown::default() }
}

/// Do these proofs rest on that device or credential (HAZARDS H16)?
pub fn rest_on(proofs: &[Proof], factor: Option<FactorId>, credential: Option<schema::CredentialId>) -> bool {
    proofs.iter().any(|proof| {
        (factor.is_some() && proof.factor == factor) || (credential.is_some() && proof.credential == credential)
    })
}
