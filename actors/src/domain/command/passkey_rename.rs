//! Renaming a passkey.

use schema::{FactorId, record::Passkey};
use serde::{Deserialize, Serialize};

use super::{Decide, Decision, RenameOutcome, device, totp_enrol::cut_name};
use crate::domain::{
    change::Item,
    context::Context,
    device::active_since,
    user::{Areas, SessionRef, User},
};

/// A user gives a passkey another name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RenamePasskey {
    /// The session.
    pub session: SessionRef,
    /// The device.
    pub factor: FactorId,
    /// The new name; cut to 64 characters.
    pub name: String,
}

impl Decide for RenamePasskey {
    type Outcome = RenameOutcome;
    const NAME: &'static str = "rename_passkey";
    const NEEDS: Areas = Areas::SESSIONS;
    /// It proves what it proved before.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, RenameOutcome::Gone | RenameOutcome::SessionEnded)
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<RenameOutcome> {
        let found = user.passkeys.get(&self.factor).filter(|passkey| active_since(passkey.state).is_some());
        let name = cut_name(&self.name);
        let named = found.filter(|passkey| passkey.name != name);
        let named = named.map(|passkey| Item::Passkey(Passkey { name, ..passkey.clone() }));
        device::rename(user, cx, &self.session, found.map(|_| (self.factor, "passkey")), named)
    }
}
