//! What of a user ends when the store comes out of a backup (HAZARDS H14). Whatever was consumed since the backup is
//! not known to be consumed, so whatever could have been is good no more; what a person knows or has is as it was then.

use schema::{
    Timestamp,
    record::{Address, Channel, FactorState, Passkey, RecoveryState, Throttle, Totp},
};

use super::{
    address,
    change::{Change, Item, ItemKey},
    command::{BACKUP_THROTTLE, CODES_THROTTLE, PASSWORD_THROTTLE},
    factor::totp,
    letter, throttle,
    user::{Areas, User},
};

/// The parts of a user that must be loaded: all of them.
pub const NEEDS: Areas = Areas::CORE
    .and(Areas::LOGINS)
    .and(Areas::SESSIONS)
    .and(Areas::CODES)
    .and(Areas::FAMILIES)
    .and(Areas::RESETS)
    .and(Areas::BACKUP);

/// How it ends.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The moment of the restore: nobody has accepted anything after it.
    pub at: Timestamp,
    /// Do passwords end too, so that each must be set anew by a link?
    pub passwords: bool,
}

/// How much ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field counts the things that it is named after")]
pub struct Ended {
    pub users: u64,
    pub sessions: u64,
    pub logins: u64,
    pub codes: u64,
    pub families: u64,
    pub links: u64,
    pub devices: u64,
    pub trusted: u64,
    pub backup_codes: u64,
    pub enrolments: u64,
    pub passwords: u64,
}

impl Ended {
    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            users: self.users + other.users,
            sessions: self.sessions + other.sessions,
            logins: self.logins + other.logins,
            codes: self.codes + other.codes,
            families: self.families + other.families,
            links: self.links + other.links,
            devices: self.devices + other.devices,
            trusted: self.trusted + other.trusted,
            backup_codes: self.backup_codes + other.backup_codes,
            enrolments: self.enrolments + other.enrolments,
            passwords: self.passwords + other.passwords,
        }
    }
}

/// What changes of `user`, of whom [`NEEDS`] is loaded. Doing it again on the result changes nothing.
///
/// * Sessions, logins, codes, families, links, known and trusted devices are removed. Nothing that names one of them can be
///   opened any more, and one that is not there is never accepted.
/// * A recovery that waits is removed, for it may have been cancelled since; one that was cancelled still keeps others away.
/// * Backup codes are removed. Enrolments that wait for their first code, or for a key, are, too.
/// * Passkeys stay, with the counters of the backup. A challenge that was sent before the restore cannot be opened any more, so
///   no answer to it counts again.
/// * The last step of each authenticator app becomes the newest that a code could have been accepted for.
/// * At least one burst is spent of every throttle that is there, and, though nothing ever failed, of those of the password, of backup
///   codes, of all codes together and of each authenticator app and address: failures since the backup are not known. A recovery has
///   none to keep, for none waits any more; passkeys have none at all.
pub fn end(user: &User, terms: &Terms) -> (Change, Ended) {
    let mut change = Change::default();
    let ended = remove(user, terms, &mut change);
    let mut authenticators: Vec<String> = user.throttles.keys().cloned().collect();
    if user.account.is_some() {
        authenticators.push(PASSWORD_THROTTLE.to_owned());
        authenticators.push(BACKUP_THROTTLE.to_owned());
        authenticators.push(CODES_THROTTLE.to_owned());
    }
    if let Some(sends) = &user.sends {
        change.put(Item::Sends(letter::spent(sends, terms.at)));
    }
    for (channel, device) in addresses(user) {
        match device.state {
            FactorState::Activated { .. } | FactorState::Revoked { .. } => {
                authenticators.push(address::throttle(channel, device.factor));
            }
            FactorState::Registered | FactorState::AwaitingActivation { .. } => {
                change.delete(address::key(channel, device.factor));
            }
        }
    }
    for device in user.totps.values() {
        match device.state {
            FactorState::Activated { .. } | FactorState::Revoked { .. } => {
                let last_step = device.last_step.max(totp::newest_step(terms.at));
                if last_step != device.last_step {
                    change.put(Item::Totp(Totp { last_step, ..device.clone() }));
                }
                authenticators.push(format!("totp/{}", device.factor));
            }
            FactorState::Registered | FactorState::AwaitingActivation { .. } => {
                change.delete(ItemKey::Totp(device.factor));
            }
        }
    }
    authenticators.sort_unstable();
    authenticators.dedup();
    for name in authenticators {
        let before = user.throttle(&name);
        let mut after = before.clone();
        throttle::spend(&mut after, terms.at);
        if !same(&before, &after) {
            change.put(Item::Throttle(name, after));
        }
    }
    (change, ended)
}

/// Addresses that get codes, in either way.
fn addresses(user: &User) -> impl Iterator<Item = (Channel, &Address)> {
    [Channel::Email, Channel::Sms]
        .into_iter()
        .flat_map(|channel| user.addresses(channel).values().map(move |address| (channel, address)))
}

fn remove(user: &User, terms: &Terms, change: &mut Change) -> Ended {
    user.sessions.keys().for_each(|id| change.delete(ItemKey::Session(*id)));
    user.logins.keys().for_each(|id| change.delete(ItemKey::Login(*id)));
    user.codes.keys().for_each(|id| change.delete(ItemKey::Code(*id)));
    user.families.keys().for_each(|id| change.delete(ItemKey::Family(*id)));
    user.resets.keys().for_each(|id| change.delete(ItemKey::Reset(*id)));
    // It may have been cancelled since, and the links that cancel it open no more.
    let recovery = user.recovery.as_ref().is_some_and(|recovery| recovery.state == RecoveryState::Waiting);
    if recovery {
        change.delete(ItemKey::Recovery);
    }
    user.devices.keys().for_each(|id| change.delete(ItemKey::Device(*id)));
    user.trusted.keys().for_each(|id| change.delete(ItemKey::Trusted(*id)));
    // Their codes belong to logins and enrolments that have ended.
    user.messages.keys().for_each(|id| change.delete(ItemKey::Message(*id)));
    if user.backup.is_some() {
        change.delete(ItemKey::Backup);
    }
    if user.registration.is_some() {
        change.delete(ItemKey::Registration);
    }
    if user.own_address.is_some() {
        change.delete(ItemKey::OwnAddress);
    }
    let unmade = |passkey: &&Passkey| awaiting(passkey.state);
    user.passkeys.values().filter(unmade).for_each(|key| change.delete(ItemKey::Passkey(key.factor)));
    let passwords = terms.passwords && user.password.is_some();
    if passwords {
        change.delete(ItemKey::Password);
    }
    let waits = |device: &&Totp| awaiting(device.state);
    let awaits = |(_, address): &(Channel, &Address)| awaiting(address.state);
    let enrolments = user.totps.values().filter(waits).count()
        + addresses(user).filter(awaits).count()
        + user.passkeys.values().filter(unmade).count()
        + usize::from(user.own_address.is_some());
    Ended {
        users: user.account.is_some().into(),
        sessions: user.sessions.len() as u64,
        logins: user.logins.len() as u64,
        codes: user.codes.len() as u64,
        families: user.families.len() as u64,
        links: (user.resets.len() + usize::from(user.registration.is_some()) + usize::from(recovery)) as u64,
        devices: user.devices.len() as u64,
        trusted: user.trusted.len() as u64,
        backup_codes: user.backup_codes_left() as u64,
        enrolments: enrolments as u64,
        passwords: passwords.into(),
    }
}

fn awaiting(state: FactorState) -> bool {
    !matches!(state, FactorState::Activated { .. } | FactorState::Revoked { .. })
}

fn same(one: &Throttle, other: &Throttle) -> bool {
    (one.total, one.suspended_at, &one.buckets) == (other.total, other.suspended_at, &other.buckets)
}

#[cfg(test)]
mod tests;
