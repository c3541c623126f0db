//! What a decision writes: typed items of the user's partition, put whole or removed.

use schema::{
    ClientId, CodeId, DeviceId, FactorId, FamilyId, GRACE, LoginId, MessageId, Put, ResetId, SessionId, Timestamp,
    record::{
        Account, Address, BackupCodes, Code, Consent, FactorState, Family, KnownDevice, Login, Message, Passkey,
        Password, PendingAddress, PendingRegistration, Recovery, Reset, Sends, Session, Throttle, Totp, TrustedDevice,
        UsedChallenge,
    },
};

use super::{limits, recovery, texts::Settled, user::Areas};

/// The key of an item, typed. Its `Display` is the key in the store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ItemKey {
    /// `account`
    Account,
    /// `password`
    Password,
    /// `totp/<factor>`
    Totp(FactorId),
    /// `email/<factor>`
    Email(FactorId),
    /// `phone/<factor>`
    Phone(FactorId),
    /// `passkey/<factor>`
    Passkey(FactorId),
    /// `backup`
    Backup,
    /// `throttle/<authenticator>`
    Throttle(String),
    /// `device/<device>`
    Device(DeviceId),
    /// `login/<login>`
    Login(LoginId),
    /// `session/<session>`
    Session(SessionId),
    /// `code/<code>`
    Code(CodeId),
    /// `family/<family>`
    Family(FamilyId),
    /// `consent/<client>`
    Consent(ClientId),
    /// `reset/<reset>`
    Reset(ResetId),
    /// `message/<message>`
    Message(MessageId),
    /// `sends`
    Sends,
    /// `registration`
    Registration,
    /// `trusted/<device>`
    Trusted(FactorId),
    /// `challenge/<hash>`
    Challenge(String),
    /// `recovery`
    Recovery,
    /// `own-address`
    OwnAddress,
}

impl std::fmt::Display for ItemKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Account => f.write_str("account"),
            Self::Password => f.write_str("password"),
            Self::Totp(id) => write!(f, "totp/{id}"),
            Self::Email(id) => write!(f, "email/{id}"),
            Self::Phone(id) => write!(f, "phone/{id}"),
            Self::Passkey(id) => write!(f, "passkey/{id}"),
            Self::Backup => f.write_str("backup"),
            Self::Throttle(name) => write!(f, "throttle/{name}"),
            Self::Device(id) => write!(f, "device/{id}"),
            Self::Login(id) => write!(f, "login/{id}"),
            Self::Session(id) => write!(f, "session/{id}"),
            Self::Code(id) => write!(f, "code/{id}"),
            Self::Family(id) => write!(f, "family/{id}"),
            Self::Consent(id) => write!(f, "consent/{id}"),
            Self::Reset(id) => write!(f, "reset/{id}"),
            Self::Message(id) => write!(f, "message/{id}"),
            Self::Sends => f.write_str("sends"),
            Self::Registration => f.write_str("registration"),
            Self::Trusted(id) => write!(f, "trusted/{id}"),
            Self::Challenge(hash) => write!(f, "challenge/{hash}"),
            Self::Recovery => f.write_str("recovery"),
            Self::OwnAddress => f.write_str("own-address"),
        }
    }
}

/// An item to be put.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each variant is the record that it is named after")]
pub enum Item {
    Account(Account),
    Password(Password),
    Totp(Totp),
    Email(Address),
    Phone(Address),
    Passkey(Passkey),
    Backup(BackupCodes),
    Throttle(String, Throttle),
    Device(KnownDevice),
    Login(Login),
    Session(Session),
    Code(Code),
    Family(Family),
    Consent(Consent),
    Reset(Reset),
    Message(Message),
    Sends(Sends),
    Registration(PendingRegistration),
    Trusted(TrustedDevice),
    Challenge(UsedChallenge),
    Recovery(Recovery),
    OwnAddress(PendingAddress),
}

impl Item {
    /// Its key.
    pub fn key(&self) -> ItemKey {
        match self {
            Self::Account(_) => ItemKey::Account,
            Self::Password(_) => ItemKey::Password,
            Self::Totp(totp) => ItemKey::Totp(totp.factor),
            Self::Email(address) => ItemKey::Email(address.factor),
            Self::Phone(address) => ItemKey::Phone(address.factor),
            Self::Passkey(passkey) => ItemKey::Passkey(passkey.factor),
            Self::Backup(_) => ItemKey::Backup,
            Self::Throttle(name, _) => ItemKey::Throttle(name.clone()),
            Self::Device(device) => ItemKey::Device(device.device),
            Self::Login(login) => ItemKey::Login(login.login),
            Self::Session(session) => ItemKey::Session(session.session),
            Self::Code(code) => ItemKey::Code(code.code),
            Self::Family(family) => ItemKey::Family(family.family),
            Self::Consent(consent) => ItemKey::Consent(consent.client.clone()),
            Self::Reset(reset) => ItemKey::Reset(reset.reset),
            Self::Message(message) => ItemKey::Message(message.message),
            Self::Sends(_) => ItemKey::Sends,
            Self::Registration(_) => ItemKey::Registration,
            Self::Trusted(trusted) => ItemKey::Trusted(trusted.device),
            Self::Challenge(used) => ItemKey::Challenge(used.hash.clone()),
            Self::Recovery(_) => ItemKey::Recovery,
            Self::OwnAddress(_) => ItemKey::OwnAddress,
        }
    }

    /// The part of the partition that it belongs to.
    pub const fn area(&self) -> Areas {
        match self {
            Self::Account(_)
            | Self::Password(_)
            | Self::Totp(_)
            | Self::Email(_)
            | Self::Phone(_)
            | Self::Passkey(_)
            | Self::Throttle(..)
            | Self::Device(_)
            | Self::Message(_)
            | Self::Sends(_)
            | Self::Registration(_)
            | Self::Trusted(_)
            | Self::Recovery(_)
            | Self::OwnAddress(_) => Areas::CORE,
            Self::Backup(_) => Areas::BACKUP,
            Self::Login(_) => Areas::LOGINS,
            Self::Session(_) => Areas::SESSIONS,
            Self::Code(_) => Areas::CODES,
            Self::Family(_) => Areas::FAMILIES,
            Self::Consent(_) => Areas::CONSENTS,
            Self::Reset(_) => Areas::RESETS,
            Self::Challenge(_) => Areas::CHALLENGES,
        }
    }

    /// Its end, for those that have one.
    fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Self::Totp(totp) => end_of(totp.state),
            Self::Email(address) | Self::Phone(address) => end_of(address.state),
            Self::Passkey(passkey) => end_of(passkey.state),
            Self::Device(device) => Some(device.last_used_at.after(limits::DEVICE_LIFETIME)),
            Self::Login(login) => Some(login.expires_at),
            Self::Session(session) => Some(session.expires_at),
            Self::Code(code) => Some(code.expires_at),
            Self::Family(family) => Some(family.expires_at),
            Self::Reset(reset) => Some(reset.expires_at),
            Self::Message(message) => Some(message.expires_at),
            Self::Registration(registration) => Some(registration.expires_at),
            Self::Trusted(trusted) => Some(trusted.expires_at),
            Self::Challenge(used) => Some(used.expires_at),
            Self::Recovery(recovery) => recovery::end_of(recovery),
            Self::OwnAddress(pending) => Some(pending.expires_at),
            Self::Account(_)
            | Self::Password(_)
            | Self::Backup(_)
            | Self::Throttle(..)
            | Self::Consent(_)
            | Self::Sends(_) => None,
        }
    }

    /// As the store wants it.
    pub fn to_put(&self) -> Put {
        let (key, end) = (self.key().to_string(), self.expires_at());
        match self {
            Self::Account(record) => Put::record(key, record, end),
            Self::Password(record) => Put::record(key, record, end),
            Self::Totp(record) => Put::record(key, record, end),
            Self::Email(record) | Self::Phone(record) => Put::record(key, record, end),
            Self::Passkey(record) => Put::record(key, record, end),
            Self::Backup(record) => Put::record(key, record, end),
            Self::Throttle(_, record) => Put::record(key, record, end),
            Self::Device(record) => Put::record(key, record, end),
            Self::Login(record) => Put::record(key, record, end),
            Self::Session(record) => Put::record(key, record, end),
            Self::Code(record) => Put::record(key, record, end),
            Self::Family(record) => Put::record(key, record, end),
            Self::Consent(record) => Put::record(key, record, end),
            Self::Reset(record) => Put::record(key, record, end),
            Self::Message(record) => Put::record(key, record, end),
            Self::Sends(record) => Put::record(key, record, end),
            Self::Registration(record) => Put::record(key, record, end),
            Self::Trusted(record) => Put::record(key, record, end),
            Self::Challenge(record) => Put::record(key, record, end),
            Self::Recovery(record) => Put::record(key, record, end),
            Self::OwnAddress(record) => Put::record(key, record, end),
        }
    }
}

/// When a device in this state can be forgotten.
pub(super) const fn end_of(state: FactorState) -> Option<Timestamp> {
    match state {
        FactorState::AwaitingActivation { until: end } | FactorState::Revoked { at: end } => Some(end),
        FactorState::Registered | FactorState::Activated { .. } => None,
    }
}

/// May an item with this end be removed at `now`? What proves consumption outlives what it guards by [`GRACE`].
pub fn collectable(end: Timestamp, now: Timestamp) -> bool {
    end.after(GRACE) < now
}

/// Puts and removals of one decision. A key is put or removed at most once; a later word replaces an earlier one.
#[derive(Clone, Debug, Default)]
pub struct Change {
    puts: Vec<Item>,
    deletes: Vec<ItemKey>,
    /// What became of messages that count, to be told once this is committed.
    settled: Vec<Settled>,
}

impl Change {
    /// Puts an item.
    pub fn put(&mut self, item: Item) {
        let key = item.key();
        self.puts.retain(|other| other.key() != key);
        self.deletes.retain(|other| *other != key);
        self.puts.push(item);
    }

    /// Removes an item.
    pub fn delete(&mut self, key: ItemKey) {
        self.puts.retain(|other| other.key() != key);
        if !self.deletes.contains(&key) {
            self.deletes.push(key);
        }
    }

    /// Has the counts told of what became of a message, after the commit of an item that names it no more.
    pub(super) fn settle(&mut self, settled: Settled) {
        self.settled.push(settled);
    }

    /// What became of messages that count.
    pub fn settled(&self) -> &[Settled] {
        &self.settled
    }

    /// Is nothing written?
    pub fn is_empty(&self) -> bool {
        self.puts.is_empty() && self.deletes.is_empty()
    }

    /// What is put.
    pub fn puts(&self) -> &[Item] {
        &self.puts
    }

    /// What is removed.
    pub fn deletes(&self) -> &[ItemKey] {
        &self.deletes
    }

    /// Both, to be applied.
    pub fn into_parts(self) -> (Vec<Item>, Vec<ItemKey>) {
        (self.puts, self.deletes)
    }
}
