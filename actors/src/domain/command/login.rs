//! What travels of a login: how its cookie names it, and what a proof comes to.

use std::collections::BTreeSet;

use schema::{
    BrowserId, DeviceId, LoginId, SessionId, Timestamp,
    record::{Channel, PolicyMethod},
};
use serde::{Deserialize, Serialize};

use crate::domain::{
    policy::Asks,
    trusted_device::{Given, Trust},
    user::{SessionRef, User},
};

/// A login as its sealed cookie names it, and the browser that it lives in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LoginRef {
    /// Which.
    pub login: LoginId,
    /// The browser that began it.
    pub browser: BrowserId,
    /// The known device that the browser claims to be.
    pub device: Option<DeviceId>,
    /// The session that gets the proofs, if one asks for fresh ones.
    pub renews: Option<SessionRef>,
    /// What the browser shows or wants of trust. A node of an earlier version knows nothing of it.
    #[serde(default, skip_serializing_if = "Trust::is_none")]
    pub trust: Trust,
    /// What the policies ask of it.
    #[serde(default, skip_serializing_if = "Asks::is_nothing")]
    pub asks: Asks,
}

/// A browser is signed in. The session's secret is [`SignIn::session_secret`](super::SignIn::session_secret) of the attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedIn {
    /// The session.
    pub session: SessionId,
    /// The device that the browser is known as from now on.
    pub device: DeviceId,
    /// When the session ends at the latest.
    pub expires_at: Timestamp,
    /// The cookie of a trusted device, if there is a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted: Option<Given>,
}

/// How the next proof can be given.
#[expect(clippy::struct_excessive_bools, reason = "one for each way, and a person has any of them")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ways {
    /// By the code of an authenticator app.
    pub totp: bool,
    /// By a code that is sent by e-mail.
    pub email: bool,
    /// By a code that is sent by text message.
    #[serde(default)]
    pub sms: bool,
    /// By a passkey.
    #[serde(default)]
    pub passkey: bool,
    /// By a backup code. A node of an earlier version takes one wherever it takes anything.
    #[serde(default = "yes")]
    pub backup_code: bool,
    /// By none of them, for all are lost: a recovery is due, and the page of it says what that takes. A node of an earlier version never
    /// says so, nor do the ways of a session.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recovery: bool,
    /// Is there a device that is none of them, for too many wrong codes? A node of an earlier version offers it all the same.
    #[serde(default)]
    pub suspended: bool,
}

const fn yes() -> bool {
    true
}

impl Ways {
    /// By the code of an authenticator app.
    pub const fn by_app() -> Self {
        Self {
            totp: true,
            email: false,
            sms: false,
            passkey: false,
            backup_code: true,
            recovery: false,
            suspended: false,
        }
    }

    /// By each device of this user that is not suspended, or a backup code.
    pub fn of(user: &User) -> Self {
        Self {
            totp: user.usable_totps().next().is_some(),
            email: !user.usable_addresses(Channel::Email).is_empty(),
            sms: !user.usable_addresses(Channel::Sms).is_empty(),
            passkey: user.active_passkeys().next().is_some(),
            backup_code: true,
            recovery: false,
            suspended: user.has_suspended_device(),
        }
    }

    /// By one of these methods of the user alone.
    pub fn by(user: &User, methods: &BTreeSet<PolicyMethod>, backup_code: bool) -> Self {
        let has = |method| methods.contains(&method);
        Self {
            totp: has(PolicyMethod::Totp),
            email: has(PolicyMethod::Email),
            sms: has(PolicyMethod::Sms),
            passkey: has(PolicyMethod::Passkey),
            backup_code,
            recovery: false,
            suspended: user.has_suspended_device(),
        }
    }
}

/// Which step of a sign-in is the next, where policies ask for more than one after the first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// The number of this step.
    pub step: usize,
    /// How many there are, at least.
    pub of: usize,
    /// Methods that the policies ask for whatever else is given.
    pub asked: BTreeSet<PolicyMethod>,
    /// Does it raise a session?
    #[serde(default)]
    pub raises: bool,
}

/// How a proof was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignInOutcome {
    /// It was not right; or, by design indistinguishable, there is nobody to sign in.
    Wrong,
    /// Not looked at: the cool-down lasts until then.
    Throttled {
        /// When to try again.
        until: Timestamp,
    },
    /// Not looked at: the authenticator is suspended (100 consecutive failures).
    Suspended,
    /// Computed against a secret that is not the current one any more (HAZARDS H7): compute again.
    Stale,
    /// The login ended, belongs to another browser, or was never begun.
    LoginEnded,
    /// Right; a second factor is awaited, or one more.
    SecondFactor {
        /// When the login ends.
        expires_at: Timestamp,
        /// How it can be given. A node of an earlier version knows one way only.
        #[serde(default = "Ways::by_app")]
        ways: Ways,
        /// Which step that is, where policies ask for several.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stage: Option<Stage>,
        /// Did the trust in a browser end, whose cookie was copied? A node of an earlier version passes over it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        trust_ended: bool,
    },
    /// Right, and complete.
    SignedIn(SignedIn),
}
