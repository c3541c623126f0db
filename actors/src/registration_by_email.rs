//! Registration under an e-mail address.
//!
//! 1. The address is looked up; the answer is kept to ourselves. Nobody has it: a link is sent there, and kept in the partition of
//!    the user to be. Somebody has it: they are told. Who asks is answered the same, and no password was asked for yet.
//! 2. The link is followed, and a password chosen. The address is claimed, then the account committed that lists the claim
//!    (HAZARDS H9).
//!
//! How many messages an address gets is bounded by [`Recipients`](crate::recipients::Recipients), how many a client causes by the edge.

use schema::{
    BrowserId, ClaimId, Kind, LoginId, StoreError, UserId,
    claim::{self, Swept},
    record::HeldClaim,
};

use crate::{
    call::{CallError, Deadline},
    clock::certain,
    domain::{
        command::{
            BeginRegistration, CompleteRegistration, CompleteRegistrationOutcome, MailRegistered, ShowRegistration,
            SignedIn,
        },
        context::Attempt,
        email::{self, Identifier},
    },
    locator::RegistrationLocator,
    registration::{PENDING, RegisterError, Registration, user_of},
    secret::Secret,
    sign_in::look_up_address,
};

/// A link that was good when it was looked at. Only who has one has a password hashed.
#[derive(Debug)]
pub struct GoodLink {
    locator: RegistrationLocator,
    address: String,
}

impl GoodLink {
    /// The address that it was sent to.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The login in which the registration began, if it did.
    pub const fn login(&self) -> Option<LoginId> {
        self.locator.login
    }

    /// Whose the account will be.
    pub const fn user(&self) -> UserId {
        self.locator.user
    }
}

impl Registration {
    /// Has a message sent to an address that somebody wants to register under: a link, or word that it has an account. Which of
    /// them is for nobody to know who reads no mail there.
    pub async fn begin_by_email(
        &self,
        attempt: &Attempt,
        address: Identifier,
        login: Option<LoginId>,
        deadline: Deadline,
    ) -> Result<(), CallError> {
        // What was sent stays here.
        let _ = if let Some(user) = self.holder_of(&look_up_address(&address.key)).await? {
            self.accounts.ask(user, attempt, MailRegistered, deadline).await?
        } else {
            let command = BeginRegistration { address: address.address, login };
            self.accounts.ask(user_of(attempt), attempt, command, deadline).await?
        };
        Ok(())
    }

    /// Who has an account under a look-up; a holding that never came to count is nobody's.
    async fn holder_of(&self, look_up: &str) -> Result<Option<UserId>, StoreError> {
        let (store, now) = (self.store.as_ref(), certain(self.clock.as_ref())?);
        let Some(held) = claim::owner_of(store, look_up).await? else { return Ok(None) };
        let counts = claim::sweep(store, look_up, PENDING, now).await? == Swept::Counts;
        Ok(held.owner.id.parse().ok().filter(|_| counts && held.owner.kind == Kind::User))
    }

    /// A link, if it is good. Consumes nothing.
    pub async fn look_at(
        &self,
        attempt: &Attempt,
        locator: RegistrationLocator,
        deadline: Deadline,
    ) -> Result<Option<GoodLink>, CallError> {
        let command = ShowRegistration { secret_hash: locator.secret_hash.clone() };
        let address = self.accounts.ask(locator.user, attempt, command, deadline).await?;
        Ok(address.map(|address| GoodLink { locator, address }))
    }

    /// Makes the account of who followed a link, and signs the browser in. The session's secret is that of the attempt. Whether the
    /// link is still good is judged by the commit that consumes it.
    pub async fn complete_by_email(
        &self,
        attempt: &Attempt,
        link: &GoodLink,
        (password, browser): (&Secret<String>, BrowserId),
        deadline: Deadline,
    ) -> Result<SignedIn, RegisterError> {
        let key = email::identifier(&link.address)?.key;
        let rule = self.rule_of_registration().await?;
        let password_hash = self.hash_new_password(&rule, password, &[&link.address], deadline).await?;
        let held = HeldClaim {
            look_up: look_up_address(&key),
            claim: ClaimId::from_bytes(attempt.seed.derive("address claim")),
        };
        if !self.claim(&held, link.user()).await? {
            return Err(RegisterError::Link);
        }
        let look_up = held.look_up.clone();
        let secret_hash = link.locator.secret_hash.clone();
        let command = CompleteRegistration { secret_hash, password_hash, claim: held, browser };
        let failed = match self.accounts.ask(link.user(), attempt, command, deadline).await {
            Ok(CompleteRegistrationOutcome::Registered(signed_in)) => return Ok(signed_in),
            Ok(CompleteRegistrationOutcome::Ended) => RegisterError::Link,
            Ok(CompleteRegistrationOutcome::Voided) => {
                let reason = "the registration took too long and was given up; try again";
                CallError::Unavailable(reason.to_owned()).into()
            }
            Err(error) => error.into(),
        };
        self.give_up(&look_up).await;
        Err(failed)
    }
}
