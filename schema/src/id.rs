//! One newtype per kind of id, so that no call can swap two of them. Random ids are drawn by the caller: nothing here
//! reads a random source.

use std::{fmt, str::FromStr};

use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use thiserror::Error;
use uuid::Uuid;

/// The text of an id is not one that this kind of id is written as.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("not a well-formed {0}")]
pub struct IdError(&'static str);

/// 128 bits as 26 characters of lower-case base 32: safe in URLs, file names, CSS and CQL.
fn base32() -> &'static Encoding {
    static ENCODING: std::sync::LazyLock<Encoding> = std::sync::LazyLock::new(|| {
        let mut spec = Specification::new();
        spec.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
        // The alphabet is a constant of 32 distinct characters, so this cannot fail.
        spec.encoding().unwrap_or(data_encoding::BASE32_NOPAD)
    });
    &ENCODING
}

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// An id from 128 random bits.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The bits of the id.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&base32().encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let bytes = base32().decode(text.as_bytes()).map_err(|_| IdError(stringify!($name)))?;
                Ok(Self(bytes.try_into().map_err(|_| IdError(stringify!($name)))?))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            }
        }
    };
}

random_id!(
    /// One login from its first page to its session or its end; drawn before the user is known.
    LoginId
);
random_id!(
    /// A session, stable over renewals of its cookie (its *lineage*); never shown to clients.
    SessionId
);
random_id!(
    /// The `sid` that clients see: random per session, unrelated to [`SessionId`].
    Sid
);
random_id!(
    /// One authorization code.
    CodeId
);
random_id!(
    /// A refresh-token family: all generations that descend from one code.
    FamilyId
);
random_id!(
    /// One authenticator that needs enrolment, such as a TOTP device.
    FactorId
);
random_id!(
    /// One version-carrying secret, such as a password or a set of backup codes.
    CredentialId
);
random_id!(
    /// A browser that completed a sign-in (HAZARDS H11).
    DeviceId
);
random_id!(
    /// A browser, whoever uses it: what sealed hidden fields and CSRF values are bound to (HAZARDS H18).
    BrowserId
);
random_id!(
    /// One holding of a claim; drawn anew at each claiming (HAZARDS H9).
    ClaimId
);
random_id!(
    /// One password-reset link.
    ResetId
);
random_id!(
    /// One request to recover an account whose second factors are lost.
    RecoveryId
);
random_id!(
    /// One message to the outside.
    MessageId
);
random_id!(
    /// One delivery-independent attempt of a command, drawn by the node that took the HTTP request (HAZARDS H5).
    /// It is the operation id of the commit.
    AttemptId
);

/// A user: a random UUID (version 4), because a time-ordered one would tell the sign-up time in `sub`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(Uuid);

impl UserId {
    /// A user id from 128 random bits; version and variant bits are set here.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// The bits of the id.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id whose bits these are.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for UserId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.parse().map(Self).map_err(|_| IdError("UserId"))
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
                if text.is_empty() || text.len() > $max || !text.bytes().all(legal) {
                    return Err(IdError(stringify!($name)));
                }
                Ok(Self(text.into()))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            }
        }
    };
}

text_id!(
    /// A registered client. Generated ids begin with `c_`, so that none can be mistaken for a user's `sub` (RFC 9700, 4.15).
    ClientId,
    64
);
text_id!(
    /// A signing key as it appears in `kid`, or the id of a master key.
    KeyId,
    64
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_id_reads_back_from_its_text() {
        let id = SessionId::from_bytes([0xa5; 16]);
        assert_eq!(id.to_string().len(), 26);
        assert_eq!(id.to_string().parse::<SessionId>(), Ok(id));
        assert_eq!("short".parse::<SessionId>(), Err(IdError("SessionId")));
    }

    #[test]
    fn a_client_id_takes_no_separator() {
        assert!("c_abc-1.x".parse::<ClientId>().is_ok());
        for bad in ["", "a/b", "a b", "ä", &"x".repeat(65)] {
            assert!(bad.parse::<ClientId>().is_err(), "{bad}");
        }
    }
}
