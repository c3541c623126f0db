//! Rules that can be left out. Without any one of them the checker finds a violation. What the authority alone decides
//! (tenure, freshness, quiet) is left out in turn by `cluster/tests/simulation`.

use actors::domain::{
    change::{Change, Item, ItemKey},
    command::{Body, Decision, JudgePassword},
    trusted_device::Trust,
    user::User,
};
use serde_json::value::RawValue;

/// A rule that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The store replaces whatever is there.
    ComparesNothing,
    /// Answers, then commits.
    AnswersBeforeTheCommit,
    /// Writes the same again when the outcome is unknown, whatever is there by then.
    RetriesBlindly,
    /// Decides anew after a conflict on what it had before.
    DecidesOnTheSame,
    /// Decides on a repeated delivery as if it were the first.
    IgnoresTheRing,
    /// Keeps and trusts what it has, owner or not.
    TrustsWhateverItHas,
    /// Says from memory that something is not there, which another node may have made in its place.
    SaysWhatIsMissing,
    /// Acknowledges without telling the owner.
    TellsNobody,
    /// A failure is answered and not counted in the commit that judges it.
    CountsNoFailure,
    /// The right password makes guesses at the second factor begin anew.
    NewLoginResets,
    /// A hash of a former password counts as one of the present one.
    JudgesWhateverWasHashed,
    /// The login of a code that was sent stays, whatever was typed or pressed.
    KeepsTheSentCode,
    /// Nobody remembers which challenges were answered.
    ForgetsTheChallenge,
    /// A cookie of a trusted device stays good, though another one was given for it.
    KeepsTheCookie,
}

impl Broken {
    /// All of them, each with a seed that finds it: where the search begins.
    pub(crate) const ALL: [(Self, u64); 14] = [
        (Self::ComparesNothing, 5),
        (Self::AnswersBeforeTheCommit, 4),
        (Self::RetriesBlindly, 17),
        (Self::DecidesOnTheSame, 4),
        (Self::IgnoresTheRing, 65),
        (Self::TrustsWhateverItHas, 11),
        (Self::SaysWhatIsMissing, 996),
        (Self::TellsNobody, 16),
        (Self::CountsNoFailure, 2),
        (Self::NewLoginResets, 4),
        (Self::JudgesWhateverWasHashed, 55),
        (Self::KeepsTheSentCode, 1),
        (Self::ForgetsTheChallenge, 1),
        (Self::KeepsTheCookie, 4),
    ];
}

/// The command as it is decided on, if that is not the one that came.
pub(crate) fn of_the_present(broken: Option<Broken>, body: &Body, user: &User) -> Option<Body> {
    match (broken?, body, &user.password) {
        (Broken::JudgesWhateverWasHashed, Body::JudgePassword(judge), Some(password)) => {
            let (credential, version) = (password.credential, password.version);
            Some(JudgePassword { credential, version, ..judge.clone() }.into())
        }
        _ => None,
    }
}

/// Leaves a rule out of a decision.
pub(crate) fn leave_out(broken: Option<Broken>, user: &User, body: &Body, decision: &mut Decision<Box<RawValue>>) {
    match (broken, body) {
        (Some(Broken::CountsNoFailure), _) if decision.outcome.get() == r#""Wrong""# => {
            decision.change = Change::default();
            decision.events.clear();
        }
        (Some(Broken::NewLoginResets), Body::JudgePassword(_)) if !decision.change.is_empty() => {
            for name in user.throttles.keys().filter(|name| name.starts_with("totp/")) {
                decision.change.delete(ItemKey::Throttle(name.clone()));
            }
        }
        (Some(broken), _) if !decision.change.is_empty() => keep_used(broken, user, body, &mut decision.change),
        _ => {}
    }
}

/// What a proof uses up stays as it was.
fn keep_used(broken: Broken, user: &User, body: &Body, change: &mut Change) {
    let sent_for = match body {
        Body::VerifySentCode(verify) => Some(&verify.login),
        Body::VerifySentLink(verify) => Some(&verify.login),
        _ => None,
    };
    match (broken, body) {
        (Broken::KeepsTheSentCode, _) => {
            let login = sent_for.and_then(|of| user.logins.get(&of.login));
            if let Some(login) = login {
                change.put(Item::Login(login.clone()));
            }
        }
        (Broken::ForgetsTheChallenge, Body::VerifyPasskey(verify)) => {
            change.delete(ItemKey::Challenge(verify.ceremony.challenge.hash()));
        }
        (Broken::KeepsTheCookie, Body::JudgePassword(judge)) => {
            let Trust::Shown(shown) = &judge.login.trust else { return };
            if let Some(trusted) = user.trusted.get(&shown.device) {
                change.put(Item::Trusted(trusted.clone()));
            }
        }
        _ => {}
    }
}
