//! Removing an address that gets codes: Activated → Revoked, for good. What rested on it goes with it (HAZARDS H16).

use schema::{
    FactorId,
    record::{Address, Channel},
};
use serde::{Deserialize, Serialize};

use super::{
    Decide, Decision, RemoveOutcome,
    device::{self, Removed},
    totp_remove::forget_proofs,
};
use crate::domain::{
    address,
    change::{Change, ItemKey},
    context::Context,
    device::{Step, is_revoked, next},
    user::{Areas, SessionRef, User, rest_on},
};

/// A user wants no more codes at an address.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RemoveAddress {
    /// The session.
    pub session: SessionRef,
    /// By which way.
    #[serde(default, skip_serializing_if = "address::is_email")]
    pub channel: Channel,
    /// The device.
    pub factor: FactorId,
}

impl Decide for RemoveAddress {
    type Outcome = RemoveOutcome;
    const NAME: &'static str = "remove_email";
    const NEEDS: Areas = Areas::SESSIONS.and(Areas::LOGINS).and(Areas::CODES).and(Areas::FAMILIES).and(Areas::BACKUP);
    /// Proofs and families that rest on the device end.
    const REVOKES: bool = true;
    const SENSITIVE: bool = true;

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<RemoveOutcome> {
        let found = user.addresses(self.channel).get(&self.factor).filter(|found| !is_revoked(found.state));
        let revoke =
            |change: &mut Change| found.iter().for_each(|found| revoke(user, cx, change, (self.channel, found)));
        let (method, notice) = (address::name(self.channel), address::notice(self.channel, false));
        let removed = Removed { factor: self.factor, method, notice, revoke: &revoke };
        device::remove(user, cx, &self.session, found.map(|_| &removed))
    }
}

/// Revokes an address: sessions lose the proofs that it gave, logins and families that rest on it end.
pub(super) fn revoke(user: &User, cx: &Context<'_>, change: &mut Change, (channel, removed): (Channel, &Address)) {
    let Some(state) = next(removed.state, Step::Removed, cx.now) else { return };
    change.put(address::item(channel, Address { state, sent: None, texts: Vec::new(), ..removed.clone() }));
    change.delete(ItemKey::Throttle(address::throttle(channel, removed.factor)));
    forget_proofs(user, cx, change, None, |proofs| rest_on(proofs, Some(removed.factor), None));
}
