//! Renaming an address that gets codes. Where codes go does not change by it.

use schema::{
    FactorId,
    record::{Address, Channel},
};
use serde::{Deserialize, Serialize};

use super::{Decide, Decision, RenameOutcome, device, totp_enrol::cut_name};
use crate::domain::{
    address,
    context::Context,
    device::active_since,
    user::{Areas, SessionRef, User},
};

/// A user gives an address or a phone another name, or none.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RenameAddress {
    /// The session.
    pub session: SessionRef,
    /// By which way it gets codes.
    pub channel: Channel,
    /// The device.
    pub factor: FactorId,
    /// The new name; cut to 64 characters. Empty: the address stands for itself.
    pub name: String,
}

impl Decide for RenameAddress {
    type Outcome = RenameOutcome;
    const NAME: &'static str = "rename_address";
    const NEEDS: Areas = Areas::SESSIONS;
    /// It proves what it proved before.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, RenameOutcome::Gone | RenameOutcome::SessionEnded)
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<RenameOutcome> {
        let found = user.addresses(self.channel).get(&self.factor);
        let found = found.filter(|address| active_since(address.state).is_some());
        let name = cut_name(&self.name);
        let named = found.filter(|address| address.name != name);
        let named = named.map(|found| address::item(self.channel, Address { name, ..found.clone() }));
        let device = found.map(|_| (self.factor, address::name(self.channel)));
        device::rename(user, cx, &self.session, device, named)
    }
}
