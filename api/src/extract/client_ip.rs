//! Where a request came from: the peer's address, or what a trusted proxy says in `X-Forwarded-For`.

use std::net::{IpAddr, SocketAddr};

use actors::{domain::context::Origin, trace::TraceParent};
use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::request::Parts,
};
use http::{HeaderMap, header};

use crate::{
    error::PageError,
    state::{ApiState, Network},
};

/// The most characters of a `User-Agent` that are kept.
const MAX_USER_AGENT: usize = 200;

/// Who calls, as far as the network tells.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The address that bounds are counted by.
    pub address: IpAddr,
    /// The same with the browser's own words, for sessions and the audit log.
    pub origin: Origin,
}

impl FromRequestParts<ApiState> for Caller {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, PageError> {
        let ConnectInfo(peer) = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .ok_or(PageError::Internal("the server was started without the addresses of its peers"))?;
        let address = client_address(peer.ip(), &parts.headers, &state.settings.trusted_proxies)?;
        let user_agent = parts.headers.get(header::USER_AGENT).map(|value| {
            let text = String::from_utf8_lossy(value.as_bytes());
            text.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT).collect()
        });
        let trace = parts.extensions.get::<TraceParent>().copied();
        let origin = Origin { address: Some(address.to_string()), user_agent, actor: None, lang: None, trace };
        Ok(Self { address, origin })
    }
}

/// Walks `X-Forwarded-For` from its end, where the nearest proxy writes, to the first address that is no trusted proxy.
/// Every entry on the way must be an address: one that is skipped could be the one that matters.
fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> Result<IpAddr, PageError> {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut address = peer.to_canonical();
    let lines: Vec<&[u8]> = headers.get_all("x-forwarded-for").iter().map(http::HeaderValue::as_bytes).collect();
    let mut entries = lines.iter().flat_map(|line| line.split(|byte| *byte == b',')).rev();
    while is_trusted(address) {
        let Some(entry) = entries.next() else { break };
        address = parse(entry).ok_or(PageError::BadRequest("X-Forwarded-For holds what is no address"))?;
    }
    Ok(address)
}

/// An address, with a port or without.
fn parse(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim();
    let address = text.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn client(peer: &str, lines: &[&'static str]) -> Option<String> {
        let trusted = [Network { address: "10.0.0.0".parse().expect("an address"), bits: 8 }];
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", HeaderValue::from_static(line));
        }
        let address = client_address(peer.parse().expect("an address"), &headers, &trusted);
        address.ok().map(|address| address.to_string())
    }

    #[test]
    fn only_what_trusted_proxies_added_counts() {
        let cases: [(&str, &[&'static str], &str); 8] = [
            ("203.0.113.9", &["192.0.2.1"], "203.0.113.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["198.51.100.1, 192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["198.51.100.1, 192.0.2.1, 10.0.0.2"], "192.0.2.1"),
            ("10.0.0.1", &["198.51.100.1", "192.0.2.1:4711"], "192.0.2.1"),
            ("::ffff:10.0.0.1", &["[2001:db8::1]:443"], "2001:db8::1"),
            ("10.0.0.1", &["not an address, 192.0.2.1"], "192.0.2.1"),
        ];
        for (peer, lines, expected) in cases {
            assert_eq!(client(peer, lines).as_deref(), Some(expected), "{peer} {lines:?}");
        }
    }

    #[test]
    fn an_entry_that_is_no_address_is_refused_and_not_skipped() {
        for line in ["unknown", "192.0.2.1, unknown", "192.0.2.1, ", "192.0.2.1, _hidden, 10.0.0.2"] {
            assert_eq!(client("10.0.0.1", &[line]), None, "{line}");
        }
    }
}
