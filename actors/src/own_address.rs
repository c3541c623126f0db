//! The code that proves an account's own address was typed. Where the account has an address as its name, the new one is claimed before
//! the commit that lists it, and the old one released after (HAZARDS H9). Whether somebody else has the new one is told only to whoever
//! has typed the code, and so reads its mail.

use schema::{ClaimId, StoreError, UserId, claim, record::HeldClaim};

use crate::{
    call::{CallError, Deadline},
    clock::certain,
    domain::{
        command::{AwaitedOwnAddress, ConfirmOwnAddress, ConfirmOwnAddressOutcome, ShowOwnAddress},
        context::Attempt,
        email,
        factor::totp::Code,
        user::{SessionRef, User},
    },
    registration::Registration,
    sign_in::look_up_address,
};

impl Registration {
    /// Takes the code that an address was sent.
    pub async fn confirm_own_address(
        &self,
        attempt: &Attempt,
        user: UserId,
        (session, code): (SessionRef, Code),
        deadline: Deadline,
    ) -> Result<ConfirmOwnAddressOutcome, CallError> {
        let show = ShowOwnAddress { session: session.clone() };
        let awaited = self.accounts.ask(user, attempt, show, deadline).await?;
        let Some(AwaitedOwnAddress { address, name, .. }) = awaited else {
            return self.judge_own_address(attempt, user, (session, code, None), deadline).await;
        };
        let Some(old) = name else {
            return self.judge_own_address(attempt, user, (session, code, None), deadline).await;
        };
        let new = self.claim_own_address(attempt, user, &old, &address).await?;
        let outcome = self.judge_own_address(attempt, user, (session, code, new.clone()), deadline).await;
        if let Some(new) = new.filter(|new| new.look_up != old.look_up) {
            match &outcome {
                Ok(ConfirmOwnAddressOutcome::Confirmed) => self.release(user, &old).await,
                _ => self.give_up(&new.look_up).await,
            }
        }
        outcome
    }

    async fn judge_own_address(
        &self,
        attempt: &Attempt,
        user: UserId,
        (session, code, claim): (SessionRef, Code, Option<HeldClaim>),
        deadline: Deadline,
    ) -> Result<ConfirmOwnAddressOutcome, CallError> {
        self.accounts.ask(user, attempt, ConfirmOwnAddress { session, code, claim }, deadline).await
    }

    /// The claim of an address that is to be a name: that of the old one, if only its spelling is another; none if it is somebody else's.
    async fn claim_own_address(
        &self,
        attempt: &Attempt,
        user: UserId,
        old: &HeldClaim,
        address: &str,
    ) -> Result<Option<HeldClaim>, StoreError> {
        let Ok(identifier) = email::identifier(address) else { return Ok(None) };
        let look_up = look_up_address(&identifier.key);
        if look_up == old.look_up {
            return Ok(Some(old.clone()));
        }
        let held = HeldClaim { look_up, claim: ClaimId::from_bytes(attempt.seed.derive("address claim")) };
        Ok(self.claim(&held, user).await?.then_some(held))
    }

    /// Gives a name back. Should that fail, it counts no more anyhow, and is swept when somebody else claims it.
    async fn release(&self, user: UserId, held: &HeldClaim) {
        let owner = User::partition(user);
        let released = async {
            let now = certain(self.clock.as_ref())?;
            claim::release(self.store.as_ref(), &held.look_up, &owner, held.claim, now).await
        };
        if let Err(error) = released.await {
            tracing::warn!(%error, "an address that was changed is not free before it is swept");
        }
    }
}
