//! Messages to people, from the decision that wants one sent to the words that a provider is handed.
//!
//! 1. A decision posts a [`Letter`] ([`post`]): sealed, it becomes an item of the user, in the commit that makes it true.
//!    How many a user may cause in an hour and in a day is decided there as well ([`room`]).
//! 2. After that commit `settle` hands the item to the [notifier](crate::notifier), which opens and sends it.
//! 3. What became of it is one more commit, which removes the item ([`RecordDelivery`](super::command::RecordDelivery)).

use std::{fmt, time::Duration};

use schema::{
    MessageId, Timestamp, UserId,
    record::{Channel, Message, Sends, Sent, Unknown},
};
use serde::{Deserialize, Serialize};

use super::{
    change::{Change, Item},
    context::Context,
    factor::totp::Code,
    limits,
    throttle::Bucketing,
    user::User,
};
use crate::{
    secret::Secret,
    vault::{Purpose, Vault},
};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// What a message says, and to whom.
#[derive(Clone, Serialize, Deserialize)]
pub struct Letter {
    /// By which way. Letters of earlier versions do not say, for there was one only.
    #[serde(default)]
    pub channel: Channel,
    /// The address.
    pub to: String,
    /// The user's name.
    pub user_name: String,
    /// What it says.
    pub content: Content,
}

/// What a message says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Content {
    /// A code that completes a login.
    SignInCode {
        /// Six digits.
        code: Code,
    },
    /// A code that activates the address.
    ActivationCode {
        /// Six digits.
        code: Code,
    },
    /// A link that sets a new password.
    PasswordReset {
        /// The link's token.
        #[serde(with = "crate::secret::exposed")]
        token: Secret<String>,
    },
    /// Something about the account has changed.
    Notice {
        /// What.
        notice: Notice,
    },
}

/// What somebody is told who may not have done it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant is what it is named after")]
pub enum Notice {
    PasswordChanged,
    PasswordReset,
    AuthenticatorAdded,
    AuthenticatorRemoved,
    EmailCodesOn,
    EmailCodesOff,
    SmsCodesOn,
    SmsCodesOff,
    PasskeyAdded,
    PasskeyRemoved,
    PasskeyCopied,
    BackupCodesReplaced,
    BackupCodeUsed,
    SecondFactorsReset,
    TrustedDeviceCopied,
}

impl Notice {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::PasswordChanged,
        Self::PasswordReset,
        Self::AuthenticatorAdded,
        Self::AuthenticatorRemoved,
        Self::EmailCodesOn,
        Self::EmailCodesOff,
        Self::SmsCodesOn,
        Self::SmsCodesOff,
        Self::PasskeyAdded,
        Self::PasskeyRemoved,
        Self::PasskeyCopied,
        Self::BackupCodesReplaced,
        Self::BackupCodeUsed,
        Self::SecondFactorsReset,
        Self::TrustedDeviceCopied,
    ];
}

impl Content {
    /// Its name, in metrics and the audit log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SignInCode { .. } => "sign_in_code",
            Self::ActivationCode { .. } => "activation_code",
            Self::PasswordReset { .. } => "password_reset",
            Self::Notice { .. } => "notice",
        }
    }
}

/// Neither address nor content.
impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Letter").field(&self.content.name()).finish()
    }
}

impl Letter {
    /// Opens a message; `None` if it is not one of this user, or of a newer version.
    pub fn open(vault: &Vault, user: UserId, message: &Message) -> Option<Self> {
        let place = [user.to_string(), message.message.to_string()];
        let text = vault.open(Purpose::Outbox, &[&place[0], &place[1]], &message.sealed).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

/// Is there room for another message? The count with it, or when there is room again.
pub fn room(user: &User, bucket: Bucketing<'_>, now: Timestamp) -> Result<Sends, Timestamp> {
    let mut sends = sends_of(user);
    let sent = match bucket {
        Bucketing::Device(_) => &mut sends.known,
        Bucketing::Unknown => &mut sends.unknown_devices,
    };
    *sent = count(sent, limits::MAX_SENDS, now)?;
    Ok(sends)
}

/// The same for a link that whoever names the account may ask for. It is counted apart, for it must not take a code from its
/// owner (HAZARDS H12).
pub fn room_for_link(user: &User, now: Timestamp) -> Result<Sends, Timestamp> {
    let mut sends = sends_of(user);
    sends.links = count(&sends.links, limits::MAX_LINKS, now)?;
    Ok(sends)
}

fn sends_of(user: &User) -> Sends {
    user.sends.clone().unwrap_or_else(|| Sends {
        known: Sent::default(),
        unknown_devices: Sent::default(),
        links: Sent::default(),
        unknown: Unknown::default(),
    })
}

/// One message more, if there is room for it within so many an hour and a day; or when there is.
pub fn count(sent: &Sent, (per_hour, per_day): (u32, u32), now: Timestamp) -> Result<Sent, Timestamp> {
    let mut sent = sent.clone();
    // A beginning that lies ahead was written by a clock that was wrong.
    if now >= sent.hour.after(HOUR) || now < sent.hour {
        (sent.hour, sent.in_hour) = (now, 0);
    }
    if now >= sent.day.after(DAY) || now < sent.day {
        (sent.day, sent.in_day) = (now, 0);
    }
    if sent.in_day >= per_day {
        return Err(sent.day.after(DAY));
    }
    if sent.in_hour >= per_hour {
        return Err(sent.hour.after(HOUR));
    }
    sent.in_hour += 1;
    sent.in_day += 1;
    Ok(sent)
}

/// No message for an hour: a store that came out of a backup has forgotten those since (HAZARDS H14).
pub fn spent(sends: &Sends, now: Timestamp) -> Sends {
    let spent = |sent: &Sent, (in_hour, _)| Sent { hour: now, in_hour, ..sent.clone() };
    Sends {
        known: spent(&sends.known, limits::MAX_SENDS),
        unknown_devices: spent(&sends.unknown_devices, limits::MAX_SENDS),
        links: spent(&sends.links, limits::MAX_LINKS),
        unknown: sends.unknown.clone(),
    }
}

/// Tells the owner of an account what has changed, at its confirmed address. It counts against no budget: who is told too much
/// has an account that somebody works on.
pub fn notice(user: &User, cx: &Context<'_>, change: &mut Change, notice: Notice) {
    let Some(account) = user.account.as_ref().filter(|account| cx.settings.sends_mail && account.email_verified) else {
        return;
    };
    let Some(to) = account.email.clone() else { return };
    let (channel, content) = (Channel::Email, Content::Notice { notice });
    let letter = Letter { channel, to, user_name: account.user_name.clone(), content };
    put(user.id, cx, change, &letter, cx.now.after(limits::NOTICE_LIFETIME));
}

/// Has a letter sent with this decision's commit, worth something until `expires_at`. At most one for an attempt.
pub fn post(
    user: UserId,
    cx: &Context<'_>,
    change: &mut Change,
    (letter, sends): (&Letter, Sends),
    expires_at: Timestamp,
) {
    change.put(Item::Sends(sends));
    put(user, cx, change, letter, expires_at);
}

fn put(user: UserId, cx: &Context<'_>, change: &mut Change, letter: &Letter, expires_at: Timestamp) {
    let message = MessageId::from_bytes(cx.attempt.seed.derive("message"));
    // Enums and structs with string keys always serialise.
    let text = zeroize::Zeroizing::new(serde_json::to_vec(letter).expect("a letter is JSON"));
    let place = [user.to_string(), message.to_string()];
    let sealed = cx.vault.seal(Purpose::Outbox, &[&place[0], &place[1]], &text, cx.entropy);
    change.put(Item::Message(Message {
        message,
        channel: letter.channel,
        sealed,
        taken_over: None,
        created_at: cx.now,
        expires_at,
        unknown: Unknown::default(),
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000).after(Duration::from_secs(secs))
    }

    /// Sends as often as there is room, once a second, and gives how many went and when there is room again.
    fn spend(user: &mut User, from: u64) -> (u32, Timestamp) {
        for count in 0.. {
            match room(user, Bucketing::Unknown, at(from + u64::from(count))) {
                Ok(sends) => user.sends = Some(sends),
                Err(until) => return (count, until),
            }
        }
        unreachable!("there is a bound")
    }

    #[test]
    fn a_user_causes_ten_messages_an_hour_and_thirty_a_day() {
        let mut user = User::unloaded(UserId::from_random([1; 16]));
        assert_eq!(spend(&mut user, 0), (10, at(3600)));
        assert_eq!(spend(&mut user, 3600), (10, at(7200)));
        assert_eq!(spend(&mut user, 7200), (10, at(86_400)));
        assert_eq!(spend(&mut user, 20_000), (0, at(86_400)));
        assert_eq!(spend(&mut user, 86_400), (10, at(90_000)));
    }

    #[test]
    fn what_strangers_cause_takes_no_room_from_a_known_device_and_a_restore_takes_an_hours_from_both() {
        let mut user = User::unloaded(UserId::from_random([1; 16]));
        spend(&mut user, 0);
        let device = schema::DeviceId::from_bytes([7; 16]);
        let known = Bucketing::Device(&device);
        user.sends = Some(room(&user, known, at(11)).expect("room"));
        let restored = spent(user.sends.as_ref().expect("counted"), at(20));
        user.sends = Some(restored);
        for bucket in [known, Bucketing::Unknown] {
            assert_eq!(room(&user, bucket, at(30)).expect_err("spent"), at(3620));
        }
    }

    #[test]
    fn a_clock_that_was_ahead_takes_no_room_for_good() {
        let mut user = User::unloaded(UserId::from_random([1; 16]));
        spend(&mut user, 1_000_000);
        assert_eq!(spend(&mut user, 0).0, 10);
    }
}
