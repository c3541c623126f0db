//! Section `sms.fraud`: text messages whose codes nobody types.

use actors::domain::sms_fraud::{FraudMode, FraudPolicy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Text messages whose codes nobody types.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Fraud {
    /// What is done about a message beyond these bounds: `record` counts it, tells the audit log (`sms.fraud_suspected`) and sends it;
    /// `enforce` does not send it, nor any that cannot be counted; `off` counts nothing.
    pub mode: Mode,
    /// Messages to one country that may go unanswered in 24 hours, however few are answered.
    #[schemars(range(max = 1_000_000))]
    pub country_per_day: u32,
    /// The same in an hour.
    #[schemars(range(max = 1_000_000))]
    pub country_per_hour: u32,
    /// Messages that may go unanswered in 24 hours of those that one address prefix asks for, however few are answered.
    #[schemars(range(max = 1_000_000))]
    pub address_per_day: u32,
    /// The same in an hour.
    #[schemars(range(max = 1_000_000))]
    pub address_per_hour: u32,
    /// Countries to which one address prefix may have messages sent on one day (UTC) without a code of that country being typed there. One
    /// more closes the prefix for the day.
    #[schemars(range(max = 1_000))]
    pub address_countries: u32,
    /// How many messages may go unanswered in 24 hours, in percent of the codes that were typed: for a country on the best of 14 days or
    /// in the last 24 hours, for an address prefix in the last 24 hours.
    #[schemars(range(max = 1_000))]
    pub day_percent: u32,
    /// The same in an hour, in percent of the codes that were typed in this hour or the one before it, or of a sixth of those of a day.
    #[schemars(range(max = 1_000))]
    pub hour_percent: u32,
}

/// What is done about messages that look like fraud.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing is counted.
    Off,
    /// They are counted, told of, and sent.
    #[default]
    Record,
    /// They are told of and not sent.
    Enforce,
}

impl Default for Fraud {
    fn default() -> Self {
        let policy = FraudPolicy::default();
        Self {
            mode: Mode::default(),
            country_per_day: policy.country_per_day,
            country_per_hour: policy.country_per_hour,
            address_per_day: policy.address_per_day,
            address_per_hour: policy.address_per_hour,
            address_countries: policy.address_countries,
            day_percent: policy.day_percent,
            hour_percent: policy.hour_percent,
        }
    }
}

impl Fraud {
    /// What the rules go by.
    pub const fn policy(&self) -> FraudPolicy {
        FraudPolicy {
            mode: match self.mode {
                Mode::Off => FraudMode::Off,
                Mode::Record => FraudMode::Record,
                Mode::Enforce => FraudMode::Enforce,
            },
            country_per_day: self.country_per_day,
            country_per_hour: self.country_per_hour,
            address_per_day: self.address_per_day,
            address_per_hour: self.address_per_hour,
            address_countries: self.address_countries,
            day_percent: self.day_percent,
            hour_percent: self.hour_percent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_configured_is_what_the_rules_go_by() {
        assert_eq!(Fraud::default().policy(), FraudPolicy::default());
        let fraud: Fraud = serde_json::from_str(r#"{"mode":"enforce","country_per_hour":7}"#).expect("good");
        let expected = FraudPolicy { mode: FraudMode::Enforce, country_per_hour: 7, ..FraudPolicy::default() };
        assert_eq!(fraud.policy(), expected);
        assert!(serde_json::from_str::<Fraud>(r#"{"mode":"on"}"#).is_err());
    }
}
