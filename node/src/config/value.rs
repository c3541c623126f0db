//! Values that cannot be wrong once they exist: issuer, spans of time, address ranges, secrets.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
    time::Duration,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::{Host, Url};
use zeroize::Zeroizing;

/// The URL of the issuer, exactly as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Issuer(Box<str>);

impl Issuer {
    /// The URL as it stands in `iss`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Is this the development mode?
    pub fn is_development(&self) -> bool {
        self.0.starts_with("http://")
    }
}

impl Default for Issuer {
    fn default() -> Self {
        Self("http://localhost:11080".into())
    }
}

impl From<Issuer> for String {
    fn from(issuer: Issuer) -> Self {
        issuer.0.into()
    }
}

impl TryFrom<String> for Issuer {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let url = Url::parse(&text).map_err(|error| format!("is not a URL ({error}); write https://HOST"))?;
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        match url.scheme() {
            "https" => {}
            "http" if loopback => {}
            "http" => {
                return Err("http is allowed only for localhost, 127.0.0.0/8 and [::1]; write https://…".to_owned());
            }
            _ => return Err("must begin with https://".to_owned()),
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("has a query or a fragment; leave it out".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("has a user name or password; leave it out".to_owned());
        }
        if text.ends_with('/') {
            return Err("ends with a slash; leave it out, for clients compare the issuer byte by byte".to_owned());
        }
        if url.path() != "/" {
            return Err("has a path; this release serves an issuer at the root of its host only".to_owned());
        }
        let normal = url.as_str().trim_end_matches('/');
        if normal != text {
            return Err(format!("is not in its normal form; write {normal}"));
        }
        Ok(Self(text.into()))
    }
}

/// A span of time, written `500ms`, `60s`, `5m`, `24h`, `30d` or a sum such as `1h30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = "^([0-9]+(ms|s|m|h|d))+$"))]
pub struct Span(pub Duration);

/// Units, longest first, how many milliseconds each has, and from how many of it on it is used: 24h reads better than
/// 1d, and 60s better than 1m.
const UNITS: [(&str, u64, u64); 5] =
    [("d", 86_400_000, 2), ("h", 3_600_000, 1), ("m", 60_000, 2), ("s", 1000, 1), ("ms", 1, 1)];

impl Span {
    /// So many seconds.
    pub const fn secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }

    /// The span.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, millis, least) in UNITS {
            if rest >= least * millis {
                write!(f, "{}{unit}", rest / millis)?;
                rest %= millis;
            }
        }
        Ok(())
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("{text:?} is not a span of time; write a number with its unit (ms, s, m, h, d), such as 5m");
        let mut millis = 0_u64;
        let mut rest = text;
        if rest.is_empty() {
            return Err(wrong());
        }
        while !rest.is_empty() {
            let (number, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?);
            let (unit, tail) = tail.split_at(tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len()));
            let factor = UNITS.iter().find(|(name, ..)| *name == unit).ok_or_else(wrong)?.1;
            let part = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)).ok_or_else(wrong)?;
            millis = millis.checked_add(part).ok_or_else(wrong)?;
            rest = tail;
        }
        Ok(Self(Duration::from_millis(millis)))
    }
}

/// A range of addresses such as `10.0.0.0/8`; a single address stands for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Cidr {
    /// The first address.
    pub address: IpAddr,
    /// How many leading bits are fixed.
    pub bits: u8,
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl FromStr for Cidr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a range of addresses; write it like 10.0.0.0/8 or fd00::/8");
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(width), |bits| bits.parse::<u8>().map_err(|_| wrong()))?;
        if bits > width {
            return Err(wrong());
        }
        let first = Self::first(address, bits);
        if first != address {
            return Err(format!("{text:?} has bits after its prefix; write {first}/{bits}"));
        }
        Ok(Self { address, bits })
    }
}

impl Cidr {
    /// `address` with everything after the first `bits` bits cleared.
    fn first(address: IpAddr, bits: u8) -> IpAddr {
        match address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
                Ipv4Addr::from_bits(address.to_bits() & mask).into()
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
                Ipv6Addr::from_bits(address.to_bits() & mask).into()
            }
        }
    }
}

/// Where a listener listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Listen(pub SocketAddr);

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| {
            format!(
                "{text:?} is not an address with a port; write it like 127.0.0.1:11080, 0.0.0.0:11080 or [::]:11080"
            )
        })
    }
}

/// What serde needs of a type that is written as text.
macro_rules! written_as_text {
    ($($name:ident),*) => {
        $(
            impl TryFrom<String> for $name {
                type Error = String;

                fn try_from(text: String) -> Result<Self, String> {
                    text.parse()
                }
            }

            impl From<$name> for String {
                fn from(value: $name) -> Self {
                    value.to_string()
                }
            }
        )*
    };
}
pub(super) use written_as_text;

written_as_text!(Span, Cidr, Listen);

/// A secret text: not shown, and wiped when dropped.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(from = "String")]
#[schemars(with = "String", extend("writeOnly" = true))]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}
