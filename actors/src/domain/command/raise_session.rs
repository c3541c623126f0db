//! A policy asks for more than a session has proved: the session is raised. A login of its own awaits what is missing and adds it to
//! what the session has, while that lives. Nothing is proved anew.
//!
//! That is so where devices are all that is missing. Where something known must be proved again, as for an operation whose proofs are
//! to be fresh, a whole login renews the session.

use serde::{Deserialize, Serialize};

use super::{
    Decide, Decision,
    sign_in::{self, Begun, LoginRef, Next, SignInOutcome},
};
use crate::domain::{
    change::Change,
    context::Context,
    policy::Outlook,
    user::{Areas, SessionRef, User},
};

/// Begin to raise a session, in this login.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RaiseSession {
    /// The session.
    pub session: SessionRef,
    /// The login that awaits what is missing, and what the policies ask of it.
    pub login: LoginRef,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RaiseSessionOutcome {
    /// The login awaits a proof; the outcome is that of a first proof.
    Begun(SignInOutcome),
    /// The devices of the account add nothing that is missing, or not enough: a whole login says what there is.
    Nothing,
    /// The session has ended.
    SessionEnded,
}

impl Decide for RaiseSession {
    type Outcome = RaiseSessionOutcome;
    const NAME: &'static str = "raise_session";
    const NEEDS: Areas = Areas::LOGINS.and(Areas::SESSIONS);
    /// It only adds.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, RaiseSessionOutcome::SessionEnded)
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<RaiseSessionOutcome> {
        let Some(session) = user.live_session(&self.session, cx.now, cx.settings) else {
            return Decision::answer(RaiseSessionOutcome::SessionEnded);
        };
        let outlook = self.login.asks.outlook(user, &session.proofs, cx.now, cx.settings);
        let known = user.logins.contains_key(&self.login.login);
        if !can_be_raised(&outlook) || session.browser != self.login.browser || known {
            return Decision::answer(RaiseSessionOutcome::Nothing);
        }
        let mut change = Change::default();
        let begun = Begun { sent: None, renews: Some(session.session), raises: true, texts: Vec::new() };
        let next = Next::of(user, &session.proofs, outlook, true);
        let outcome = sign_in::await_proof(user, cx, &mut change, &self.login, (begun, Vec::new(), next));
        Decision { change, events: Vec::new(), outcome: RaiseSessionOutcome::Begun(outcome) }
    }
}

/// Are the devices of the account all that is missing?
pub(super) const fn can_be_raised(outlook: &Outlook) -> bool {
    outlook.goes_on && outlook.by_devices
}
