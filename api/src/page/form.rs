//! What forms share: errors beside fields, cool-downs, the password rule, values that must not be printed, and the
//! client that asked for a sign-in.

use std::fmt;

use actors::domain::factor::password::Policy;
use schema::Timestamp;
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use super::When;
use crate::locale::{Text, text};

/// A value that reaches the browser and nothing else: backup codes, TOTP keys, tokens. `Debug` hides it and the memory
/// is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Concealed(Zeroizing<String>);

impl From<String> for Concealed {
    fn from(value: String) -> Self {
        Self(Zeroizing::new(value))
    }
}

impl From<&str> for Concealed {
    fn from(value: &str) -> Self {
        Self::from(value.to_owned())
    }
}

impl fmt::Debug for Concealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(concealed)")
    }
}

impl Serialize for Concealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Why a form is shown again. The page moves the focus to the summary and marks the fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FormError {
    /// One or two plain sentences: what is wrong and what to do.
    pub summary: Text,
    /// Names of the fields that are marked invalid; empty when the form as a whole was refused.
    pub fields: Vec<&'static str>,
    /// When the next attempt is possible, if one must wait.
    pub retry: Option<Cooldown>,
}

impl FormError {
    /// The form as a whole was refused.
    pub const fn whole(summary: Text) -> Self {
        Self { summary, fields: Vec::new(), retry: None }
    }

    /// One field was refused; `field` is its `name`.
    pub fn field(field: &'static str, summary: Text) -> Self {
        Self { summary, fields: vec![field], retry: None }
    }

    /// Several fields were refused together, such as a user name and its password: which of them was wrong stays
    /// untold (HAZARDS H13).
    pub fn fields(fields: &[&'static str], summary: Text) -> Self {
        Self { summary, fields: fields.to_vec(), retry: None }
    }

    /// No message can be sent for `wait_secs` after `now_unix_secs`.
    pub fn too_early(now_unix_secs: i64, wait_secs: u64) -> Self {
        let summary = text("message-too-early");
        Self { summary, ..Self::cool_down(now_unix_secs, wait_secs) }
    }

    /// Too many attempts: the next one is possible `wait_secs` after `now_unix_secs`.
    pub fn cool_down(now_unix_secs: i64, wait_secs: u64) -> Self {
        Self {
            summary: text("too-many-attempts"),
            fields: Vec::new(),
            retry: Some(Cooldown::starting(now_unix_secs, wait_secs)),
        }
    }
}

/// When an attempt is possible again. The time is written out; with JavaScript, pages of codes that are
/// sent count down to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cooldown {
    /// The instant.
    pub at: When,
    /// Whole seconds from the moment the page was made; the same number belongs into `Retry-After`.
    pub seconds: u64,
}

impl Cooldown {
    /// A wait of `wait_secs` seconds that begins at `now_unix_secs`.
    pub fn starting(now_unix_secs: i64, wait_secs: u64) -> Self {
        let end = now_unix_secs.saturating_add(i64::try_from(wait_secs).unwrap_or(i64::MAX));
        Self { at: When::from_unix_secs(end), seconds: wait_secs }
    }

    /// What is left at `now` of a wait that ends at `end`, in whole seconds; `None` if it is over.
    pub fn until(now: Timestamp, end: Timestamp) -> Option<Self> {
        let left = end.since(now);
        (!left.is_zero()).then(|| Self::starting(now.as_secs(), crate::error::page::whole_secs(left)))
    }
}

/// How long a new password must be, as the page says it. The bounds are those of the policy in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PasswordRule {
    /// Fewest characters, at least 1.
    pub min: u16,
    /// Most characters.
    pub max: u16,
}

impl From<Policy> for PasswordRule {
    fn from(policy: Policy) -> Self {
        let short = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        Self { min: short(policy.min_len), max: short(policy.max_len) }
    }
}

/// The client that asked for this sign-in, consent or sign-out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClientLine {
    /// Its registered name.
    pub name: String,
    /// The origin of the redirect URI in use, e.g. `https://photos.example`.
    pub origin: String,
}

/// What the previous step did, told once at the top of the page it redirected to. Carried as `?done=NAME`: a closed
/// set, so that no link can put words of its own on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The account was just made.
    Registered,
    /// The password was changed.
    PasswordChanged,
    /// The first authenticator app was confirmed and the backup codes were saved.
    MfaEnabled,
    /// An authenticator app was removed.
    AuthenticatorRemoved,
    /// An authenticator app was given another name.
    AuthenticatorRenamed,
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey was removed.
    PasskeyRemoved,
    /// A passkey was given another name.
    PasskeyRenamed,
    /// An address gets codes from now on.
    EmailCodesOn,
    /// An address gets no more codes.
    EmailCodesOff,
    /// A phone gets codes from now on.
    SmsCodesOn,
    /// A phone gets no more codes.
    SmsCodesOff,
    /// An address that gets codes was given another name.
    EmailRenamed,
    /// A phone was given another name.
    PhoneRenamed,
    /// One session was ended.
    SessionEnded,
    /// A browser is trusted no more.
    TrustForgotten,
    /// A recovery was cancelled.
    RecoveryCancelled,
    /// The account's own address was proved.
    AddressConfirmed,
}

impl Notice {
    const ALL: [(&'static str, Self); 18] = [
        ("registered", Self::Registered),
        ("password", Self::PasswordChanged),
        ("mfa", Self::MfaEnabled),
        ("authenticator-removed", Self::AuthenticatorRemoved),
        ("authenticator-renamed", Self::AuthenticatorRenamed),
        ("passkey-added", Self::PasskeyAdded),
        ("passkey-removed", Self::PasskeyRemoved),
        ("passkey-renamed", Self::PasskeyRenamed),
        ("email-codes-on", Self::EmailCodesOn),
        ("email-codes-off", Self::EmailCodesOff),
        ("sms-codes-on", Self::SmsCodesOn),
        ("sms-codes-off", Self::SmsCodesOff),
        ("email-renamed", Self::EmailRenamed),
        ("phone-renamed", Self::PhoneRenamed),
        ("session", Self::SessionEnded),
        ("trust-forgotten", Self::TrustForgotten),
        ("recovery-cancelled", Self::RecoveryCancelled),
        ("address-confirmed", Self::AddressConfirmed),
    ];

    /// The notice named by the query value `done`, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, notice)| notice)
    }

    /// The value for `?done=`.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, notice)| *notice == self).map_or("", |(name, _)| name)
    }

    fn text(self) -> Text {
        match self {
            Self::Registered => text("notice-registered"),
            Self::PasswordChanged => text("notice-password-changed"),
            Self::MfaEnabled => text("notice-mfa-enabled"),
            Self::AuthenticatorRemoved => text("notice-app-removed"),
            Self::AuthenticatorRenamed => text("notice-app-renamed"),
            Self::PasskeyAdded => text("notice-passkey-added"),
            Self::PasskeyRemoved => text("notice-passkey-removed"),
            Self::PasskeyRenamed => text("notice-passkey-renamed"),
            Self::EmailCodesOn => text("notice-email-on"),
            Self::EmailCodesOff => text("notice-email-off"),
            Self::SmsCodesOn => text("notice-sms-on"),
            Self::SmsCodesOff => text("notice-sms-off"),
            Self::EmailRenamed => text("notice-email-renamed"),
            Self::PhoneRenamed => text("notice-phone-renamed"),
            Self::SessionEnded => text("notice-session-ended"),
            Self::TrustForgotten => text("notice-trust-forgotten"),
            Self::RecoveryCancelled => text("notice-recovery-cancelled"),
            Self::AddressConfirmed => text("notice-address-confirmed"),
        }
    }
}

impl Serialize for Notice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text().serialize(serializer)
    }
}

/// The title of a page with a form: an error is told before anything else (WCAG 2.2, 3.3.1).
pub(super) fn form_title(title: Text, error: Option<&FormError>) -> Text {
    if error.is_some() { text("title-error").with_text("title", title) } else { title }
}

#[cfg(test)]
mod tests {
    use super::{Concealed, FormError, Notice};

    #[test]
    fn concealed_values_do_not_appear_in_debug_output() {
        assert_eq!(format!("{:?}", Concealed::from("hunter2")), "(concealed)");
    }

    #[test]
    fn every_notice_is_found_by_its_name_and_no_other_is() {
        for (name, notice) in Notice::ALL {
            assert_eq!(Notice::named(name), Some(notice));
            assert_eq!(notice.name(), name);
        }
        assert_eq!(Notice::named("<b>"), None);
    }

    #[test]
    fn a_cool_down_ends_after_its_seconds() {
        let retry = FormError::cool_down(86_390, 30).retry.map(|retry| (retry.at.clock, retry.seconds));
        assert_eq!(retry, Some(("00:00:20".to_owned(), 30)));
    }
}
