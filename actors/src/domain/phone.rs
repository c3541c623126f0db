//! Phone numbers: what a person types, read as E.164 (`+4915112345678`), and the country that a number belongs to.
//!
//! The ports of libphonenumber know which numbers an operator has assigned, at the price of its whole metadata and a regular
//! expression for each country, in memory and in every build. Here a number is only sent to, and whether it works is shown by a
//! message that arrives. What is needed beside the syntax is the country, for its price and its limits: a table of calling codes.

mod calling_codes;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use calling_codes::{CODES, NORTH_AMERICA};

/// The most and the fewest digits of a number, calling code included (E.164, 6.1; the shortest in use has seven).
const MAX_DIGITS: usize = 15;
const MIN_DIGITS: usize = 7;
/// The most characters that are read.
const MAX_TYPED: usize = 40;
/// Where a zero at the beginning is part of the number, and not only dialled within the country.
const KEEP_ZERO: [&str; 8] = ["BF", "BJ", "CG", "CI", "GA", "IT", "SM", "VA"];
/// The fewest and the most digits after the calling code, where a country has one plan for all of its numbers. A text to a digit more may
/// well arrive, and would be another spelling of the same phone.
const LENGTHS: &[(&str, usize, usize)] = &[
    ("AU", 9, 9),
    ("BE", 8, 9),
    ("BR", 10, 11),
    ("CH", 9, 9),
    ("CN", 10, 11),
    ("CO", 10, 10),
    ("CZ", 9, 9),
    ("DK", 8, 8),
    ("ES", 9, 9),
    ("FR", 9, 9),
    ("GB", 9, 10),
    ("GR", 10, 10),
    ("HK", 8, 8),
    ("IN", 10, 10),
    ("JP", 9, 10),
    ("KR", 8, 10),
    ("KZ", 10, 10),
    ("PL", 9, 9),
    ("PT", 9, 9),
    ("RO", 9, 9),
    ("RU", 10, 10),
    ("SG", 8, 8),
    ("TR", 10, 10),
    ("UA", 9, 9),
    ("ZA", 9, 9),
];

/// A country, by its two letters (ISO 3166-1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 2]);

impl Country {
    /// Its two letters.
    pub fn as_str(&self) -> &str {
        // Built from ASCII letters alone.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The calling code with which its numbers begin.
    fn calling_code(self) -> Option<u16> {
        match self.as_str() {
            "US" => Some(1),
            "RU" | "KZ" => Some(7),
            "VA" => Some(39),
            name if NORTH_AMERICA.iter().any(|(_, country)| *country == name) => Some(1),
            name => CODES.iter().find(|(_, country)| *country == name).map(|(code, _)| *code),
        }
    }

    /// What is dialled before a number within the country, and is no part of it.
    fn trunk(self) -> &'static str {
        match self.as_str() {
            "US" | "MH" => "1",
            "RU" | "KZ" | "BY" | "TM" => "8",
            "HU" => "06",
            name if NORTH_AMERICA.iter().any(|(_, country)| *country == name) => "1",
            name if KEEP_ZERO.contains(&name) => "",
            _ => "0",
        }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.to_string()
    }
}

impl TryFrom<String> for Country {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Country {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let country =
            <[u8; 2]>::try_from(text.as_bytes()).ok().filter(|letters| letters.iter().all(u8::is_ascii_uppercase));
        let country = country.map(Self).filter(|country| country.calling_code().is_some());
        country.ok_or_else(|| format!("{text:?} is no country with phone numbers; write its two letters, such as DE"))
    }
}

/// Why a text is not a phone number, in words for the user.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PhoneError {
    /// It does not begin with a calling code, and it is not known which one is meant.
    #[error("Begin with + and the calling code of the country, such as +49.")]
    NoCountry,
    /// No country has this calling code.
    #[error("No country has this calling code. Check the digits after the +.")]
    UnknownCountry,
    /// Too short or too long, or with characters that no number has.
    #[error("Enter a phone number such as +49 151 12345678.")]
    Syntax,
}

/// A phone number in E.164 form.
#[derive(Clone, PartialEq, Eq)]
pub struct PhoneNumber {
    text: String,
    country: Country,
}

/// Only its country.
impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PhoneNumber").field(&self.country).finish()
    }
}

impl PhoneNumber {
    /// `+` and the digits.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whose it is.
    pub const fn country(&self) -> Country {
        self.country
    }

    /// Reads what a person typed: with a calling code after `+` or `00`, or as it is dialled within `default`. Blanks, hyphens,
    /// full stops, slashes and parentheses between digits say nothing; a trunk zero after the calling code, as in `+49 (0)151` or
    /// `+49 0151`, is left out, so that a phone has one number.
    pub fn parse(text: &str, default: Option<Country>) -> Result<Self, PhoneError> {
        let text = text.trim();
        if text.len() > MAX_TYPED {
            return Err(PhoneError::Syntax);
        }
        let (international, rest) = match (text.strip_prefix(['+', '＋']), text.strip_prefix("00")) {
            (Some(rest), _) | (None, Some(rest)) => (true, rest),
            (None, None) => (false, text),
        };
        let rest = if international { rest.replacen("(0)", "", 1) } else { rest.to_owned() };
        let digits = digits(&rest)?;
        let digits = if international {
            without_trunk_zero(digits)
        } else {
            let (country, code) = default.and_then(|c| Some((c, c.calling_code()?))).ok_or(PhoneError::NoCountry)?;
            format!("{code}{}", digits.strip_prefix(country.trunk()).unwrap_or(&digits))
        };
        if !(MIN_DIGITS..=MAX_DIGITS).contains(&digits.len()) {
            return Err(PhoneError::Syntax);
        }
        let country = country_of(&digits).ok_or(PhoneError::UnknownCountry)?;
        if !is_of_plan(country, national(&digits, country)) {
            return Err(PhoneError::Syntax);
        }
        Ok(Self { text: format!("+{digits}"), country })
    }

    /// The country of a number that was read before, maybe by rules that were other ones.
    pub fn country_of(number: &str) -> Option<Country> {
        country_of(number.strip_prefix('+')?)
    }
}

/// The digits of a number after its calling code.
fn national(digits: &str, country: Country) -> &str {
    let code = country.calling_code().map(|code| code.to_string()).unwrap_or_default();
    digits.strip_prefix(code.as_str()).unwrap_or(digits)
}

/// The digits of a number without the zero that is dialled within its country alone, where it has one.
fn without_trunk_zero(digits: String) -> String {
    let Some(country) = country_of(&digits) else { return digits };
    let (national, trunk) = (national(&digits, country), country.trunk());
    let (code, _) = digits.split_at(digits.len() - national.len());
    match national.strip_prefix(trunk).filter(|_| trunk.starts_with('0')) {
        Some(rest) => format!("{code}{rest}"),
        None => digits,
    }
}

/// Can a country have this number? Of those that have a trunk zero none begins with one.
fn is_of_plan(country: Country, national: &str) -> bool {
    let length = LENGTHS.iter().find(|(name, ..)| *name == country.as_str());
    let trunk_zero = country.trunk().starts_with('0') && national.starts_with('0');
    !trunk_zero && length.is_none_or(|(_, least, most)| (*least..=*most).contains(&national.len()))
}

/// The digits of a text in which nothing else but the usual marks between groups stands.
fn digits(text: &str) -> Result<String, PhoneError> {
    let mut digits = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' => digits.push(c),
            '-' | '.' | '/' | '(' | ')' | '\u{2010}'..='\u{2013}' => {}
            c if c.is_whitespace() => {}
            _ => return Err(PhoneError::Syntax),
        }
    }
    Ok(digits)
}

/// Whose number it is, by its first digits.
fn country_of(digits: &str) -> Option<Country> {
    let first = |n: usize| digits.get(..n)?.parse::<u16>().ok();
    let named = |table: &[(u16, &str)], code: u16| {
        let place = table.binary_search_by_key(&code, |(code, _)| *code).ok()?;
        table.get(place)?.1.parse().ok()
    };
    match digits.as_bytes() {
        // No area code begins with 0 or 1, and none that is in use is followed by one of them.
        [b'1', b'2'..=b'9', _, _, b'2'..=b'9', ..] if digits.len() == 11 => {
            let area: u16 = digits.get(1..4)?.parse().ok()?;
            named(NORTH_AMERICA, area).or_else(|| "US".parse().ok())
        }
        [b'1', ..] => None,
        [b'7', b'6' | b'7', ..] => "KZ".parse().ok(),
        [b'7', ..] => "RU".parse().ok(),
        _ => (2..=3).find_map(|n| named(CODES, first(n)?)),
    }
}

#[cfg(test)]
mod tests;
