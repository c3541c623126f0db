//! Second factors of one user: the removal of one, and a second step that is asked for of one account.

use schema::FactorId;

use super::{Operator, OperatorError, Response};
use crate::{
    call::Deadline,
    domain::{
        command::{Overview, OverviewOutcome, RequireMfa, RevokeDevice},
        context::Attempt,
    },
};

/// The level of data from which on one account can be asked for a second step.
const REQUIRED_LEVEL: u32 = 4;

impl Operator {
    /// `device`: its id, or its name or address where no other one is called so.
    pub(super) async fn remove_device(
        &self,
        by: &Attempt,
        who: &str,
        device: &str,
        deadline: Deadline,
    ) -> Result<Response, OperatorError> {
        let user = self.find(who).await?;
        let look = self.services.attempt(by.origin.clone());
        let overview = self.services.accounts.ask(user, &look, Overview, deadline).await?;
        let overview = overview.ok_or_else(|| OperatorError::NoUser(who.to_owned()))?;
        let (user_name, named) = (who.to_owned(), device.to_owned());
        let factor = match called(&overview, device).as_slice() {
            [] => return Err(OperatorError::NoDevice { user: user_name, device: named }),
            [factor] => *factor,
            _ => return Err(OperatorError::SeveralDevices { user: user_name, device: named }),
        };
        let changed = self.services.accounts.ask(user, by, RevokeDevice { factor }, deadline).await?;
        Ok(Response::Changed { changed, count: changed.into() })
    }

    pub(super) async fn require_mfa(
        &self,
        by: &Attempt,
        who: &str,
        required: bool,
        deadline: Deadline,
    ) -> Result<Response, OperatorError> {
        if required && self.services.level.current() < REQUIRED_LEVEL {
            return Err(OperatorError::TooEarlyForOne);
        }
        let user = self.find(who).await?;
        let outcome = self.services.accounts.ask(user, by, RequireMfa { required }, deadline).await?;
        let changed = outcome.ok_or_else(|| OperatorError::NoUser(who.to_owned()))?;
        Ok(Response::Changed { changed, count: changed.into() })
    }
}

/// The devices that are called so. An id means that device, whatever others are named.
fn called(account: &OverviewOutcome, device: &str) -> Vec<FactorId> {
    let totps = account.totps.iter().map(|totp| (totp.factor, [totp.name.as_str(), ""]));
    let sent = account.emails.iter().chain(&account.phones);
    let sent = sent.map(|of| (of.factor, [of.name.as_str(), of.address.as_str()]));
    let passkeys = account.passkeys.iter().map(|passkey| (passkey.factor, [passkey.name.as_str(), ""]));
    let all: Vec<(FactorId, [&str; 2])> = totps.chain(sent).chain(passkeys).collect();
    let by_id = device.parse().ok().filter(|id: &FactorId| all.iter().any(|(factor, _)| factor == id));
    if let Some(id) = by_id {
        return vec![id];
    }
    let so = |names: &[&str; 2]| !device.is_empty() && names.contains(&device);
    all.iter().filter(|(_, names)| so(names)).map(|(factor, _)| *factor).collect()
}
