//! What the policies ask of somebody who is signed in. Without policies nothing is asked, not even the owner of the account.
//!
//! Who must set up a device gets to where that is done, and to the proofs that are asked for first there; who has one proves it.

use actors::domain::{command::JudgeSession, policy::Verdict, user::SessionRef};
use schema::{ClientId, UserId, record::Policy};

use super::{LiveSession, Visit};
use crate::error::PageError;

/// Paths under it are open to somebody who must set up a device: there it is set up.
const ENROLMENT: &str = "/account/mfa";

impl Visit {
    /// The policies in force.
    pub async fn policies(&self) -> Result<Vec<Policy>, PageError> {
        Ok(self.state.services.policies.all().await?.to_vec())
    }

    /// What they miss in a session, at this application; `None`: the session has ended.
    pub async fn verdict(
        &self,
        user: UserId,
        session: SessionRef,
        client: Option<ClientId>,
    ) -> Result<Option<Verdict>, PageError> {
        let policies = self.policies().await?;
        if policies.is_empty() {
            return Ok(Some(Verdict::Met));
        }
        let command = JudgeSession { session, policies, client };
        Ok(self.state.services.accounts.ask(user, &self.attempt(), command, self.deadline).await?)
    }

    /// Refuses the page `back` to somebody who must set up a device first, or prove more.
    pub(super) async fn lets_in(&self, session: &LiveSession, back: &str) -> Result<(), PageError> {
        match self.verdict(session.user, session.reference.clone(), None).await? {
            Some(Verdict::Met | Verdict::Recommended) => Ok(()),
            Some(Verdict::StepUp) => Err(PageError::MoreNeeded { back: back.to_owned() }),
            Some(Verdict::Enrol { .. }) if back.starts_with(ENROLMENT) => Ok(()),
            Some(Verdict::Enrol { .. }) => Err(PageError::EnrolmentNeeded),
            None => Err(PageError::SignInNeeded { back: back.to_owned() }),
        }
    }
}
