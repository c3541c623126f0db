//! New passwords: what they must be, by whose they are, and their hashes.
//!
//! A password may be shorter where the policies in force demand a second factor of its user wherever they sign in
//! ([`policy::demands_second_factor`]). That is looked at when it is chosen, and not again: where the policies ask for less later, it stands
//! alone as it is.

use std::collections::BTreeSet;

use schema::{StoreError, UserId, record::PolicyScope};

use crate::{
    call::{CallError, Deadline},
    clock::certain,
    domain::{
        command::{ExplainPolicies, Explained},
        context::Attempt,
        factor::password::{self, Policy},
        policy::{self, Strength},
    },
    hasher::Priority,
    registration::{RegisterError, Registration, roles},
    secret::Secret,
};

impl Registration {
    /// What the password of somebody who registers must be.
    pub async fn rule_of_registration(&self) -> Result<Policy, StoreError> {
        self.rule_of_new(&roles(false)).await
    }

    /// What that of the first administrator must be.
    pub async fn rule_of_first_admin(&self) -> Result<Policy, StoreError> {
        self.rule_of_new(&roles(true)).await
    }

    pub(crate) async fn rule_of_new(&self, roles: &BTreeSet<String>) -> Result<Policy, StoreError> {
        let policies = self.accounts.policies().all().await?;
        let demanded = policy::is_demanded_of_new(&policies, roles, certain(self.clock.as_ref())?);
        Ok(self.lengths.policy(demanded))
    }

    /// What a new password of this user must be. The owner of the account, who knows its roles and its days of grace, is asked only where
    /// some policy demands a second factor.
    pub async fn rule_of(&self, user: UserId, attempt: &Attempt, deadline: Deadline) -> Result<Policy, CallError> {
        let all = self.accounts.policies().all().await?;
        let policies: Vec<_> = all.iter().filter(|policy| policy::demands_second_factor(policy)).cloned().collect();
        if policies.is_empty() {
            return Ok(self.lengths.policy(false));
        }
        let command = ExplainPolicies { policies, client: None, operation: None };
        let explained = self.accounts.ask(user, attempt, command, deadline).await?;
        // What is asked of the account alone is told as well, and a code by e-mail meets it.
        let demands =
            |one: &Explained| one.applies && one.strength == Strength::Required && one.scope != PolicyScope::Account;
        Ok(self.lengths.policy(explained.unwrap_or_default().iter().any(demands)))
    }

    /// Is this password good enough, by this rule and for a user of these names? Then its hash.
    pub async fn hash_new_password(
        &self,
        rule: &Policy,
        password: &Secret<String>,
        user_inputs: &[&str],
        deadline: Deadline,
    ) -> Result<String, RegisterError> {
        let password = password::normalise(password.expose());
        password::check(rule, &password, user_inputs)?;
        Ok(self.hashes.hash(&password, Priority::Unknown, deadline).await?)
    }
}
