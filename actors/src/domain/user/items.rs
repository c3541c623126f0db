//! The items of a user's partition, and what each of them is in a [`User`].

use std::collections::BTreeMap;

use schema::{
    MESSAGE_PREFIX, Partition, Revision, StoreError,
    record::{
        Address, Code, Consent, Family, KnownDevice, Login, Message, Passkey, Reset, Session, Throttle, Totp,
        TrustedDevice, UsedChallenge,
    },
};

use super::{Areas, User};
use crate::domain::change::{Change, Item, ItemKey};

impl User {
    /// Takes in what a load of `areas` found. The caller has checked that the revision is the one known, if any is.
    pub fn absorb(&mut self, partition: &Partition, areas: Areas) -> Result<(), StoreError> {
        let key = Self::partition(self.id);
        self.revision = partition.revision;
        if areas.contain(Areas::CORE) {
            self.account = partition.get(&key, "account")?;
            self.password = partition.get(&key, "password")?;
            self.totps = by_id(partition.list::<Totp>(&key, "totp/")?, |totp| totp.factor);
            self.emails = by_id(partition.list::<Address>(&key, "email/")?, |address| address.factor);
            self.phones = by_id(partition.list::<Address>(&key, "phone/")?, |address| address.factor);
            self.passkeys = by_id(partition.list::<Passkey>(&key, "passkey/")?, |passkey| passkey.factor);
            self.messages = by_id(partition.list::<Message>(&key, MESSAGE_PREFIX)?, |message| message.message);
            self.sends = partition.get(&key, "sends")?;
            self.recovery = partition.get(&key, "recovery")?;
            self.registration = partition.get(&key, "registration")?;
            self.own_address = partition.get(&key, "own-address")?;
            self.trusted = by_id(partition.list::<TrustedDevice>(&key, "trusted/")?, |trusted| trusted.device);
            self.devices = by_id(partition.list::<KnownDevice>(&key, "device/")?, |device| device.device);
            let throttles = partition.list::<Throttle>(&key, "throttle/")?;
            let name = |item: &str| item.trim_start_matches("throttle/").to_owned();
            self.throttles = throttles.into_iter().map(|(item, throttle)| (name(item), throttle)).collect();
            let voided = partition.items.keys().filter_map(|item| item.strip_prefix("claim-void/"));
            self.voided = voided.filter_map(|id| id.parse().ok()).collect();
        }
        if areas.contain(Areas::LOGINS) {
            self.logins = by_id(partition.list::<Login>(&key, "login/")?, |login| login.login);
        }
        if areas.contain(Areas::SESSIONS) {
            self.sessions = by_id(partition.list::<Session>(&key, "session/")?, |session| session.session);
        }
        if areas.contain(Areas::CODES) {
            self.codes = by_id(partition.list::<Code>(&key, "code/")?, |code| code.code);
        }
        if areas.contain(Areas::FAMILIES) {
            self.families = by_id(partition.list::<Family>(&key, "family/")?, |family| family.family);
        }
        if areas.contain(Areas::CONSENTS) {
            self.consents = by_id(partition.list::<Consent>(&key, "consent/")?, |consent| consent.client.clone());
        }
        if areas.contain(Areas::RESETS) {
            self.resets = by_id(partition.list::<Reset>(&key, "reset/")?, |reset| reset.reset);
        }
        if areas.contain(Areas::CHALLENGES) {
            self.challenges = by_id(partition.list::<UsedChallenge>(&key, "challenge/")?, |used| used.hash.clone());
        }
        if areas.contain(Areas::BACKUP) {
            self.backup = partition.get(&key, "backup")?;
        }
        self.areas = self.areas | areas;
        Ok(())
    }

    /// Makes a committed change part of the state.
    pub fn apply(&mut self, change: Change, revision: Revision) {
        self.revision = Some(revision);
        let (puts, deletes) = change.into_parts();
        for key in deletes {
            self.remove(&key);
        }
        for item in puts {
            self.insert(item);
        }
    }

    fn insert(&mut self, item: Item) {
        match item {
            Item::Account(account) => self.account = Some(account),
            Item::Password(password) => self.password = Some(password),
            Item::Totp(totp) => drop(self.totps.insert(totp.factor, totp)),
            Item::Email(address) => drop(self.emails.insert(address.factor, address)),
            Item::Phone(address) => drop(self.phones.insert(address.factor, address)),
            Item::Passkey(passkey) => drop(self.passkeys.insert(passkey.factor, passkey)),
            Item::Message(message) => drop(self.messages.insert(message.message, message)),
            Item::Sends(sends) => self.sends = Some(sends),
            Item::Registration(registration) => self.registration = Some(registration),
            Item::Trusted(trusted) => drop(self.trusted.insert(trusted.device, trusted)),
            Item::Backup(backup) => self.backup = Some(backup),
            Item::Throttle(name, throttle) => drop(self.throttles.insert(name, throttle)),
            Item::Device(device) => drop(self.devices.insert(device.device, device)),
            Item::Login(login) => drop(self.logins.insert(login.login, login)),
            Item::Session(session) => drop(self.sessions.insert(session.session, session)),
            Item::Code(code) => drop(self.codes.insert(code.code, code)),
            Item::Family(family) => drop(self.families.insert(family.family, family)),
            Item::Consent(consent) => drop(self.consents.insert(consent.client.clone(), consent)),
            Item::Reset(reset) => drop(self.resets.insert(reset.reset, reset)),
            Item::Challenge(used) => drop(self.challenges.insert(used.hash.clone(), used)),
            Item::Recovery(recovery) => self.recovery = Some(recovery),
            Item::OwnAddress(pending) => self.own_address = Some(pending),
        }
    }

    fn remove(&mut self, key: &ItemKey) {
        match key {
            ItemKey::Account => self.account = None,
            ItemKey::Password => self.password = None,
            ItemKey::Totp(id) => drop(self.totps.remove(id)),
            ItemKey::Email(id) => drop(self.emails.remove(id)),
            ItemKey::Phone(id) => drop(self.phones.remove(id)),
            ItemKey::Passkey(id) => drop(self.passkeys.remove(id)),
            ItemKey::Message(id) => drop(self.messages.remove(id)),
            ItemKey::Sends => self.sends = None,
            ItemKey::Registration => self.registration = None,
            ItemKey::Trusted(id) => drop(self.trusted.remove(id)),
            ItemKey::Backup => self.backup = None,
            ItemKey::Throttle(name) => drop(self.throttles.remove(name)),
            ItemKey::Device(id) => drop(self.devices.remove(id)),
            ItemKey::Login(id) => drop(self.logins.remove(id)),
            ItemKey::Session(id) => drop(self.sessions.remove(id)),
            ItemKey::Code(id) => drop(self.codes.remove(id)),
            ItemKey::Family(id) => drop(self.families.remove(id)),
            ItemKey::Consent(id) => drop(self.consents.remove(id)),
            ItemKey::Reset(id) => drop(self.resets.remove(id)),
            ItemKey::Challenge(hash) => drop(self.challenges.remove(hash)),
            ItemKey::Recovery => self.recovery = None,
            ItemKey::OwnAddress => self.own_address = None,
        }
    }

    /// Every item that is loaded, for the cache.
    pub fn items(&self) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::new();
        items.extend(self.account.clone().map(Item::Account));
        items.extend(self.password.clone().map(Item::Password));
        items.extend(self.backup.clone().map(Item::Backup));
        items.extend(self.totps.values().cloned().map(Item::Totp));
        items.extend(self.emails.values().cloned().map(Item::Email));
        items.extend(self.phones.values().cloned().map(Item::Phone));
        items.extend(self.passkeys.values().cloned().map(Item::Passkey));
        items.extend(self.messages.values().cloned().map(Item::Message));
        items.extend(self.sends.clone().map(Item::Sends));
        items.extend(self.recovery.clone().map(Item::Recovery));
        items.extend(self.registration.clone().map(Item::Registration));
        items.extend(self.own_address.clone().map(Item::OwnAddress));
        items.extend(self.trusted.values().cloned().map(Item::Trusted));
        items.extend(self.throttles.iter().map(|(name, throttle)| Item::Throttle(name.clone(), throttle.clone())));
        items.extend(self.devices.values().cloned().map(Item::Device));
        items.extend(self.logins.values().cloned().map(Item::Login));
        items.extend(self.sessions.values().cloned().map(Item::Session));
        items.extend(self.codes.values().cloned().map(Item::Code));
        items.extend(self.families.values().cloned().map(Item::Family));
        items.extend(self.consents.values().cloned().map(Item::Consent));
        items.extend(self.resets.values().cloned().map(Item::Reset));
        items.extend(self.challenges.values().cloned().map(Item::Challenge));
        items
    }
}

fn by_id<K: Ord, R>(records: Vec<(&str, R)>, id: impl Fn(&R) -> K) -> BTreeMap<K, R> {
    records.into_iter().map(|(_, record)| (id(&record), record)).collect()
}
