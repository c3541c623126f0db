//! Renaming a TOTP device.

use schema::{FactorId, record::Totp};
use serde::{Deserialize, Serialize};

use super::{Decide, Decision, RenameOutcome, device, totp_enrol::cut_name};
use crate::domain::{
    change::Item,
    context::Context,
    device::active_since,
    user::{Areas, SessionRef, User},
};

/// A user gives a device another name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RenameTotp {
    /// The session.
    pub session: SessionRef,
    /// The device.
    pub factor: FactorId,
    /// The new name; cut to 64 characters.
    pub name: String,
}

impl Decide for RenameTotp {
    type Outcome = RenameOutcome;
    const NAME: &'static str = "rename_totp";
    const NEEDS: Areas = Areas::SESSIONS;
    /// It proves what it proved before.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, RenameOutcome::Gone | RenameOutcome::SessionEnded)
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<RenameOutcome> {
        let found = user.totps.get(&self.factor).filter(|totp| active_since(totp.state).is_some());
        let name = cut_name(&self.name);
        let named = found.filter(|totp| totp.name != name);
        let named = named.map(|totp| Item::Totp(Totp { name, ..totp.clone() }));
        device::rename(user, cx, &self.session, found.map(|_| (self.factor, "totp")), named)
    }
}
