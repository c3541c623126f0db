//! Where a node first asks for others.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use thiserror::Error;
use tokio::net::lookup_host;

/// Addresses that one seed may stand for.
const MAX_ADDRESSES: usize = 64;
/// How long a name may take to resolve.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(3);

/// A seed as it is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seed {
    /// `HOST:PORT`, or `dns:NAME:PORT`: every address that the name has. Names are looked up again and again.
    Address(Box<str>),
    /// `store`: the members of the view.
    Store,
}

/// The text is no seed.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a seed is HOST:PORT, dns:NAME:PORT or the word store, not {0:?}")]
pub struct SeedError(String);

impl std::str::FromStr for Seed {
    type Err = SeedError;

    fn from_str(text: &str) -> Result<Self, SeedError> {
        if text == "store" {
            return Ok(Self::Store);
        }
        let address = text.strip_prefix("dns:").unwrap_or(text);
        let port = |(host, port): (&str, &str)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0);
        if address.rsplit_once(':').is_some_and(port) {
            Ok(Self::Address(address.into()))
        } else {
            Err(SeedError(text.to_owned()))
        }
    }
}

/// The addresses of these seeds, as far as they resolve now.
pub(super) async fn resolve(seeds: &[Box<str>]) -> BTreeSet<SocketAddr> {
    let mut addresses = BTreeSet::new();
    for seed in seeds {
        if let Ok(address) = seed.parse() {
            addresses.insert(address);
            continue;
        }
        match tokio::time::timeout(RESOLVE_TIMEOUT, lookup_host(&**seed)).await {
            Ok(Ok(found)) => addresses.extend(found.take(MAX_ADDRESSES)),
            Ok(Err(error)) => tracing::warn!(seed, %error, "a seed does not resolve"),
            Err(_) => tracing::warn!(seed, "a seed does not resolve in time"),
        }
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_an_address_a_name_or_the_store() {
        let address = |text: &str| Ok(Seed::Address(text.into()));
        assert_eq!("store".parse(), Ok(Seed::Store));
        assert_eq!("10.0.0.1:9000".parse(), address("10.0.0.1:9000"));
        assert_eq!("[::1]:9000".parse(), address("[::1]:9000"));
        assert_eq!("dns:peers.example:9000".parse(), address("peers.example:9000"));
        for bad in ["", "a", "a:", ":1", "a:0", "a:70000", "dns:a"] {
            assert!(bad.parse::<Seed>().is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_seed_that_does_not_resolve_takes_nothing_from_the_others() {
        let found = resolve(&["127.0.0.1:1".into(), "no-such-name.invalid:1".into()]).await;
        assert_eq!(found, BTreeSet::from([SocketAddr::from(([127, 0, 0, 1], 1))]));
    }
}
