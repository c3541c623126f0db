//! What the policies ask of somebody who is signed in. Without policies nothing is asked, not even the owner of the account.

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

    /// What they miss in a session, at this application.
    pub async fn verdict(
        &self,
        user: UserId,
        session: SessionRef,
        client: Option<ClientId>,
    ) -> Result<Verdict, PageError> {
        let policies = self.policies().await?;
        if policies.is_empty() {
            return Ok(Verdict::Met);
        }
        let command = JudgeSession { session, policies, client };
        let verdict = self.state.services.accounts.ask(user, &self.attempt(), command, self.deadline).await?;
        // Whoever asks finds out that the session has ended by what follows.
        Ok(verdict.unwrap_or_default())
    }

    /// Refuses the page `back` to somebody who must set up a device first, or prove more.
    pub(super) async fn lets_in(&self, session: &LiveSession, back: &str) -> Result<(), PageError> {
        if back.starts_with(ENROLMENT) {
            return Ok(());
        }
        match self.verdict(session.user, session.reference.clone(), None).await? {
            Verdict::Met | Verdict::Recommended => Ok(()),
            Verdict::StepUp => Err(PageError::MoreNeeded { back: back.to_owned() }),
            Verdict::Enrol { .. } => Err(PageError::EnrolmentNeeded),
        }
    }
}
