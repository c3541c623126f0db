//! Logins under way, and sessions.

use serde::{Deserialize, Serialize};

use super::{CountedText, record};
use crate::{BrowserId, ClientId, CredentialId, DeviceId, FactorId, LoginId, SessionId, Sid, Timestamp};

/// How something was proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A password.
    Password,
    /// A TOTP code.
    Totp,
    /// A backup code.
    BackupCode,
    /// A code that was sent by e-mail.
    EmailCode,
    /// The cookie of a trusted device, in place of a second step.
    TrustedDevice,
    /// A code that was sent by text message.
    SmsCode,
    /// A passkey (WebAuthn).
    Passkey {
        /// Did the authenticator verify its user, by PIN, finger or face?
        user_verified: bool,
        /// May the key leave its device, into a backup or to other devices?
        backup_eligible: bool,
        /// Did a maker who is trusted here vouch for the authenticator?
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        attested: bool,
    },
}

/// A code that was sent, for one login or one enrolment; a new one replaces it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentCode {
    /// The device that it was sent to.
    pub factor: FactorId,
    /// A keyed hash of it, with what it is for.
    pub mac: String,
    /// The same of the link that the message holds as well, if it does. From data level 4 on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// When it was sent, or at least decided on.
    pub sent_at: Timestamp,
    /// Its end.
    pub expires_at: Timestamp,
}

/// One proof performed in a session; `amr`, `acr` and `auth_time` come from these alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// How.
    pub method: Method,
    /// When.
    pub at: Timestamp,
    /// The device, for methods with devices.
    pub factor: Option<FactorId>,
    /// The password or set of codes, for methods with those.
    pub credential: Option<CredentialId>,
}

record! {
    /// Item `login/<id>`: a login whose first proof was accepted and whose second is awaited (HAZARDS H10).
    pub struct Login: 1 {
        /// Which.
        pub login: LoginId,
        /// The browser that began it.
        pub browser: BrowserId,
        /// What was proved so far.
        pub proofs: Vec<Proof>,
        /// A session that this login renews, when an existing one asks for fresh proofs.
        pub renews: Option<SessionId>,
        /// Does it raise that session: are its proofs added to those of the session, while that lives? Written from data level 4 on.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub raises: bool,
        /// The code that was sent for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub sent: Option<SentCode>,
        /// Text messages that were sent for it and counted. From data level 4 on.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub texts: Vec<CountedText>,
        /// Is its browser a known device of the user? Then those of strangers give way to it. A node of an earlier version passes over
        /// it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub known: bool,
        /// When its last proof was accepted; of one that raises a session and has none, when it was begun.
        pub started_at: Timestamp,
        /// Its end.
        pub expires_at: Timestamp,
    }
}

record! {
    /// Item `session/<id>`: a browser is signed in.
    pub struct Session: 1 {
        /// Which; stable over renewals of the cookie (its lineage).
        pub session: SessionId,
        /// What clients see as `sid`.
        pub sid: Sid,
        /// SHA-256 of the secret in the cookie; renewed at each step of authentication.
        pub secret_hash: String,
        /// The browser it lives in.
        pub browser: BrowserId,
        /// The known device it belongs to.
        pub device: DeviceId,
        /// What was proved, and when.
        pub proofs: Vec<Proof>,
        /// Clients that got a code from it.
        pub clients: Vec<ClientId>,
        /// `User-Agent` at sign-in, shortened.
        pub user_agent: Option<String>,
        /// Address at sign-in.
        pub address: Option<String>,
        /// Sign-in.
        pub started_at: Timestamp,
        /// Last use, to the minute.
        pub last_seen_at: Timestamp,
        /// Its absolute end.
        pub expires_at: Timestamp,
    }
}
