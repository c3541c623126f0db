//! Recoveries that wait: which there are, and their end at an operator's word.

use schema::{Kind, UserId};

use super::{Operator, OperatorError, PAGE, RecoveryRow, Response};
use crate::{
    call::Deadline,
    domain::{
        command::{CancelOutcome, CancelRecovery, CancelWith},
        context::Attempt,
        recovery,
        user::{Areas, User},
    },
};

/// What says whether a recovery is alive: itself, the password, and the devices that are said to be lost.
const ITEMS: [&str; 7] = ["account", "recovery", "password", "totp/", "email/", "phone/", "passkey/"];

impl Operator {
    /// Those among the next page of users.
    pub(super) async fn list_recoveries(&self, after: Option<UserId>) -> Result<Response, OperatorError> {
        let (after, now) = (after.map(|id| id.to_string()), self.services.clock.now());
        let page = self.services.store.scan(Kind::User, after.as_deref(), PAGE, &ITEMS).await?;
        let mut recoveries = Vec::new();
        for (id, partition) in &page.partitions {
            let Ok(id) = id.parse() else { continue };
            let mut user = User::unloaded(id);
            user.absorb(partition, Areas::CORE)?;
            if let (Some(alive), Some(account)) = (recovery::alive(&user, now), &user.account) {
                let user_name = account.user_name.clone();
                recoveries.push(RecoveryRow { user: id, user_name, recovery: alive.into() });
            }
        }
        Ok(Response::Recoveries { recoveries, next: page.next.and_then(|id| id.parse().ok()) })
    }

    pub(super) async fn cancel_recovery(
        &self,
        by: &Attempt,
        who: &str,
        deadline: Deadline,
    ) -> Result<Response, OperatorError> {
        let command = CancelRecovery { with: CancelWith::Operator, confirmed: true };
        let outcome = self.services.accounts.ask(self.find(who).await?, by, command, deadline).await?;
        let changed = outcome == CancelOutcome::Cancelled;
        Ok(Response::Changed { changed, count: changed.into() })
    }
}
