//! The verdict of a backup code's hash, as the second proof of a login. A code is used once: the commit that accepts it
//! marks it.

use schema::{
    CredentialId,
    record::{BackupCode, BackupCodes, Method, Proof, Unknown},
};
use serde::{Deserialize, Serialize};

use super::{
    Decide, Decision, guess,
    sign_in::{self, LoginRef, SignInOutcome},
};
use crate::domain::{
    change::{Change, Item},
    context::Context,
    event::{self, WithFact},
    letter::{self, Notice},
    throttle::{self, Gate, Shut},
    user::{Areas, User},
};

/// The name of the backup codes' throttle: one for the set, since a guess may name any of the ten.
pub const THROTTLE: &str = "backup";

/// A hash was computed; what follows from it?
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JudgeBackupCode {
    /// The login that awaits it.
    pub login: LoginRef,
    /// The set that the hash was computed against.
    pub credential: CredentialId,
    /// The code's first four characters.
    pub locator: String,
    /// Did the rest match?
    pub right: bool,
}

impl Decide for JudgeBackupCode {
    type Outcome = SignInOutcome;
    const NAME: &'static str = "judge_backup_code";
    const NEEDS: Areas = Areas::LOGINS.and(Areas::SESSIONS).and(Areas::BACKUP);
    /// A used code is found out by the commit that uses it.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, SignInOutcome::LoginEnded)
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<SignInOutcome> {
        if sign_in::live_login(user, &self.login, cx).is_none() {
            return Decision::answer(SignInOutcome::LoginEnded);
        }
        let Some(set) = user.backup.as_ref().filter(|set| set.credential == self.credential) else {
            return Decision::answer(SignInOutcome::Stale);
        };
        let bucket = user.bucket(self.login.device.as_ref(), cx.now);
        let mut counts = user.throttle(THROTTLE);
        match throttle::status(&counts, bucket, cx.now) {
            Gate::Open { .. } => {}
            Gate::Closed { until } => return Decision::answer(SignInOutcome::Throttled { until }),
            Gate::Suspended => return Decision::answer(SignInOutcome::Suspended),
        }
        let mut change = Change::default();
        let index = set.codes.iter().position(|code| code.locator == self.locator && code.used_at.is_none());
        let Some(index) = index.filter(|_| self.right) else {
            let mut events = vec![sign_in::told(user, cx, Method::BackupCode, &SignInOutcome::Wrong)];
            if let Some((shut, closed)) = guess::count(user, cx, &mut change, bucket, THROTTLE) {
                events.push(closed);
                if shut == Shut::Authenticator {
                    let told = (THROTTLE, Notice::BackupCodesSuspended);
                    events.extend(guess::suspended(user, cx, &mut change, &self.login, told));
                }
            }
            return Decision { change, events, outcome: SignInOutcome::Wrong };
        };
        if user.throttles.contains_key(THROTTLE) {
            throttle::succeed(&mut counts, bucket);
            change.put(Item::Throttle(THROTTLE.to_owned(), counts));
        }
        let mut used = set.clone();
        used.codes[index].used_at = Some(cx.now);
        let left = used.codes.iter().filter(|code| code.used_at.is_none()).count();
        change.put(Item::Backup(used));
        let proof = Proof { method: Method::BackupCode, at: cx.now, factor: None, credential: Some(set.credential) };
        let outcome = sign_in::accept(user, cx, &mut change, &self.login, proof);
        let told = sign_in::told(user, cx, Method::BackupCode, &outcome);
        letter::notice(user, cx, &mut change, Notice::BackupCodeUsed);
        let spent = event::of(cx, "backup_code.used", user.id).with("left", left);
        Decision { change, events: vec![told, spent], outcome }
    }
}

/// A fresh set from `(locator, hash)` pairs; its id is drawn from the attempt.
pub(super) fn backup_record(cx: &Context<'_>, hashes: &[(String, String)]) -> BackupCodes {
    let code =
        |(locator, hash): &(String, String)| BackupCode { locator: locator.clone(), hash: hash.clone(), used_at: None };
    BackupCodes {
        credential: CredentialId::from_bytes(cx.attempt.seed.derive("backup set")),
        created_at: cx.now,
        saved_at: None,
        codes: hashes.iter().map(code).collect(),
        unknown: Unknown::default(),
    }
}
