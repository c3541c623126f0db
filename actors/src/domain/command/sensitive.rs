//! Operations of the account's own pages that policies may guard: a change of the password, and every change of what else guards the
//! account.
//!
//! 1. The node that takes the request hands over the policies of these operations, with the attempt.
//! 2. The command's rule asks here, in the commit that changes something, whether the session's proofs are enough.
//! 3. Are they not, the page asks for fresh ones ([`super::overview::is_fresh`] says what is asked for without any policy).
//!
//! A device that an account must have for an operation, and has not, is set up by what the account can prove; and where another
//! password must come before that, it is chosen by the same.

use std::collections::BTreeSet;

use schema::record::{PolicyMethod, Session};

use super::overview;
use crate::domain::{
    compromised,
    context::Context,
    operation,
    policy::{self, Case, Verdict},
    user::User,
};

/// What is about to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// Another password.
    ChangePassword,
    /// A device of this method is added.
    Add(PolicyMethod),
    /// Any other change of what guards the account.
    ChangeSecurity,
}

/// Are the session's proofs enough for it?
pub(super) fn allows(user: &User, session: &Session, cx: &Context<'_>, what: Operation) -> bool {
    if !overview::is_recent(user, session, cx) {
        return false;
    }
    match (verdict(user, session, cx, what), what) {
        (Verdict::Met | Verdict::Recommended, _) => true,
        (Verdict::Enrol { methods, .. }, Operation::Add(method)) => methods.contains(&method),
        (Verdict::Enrol { .. }, Operation::ChangePassword) => compromised::must_change(user, &session.proofs),
        (Verdict::Enrol { .. } | Verdict::StepUp, _) => false,
    }
}

/// Is a passkey that is added worth nothing unless its maker vouches for its hardware? So it is where such a one is missing, and the
/// proofs are enough for nothing else.
pub(super) fn wants_hardware(user: &User, session: &Session, cx: &Context<'_>) -> bool {
    matches!(verdict(user, session, cx, Operation::ChangeSecurity), Verdict::Enrol { hardware: true, .. })
}

fn verdict(user: &User, session: &Session, cx: &Context<'_>, what: Operation) -> Verdict {
    let name = match what {
        Operation::ChangePassword => operation::PASSWORD_CHANGE,
        Operation::Add(_) | Operation::ChangeSecurity => operation::SECURITY_CHANGE,
    };
    let case = Case {
        user,
        client: None,
        operations: &BTreeSet::from([name.to_owned()]),
        begun_at: None,
        proofs: &session.proofs,
        now: cx.now,
        settings: cx.settings,
    };
    policy::judge(&cx.attempt.policies, case)
}
