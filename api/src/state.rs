//! What every handler is handed: the services, the pages, settings and bounds.

use std::{net::IpAddr, sync::Arc, time::Duration};

use actors::{
    Services,
    call::Deadline,
    domain::context::{Attempt, Origin},
    locator::Locators,
};
use serde::Serialize;
use tokio::sync::Semaphore;
use url::Url;

use crate::{
    limits::{LimitSettings, Limits},
    locale::{Locale, text},
    mail::Inbox,
    page::{Chrome, Concealed, DevNotice, Pages},
    routes::login::recovery,
};

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Any address in it.
    pub address: IpAddr,
    /// How many leading bits are fixed.
    pub bits: u8,
}

impl Network {
    /// Is the address in the range? An IPv4 address is in no range of IPv6.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let differ = u64::from(ours.to_bits() ^ theirs.to_bits());
                differ >> 32u8.saturating_sub(self.bits) == 0
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let differ = ours.to_bits() ^ theirs.to_bits();
                self.bits == 0 || differ >> 128u8.saturating_sub(self.bits) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// What operators may set about the surface.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// The issuer. Its scheme alone decides on cookie prefixes, `Secure` and development mode.
    pub issuer: Url,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Does the token endpoint take JSON bodies as well?
    pub json_token_requests: bool,
    /// A failed sign-in is answered no earlier than this after its request came (HAZARDS H13). Above the slowest hash in
    /// use.
    pub failure_floor: Duration,
    /// How long one request may take in all, its hashes included.
    pub request_deadline: Duration,
    /// Requests served at the same time, at most.
    pub max_in_flight: usize,
    /// How long a trusted device is trusted, in whole days; none is if zero.
    pub trusted_days: u16,
    /// Under what people register.
    pub registration: RegistrationBy,
    /// Bounds by address.
    pub limits: LimitSettings,
}

/// Under what people register, and so sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationBy {
    /// A user name.
    #[default]
    UserName,
    /// An e-mail address, whose mail is shown to be read first.
    Email,
    /// Either of them.
    Either,
}

impl ApiSettings {
    /// The defaults, for this issuer.
    pub fn new(issuer: Url) -> Self {
        Self {
            issuer,
            trusted_proxies: Vec::new(),
            json_token_requests: true,
            failure_floor: Duration::from_millis(500),
            request_deadline: Duration::from_secs(10),
            max_in_flight: 1024,
            trusted_days: 30,
            registration: RegistrationBy::default(),
            limits: LimitSettings::default(),
        }
    }

    /// Is the issuer an `https` one? If not, this is development mode.
    pub fn https(&self) -> bool {
        self.issuer.scheme() == "https"
    }

    /// The issuer's origin, as browsers write it in `Origin`.
    pub fn origin(&self) -> String {
        self.issuer.origin().ascii_serialization()
    }
}

/// The state of all routes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ApiState {
    /// Everything below the surface.
    pub services: Arc<Services>,
    /// The templates.
    pub pages: Arc<Pages>,
    /// What operators set.
    pub settings: Arc<ApiSettings>,
    /// Bounds by address.
    pub limits: Arc<Limits>,
    /// What a development server would have sent.
    pub inbox: Option<Arc<Inbox>>,
    /// One permit for each request in flight.
    pub(crate) permits: Arc<Semaphore>,
}

impl ApiState {
    /// The state of a node.
    pub fn new(services: Services, pages: impl Into<Arc<Pages>>, settings: ApiSettings) -> Self {
        Self {
            services: Arc::new(services),
            pages: pages.into(),
            limits: Arc::new(Limits::new(&settings.limits)),
            inbox: None,
            permits: Arc::new(Semaphore::new(settings.max_in_flight)),
            settings: Arc::new(settings),
        }
    }

    /// The same, with an inbox to show.
    #[must_use]
    pub fn with_inbox(self, inbox: Option<Arc<Inbox>>) -> Self {
        Self { inbox, ..self }
    }

    /// A new attempt for a command of this request. Two commands of one request need an attempt each.
    pub fn attempt(&self, origin: &Origin) -> Attempt {
        self.services.attempt(origin.clone())
    }

    /// The deadline of a request that begins now.
    pub fn deadline(&self) -> Deadline {
        Deadline::after(self.settings.request_deadline)
    }

    /// What surrounds a page, for a browser that is not signed in; all pages have it from here.
    pub(crate) fn chrome(&self, locale: Locale, csrf: impl Into<Concealed>) -> Chrome {
        let chrome = Chrome::new(locale, self.settings.origin(), csrf).with_recovery(recovery::is_offered(self));
        if self.settings.https() {
            return chrome;
        }
        chrome.with_dev_notice(DevNotice { text: text("dev-notice") })
    }

    /// Seals and opens cookies, codes, tokens and links.
    pub fn locators(&self) -> Locators<'_> {
        Locators { vault: &self.services.vault, entropy: self.services.entropy.as_ref() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str, bits: u8) -> Network {
        Network { address: address.parse().expect("an address"), bits }
    }

    #[test]
    fn a_range_holds_what_shares_its_leading_bits() {
        let cases = [
            ("10.0.0.0", 8, "10.255.0.1", true),
            ("10.0.0.0", 8, "11.0.0.1", false),
            ("192.0.2.1", 32, "192.0.2.1", true),
            ("192.0.2.1", 32, "192.0.2.2", false),
            ("0.0.0.0", 0, "203.0.113.9", true),
            ("0.0.0.0", 0, "2001:db8::1", false),
            ("fd00::", 8, "fdff::1", true),
            ("fd00::", 8, "fe80::1", false),
            ("::", 0, "2001:db8::1", true),
            ("2001:db8::1", 128, "2001:db8::2", false),
        ];
        for (range, bits, address, expected) in cases {
            let address = address.parse().expect("an address");
            assert_eq!(network(range, bits).contains(address), expected, "{address} in {range}/{bits}");
        }
    }
}
