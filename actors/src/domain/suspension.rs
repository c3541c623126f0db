//! What a device is good for whose codes are looked at no more, after a hundred failures in a row.
//!
//! | question | a suspended device |
//! |---|---|
//! | Is a second step asked for, and what must be proved to change devices? | counts: guessing must not do away with it |
//! | What is offered at sign-in? | is not offered, and said to be suspended |
//! | Does the account have a device that meets a policy? | has none in it, so another one is set up |
//! | How many devices of a method are there? | takes nobody's place, if the hundred failures were its own |
//!
//! By failures of its own it is suspended until it is removed; by those that all codes of the user share, until another device is set up
//! ([`super::command`], `codes`). A passkey is never suspended, for nothing of it can be guessed.

use schema::record::{Address, Channel, Totp};

use super::{
    address,
    command::{CODES_THROTTLE, totp_throttle},
    throttle,
    user::User,
};

impl User {
    /// Has the authenticator with this throttle had a hundred failures of its own?
    fn is_closed(&self, throttle: &str) -> bool {
        self.throttles.get(throttle).is_some_and(throttle::is_suspended)
    }

    /// Are the codes of the device with this throttle looked at no more?
    pub fn is_suspended(&self, throttle: &str) -> bool {
        self.is_closed(CODES_THROTTLE) || self.is_closed(throttle)
    }

    /// Authenticator apps whose codes are looked at.
    pub fn usable_totps(&self) -> impl Iterator<Item = &Totp> {
        self.active_totps().filter(|totp| !self.is_suspended(&totp_throttle(totp)))
    }

    /// Addresses whose codes are looked at, the longest in force first.
    pub fn usable_addresses(&self, channel: Channel) -> Vec<&Address> {
        let mut usable = self.active_addresses(channel);
        usable.retain(|active| !self.is_suspended(&address::throttle(channel, active.factor)));
        usable
    }

    /// Is a device suspended that counts at sign-in?
    pub fn has_suspended_device(&self) -> bool {
        let totps = self.active_totps().count() > self.usable_totps().count();
        let some = |channel| self.active_addresses(channel).len() > self.usable_addresses(channel).len();
        totps || some(Channel::Email) || some(Channel::Sms)
    }

    /// Apps that take a place among those that a user can have.
    pub fn placed_totps(&self) -> usize {
        self.active_totps().filter(|totp| !self.is_closed(&totp_throttle(totp))).count()
    }

    /// Addresses that do.
    pub fn placed_addresses(&self, channel: Channel) -> usize {
        let active = self.active_addresses(channel).into_iter();
        active.filter(|active| !self.is_closed(&address::throttle(channel, active.factor))).count()
    }
}
