//! What the policies ask of somebody who is signed in. Where there are no
//! policies, and nothing is asked of the very account, the owner of the account is not asked.
//!
//! Who must set up a device gets to where that is done, and to the proofs that are asked for first there; who has one proves it. Who must
//! choose another password does that before.

use std::collections::BTreeSet;

use actors::domain::{
    assurance::Acr,
    authorization_details,
    command::JudgeSession,
    operation,
    policy::{self, Asks, Verdict},
    user::SessionRef,
};
use schema::{
    ClientId, FactorId, Timestamp, UserId,
    record::{Policy, PolicyMode, PolicyScope},
};

use super::{LiveSession, LoginState, Then, Visit};
use crate::{error::PageError, wire::authorization::AuthorizationRequest};

/// Paths under it are open to somebody who must set up a device: there it is set up.
pub const ENROLMENT: &str = "/account/mfa";
/// Where the password is changed.
const PASSWORD: &str = "/account/password";
/// Where the account's own address is changed.
const ADDRESS: &str = "/account/email";

/// What somebody who is signed in is about to do; by default, to look at the pages of the account.
#[derive(Clone, Debug, Default)]
pub struct Occasion {
    /// To get to this application.
    pub client: Option<ClientId>,
    /// To do this there, or at the pages of the account.
    pub operations: BTreeSet<String>,
    /// When the application asked.
    pub begun_at: Option<Timestamp>,
    /// Once this device is removed.
    pub without: Option<FactorId>,
}

impl Occasion {
    /// To get what an application asks for.
    pub fn of(request: &AuthorizationRequest) -> Self {
        Self {
            client: Some(request.client.clone()),
            operations: authorization_details::operations(&request.authorization_details),
            begun_at: Some(request.requirement.begun_at),
            without: None,
        }
    }

    /// To look at the pages of the account once this device is removed.
    pub fn without(factor: FactorId) -> Self {
        Self { without: Some(factor), ..Self::default() }
    }

    /// What a login is for.
    fn of_login(login: &LoginState) -> Self {
        match &login.then {
            Then::Authorize(request) => Self::of(request),
            Then::Account { path, change: true, .. } => Self::change_at(path),
            Then::Account { .. } => Self::default(),
        }
    }

    /// To change something at this page of the account.
    pub fn change_at(path: &str) -> Self {
        let own = if path.starts_with(PASSWORD) { operation::PASSWORD_CHANGE } else { operation::SECURITY_CHANGE };
        Self { operations: [own.to_owned()].into(), ..Self::default() }
    }
}

impl Visit {
    /// The policies in force.
    pub async fn policies(&self) -> Result<Vec<Policy>, PageError> {
        Ok(self.state.services.policies.all().await?.to_vec())
    }

    /// What they ask of a login.
    pub async fn asks(&self, login: &LoginState) -> Result<Asks, PageError> {
        let asks = self.asks_on(Occasion::of_login(login)).await?;
        Ok(match login.request().filter(|_| !asks.is_nothing()) {
            Some(request) => {
                let (acr, prefers) = (request.requirement.acr, request.requirement.prefers.clone());
                Asks { acr, prefers, ..asks }
            }
            None => asks,
        })
    }

    /// What they ask of a sign-in on this occasion.
    pub async fn asks_on(&self, Occasion { client, operations, begun_at, .. }: Occasion) -> Result<Asks, PageError> {
        let concerns = |policy: &&Policy| match &policy.scope {
            PolicyScope::Everybody | PolicyScope::Account | PolicyScope::Role { .. } => true,
            PolicyScope::Client { client: of } => client.as_ref() == Some(of),
            PolicyScope::Operation { client: of, operation } => of == &client && operations.contains(operation),
        };
        let required = |policy: &&Policy| matches!(policy.mode, PolicyMode::Required { .. });
        let all = self.state.services.policies.all().await?;
        let policies: Vec<Policy> = all.iter().filter(required).filter(concerns).cloned().collect();
        if policies.is_empty() {
            return Ok(Asks::default());
        }
        Ok(Asks { policies, client, operations, begun_at, ..Asks::default() })
    }

    /// What they miss in a session that is just there, on this occasion; `None`: the session has ended. Where a sign-in leads, what is
    /// asked of the very account is asked for.
    pub async fn verdict(
        &self,
        user: UserId,
        session: SessionRef,
        occasion: Occasion,
    ) -> Result<Option<Verdict>, PageError> {
        let policies = self.policies().await?;
        if policies.is_empty() {
            return Ok(Some(Verdict::Met));
        }
        self.judged(user, session, (policies, occasion)).await
    }

    /// The same for a session that was looked at: something may be asked of its very account, and of no other.
    pub async fn verdict_on(&self, session: &LiveSession, occasion: Occasion) -> Result<Option<Verdict>, PageError> {
        let policies = self.policies().await?;
        if policies.is_empty() && !session.view.second_factor_required {
            return Ok(Some(Verdict::Met));
        }
        self.judged(session.user, session.reference.clone(), (policies, occasion)).await
    }

    /// The same, whatever there is to judge by.
    pub async fn judged(
        &self,
        user: UserId,
        session: SessionRef,
        (policies, occasion): (Vec<Policy>, Occasion),
    ) -> Result<Option<Verdict>, PageError> {
        let Occasion { client, operations, begun_at, without } = occasion;
        let command = JudgeSession { session, policies, client, operations, begun_at, without };
        Ok(self.state.services.accounts.ask(user, &self.attempt(), command, self.deadline).await?)
    }

    /// Are the session's proofs enough to change something at this page of the account? The change itself asks again.
    pub async fn may_change_at(&self, session: &LiveSession, path: &str) -> Result<bool, PageError> {
        if !session.view.fresh {
            return Ok(false);
        }
        // What must be set up comes after a password that must be chosen.
        let renews = session.view.password_compromised && path.starts_with(PASSWORD);
        Ok(match self.verdict_on(session, Occasion::change_at(path)).await? {
            Some(Verdict::Met | Verdict::Recommended) => true,
            Some(Verdict::Enrol { .. }) => renews,
            Some(Verdict::StepUp) | None => false,
        })
    }

    /// The rung that proofs of a change at this page should reach, so that ways which do not are not offered; none of another page.
    pub async fn aim_of_change(&self, path: &str) -> Result<Option<Acr>, PageError> {
        if ![ENROLMENT, PASSWORD, ADDRESS].iter().any(|page| path.starts_with(page)) {
            return Ok(None);
        }
        let Occasion { client, operations, .. } = Occasion::change_at(path);
        Ok(policy::aims_at(client.as_ref(), &operations, &self.policies().await?))
    }

    /// Refuses the page `back` to somebody who must choose another password first, set up a device, or prove more.
    pub(super) async fn lets_in(&self, session: &LiveSession, back: &str) -> Result<(), PageError> {
        if session.view.password_compromised {
            // What must be proved for it, that page asks for.
            return if back.starts_with(PASSWORD) { Ok(()) } else { Err(PageError::NewPasswordNeeded) };
        }
        match self.verdict_on(session, Occasion::default()).await? {
            Some(Verdict::Met | Verdict::Recommended) => Ok(()),
            Some(Verdict::StepUp) => Err(PageError::MoreNeeded { back: back.to_owned() }),
            Some(Verdict::Enrol { .. }) if back.starts_with(ENROLMENT) => Ok(()),
            Some(Verdict::Enrol { .. }) => Err(PageError::EnrolmentNeeded),
            None => Err(PageError::SignInNeeded { back: back.to_owned() }),
        }
    }
}
