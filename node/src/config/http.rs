//! Sections `http` and `management`: the two listeners.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    report::Report,
    value::{Cidr, Listen, Span},
};

/// The public listener: protocol and pages.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Address and port of the public listener. Use `0.0.0.0` or `[::]` to be reached from other machines.
    pub listen: Listen,
    /// Address ranges of reverse proxies whose `X-Forwarded-For` is believed. Only the part that these proxies added
    /// themselves counts. In development mode any forwarding header is refused.
    pub trusted_proxies: Vec<Cidr>,
    /// Requests that may be served at the same time; more are answered 503 with `Retry-After`.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_in_flight: u32,
    /// How long a client may take to send the head of a request.
    pub header_timeout: Span,
    /// How long one request may take in all, waiting for a hash included; then it is answered 503.
    pub request_timeout: Span,
    /// TLS on the public listener. Without it, put a reverse proxy with TLS in front.
    pub tls: Tls,
}

/// TLS of the public listener.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// PEM file with the certificate and its chain.
    #[schemars(with = "Option<String>")]
    pub cert: Option<PathBuf>,
    /// PEM file with the private key.
    #[schemars(with = "Option<String>")]
    pub key: Option<PathBuf>,
}

impl Tls {
    /// Certificate and key, if TLS is on.
    pub fn files(&self) -> Option<(&PathBuf, &PathBuf)> {
        self.cert.as_ref().zip(self.key.as_ref())
    }
}

/// The management listener: health and metrics.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Management {
    /// Address and port of the management listener.
    pub listen: Listen,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: Listen(loopback(11080)),
            trusted_proxies: Vec::new(),
            max_in_flight: 1024,
            header_timeout: Span::secs(10),
            request_timeout: Span::secs(10),
            tls: Tls::default(),
        }
    }
}

impl Default for Management {
    fn default() -> Self {
        Self { listen: Listen(loopback(11081)) }
    }
}

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

impl Http {
    pub(super) fn check(&self, management: &Management, report: &mut Report<'_>) {
        if self.tls.cert.is_some() && self.tls.key.is_none() {
            report.refuse("http.tls.cert", "has no key; set http.tls.key as well");
        }
        if self.tls.key.is_some() && self.tls.cert.is_none() {
            report.refuse("http.tls.key", "has no certificate; set http.tls.cert as well");
        }
        for (file, key) in [(&self.tls.cert, "http.tls.cert"), (&self.tls.key, "http.tls.key")] {
            report.refuse_unreadable(file.as_deref(), key);
        }
        // Port 0 is "any free port", which both may ask for.
        let same = self.listen.0 == management.listen.0 && self.listen.0.port() != 0;
        report.refuse_if(same, "management.listen", "is the address of http.listen; the two listeners need their own");
        for (span, key) in
            [(self.header_timeout, "http.header_timeout"), (self.request_timeout, "http.request_timeout")]
        {
            report.refuse_if(span.get().is_zero(), key, "must be longer than nothing");
        }
    }
}
