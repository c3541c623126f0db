//! Which parts of a user's partition are loaded, or must be.

use std::ops::BitOr;

use schema::{EVENT_PREFIX, MESSAGE_PREFIX};

/// Parts of the partition. Account, devices and throttles ([`Areas::CORE`]) are always loaded; the others on use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Areas(u16);

impl Areas {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Account or registration, password, devices of factors, throttles, known and trusted devices, a recovery, voided claims,
    /// undelivered events and messages.
    pub const CORE: Self = Self(1);
    /// Logins under way.
    pub const LOGINS: Self = Self(2);
    /// Sessions.
    pub const SESSIONS: Self = Self(4);
    /// Authorization codes.
    pub const CODES: Self = Self(8);
    /// Refresh families.
    pub const FAMILIES: Self = Self(16);
    /// Consents.
    pub const CONSENTS: Self = Self(32);
    /// Reset links.
    pub const RESETS: Self = Self(64);
    /// Backup codes: half of what a user weighs, and seldom asked for.
    pub const BACKUP: Self = Self(128);
    /// Challenges that passkeys answered.
    pub const CHALLENGES: Self = Self(256);

    /// What is not kept of a user at rest: it is big, and loaded when it is used.
    pub const HEAVY: Self = Self::CODES.and(Self::RESETS).and(Self::BACKUP).and(Self::CHALLENGES);

    /// Item prefixes of each part.
    const PREFIXES: [(Self, &'static [&'static str]); 9] = [
        (
            Self::CORE,
            &[
                "account",
                "password",
                "totp/",
                "email/",
                "phone/",
                "passkey/",
                "throttle/",
                "device/",
                "claim-void/",
                "sends",
                "registration",
                "own-address",
                "trusted/",
                "recovery",
                MESSAGE_PREFIX,
                EVENT_PREFIX,
            ],
        ),
        (Self::LOGINS, &["login/"]),
        (Self::SESSIONS, &["session/"]),
        (Self::CODES, &["code/"]),
        (Self::FAMILIES, &["family/"]),
        (Self::CONSENTS, &["consent/"]),
        (Self::RESETS, &["reset/"]),
        (Self::BACKUP, &["backup"]),
        (Self::CHALLENGES, &["challenge/"]),
    ];

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those of `self` that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Are all of `other` in here?
    pub const fn contain(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Is nothing in here?
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The item prefixes to load.
    pub fn prefixes(self) -> Vec<&'static str> {
        Self::PREFIXES.iter().filter(|(area, _)| self.contain(*area)).flat_map(|(_, p)| p.iter().copied()).collect()
    }

    /// As a number, for the cache.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// From [`Self::bits`].
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }
}

impl BitOr for Areas {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.and(other)
    }
}
