//! `authorization_details` (RFC 9396): what an application wants confirmed, object by object. Each is of a `type` that an operator
//! registered for the application by a policy ([`super::policy`]); what else it says is the application's own.
//!
//! What is shown to the user, what is stored with the code and what the access token says is one value, so a request whose text
//! could be read in two ways is refused: members that come twice, numbers that readers round, characters that change how others look.

use std::collections::BTreeSet;

use schema::record::AuthorizationDetail;
use serde_json::Value;
use thiserror::Error;

use self::once::Fault;
use crate::secret::sha256_b64;

mod once;

/// Bytes of the parameter.
pub const MAX: usize = 2048;
/// Objects in it.
pub const MAX_OBJECTS: usize = 5;
/// Values in one object that are no object and no list: each is a line that the user reads.
pub const MAX_LINES: usize = 20;
/// Objects and lists within each other.
const MAX_DEPTH: usize = 4;
/// The greatest number that every reader of JSON reads alike (RFC 8259, 6).
const MAX_NUMBER: u64 = (1 << 53) - 1;

/// The members that RFC 9396, 2.2 gives a meaning and the form of a list of strings.
const LISTS: [&str; 4] = ["locations", "actions", "datatypes", "privileges"];
/// The one that has the form of a string.
const IDENTIFIER: &str = "identifier";
/// Stands between the names of members within each other; no name holds it.
const WITHIN: &str = " › ";
/// Characters of a member's name, at most.
const MAX_NAME: usize = 40;
/// The member that names the operation.
const TYPE: &str = "type";

/// What is wrong with the parameter; `invalid_authorization_details` outside.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DetailsError {
    /// Too many bytes.
    #[error("authorization_details must not be longer than {MAX} bytes")]
    TooLong,
    /// No array of objects.
    #[error("authorization_details must be a JSON array of 1 to {MAX_OBJECTS} objects (RFC 9396, 2)")]
    NotObjects,
    /// No type.
    #[error("each object of authorization_details must have a type, which is a string (RFC 9396, 2)")]
    NoType,
    /// Not one of the application's.
    #[error("authorization_details has a type that is not registered for this client; an operator registers it")]
    UnknownType,
    /// A common member of another form.
    #[error("{0} of authorization_details must be {1} (RFC 9396, 2.2)")]
    Member(&'static str, &'static str),
    /// A number that readers may round.
    #[error("numbers in authorization_details must be whole and below 2^53; send others as strings, such as '123.50'")]
    Number,
    /// A text that may look like another one.
    #[error(
        "texts in authorization_details must not hold control characters, nor such as change the direction of others"
    )]
    Text,
    /// A name that may look like another one.
    #[error("members in authorization_details must have names of 1 to {MAX_NAME} letters, digits and - _ . : $ @")]
    Name,
    /// A member that readers take one or the other value of.
    #[error("{0} comes twice in one object of authorization_details; send each member once (RFC 8259, 4)")]
    Twice(String),
    /// More than somebody reads.
    #[error("each object of authorization_details may hold {MAX_LINES} values, {MAX_DEPTH} levels deep")]
    TooMuch,
}

/// Reads the parameter. `registered` are the types of the application.
pub fn parse(text: &str, registered: &BTreeSet<String>) -> Result<Vec<AuthorizationDetail>, DetailsError> {
    if text.len() > MAX {
        return Err(DetailsError::TooLong);
    }
    let details = objects(text)?;
    if details.is_empty() || details.len() > MAX_OBJECTS {
        return Err(DetailsError::NotObjects);
    }
    for detail in &details {
        check(detail, registered)?;
    }
    Ok(details)
}

/// The objects of the array, whose members all come once.
fn objects(text: &str) -> Result<Vec<AuthorizationDetail>, DetailsError> {
    let read = once::read(text).map_err(|fault| match fault {
        Fault::Twice(name) => check_name(&name).err().unwrap_or(DetailsError::Twice(name)),
        Fault::NotJson => DetailsError::NotObjects,
    });
    let Value::Array(values) = read? else { return Err(DetailsError::NotObjects) };
    let object = |value| match value {
        Value::Object(members) => Ok(members),
        _ => Err(DetailsError::NotObjects),
    };
    values.into_iter().map(object).collect()
}

fn check(detail: &AuthorizationDetail, registered: &BTreeSet<String>) -> Result<(), DetailsError> {
    let Some(Value::String(kind)) = detail.get(TYPE) else { return Err(DetailsError::NoType) };
    if !registered.contains(kind) {
        return Err(DetailsError::UnknownType);
    }
    for name in LISTS {
        if !detail.get(name).is_none_or(is_list_of_strings) {
            return Err(DetailsError::Member(name, "a list of strings"));
        }
    }
    if !detail.get(IDENTIFIER).is_none_or(Value::is_string) {
        return Err(DetailsError::Member(IDENTIFIER, "a string"));
    }
    let mut left = MAX_LINES;
    detail.iter().try_for_each(|(name, value)| check_name(name).and_then(|()| check_value(value, MAX_DEPTH, &mut left)))
}

fn is_list_of_strings(value: &Value) -> bool {
    value.as_array().is_some_and(|values| values.iter().all(Value::is_string))
}

fn check_value(value: &Value, depth: usize, left: &mut usize) -> Result<(), DetailsError> {
    match value {
        Value::Array(values) if depth > 0 => values.iter().try_for_each(|value| check_value(value, depth - 1, left))?,
        Value::Object(members) if depth > 0 => {
            for (name, value) in members {
                check_name(name)?;
                check_value(value, depth - 1, left)?;
            }
        }
        Value::Array(_) | Value::Object(_) => return Err(DetailsError::TooMuch),
        Value::String(text) => check_text(text)?,
        Value::Number(number) => {
            let size = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            if size.is_none_or(|size| size > MAX_NUMBER) {
                return Err(DetailsError::Number);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
    // An empty list or object is a line as well.
    *left = left.checked_sub(1).ok_or(DetailsError::TooMuch)?;
    Ok(())
}

fn check_name(name: &str) -> Result<(), DetailsError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:$@".contains(&byte);
    if (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(plain) { Ok(()) } else { Err(DetailsError::Name) }
}

/// No control characters, and none that is not seen and turns round, or joins, what is: the user reads what is confirmed.
fn check_text(text: &str) -> Result<(), DetailsError> {
    let deceives = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
    };
    if text.chars().any(deceives) { Err(DetailsError::Text) } else { Ok(()) }
}

/// The operations that these ask for.
pub fn operations(details: &[AuthorizationDetail]) -> BTreeSet<String> {
    details.iter().filter_map(kind).map(str::to_owned).collect()
}

/// The operation that this one asks for.
pub fn kind(detail: &AuthorizationDetail) -> Option<&str> {
    detail.get(TYPE).and_then(Value::as_str)
}

/// SHA-256 of the whole as the access token says it, base64url: without blanks, members in the order of their names.
pub fn digest(details: &[AuthorizationDetail]) -> String {
    // JSON values always serialise.
    sha256_b64(&serde_json::to_vec(details).unwrap_or_default())
}

/// What the user reads of one, besides its type: the path to each value, and the value.
pub fn lines(detail: &AuthorizationDetail) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for (name, value) in detail.iter().filter(|(name, _)| *name != TYPE) {
        read(name.clone(), value, &mut lines);
    }
    lines
}

fn read(path: String, value: &Value, lines: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            members.iter().for_each(|(name, value)| read(format!("{path}{WITHIN}{name}"), value, lines));
        }
        Value::Array(values) if !values.is_empty() => {
            values.iter().enumerate().for_each(|(n, value)| read(format!("{path}{WITHIN}{}", n + 1), value, lines));
        }
        Value::String(text) => lines.push((path, text.clone())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            lines.push((path, value.to_string()));
        }
    }
}

#[cfg(test)]
mod tests;
