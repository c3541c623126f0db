//! Parameters of OAuth requests, from a query, a form or a JSON object. None may come twice (RFC 6749, 3.1), and one
//! without a value is as good as absent.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use thiserror::Error;
use zeroize::Zeroizing;

/// More parameters than any request of ours has.
const MAX_PARAMS: usize = 64;

/// Parameters by name. `Debug` shows the names alone: values may be secrets.
#[derive(Clone, Default)]
pub struct Params {
    values: Vec<(Box<str>, Zeroizing<String>)>,
    repeated: Option<Box<str>>,
}

/// Why a body is not a list of parameters.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ParamsError {
    /// Too many.
    #[error("a request has at most {MAX_PARAMS} parameters")]
    TooMany,
    /// Not UTF-8 behind its percent signs.
    #[error("parameters must be UTF-8")]
    NotUtf8,
    /// Not a JSON object of strings.
    #[error("the JSON body must be one object whose members are strings: {0}")]
    Json(String),
}

impl Params {
    /// Reads `a=b&c=d` (`application/x-www-form-urlencoded`).
    pub fn from_urlencoded(encoded: &[u8]) -> Result<Self, ParamsError> {
        let mut params = Self::default();
        for pair in encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let (name, value) = (&pair[..end], pair.get(end + 1..).unwrap_or_default());
            params.add(form_decode(name)?.into(), form_decode(value)?)?;
        }
        Ok(params)
    }

    /// Reads a JSON object of strings; `null` is as good as absent.
    pub fn from_json(body: &[u8]) -> Result<Self, ParamsError> {
        let Object(members) = serde_json::from_slice(body).map_err(|error| ParamsError::Json(place(&error)))?;
        let mut params = Self::default();
        for (name, value) in members {
            params.add(name.into(), value.unwrap_or_default())?;
        }
        Ok(params)
    }

    fn add(&mut self, name: Box<str>, value: String) -> Result<(), ParamsError> {
        if self.values.len() >= MAX_PARAMS {
            return Err(ParamsError::TooMany);
        }
        if self.repeated.is_none() && self.values.iter().any(|(known, _)| *known == name) {
            self.repeated = Some(name.clone());
        }
        self.values.push((name, Zeroizing::new(value)));
        Ok(())
    }

    /// The value of a parameter, if it has one. Of a parameter that came twice, the first.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.values.iter().find(|(known, _)| **known == *name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Did this one come more than once?
    pub fn came_twice(&self, name: &str) -> bool {
        self.values.iter().filter(|(known, _)| **known == *name).count() > 1
    }

    /// The first parameter that came more than once.
    pub fn repeated(&self) -> Option<&str> {
        self.repeated.as_deref()
    }

    /// Everything that has a value, in the order of the request.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (&**name, value.as_str()))
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.iter().map(|(name, _)| name)).finish()
    }
}

/// Undoes `application/x-www-form-urlencoded` on one name or value; also how the two halves of `client_secret_basic` are
/// written (RFC 6749, 2.3.1).
pub fn form_decode(encoded: &[u8]) -> Result<String, ParamsError> {
    let spaced: Cow<'_, [u8]> = if encoded.contains(&b'+') {
        encoded.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect::<Vec<u8>>().into()
    } else {
        encoded.into()
    };
    let mut decoded = Vec::with_capacity(spaced.len());
    let mut rest = &*spaced;
    while let Some((first, tail)) = rest.split_first() {
        // A percent sign that begins no escape stands for itself, as in the URL standard.
        let (byte, tail) = match tail {
            [high, low, after @ ..] if *first == b'%' => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, after),
                _ => (*first, tail),
            },
            _ => (*first, tail),
        };
        decoded.push(byte);
        rest = tail;
    }
    String::from_utf8(decoded).map_err(|_| ParamsError::NotUtf8)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Where the JSON goes wrong, without a word of what it holds.
fn place(error: &serde_json::Error) -> String {
    format!("see line {} column {}", error.line(), error.column())
}

/// The members of a JSON object in their order, repetitions included.
struct Object(Vec<(String, Option<String>)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            if members.len() >= MAX_PARAMS {
                return Err(A::Error::custom("too many members"));
            }
            members.push(member);
        }
        Ok(Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_with_its_escapes() {
        let params = Params::from_urlencoded(b"a=1&b=x+y%2Bz&c=&d&=e&%61b=100%25%zz").expect("reads");
        assert_eq!((params.get("a"), params.get("b")), (Some("1"), Some("x y+z")));
        assert_eq!((params.get("c"), params.get("d"), params.get("ab")), (None, None, Some("100%%zz")));
        assert_eq!(params.repeated(), None);
        assert_eq!(Params::from_urlencoded(b"a=%ff").map(|_| ()), Err(ParamsError::NotUtf8));
    }

    #[test]
    fn a_repetition_is_seen_in_forms_and_in_json() {
        let form = Params::from_urlencoded(b"code=1&x=2&code=1").expect("reads");
        assert_eq!(form.repeated(), Some("code"));
        assert!(form.came_twice("code") && !form.came_twice("x"));
        let json = Params::from_json(br#"{"code":"1","code":"2"}"#).expect("reads");
        assert_eq!(json.repeated(), Some("code"));
    }

    #[test]
    fn json_members_are_strings_or_null() {
        let params = Params::from_json(br#"{"code":"1","scope":null}"#).expect("reads");
        assert_eq!((params.get("code"), params.get("scope")), (Some("1"), None));
        for bad in ["[]", "\"x\"", "{\"code\":1}", "{\"code\":{}}", "{", "{\"secret\":\"hunter2\",}"] {
            let error = Params::from_json(bad.as_bytes()).expect_err(bad);
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn no_flood_of_parameters_is_taken() {
        let flood = "a=1&".repeat(MAX_PARAMS + 1);
        assert_eq!(Params::from_urlencoded(flood.as_bytes()).map(|_| ()), Err(ParamsError::TooMany));
    }

    #[test]
    fn values_do_not_show_in_debug_output() {
        let params = Params::from_urlencoded(b"client_secret=hunter2").expect("reads");
        assert_eq!(format!("{params:?}"), r#"{"client_secret"}"#);
    }
}
