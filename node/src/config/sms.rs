//! Section `sms`: how text messages leave, where they may go, and what they may cost.

mod fee;

use std::{collections::BTreeMap, fmt, path::PathBuf, str::FromStr};

use actors::domain::{
    phone::Country,
    sms::{Countries, SmsPolicy},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

pub use self::fee::{Amount, Destination, Price};
use super::{
    fraud::Fraud,
    report::Report,
    secrets::text_or_file,
    value::{SecretText, written_as_text},
};
use crate::sms::template;

/// Text messages.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sms {
    /// The provider that is asked first.
    pub provider: Provider,
    /// The provider that is asked when the first does not take a message within 4 seconds, or refuses it.
    pub fallback: Provider,
    /// More providers, each in a section with a name of its own (small letters and digits). They are asked after those two, in the order
    /// of their names.
    pub providers: BTreeMap<String, Provider>,
    /// The country (two letters, such as `DE`) of numbers that are typed without a calling code; without one everybody must begin
    /// with `+`.
    pub default_country: Option<Home>,
    /// Countries to which messages go: `DE`, or `DE:500` for at most 500 a day. `*` or `*:20` stands for each country that is not
    /// named. With a provider there must be one: a message to a far country can cost a hundred times as much as one next door.
    pub countries: Vec<Destination>,
    /// What a message costs, in any currency, such as `0.08`.
    pub price: Amount,
    /// What it costs to countries where that is not the price: `CH:0.05`, `JM:0.45`. The budget is spent at these.
    pub prices: Vec<Price>,
    /// What all messages of a day (UTC) may cost, in the same currency, over all nodes. Beyond it none is sent.
    pub budget_per_day: Amount,
    /// How much of `sms.budget_per_day` messages to one country may cost, in percent, where `sms.countries` allows more than one: for each country without a
    /// number of messages of its own. So who has messages sent to one country leaves the rest to people of the others. 100: everything.
    #[schemars(range(min = 1, max = 100))]
    pub country_share: u32,
    /// Text messages whose codes nobody types: who has them sent to numbers that share the fee with him types none. They are counted over
    /// all nodes, by the country of the number and by the client's address prefix; a message that was not sent, or whose sign-in was
    /// completed in another way, does not count. What may go unanswered grows with the codes that are typed.
    pub fraud: Fraud,
}

impl Default for Sms {
    fn default() -> Self {
        let policy = SmsPolicy::default();
        Self {
            provider: Provider::default(),
            fallback: Provider::default(),
            providers: BTreeMap::new(),
            default_country: None,
            countries: Vec::new(),
            price: Amount(policy.price),
            prices: Vec::new(),
            budget_per_day: Amount(policy.budget_per_day),
            country_share: policy.country_share,
            fraud: Fraud::default(),
        }
    }
}

/// A provider of text messages.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Provider {
    /// `twilio` (Messages API), `vonage` (SMS API), `sns` (AWS Simple Notification Service) or `http` (any other that takes a POST).
    pub kind: Option<Kind>,
    /// Where requests go: needed for `http`, and otherwise only where it is not the provider's usual address. `https://`, or
    /// `http://` for localhost, 127.0.0.0/8 and `[::1]`.
    pub url: Option<ProviderUrl>,
    /// The sender: a number in international form or a name, as far as the provider allows; for `twilio` also the id of a messaging
    /// service, which begins with `MG`. For `sns` it may be unset.
    pub from: Option<String>,
    /// The account: for `twilio` its SID, for `vonage` the API key, for `sns` the access key id.
    pub username: Option<String>,
    /// Its secret: for `twilio` the auth token, for `vonage` the API secret, for `sns` the secret access key. For `http` it is what
    /// templates name `password`.
    pub password: Option<SecretText>,
    /// A file with that secret; a newline at its end is dropped.
    #[schemars(with = "Option<String>")]
    pub password_file: Option<PathBuf>,
    /// The region of `sns`, such as `eu-central-1`.
    pub region: Option<String>,
    /// Headers of requests by `http`, each `Name: value`; templates as `body`.
    pub headers: Vec<String>,
    /// The body of requests by `http`: a template in which `{{ to }}` is the number, `{{ text }}` the message, and `{{ from }}`,
    /// `{{ username }}` and `{{ password }}` the keys of these names. `{{ text|tojson }}` writes it as JSON, `{{ text|query }}` for
    /// a form, `{{ (username ~ ":" ~ password)|base64 }}` for Basic authentication. Of a provider that must be told when the default
    /// alphabet of text messages is not enough, as for Chinese: `{{ "unicode" if unicode else "text" }}`.
    pub body: Option<String>,
    /// PEM file with the authorities that sign the provider's certificate; those of the system unless set.
    #[schemars(with = "Option<String>")]
    pub ca: Option<PathBuf>,
}

/// Which interface a provider has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant is the provider that it is named after")]
pub enum Kind {
    Twilio,
    Vonage,
    Sns,
    Http,
}

impl Sms {
    pub(super) fn check(&self, report: &mut Report<'_>) {
        let (first, second) = (self.provider.kind.is_some(), self.fallback.kind.is_some());
        report.refuse_if(second && !first, "sms.fallback.kind", "comes after sms.provider.kind, which is unset");
        let nowhere = first && self.countries.is_empty();
        report.refuse_if(
            nowhere,
            "sms.countries",
            "names no country; list those to which messages may go, such as [\"DE\", \"AT:200\"]",
        );
        for (n, Price { country, .. }) in self.prices.iter().enumerate() {
            let twice = self.prices[..n].iter().any(|before| before.country == *country);
            report.refuse_if(twice, "sms.prices", &format!("names {country} twice"));
        }
        for (section, provider) in self.sections() {
            provider.check(&section, report);
        }
        for (name, provider) in &self.providers {
            let kind = format!("sms.providers.{name}.kind");
            report.refuse_if(provider.kind.is_none(), &kind, "is unset; without one nothing is sent to this provider");
            report.refuse_if(!first, &kind, "comes after sms.provider.kind, which is unset");
        }
    }

    /// The providers in the order in which they are asked, each with its section.
    pub fn sections(&self) -> impl Iterator<Item = (String, &Provider)> {
        let two = [("sms.provider".to_owned(), &self.provider), ("sms.fallback".to_owned(), &self.fallback)];
        two.into_iter().chain(self.providers.iter().map(|(name, one)| (format!("sms.providers.{name}"), one)))
    }

    /// What the rules go by. Where nothing leaves the machine nothing costs, and numbers of every country are as good as others.
    pub fn policy(&self) -> SmsPolicy {
        let leaves = self.provider.kind.is_some();
        let everywhere = !leaves && self.countries.is_empty();
        let others = self.countries.iter().find(|to| to.country.is_none()).map(|to| to.per_day);
        let named = self.countries.iter().filter_map(|to| Some((to.country?, to.per_day)));
        SmsPolicy {
            default_country: self.default_country.as_ref().map(|home| home.0),
            countries: Countries { named: named.collect(), others: others.or(everywhere.then_some(None)) },
            price: if leaves { self.price.0 } else { 0 },
            prices: self.prices.iter().filter(|_| leaves).map(|price| (price.country, price.amount.0)).collect(),
            budget_per_day: self.budget_per_day.0,
            country_share: self.country_share,
            fraud: self.fraud.policy(),
        }
    }
}

impl Provider {
    fn check(&self, section: &str, report: &mut Report<'_>) {
        let key = |name: &str| format!("{section}.{name}");
        if self.password.is_some() && self.password_file.is_some() {
            report.refuse(&key("password"), "is set both as text and as a file; unset one of the two");
        }
        let password = self.password();
        let secret = match &password {
            Ok(password) => password.as_ref(),
            Err(error) => {
                report.refuse(&key("password_file"), error.clone());
                return;
            }
        };
        report.refuse_unreadable(self.ca.as_deref(), &key("ca"));
        let Some(kind) = self.kind else { return };
        let mut need = |missing: bool, name: &str, what: &str| {
            report.refuse_if(missing, &key(name), &format!("is unset; it must be {what}"));
        };
        match kind {
            Kind::Twilio | Kind::Vonage | Kind::Sns => {
                need(self.username.is_none(), "username", "the account at the provider");
                need(secret.is_none(), "password", "the account's secret, here or in a file");
                need(self.from.is_none() && kind != Kind::Sns, "from", "the sender of messages");
                need(self.region.is_none() && kind == Kind::Sns, "region", "a region, such as eu-central-1");
            }
            Kind::Http => {
                need(self.url.is_none(), "url", "the address that takes messages");
                need(self.body.is_none(), "body", "the template of a request's body");
                if let Err((name, error)) = template::check(self, secret) {
                    report.refuse(&key(name), error);
                }
            }
        }
    }

    /// The secret that is configured, if one is.
    pub fn password(&self) -> Result<Option<SecretText>, String> {
        text_or_file(self.password.as_ref(), self.password_file.as_deref())
    }
}

/// Where a provider takes requests.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct ProviderUrl(pub Url);

impl fmt::Display for ProviderUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ProviderUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("{what}; write https://HOST/PATH");
        // What stands in it may be a secret, so it is not repeated.
        let url = Url::parse(text).map_err(|_| wrong("is not a URL"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("has a user or password in it, which belong into keys of their own"));
        }
        if url.fragment().is_some() {
            return Err(wrong("has a fragment, which is never sent"));
        }
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return Err(wrong("names no host")),
        };
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if loopback => Ok(Self(url)),
            "http" => Err(wrong("is not encrypted, and codes would cross the network in the clear")),
            _ => Err(wrong("is not a URL for HTTP")),
        }
    }
}

/// A country, by its two letters.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Home(pub Country);

impl fmt::Display for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Home {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self)
    }
}

written_as_text!(ProviderUrl, Home);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_leaves_nothing_costs_whatever_the_prices() {
        let provider = Provider { kind: Some(Kind::Http), ..Provider::default() };
        let prices = vec!["JM:0.45".parse().expect("a price")];
        let jamaica = "JM".parse().expect("a country");
        let policy = Sms { provider, prices: prices.clone(), ..Sms::default() }.policy();
        assert_eq!(policy.prices, BTreeMap::from([(jamaica, 4500)]));
        assert!(Sms { prices, ..Sms::default() }.policy().prices.is_empty());
    }

    #[test]
    fn what_is_sent_to_a_provider_is_encrypted_unless_it_stays_on_this_machine() {
        for good in ["https://api.example/sms", "http://127.0.0.1:4010/x?y=z", "http://localhost", "http://[::1]:1/"] {
            assert!(good.parse::<ProviderUrl>().is_ok(), "{good}");
        }
        for (bad, expected) in [
            ("http://api.example/sms", "not encrypted"),
            ("ftp://api.example", "not a URL for HTTP"),
            ("https://me:hunter2@api.example", "keys of their own"),
            ("https://api.example/#hunter2", "fragment"),
            ("hunter2", "not a URL"),
        ] {
            let error = bad.parse::<ProviderUrl>().expect_err(bad);
            assert!(error.contains(expected) && !error.contains("hunter2"), "{bad}: {error}");
        }
    }

    #[test]
    fn without_a_provider_nothing_costs_and_every_country_is_as_good_as_another_unless_some_are_named() {
        let policy = Sms::default().policy();
        assert_eq!((policy.price, policy.countries.others), (0, Some(None)));
        let named = |countries: &[&str]| {
            let countries = countries.iter().map(|country| country.parse().expect("a destination")).collect();
            Sms { countries, ..Sms::default() }.policy().countries
        };
        assert_eq!((named(&["DE"]).named.len(), named(&["DE"]).others), (1, None));
        assert_eq!((named(&["DE", "*:2"]).named.len(), named(&["DE", "*:2"]).others), (1, Some(Some(2))));
        let provider = Provider { kind: Some(Kind::Http), ..Provider::default() };
        let policy = Sms { provider, ..Sms::default() }.policy();
        assert_eq!((policy.price, policy.countries.others), (1000, None));
    }
}
