//! Commands to a user, one a file, each with its rule.

use schema::record::AuditEvent;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{
    change::Change,
    context::Context,
    user::{Areas, User},
};

mod address_confirm;
mod address_enrol;
mod address_login;
mod address_remove;
mod address_rename;
mod authorize;
mod backup_codes;
mod change_password;
mod codes;
mod delivery;
mod device;
mod end_session;
mod guess;
mod judge_backup_code;
mod judge_password;
mod login;
mod mail_reset;
mod operator;
mod operator_mfa;
mod overview;
mod own_address;
mod passkey_enrol;
mod passkey_login;
mod passkey_remove;
mod passkey_rename;
mod policies;
mod raise_session;
mod recovery_begin;
mod recovery_cancel;
mod recovery_complete;
mod recovery_remind;
mod redeem_code;
mod refresh;
mod register;
mod register_by_email;
mod reset_password;
mod sensitive;
mod sent_link;
mod sign_in;
mod tokens;
mod totp_enrol;
mod totp_remove;
mod totp_rename;
mod trusted_device;
mod verify_totp;

pub use address_confirm::{ConfirmAddress, ConfirmAddressByLink};
pub use address_enrol::{AwaitedAddress, BeginAddress, BeginAddressOutcome, ResendCode, SendOutcome, ShowAddress};
pub use address_login::{Closed, LoginCodeView, SendLoginCode, ShowLoginCode, VerifySentCode, VerifySentCodeOutcome};
pub use address_remove::RemoveAddress;
pub use address_rename::RenameAddress;
pub use authorize::{Authorize, AuthorizeOutcome, Requirement};
pub use backup_codes::{ReplaceBackupCodes, ReplaceBackupCodesOutcome, SaveBackupCodes};
pub use change_password::{ChangePassword, ChangePasswordOutcome};
pub(crate) use codes::THROTTLE as CODES_THROTTLE;
pub use delivery::{Delivered, RecordDelivery, TakeMessage, TakeMessageOutcome};
pub use device::{ConfirmOutcome, RemoveOutcome, RenameOutcome};
pub use end_session::{EndAllSessions, EndSession};
pub use judge_backup_code::{JudgeBackupCode, THROTTLE as BACKUP_THROTTLE};
pub use judge_password::{JudgePassword, THROTTLE as PASSWORD_THROTTLE};
pub use mail_reset::MailReset;
pub use operator::{DisableUser, EnableUser, IssueReset, IssueResetOutcome, ResetMfa};
pub use operator_mfa::{RequireMfa, RevokeDevice};
pub use overview::{
    AddressView, CheckSession, Overview, OverviewOutcome, PasskeyView, RecoveryShown, SessionView, Shown, TotpView,
    TrustedView,
};
pub use own_address::{
    AwaitedOwnAddress, BeginOwnAddress, BeginOwnAddressOutcome, ConfirmOwnAddress, ConfirmOwnAddressOutcome,
    ShowOwnAddress,
};
pub use passkey_enrol::{
    AwaitedPasskey, BeginPasskey, BeginPasskeyOutcome, ConfirmPasskey, ConfirmPasskeyOutcome, ShowPasskey,
};
pub use passkey_login::{Ceremony, ShowLoginPasskeys, VerifyPasskey, VerifyPasskeyOutcome};
pub use passkey_remove::RemovePasskey;
pub use passkey_rename::RenamePasskey;
pub use policies::{ChangeRole, ChangeRoleOutcome, DeclineMfa, Demand, ExplainPolicies, Explained, JudgeSession};
pub use raise_session::{RaiseSession, RaiseSessionOutcome};
pub use recovery_begin::{BeginRecovery, RecoveryView, ShowRecovery};
pub use recovery_cancel::{CancelOutcome, CancelRecovery, CancelWith};
pub use recovery_complete::{CompleteRecovery, SendRecoveryCode};
pub use recovery_remind::RemindRecovery;
pub use redeem_code::{RedeemCode, RedeemOutcome, Refusal};
pub use refresh::Refresh;
pub use register::{Register, RegisterOutcome};
pub use register_by_email::{
    BeginRegistration, CompleteRegistration, CompleteRegistrationOutcome, MailRegistered, ShowRegistration,
};
pub use reset_password::{ResetPassword, ResetPasswordOutcome};
pub use sent_link::{Linked, ShowSentLink, VerifySentLink};
pub(crate) use sign_in::method_name;
pub use sign_in::{LoginRef, SignIn, SignInOutcome, SignedIn, Stage, Ways};
pub use tokens::{CheckToken, CheckTokenOutcome, Grant, Profile, RevokeToken};
pub use totp_enrol::{BeginTotp, BeginTotpOutcome, ConfirmTotp, ShowTotp, ShowTotpOutcome};
pub use totp_remove::RemoveTotp;
pub use totp_rename::RenameTotp;
pub use trusted_device::{ForgetOutcome, ForgetTrusted};
pub use verify_totp::VerifyTotp;
pub(crate) use verify_totp::throttle_of as totp_throttle;

/// What a decision comes to.
#[derive(Debug)]
pub struct Decision<O> {
    /// What is written. Empty, and no event: nothing is committed.
    pub change: Change,
    /// What the audit log is told, in the same commit.
    pub events: Vec<AuditEvent>,
    /// The answer, without secrets; recorded with the commit.
    pub outcome: O,
}

impl<O> Decision<O> {
    /// An answer that changes nothing.
    pub fn answer(outcome: O) -> Self {
        Self { change: Change::default(), events: Vec::new(), outcome }
    }
}

/// A command and its rule.
pub trait Decide: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What it is answered with. Holds no secret, for it is recorded.
    type Outcome: Serialize + DeserializeOwned + Send + 'static;
    /// Its name, in digests, metrics and spans.
    const NAME: &'static str;
    /// What must be loaded, beside the core.
    const NEEDS: Areas;
    /// May it take away what somebody has: end a session, a family, a password, a factor? Then it is answered only once no
    /// node accepts what was taken away (HAZARDS H2), and no node answers from memory of before.
    const REVOKES: bool;

    /// Is it an operation of the account that policies may ask fresh proofs for? Then the node that takes the request hands them over
    /// with the attempt, and the rule asks [`sensitive`].
    const SENSITIVE: bool = false;

    /// Does it only look? What it may write down on the way, such as when a session was last seen, changes no answer. So it may be
    /// decided anew whatever became of an earlier delivery (HAZARDS H5).
    const LOOKS: bool = false;

    /// Did this outcome of a command that may revoke take something away?
    fn revoked(_outcome: &Self::Outcome) -> bool {
        true
    }

    /// Does this outcome, for which nothing is written, say that something is not there? What another node made in the owner's
    /// place the owner is not told of, so it says no such thing from memory.
    fn misses(_outcome: &Self::Outcome) -> bool {
        false
    }

    /// The rule.
    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<Self::Outcome>;
}

/// Does this outcome, as JSON, take something away?
pub type Revoked = fn(&RawValue) -> bool;

/// [`Decide::revoked`] of an outcome that is JSON again. One that cannot be read counts as a revocation.
pub fn revoked<C: Decide>(outcome: &RawValue) -> bool {
    C::REVOKES && serde_json::from_str(outcome.get()).map_or(true, |outcome| C::revoked(&outcome))
}

/// [`Decide::misses`] of an outcome that is JSON again. One that cannot be read is no answer from memory.
fn misses<C: Decide>(outcome: &RawValue) -> bool {
    serde_json::from_str(outcome.get()).map_or(true, |outcome| C::misses(&outcome))
}

macro_rules! bodies {
    ($($(#[$wire:meta])? $name:ident),* $(,)?) => {
        /// Any command, as it travels to the owner.
        #[derive(Serialize, Deserialize)]
        #[expect(missing_docs, reason = "each variant is the command that it is named after")]
        pub enum Body {
            $($(#[$wire])? $name($name),)*
        }

        impl Body {
            /// The command's name.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => <$name as Decide>::NAME,)*
                }
            }

            /// What must be loaded.
            pub fn needs(&self) -> Areas {
                Areas::CORE | match self {
                    $(Self::$name(_) => <$name as Decide>::NEEDS,)*
                }
            }

            /// Is it an operation that policies may ask fresh proofs for?
            pub const fn is_sensitive(&self) -> bool {
                match self {
                    $(Self::$name(_) => <$name as Decide>::SENSITIVE,)*
                }
            }

            /// Does it only look?
            pub const fn looks(&self) -> bool {
                match self {
                    $(Self::$name(_) => <$name as Decide>::LOOKS,)*
                }
            }

            /// All commands by name, and whether [`Self::looks`] is true of them.
            pub const LOOKING: &'static [(&'static str, bool)] = &[$((<$name>::NAME, <$name>::LOOKS),)*];

            /// All commands by name, and whether [`Self::is_sensitive`] is true of them.
            pub const SENSITIVE: &'static [(&'static str, bool)] = &[$((<$name>::NAME, <$name>::SENSITIVE),)*];

            /// All commands by name, and whether they may revoke.
            pub const REVOKING: &'static [(&'static str, bool)] = &[$((<$name>::NAME, <$name>::REVOKES),)*];

            /// Says of an outcome of this command whether it took something away that others may still hold.
            pub fn revoked(&self) -> Revoked {
                match self {
                    $(Self::$name(_) => revoked::<$name>,)*
                }
            }

            /// Does this outcome of this command say that something is not there?
            pub fn misses(&self, outcome: &RawValue) -> bool {
                match self {
                    $(Self::$name(_) => misses::<$name>(outcome),)*
                }
            }

            /// Decides, and writes the outcome as JSON.
            pub fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<Box<RawValue>> {
                match self {
                    $(Self::$name(command) => {
                        let decision = command.decide(user, cx);
                        debug_assert!(!<$name as Decide>::LOOKS || decision.events.is_empty(), "it does more than look");
                        // Outcomes are plain enums and structs with string keys.
                        let outcome = serde_json::value::to_raw_value(&decision.outcome)
                            .expect("an outcome always serialises");
                        Decision { change: decision.change, events: decision.events, outcome }
                    })*
                }
            }
        }

        $(impl From<$name> for Body {
            fn from(command: $name) -> Self {
                Self::$name(command)
            }
        })*
    };
}

// What was made for e-mail alone and serves other ways by now travels under its first name.
bodies!(
    Authorize,
    #[serde(rename = "BeginEmail")]
    BeginAddress,
    BeginOwnAddress,
    BeginPasskey,
    BeginRecovery,
    BeginRegistration,
    BeginTotp,
    CancelRecovery,
    ChangePassword,
    ChangeRole,
    CheckSession,
    CheckToken,
    CompleteRecovery,
    CompleteRegistration,
    #[serde(rename = "ConfirmEmail")]
    ConfirmAddress,
    ConfirmAddressByLink,
    ConfirmOwnAddress,
    ConfirmPasskey,
    ConfirmTotp,
    DeclineMfa,
    DisableUser,
    EnableUser,
    EndAllSessions,
    EndSession,
    ExplainPolicies,
    ForgetTrusted,
    IssueReset,
    JudgeBackupCode,
    JudgePassword,
    JudgeSession,
    MailRegistered,
    MailReset,
    Overview,
    RaiseSession,
    RecordDelivery,
    RedeemCode,
    Refresh,
    Register,
    RemindRecovery,
    #[serde(rename = "RemoveEmail")]
    RemoveAddress,
    RemovePasskey,
    RemoveTotp,
    RenameAddress,
    RenamePasskey,
    RenameTotp,
    ReplaceBackupCodes,
    RequireMfa,
    #[serde(rename = "ResendEmail")]
    ResendCode,
    ResetMfa,
    ResetPassword,
    RevokeDevice,
    RevokeToken,
    SaveBackupCodes,
    SendLoginCode,
    SendRecoveryCode,
    #[serde(rename = "ShowEmail")]
    ShowAddress,
    ShowLoginCode,
    ShowLoginPasskeys,
    ShowOwnAddress,
    ShowPasskey,
    ShowRecovery,
    ShowRegistration,
    ShowSentLink,
    ShowTotp,
    TakeMessage,
    #[serde(rename = "VerifyEmailCode")]
    VerifySentCode,
    VerifySentLink,
    VerifyPasskey,
    VerifyTotp,
);

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests;
