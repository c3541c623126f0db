//! The records: what an item's body says, one struct a record, without methods.
//!
//! A body is a JSON object with `v` (the version it was written in) and `min_reader` (the oldest version that can judge
//! it). A node of an older version refuses it ([`RecordError::TooNew`]) rather than guess; fields that it does not know
//! are kept byte for byte and written back (HAZARDS H15).

mod account;
mod client;
mod cluster;
mod device;
mod event;
mod factor;
mod handle;
mod key;
mod message;
mod passkey;
mod policy;
mod recovery;
mod session;
mod sms;
mod standing;
mod token;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use thiserror::Error;

pub use account::*;
pub use client::*;
pub use cluster::*;
pub use device::*;
pub use event::*;
pub use factor::*;
pub use handle::*;
pub use key::*;
pub use message::*;
pub use passkey::*;
pub use policy::*;
pub use recovery::*;
pub use session::*;
pub use sms::*;
pub use standing::*;
pub use token::*;

/// Why a body cannot be used on this node.
#[derive(Debug, Error)]
pub enum RecordError {
    /// It is not the JSON that this record is.
    #[error("{record}: {reason}")]
    Malformed {
        /// The record.
        record: &'static str,
        /// What is wrong; no stored content.
        reason: String,
    },
    /// A newer node wrote it, and an older one must not judge it.
    #[error("{record}: written for version {min_reader} or newer")]
    TooNew {
        /// The record.
        record: &'static str,
        /// The oldest version that may read it.
        min_reader: u16,
    },
}

/// Fields of a body that this version does not know, kept as they are.
#[derive(Clone, Debug, Default)]
pub struct Unknown(BTreeMap<String, Box<RawValue>>);

impl Unknown {
    /// Was there nothing else? What only a newer version can judge of a client or a policy means deny (HAZARDS H15).
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Records to which a next release would add a field, for the test of two versions side by side.
const NEXT_VERSION_KNOWS_MORE: [&str; 2] = ["Session", "Family"];

/// A record that is stored as a body of an item.
pub trait Record: Serialize + DeserializeOwned {
    /// The record's name, for errors.
    const NAME: &'static str;
    /// The version that this build writes.
    const VERSION: u16;
    /// The oldest version that can judge what this build writes.
    const MIN_READER: u16;
    /// The names of the fields that this version knows.
    const FIELDS: &'static [&'static str];

    /// What was there beside them.
    fn unknown(&self) -> &Unknown;
    /// Where to keep what was there beside them.
    fn unknown_mut(&mut self) -> &mut Unknown;

    /// The body as it is stored.
    fn encode(&self) -> Result<Box<RawValue>, RecordError> {
        #[derive(Serialize)]
        struct Body<'a, R> {
            v: u16,
            min_reader: u16,
            #[serde(flatten)]
            known: &'a R,
        }
        let malformed = |e: serde_json::Error| RecordError::Malformed { record: Self::NAME, reason: describe(&e) };
        let body = Body { v: Self::VERSION, min_reader: Self::MIN_READER, known: self };
        let mut text = serde_json::to_string(&body).map_err(malformed)?;
        for (name, value) in &self.unknown().0 {
            let name = serde_json::to_string(name).map_err(malformed)?;
            text.pop();
            for part in [",", &name, ":", value.get(), "}"] {
                text.push_str(part);
            }
        }
        if cfg!(feature = "next-version") && NEXT_VERSION_KNOWS_MORE.contains(&Self::NAME) && self.unknown().is_empty()
        {
            text.pop();
            text.push_str(r#","next_version":"keeps this"}"#);
        }
        RawValue::from_string(text).map_err(malformed)
    }

    /// Reads a body back.
    fn decode(body: &RawValue) -> Result<Self, RecordError> {
        #[derive(Deserialize)]
        struct Versions {
            min_reader: u16,
        }
        let malformed = |e: serde_json::Error| RecordError::Malformed { record: Self::NAME, reason: describe(&e) };
        let versions: Versions = serde_json::from_str(body.get()).map_err(malformed)?;
        if versions.min_reader > Self::VERSION {
            return Err(RecordError::TooNew { record: Self::NAME, min_reader: versions.min_reader });
        }
        let mut record: Self = serde_json::from_str(body.get()).map_err(malformed)?;
        let all: BTreeMap<String, &RawValue> = serde_json::from_str(body.get()).map_err(malformed)?;
        let unknown = all
            .into_iter()
            .filter(|(name, _)| name != "v" && name != "min_reader" && !Self::FIELDS.contains(&name.as_str()))
            .map(|(name, value)| (name, value.to_owned()))
            .collect();
        *record.unknown_mut() = Unknown(unknown);
        Ok(record)
    }
}

/// What `serde_json` has to say, without the content it met.
fn describe(error: &serde_json::Error) -> String {
    format!("{:?} error at line {} column {}", error.classify(), error.line(), error.column())
}

/// Declares a record: the struct, and what [`Record`] needs to know of it.
macro_rules! record {
    ($(#[$doc:meta])* pub struct $name:ident : $version:literal {
        $($(#[$field_doc:meta])* pub $field:ident: $ty:ty,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $ty,)*
            /// Fields of a newer version.
            #[serde(skip)]
            pub unknown: $crate::record::Unknown,
        }

        impl $crate::record::Record for $name {
            const NAME: &'static str = stringify!($name);
            const VERSION: u16 = $version;
            const MIN_READER: u16 = $version;
            const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];

            fn unknown(&self) -> &$crate::record::Unknown {
                &self.unknown
            }

            fn unknown_mut(&mut self) -> &mut $crate::record::Unknown {
                &mut self.unknown
            }
        }
    };
}
pub(crate) use record;

#[cfg(test)]
#[expect(unreachable_pub, reason = "the macro declares public structs")]
mod tests {
    use super::*;

    record! {
        /// A small record.
        pub struct Sample: 2 {
            /// A number.
            pub number: u32,
        }
    }

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).expect("JSON")
    }

    #[test]
    fn fields_of_a_newer_version_are_kept_byte_for_byte() {
        let body = raw(r#"{"v":3,"min_reader":2,"number":7,"later":{ "x": 1.50,"y":[ ] },"more":null}"#);
        let sample = Sample::decode(&body).expect("readable");
        let text = sample.encode().expect("encodes").get().to_owned();
        assert_eq!(text, r#"{"v":2,"min_reader":2,"number":7,"later":{ "x": 1.50,"y":[ ] },"more":null}"#);
    }

    #[test]
    fn a_body_for_newer_readers_is_refused() {
        let error = Sample::decode(&raw(r#"{"v":3,"min_reader":3,"number":7}"#)).expect_err("too new");
        assert!(matches!(error, RecordError::TooNew { min_reader: 3, .. }));
    }

    #[test]
    fn an_error_does_not_repeat_what_is_stored() {
        let error = Sample::decode(&raw(r#"{"v":2,"min_reader":2,"number":"hunter2"}"#)).expect_err("malformed");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
