//! The cookies of trusted devices: one for each user of a browser, so that those who share it keep their own.

use actors::{
    domain::{
        command::SignedIn,
        context::Attempt,
        trusted_device::{self, Trust},
    },
    locator::TrustedLocator,
    secret::sha256_b64,
};
use schema::UserId;
use serde::Deserialize;

use super::{Visit, cookies::TRUSTED_PREFIX};
use crate::page::TrustBox;

/// The level of data that trusted devices are written from.
const LEVEL: u32 = 3;
/// Users of one browser who may trust it; the cookie that it has had for longest is dropped.
const MAX: usize = 5;
/// Characters of a user's digest in the name of a cookie.
const DIGEST: usize = 16;

/// The field of the box, as browsers send it: `on`, or nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Ticked(String);

impl Ticked {
    /// Is it ticked?
    pub fn is_ticked(&self) -> bool {
        !self.0.is_empty()
    }
}

impl Visit {
    /// The trusted devices that this browser says it is; each is believed only for its own user.
    pub fn trusted_devices(&self) -> Vec<TrustedLocator> {
        let sent = self.cookies.beginning(TRUSTED_PREFIX);
        sent.iter().take(MAX).filter_map(|(_, cookie)| self.state.locators().open_trusted(cookie).ok()).collect()
    }

    /// The box that offers to trust this browser, as it was left; none where nobody is trusted.
    pub fn trust_box(&self, ticked: &Ticked) -> Option<TrustBox> {
        let days = self.state.settings.trusted_days;
        let offered = days > 0 && self.state.services.level.current() >= LEVEL;
        offered.then(|| TrustBox { days, ticked: ticked.is_ticked() })
    }

    /// What the box asks for.
    pub fn wanted_trust(&self, ticked: &Ticked) -> Trust {
        match self.trust_box(ticked) {
            Some(TrustBox { ticked: true, .. }) => Trust::Wanted,
            Some(_) | None => Trust::None,
        }
    }

    /// Gives the browser the cookie of a trusted device, if the sign-in made or renewed one.
    pub(super) fn set_trusted(&self, user: UserId, signed_in: &SignedIn, attempt: &Attempt) {
        let Some(given) = &signed_in.trusted else { return };
        let digest = &sha256_b64(user.as_bytes())[..DIGEST];
        // Browsers send what they have had for longest first (RFC 6265, 5.4).
        let others: Vec<&str> =
            self.cookies.beginning(TRUSTED_PREFIX).iter().map(|(of, _)| *of).filter(|of| *of != digest).collect();
        for of in others.iter().take((others.len() + 1).saturating_sub(MAX)) {
            self.cookies.clear(&format!("{TRUSTED_PREFIX}{of}"));
        }
        let sealed = self.state.locators().trusted(user, given, &trusted_device::secret(&attempt.seed));
        let left = given.expires_at.since(self.now());
        self.cookies.set(&format!("{TRUSTED_PREFIX}{digest}"), sealed, Some(left));
    }
}
