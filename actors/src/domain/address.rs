//! Addresses that get codes: e-mail addresses and phone numbers. The rules are the same for both
//! ([`command`](super::command)); what differs stands here.

use schema::{
    FactorId,
    record::{Address, Channel, Method, PolicyMethod},
};

use super::{
    change::{Item, ItemKey},
    letter::Notice,
    throttle::Bucketing,
};
use crate::vault::{Purpose, Vault};

/// The name of a way, in paths, metrics and the audit log.
pub const fn name(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "email",
        Channel::Sms => "sms",
    }
}

/// Is it the way that commands of earlier versions mean, which name none?
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks it so")]
pub(super) const fn is_email(channel: &Channel) -> bool {
    matches!(channel, Channel::Email)
}

/// Is nothing asked for that earlier versions do not know?
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks it so")]
pub(super) const fn is_false(asked: &bool) -> bool {
    !*asked
}

/// Does a message that goes this way hold a link, where one is wanted? A text message has no room for it.
pub(super) const fn takes_link(channel: Channel, wanted: bool) -> bool {
    wanted && matches!(channel, Channel::Email)
}

/// How a code proves something that was sent this way.
pub(crate) const fn method(channel: Channel) -> Method {
    match channel {
        Channel::Email => Method::EmailCode,
        Channel::Sms => Method::SmsCode,
    }
}

/// What a device that gets codes this way is called in a policy.
pub(super) const fn policy_method(channel: Channel) -> PolicyMethod {
    match channel {
        Channel::Email => PolicyMethod::Email,
        Channel::Sms => PolicyMethod::Sms,
    }
}

/// The throttle of all codes that are to activate an address. It is the user's, not the pending address's: a new enrolment
/// is no fresh set of guesses at an address that its owner did not ask for. A suspension of it lasts
/// [`ENROLMENT_SUSPENDED_FOR`](super::limits::ENROLMENT_SUSPENDED_FOR).
pub(super) const fn enrolment_throttle(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "email-enrolment",
        Channel::Sms => "phone-enrolment",
    }
}

/// The name of an address's throttle.
pub(super) fn throttle(channel: Channel, factor: FactorId) -> String {
    key(channel, factor).to_string()
}

/// The purpose under which the id of a new address is drawn.
pub(super) const fn purpose(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "email factor",
        Channel::Sms => "phone factor",
    }
}

/// Where an address is kept.
pub(super) const fn key(channel: Channel, factor: FactorId) -> ItemKey {
    match channel {
        Channel::Email => ItemKey::Email(factor),
        Channel::Sms => ItemKey::Phone(factor),
    }
}

/// An address, to be put.
pub(super) const fn item(channel: Channel, address: Address) -> Item {
    match channel {
        Channel::Email => Item::Email(address),
        Channel::Sms => Item::Phone(address),
    }
}

/// What the owner is told of an address that codes are sent to from now on, or no more.
pub(super) const fn notice(channel: Channel, on: bool) -> Notice {
    match (channel, on) {
        (Channel::Email, true) => Notice::EmailCodesOn,
        (Channel::Email, false) => Notice::EmailCodesOff,
        (Channel::Sms, true) => Notice::SmsCodesOn,
        (Channel::Sms, false) => Notice::SmsCodesOff,
    }
}

/// How an address is called where others may look on: by its name, and so far hidden that only its owner recognises the rest.
pub(super) fn label(channel: Channel, address: &Address) -> String {
    let hidden = hidden(channel, &address.address);
    if address.name.is_empty() { hidden } else { format!("{} ({hidden})", address.name) }
}

fn hidden(channel: Channel, address: &str) -> String {
    match channel {
        Channel::Email => hidden_email(address),
        Channel::Sms => format!("•••• {}", address.get(address.len().saturating_sub(2)..).unwrap_or_default()),
    }
}

/// How the count of the messages to a confirmed number is called, over all accounts. It says nothing of the number. Known devices have
/// one of their own, so that a stranger who knows the password uses up nothing of its owner's (HAZARDS H11).
pub(super) fn number_id(vault: &Vault, number: &str, bucket: Bucketing<'_>) -> String {
    vault.mac_tagged(Purpose::Ident, &[b"number", bucket.kind().as_bytes(), number.as_bytes()])
}

/// The first character of each side and the last label.
pub(super) fn hidden_email(address: &str) -> String {
    let (local, domain) = address.split_once('@').unwrap_or((address, ""));
    let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
    let (host, top) = domain.rsplit_once('.').map_or((domain, String::new()), |(host, top)| (host, format!(".{top}")));
    format!("{}•••@{}•••{top}", first(local), first(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_address_only_its_owner_recognises_the_rest() {
        assert_eq!(hidden(Channel::Email, "ada@example.org"), "a•••@e•••.org");
        assert_eq!(hidden(Channel::Email, "ö@mail.example.co.uk"), "ö•••@m•••.uk");
        assert_eq!(hidden(Channel::Email, "root@localhost"), "r•••@l•••");
        assert_eq!(hidden(Channel::Sms, "+4915112345678"), "•••• 78");
    }

    /// Nodes of earlier versions know these names.
    #[test]
    fn what_is_kept_of_an_address_keeps_its_name() {
        let factor = FactorId::from_bytes([7; 16]);
        assert_eq!(throttle(Channel::Email, factor), format!("email/{factor}"));
        assert_eq!(throttle(Channel::Sms, factor), format!("phone/{factor}"));
        assert_eq!(enrolment_throttle(Channel::Email), "email-enrolment");
    }
}
