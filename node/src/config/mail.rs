//! Section `mail`: how messages leave.

use std::{collections::BTreeMap, fmt, path::PathBuf, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::{
    report::Report,
    secrets::text_or_file,
    value::{SecretText, written_as_text},
};

/// Messages by e-mail.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Mail {
    /// The sender: `doorward@example.org`, or with a name, `Example <doorward@example.org>`.
    pub from: Option<String>,
    /// The relay that is asked first.
    pub smtp: Relay,
    /// The relay that is asked when the first does not take a message within 4 seconds, or refuses it.
    pub fallback: Relay,
    /// More relays, each in a section with a name of its own (small letters and digits). They are asked after those two, in the order
    /// of their names.
    pub relays: BTreeMap<String, Relay>,
}

/// A relay for e-mail.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Relay {
    /// `smtps://HOST` speaks TLS from the first byte, on port 465 unless another follows. `smtp://HOST` begins on port 587
    /// and insists on STARTTLS, unless the host is localhost, 127.0.0.0/8 or `[::1]`.
    pub url: Option<RelayUrl>,
    /// The user to log in as; without one nobody logs in.
    pub username: Option<String>,
    /// The password of that user.
    pub password: Option<SecretText>,
    /// A file with the password of that user; a newline at its end is dropped.
    #[schemars(with = "Option<String>")]
    pub password_file: Option<PathBuf>,
    /// PEM file with the authorities that sign the relay's certificate; those of the system unless set.
    #[schemars(with = "Option<String>")]
    pub ca: Option<PathBuf>,
}

impl Mail {
    pub(super) fn check(&self, report: &mut Report<'_>) {
        if let Some(from) = &self.from
            && from.parse::<lettre::message::Mailbox>().is_err()
        {
            report
                .refuse("mail.from", "is not an address; write doorward@example.org or Example <doorward@example.org>");
        }
        let (first, second) = (self.smtp.url.is_some(), self.fallback.url.is_some());
        report.refuse_if(first && self.from.is_none(), "mail.smtp.url", "has no sender; set mail.from as well");
        report.refuse_if(second && !first, "mail.fallback.url", "comes after mail.smtp.url, which is unset");
        for (section, relay) in self.sections() {
            relay.check(&section, report);
        }
        for (name, relay) in &self.relays {
            let url = format!("mail.relays.{name}.url");
            report.refuse_if(relay.url.is_none(), &url, "is unset; without one nothing is sent to this relay");
            report.refuse_if(!first, &url, "comes after mail.smtp.url, which is unset");
        }
    }

    /// The relays in the order in which they are asked, each with its section.
    pub fn sections(&self) -> impl Iterator<Item = (String, &Relay)> {
        let two = [("mail.smtp".to_owned(), &self.smtp), ("mail.fallback".to_owned(), &self.fallback)];
        two.into_iter().chain(self.relays.iter().map(|(name, relay)| (format!("mail.relays.{name}"), relay)))
    }
}

impl Relay {
    fn check(&self, section: &str, report: &mut Report<'_>) {
        let key = |name: &str| format!("{section}.{name}");
        if self.password.is_some() && self.password_file.is_some() {
            report.refuse(&key("password"), "is set both as text and as a file; unset one of the two");
        }
        match self.password() {
            Err(error) => report.refuse(&key("password_file"), error),
            Ok(password) => {
                let (user, password) = (self.username.is_some(), password.is_some());
                report.refuse_if(user && !password, &key("username"), "has no password");
                report.refuse_if(password && !user, &key("password"), "has no user");
            }
        }
        report.refuse_unreadable(self.ca.as_deref(), &key("ca"));
    }

    /// The password that is configured, if one is.
    pub fn password(&self) -> Result<Option<SecretText>, String> {
        text_or_file(self.password.as_ref(), self.password_file.as_deref())
    }
}

/// Where a relay listens, and whether it speaks TLS from the first byte.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct RelayUrl {
    /// Its name or address, as a certificate names it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub protection: Protection,
}

/// How a connection to a relay is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// STARTTLS (RFC 3207), or nothing is sent.
    StartTls,
    /// It does not leave this machine.
    Loopback,
}

impl fmt::Display for RelayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.protection == Protection::Tls { "smtps" } else { "smtp" };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        write!(f, "{scheme}://{host}:{}", self.port)
    }
}

impl FromStr for RelayUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("{what}; write smtps://HOST:PORT or smtp://HOST:PORT");
        // What stands in it may be a password, so it is not repeated.
        let url = Url::parse(text).map_err(|_| wrong("is not the URL of a relay"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("has a user or password in it, which belong into keys of their own"));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("says more than host and port"));
        }
        let name = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("names no host"))?;
        let host = Host::parse(name).map_err(|_| wrong("names no host"))?;
        let loopback = match &host {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        let (protection, port) = match url.scheme() {
            "smtps" => (Protection::Tls, 465),
            "smtp" if loopback => (Protection::Loopback, 587),
            "smtp" => (Protection::StartTls, 587),
            _ => return Err(wrong("is not the URL of a relay")),
        };
        let host = name.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { host, port: url.port().unwrap_or(port), protection })
    }
}

written_as_text!(RelayUrl);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_protected_unless_it_stays_on_this_machine() {
        for (text, port, protection) in [
            ("smtps://mail.example.org", 465, Protection::Tls),
            ("smtps://127.0.0.1:2465", 2465, Protection::Tls),
            ("smtp://mail.example.org", 587, Protection::StartTls),
            ("smtp://192.0.2.1:25", 25, Protection::StartTls),
            ("smtp://localhost:1025", 1025, Protection::Loopback),
            ("smtp://127.0.0.2", 587, Protection::Loopback),
            ("smtp://[::1]:25", 25, Protection::Loopback),
        ] {
            let url: RelayUrl = text.parse().expect(text);
            assert_eq!((url.port, url.protection), (port, protection), "{text}");
            assert_eq!(url.to_string().parse(), Ok(url), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_url_is_told_without_what_stands_in_it() {
        for (bad, expected) in [
            ("mail.example.org", "is not the URL of a relay"),
            ("https://mail.example.org", "is not the URL of a relay"),
            ("smtp://me:hunter2@mail.example.org", "belong into keys of their own"),
            ("smtp://mail.example.org/x", "says more than host and port"),
            ("smtp:", "names no host"),
        ] {
            let error = bad.parse::<RelayUrl>().expect_err(bad);
            assert!(error.contains(expected) && !error.contains("hunter2"), "{bad}: {error}");
        }
    }
}
