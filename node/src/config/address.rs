//! Addresses of other machines: a host with a port, and where other nodes are found.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::value::written_as_text;

/// A host and a port. The host is a name, an IPv4 address, or an IPv6 address in brackets.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct HostPort(Box<str>);

impl HostPort {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for HostPort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("{text:?} is not a host with a port; write it like node1.example:11082 or [fd00::1]:11082");
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let named = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host_is_one = named || bracketed.is_some_and(|host| host.parse::<std::net::Ipv6Addr>().is_ok());
        match port.parse::<u16>() {
            Ok(port) if port != 0 && host_is_one => Ok(Self(text.into())),
            _ => Err(wrong()),
        }
    }
}

/// Where other nodes are found.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Seed {
    /// At the addresses of the members that the store knows.
    Store,
    /// At this port of every address that the name has.
    Dns(HostPort),
    /// There.
    Address(HostPort),
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store => f.write_str("store"),
            Self::Dns(name) => write!(f, "dns:{name}"),
            Self::Address(address) => address.fmt(f),
        }
    }
}

impl FromStr for Seed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |_| format!("{text:?} is no seed; write HOST:PORT, dns:NAME:PORT, or store");
        match text.strip_prefix("dns:") {
            Some(name) => name.parse().map(Self::Dns).map_err(wrong),
            None if text == "store" => Ok(Self::Store),
            None => text.parse().map(Self::Address).map_err(wrong),
        }
    }
}

written_as_text!(HostPort, Seed);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_with_a_port_reads_back_as_it_is_written() {
        for good in ["a:1", "node-1.example:11082", "10.0.0.1:9042", "[fd00::1]:11082"] {
            assert_eq!(good.parse::<HostPort>().expect(good).to_string(), good);
        }
        for bad in ["", "a", ":1", "a:", "a:0", "a:65536", "a b:1", "fd00::1:11082", "[a]:1", "http://a:1"] {
            assert!(bad.parse::<HostPort>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_seed_is_an_address_a_name_or_the_store() {
        for good in ["store", "dns:nodes.example:11082", "10.0.0.1:11082"] {
            assert_eq!(good.parse::<Seed>().expect(good).to_string(), good);
        }
        assert!("stores".parse::<Seed>().is_err());
    }
}
