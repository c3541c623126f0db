//! Messages to people, from the decision that wants one sent to the words that a provider is handed.
//!
//! 1. A decision posts a [`Letter`] ([`post`]): sealed, it becomes an item of the user, in the commit that makes it true.
//!    How many a user may cause in an hour and in a day is decided there as well ([`room`]).
//! 2. After that commit `settle` hands the item to the [notifier](crate::notifier), which opens and sends it.
//! 3. What became of it is one more commit, which removes the item ([`RecordDelivery`](super::command::RecordDelivery)).

mod budget;

use std::fmt;

use schema::{
    MessageId, Timestamp, UserId,
    record::{Channel, Message, Sends, Unknown},
};
use serde::{Deserialize, Serialize};

use self::budget::sends_of;
pub use self::budget::{count, room, room_for_link, room_for_registered, spent};
use super::{
    change::{Change, Item},
    context::Context,
    factor::totp::Code,
    limits,
    user::User,
};
use crate::{
    secret::Secret,
    vault::{Purpose, Vault},
};

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
    /// The language that it is written in, as a tag (BCP 47); that of the server if it is not said, as in letters of earlier
    /// versions and of operators. An earlier version that opens such a letter passes over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
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
        /// A link that does the same. A node of an earlier version sends the code alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        link: Option<Token>,
    },
    /// A code that activates the address.
    ActivationCode {
        /// Six digits.
        code: Code,
        /// A link that does the same.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        link: Option<Token>,
    },
    /// A code that proves the account's own address.
    AddressCode {
        /// Six digits.
        code: Code,
    },
    /// A link that sets a new password.
    PasswordReset {
        /// The link's token.
        #[serde(with = "crate::secret::exposed")]
        token: Secret<String>,
    },
    /// Somebody who knows the password wants to do without the second factors.
    RecoveryBegun {
        /// From when on that can be.
        due_at: Timestamp,
        /// The token of the link that cancels it.
        #[serde(with = "crate::secret::exposed")]
        token: Secret<String>,
    },
    /// A code that completes that, and with it a login.
    RecoveryCode {
        /// Six digits.
        code: Code,
        /// As above.
        #[serde(with = "crate::secret::exposed")]
        token: Secret<String>,
    },
    /// For the other addresses: such a code was sent.
    RecoveryDue {
        /// As above.
        #[serde(with = "crate::secret::exposed")]
        token: Secret<String>,
    },
    /// A link that makes an account under the address.
    Registration {
        /// The link's token.
        token: Token,
    },
    /// Somebody wanted to register under an address that has an account.
    Registered,
    /// Something about the account has changed.
    Notice {
        /// What.
        notice: Notice,
    },
}

/// The token of a link.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(#[serde(with = "crate::secret::exposed")] pub Secret<String>);

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
    RecoveryCancelled,
    RecoveryCompleted,
    PasswordSuspended,
    CodesSuspended,
    BackupCodesSuspended,
    AddressConfirmed,
    AddressChanged,
}

impl Notice {
    /// All of them.
    pub const ALL: [Self; 22] = [
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
        Self::RecoveryCancelled,
        Self::RecoveryCompleted,
        Self::PasswordSuspended,
        Self::CodesSuspended,
        Self::BackupCodesSuspended,
        Self::AddressConfirmed,
        Self::AddressChanged,
    ];
}

impl Content {
    /// Its name, in metrics and the audit log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SignInCode { .. } => "sign_in_code",
            Self::ActivationCode { .. } => "activation_code",
            Self::AddressCode { .. } => "address_code",
            Self::PasswordReset { .. } => "password_reset",
            Self::RecoveryBegun { .. } => "recovery_begun",
            Self::RecoveryCode { .. } => "recovery_code",
            Self::RecoveryDue { .. } => "recovery_due",
            Self::Registration { .. } => "registration",
            Self::Registered => "registered",
            Self::Notice { .. } => "notice",
        }
    }

    /// Has nobody asked for it? Who asks for a text message pays for it before; any other is paid when it is sent.
    pub const fn is_unasked(&self) -> bool {
        match self {
            Self::RecoveryBegun { .. } | Self::RecoveryDue { .. } | Self::Registered | Self::Notice { .. } => true,
            Self::SignInCode { .. }
            | Self::ActivationCode { .. }
            | Self::AddressCode { .. }
            | Self::PasswordReset { .. }
            | Self::RecoveryCode { .. }
            | Self::Registration { .. } => false,
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

/// The e-mail addresses that were proved to be the owner's: that of the account first, then those that get codes, the longest in force
/// first.
pub fn confirmed(user: &User) -> Vec<&str> {
    let of_account = user.account.as_ref().filter(|account| account.email_verified);
    let mut all: Vec<&str> = of_account.and_then(|account| account.email.as_deref()).into_iter().collect();
    for address in user.active_addresses(Channel::Email) {
        if !all.contains(&address.address.as_str()) {
            all.push(&address.address);
        }
    }
    all
}

/// Tells the owner of an account what has changed, at every confirmed address that it had before (NIST SP 800-63B-4, 4.6), so that who
/// takes one away does not keep it from its owner. It counts against no budget: who is told too much has an account that somebody works
/// on. Where nobody can be told by e-mail, it is told to the phones ([`by_text`]), and the end of a recovery to both.
pub fn notice(user: &User, cx: &Context<'_>, change: &mut Change, notice: Notice) {
    let until = cx.now.after(limits::NOTICE_LIFETIME);
    let (addresses, content) = (confirmed(user), Content::Notice { notice });
    let of_recovery = matches!(notice, Notice::RecoveryCancelled | Notice::RecoveryCompleted);
    if of_recovery || addresses.is_empty() || !cx.settings.sends_mail {
        by_text(user, cx, change, &content, (until, cx.lang()));
    }
    tell(user, cx, change, &content, (addresses, until, cx.lang()));
}

/// Tells of a recovery, at these addresses and to every phone: who completes one knows the password and reads the mail, so the phone
/// may be all by which its owner hears of it.
pub fn of_recovery(
    user: &User,
    cx: &Context<'_>,
    change: &mut Change,
    content: &Content,
    (addresses, until, lang): (Vec<&str>, Timestamp, Option<String>),
) {
    by_text(user, cx, change, content, (until, lang.clone()));
    tell(user, cx, change, content, (addresses, until, lang));
}

/// Tells the phones that the account had before the change: a new one is not told of itself, and one that is removed is, for whoever
/// removes it may not be its owner. Each message costs money, so they are counted, and the notifier pays them out of the budget.
fn by_text(
    user: &User,
    cx: &Context<'_>,
    change: &mut Change,
    content: &Content,
    (until, lang): (Timestamp, Option<String>),
) {
    let Some(account) = user.account.as_ref().filter(|_| cx.settings.sends_text) else { return };
    let counted =
        change.puts().iter().find_map(|item| if let Item::Sends(sends) = item { Some(sends.clone()) } else { None });
    let mut sends = counted.unwrap_or_else(|| sends_of(user));
    for phone in user.active_addresses(Channel::Sms) {
        let Ok(sent) = count(&sends.notices, limits::MAX_TEXT_NOTICES, cx.now) else { return };
        sends.notices = sent;
        change.put(Item::Sends(sends.clone()));
        let (user_name, to) = (account.user_name.clone(), phone.address.clone());
        let letter = Letter { channel: Channel::Sms, to, user_name, lang: lang.clone(), content: content.clone() };
        put(user.id, cx, change, &letter, until);
    }
}

/// Tells these addresses something in this language, which is worth something until then.
pub fn tell(
    user: &User,
    cx: &Context<'_>,
    change: &mut Change,
    content: &Content,
    (addresses, until, lang): (Vec<&str>, Timestamp, Option<String>),
) {
    let Some(account) = user.account.as_ref().filter(|_| cx.settings.sends_mail) else { return };
    for to in addresses {
        let (channel, content) = (Channel::Email, content.clone());
        let (user_name, lang) = (account.user_name.clone(), lang.clone());
        let letter = Letter { channel, to: to.to_owned(), user_name, lang, content };
        put(user.id, cx, change, &letter, until);
    }
}

/// Has a letter sent with this decision's commit, worth something until `expires_at`. Says under which id.
pub fn post(
    user: UserId,
    cx: &Context<'_>,
    change: &mut Change,
    (letter, sends): (&Letter, Sends),
    expires_at: Timestamp,
) -> MessageId {
    change.put(Item::Sends(sends));
    put(user, cx, change, letter, expires_at)
}

/// The same, counted against no budget of the user's: what bounds it is that of the address.
pub(super) fn put(
    user: UserId,
    cx: &Context<'_>,
    change: &mut Change,
    letter: &Letter,
    expires_at: Timestamp,
) -> MessageId {
    // One decision may have several, each with an id of its own.
    let before = change.puts().iter().filter(|item| matches!(item, Item::Message(_))).count();
    let purpose = if before == 0 { "message".to_owned() } else { format!("message {before}") };
    let message = MessageId::from_bytes(cx.attempt.seed.derive(&purpose));
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
    message
}

#[cfg(test)]
mod tests;
