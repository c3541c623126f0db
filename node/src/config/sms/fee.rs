//! Where text messages go, and what they cost, as it is written in the configuration.

use std::{fmt, str::FromStr};

use actors::domain::phone::Country;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::value::written_as_text;

/// A country to which messages go, or all that are not named, and how many in a day.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Destination {
    /// Which; `None`: each of the others.
    pub country: Option<Country>,
    /// Messages in a day, at most.
    pub per_day: Option<u32>,
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.country {
            Some(country) => write!(f, "{country}")?,
            None => f.write_str("*")?,
        }
        self.per_day.map_or(Ok(()), |per_day| write!(f, ":{per_day}"))
    }
}

impl FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (country, per_day) = text.split_once(':').map_or((text, None), |(country, most)| (country, Some(most)));
        let number = |most: &str| {
            most.parse().map_err(|_| format!("{text:?} has no number of messages after the colon; write DE or DE:500"))
        };
        let per_day = per_day.map(number).transpose()?;
        let country = if country == "*" { None } else { Some(country.parse()?) };
        Ok(Self { country, per_day })
    }
}

/// An amount of money, in ten-thousandths of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = r"^[0-9]+(\.[0-9]{1,4})?$"))]
pub struct Amount(pub u64);

/// Of an amount's unit.
const PARTS: u64 = 10_000;

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = format!("{:04}", self.0 % PARTS);
        let parts = parts.trim_end_matches('0');
        write!(f, "{}.{parts:0<2}", self.0 / PARTS)
    }
}

impl FromStr for Amount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("{text:?} is not an amount; write it like 0.08, with four digits after the point at most");
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let (units, parts) = text.split_once('.').unwrap_or((text, "0"));
        if !digits(units) || !digits(parts) || parts.len() > 4 {
            return Err(wrong());
        }
        let units: u64 = units.parse().map_err(|_| wrong())?;
        let parts: u64 = format!("{parts:0<4}").parse().map_err(|_| wrong())?;
        units.checked_mul(PARTS).and_then(|units| units.checked_add(parts)).map(Self).ok_or_else(wrong)
    }
}

/// What a message to a country costs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Price {
    /// Where it goes.
    pub country: Country,
    /// What it costs.
    pub amount: Amount,
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.country, self.amount)
    }
}

impl FromStr for Price {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (country, amount) = text
            .split_once(':')
            .ok_or_else(|| format!("{text:?} has no price after a colon; write it like CH:0.05"))?;
        Ok(Self { country: country.parse()?, amount: amount.parse()? })
    }
}

written_as_text!(Destination, Amount, Price);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_read_exactly_and_written_as_it_is_read() {
        for (text, parts, written) in
            [("0.08", 800, "0.08"), ("20", 200_000, "20.00"), ("0.0075", 75, "0.0075"), ("1.5", 15_000, "1.50")]
        {
            let amount: Amount = text.parse().expect(text);
            assert_eq!((amount.0, amount.to_string().as_str()), (parts, written));
            assert_eq!(amount.to_string().parse(), Ok(amount));
        }
        for bad in ["", ".", "1.", ".5", "-1", "1,5", "0.00001", "1e3", "99999999999999999999"] {
            assert!(bad.parse::<Amount>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_destination_is_a_country_and_how_many_messages_go_there() {
        for text in ["DE", "DE:500", "*", "*:20"] {
            assert_eq!(text.parse::<Destination>().expect(text).to_string(), text);
        }
        for bad in ["", "Germany", "DE:", "DE:many", "ZZ:1", "DE:-1"] {
            assert!(bad.parse::<Destination>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_price_is_that_of_a_country() {
        assert_eq!("CH:0.05".parse::<Price>().expect("a price").to_string(), "CH:0.05");
        for bad in ["", "CH", "CH:", "CH:cheap", "ZZ:0.05", "*:0.05", "0.05"] {
            assert!(bad.parse::<Price>().is_err(), "{bad}");
        }
    }
}
