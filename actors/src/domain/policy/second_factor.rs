//! Of whom a second factor is demanded wherever they sign in, so that their password stands alone nowhere and may be shorter (NIST SP
//! 800-63B-4, 3.1.1.2).
//!
//! What applications and operations ask for does not count: elsewhere the password is enough. Nor does what a code by e-mail meets, which
//! is a second step and no factor ([`crate::domain::assurance`]); so what is asked of one account alone ([`super::own`]) does not either.
//! Who may put it off for a while signs in with the password until then.

use std::collections::BTreeSet;

use schema::{
    Timestamp, UserId,
    record::{Account, Policy, PolicyMethod, PolicyMode, PolicyScope},
};

use super::{Strength, applies, devices::with, strength, suffices};
use crate::domain::user::User;

/// Does a policy demand a second factor of those whom it concerns wherever they sign in, be it only from some day on?
pub fn demands_second_factor(policy: &Policy) -> bool {
    let everywhere = match policy.scope {
        PolicyScope::Everybody | PolicyScope::Role { .. } => true,
        PolicyScope::Client { .. } | PolicyScope::Operation { .. } | PolicyScope::Account => false,
    };
    let required = matches!(policy.mode, PolicyMode::Required { .. });
    everywhere && required && !suffices(policy, &with(&[PolicyMethod::Email].into()))
}

/// Will a second factor be demanded at once of somebody who registers now and gets these roles?
pub fn is_demanded_of_new(policies: &[Policy], roles: &BTreeSet<String>, now: Timestamp) -> bool {
    let mut user = User::unloaded(UserId::from_random([0; 16]));
    user.account = Some(Account { roles: roles.clone(), ..Account::new(user.id, "", now) });
    let applying = policies.iter().filter(|policy| applies(policy, &user, None, &BTreeSet::new()));
    applying.filter(|policy| strength(policy, &user, now) == Strength::Required).any(demands_second_factor)
}
