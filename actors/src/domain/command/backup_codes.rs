//! Backup codes are drawn anew, and the user says to have saved them.

use schema::record::{BackupCodes, Proof};
use serde::{Deserialize, Serialize};

use super::{Decide, Decision, judge_backup_code, overview, totp_remove::forget_proofs};
use crate::domain::{
    change::{Change, Item, ItemKey},
    context::Context,
    event,
    letter::{self, Notice},
    user::{Areas, SessionRef, User, rest_on},
};

/// Draw ten new ones; the old set is void.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReplaceBackupCodes {
    /// The session.
    pub session: SessionRef,
    /// `(locator, hash)` of ten codes, drawn from the attempt's seed.
    pub backup: Vec<(String, String)>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReplaceBackupCodesOutcome {
    /// The new ones count, and are shown once.
    Replaced,
    /// There is no device that they could stand in for.
    NoDevice,
    /// The session has ended.
    SessionEnded,
    /// Fresh proofs are needed first.
    NotFresh,
}

impl Decide for ReplaceBackupCodes {
    type Outcome = ReplaceBackupCodesOutcome;
    const NAME: &'static str = "replace_backup_codes";
    const NEEDS: Areas = Areas::SESSIONS.and(Areas::LOGINS).and(Areas::CODES).and(Areas::FAMILIES).and(Areas::BACKUP);
    /// The old codes end, and proofs and families that rest on them.
    const REVOKES: bool = true;
    const SENSITIVE: bool = true;

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<ReplaceBackupCodesOutcome> {
        let Some(session) = user.live_session(&self.session, cx.now, cx.settings) else {
            return Decision::answer(ReplaceBackupCodesOutcome::SessionEnded);
        };
        if !user.has_second_factor() {
            return Decision::answer(ReplaceBackupCodesOutcome::NoDevice);
        }
        if !overview::is_fresh(user, session, cx) {
            return Decision::answer(ReplaceBackupCodesOutcome::NotFresh);
        }
        let mut change = Change::default();
        if let Some(old) = &user.backup {
            // The session that asks may have come in by one of them, and goes on with what it is doing.
            let rests = |proofs: &[Proof]| rest_on(proofs, None, Some(old.credential));
            forget_proofs(user, cx, &mut change, Some(session.session), rests);
        }
        change.put(Item::Backup(judge_backup_code::backup_record(cx, &self.backup)));
        change.delete(ItemKey::Throttle(judge_backup_code::THROTTLE.to_owned()));
        letter::notice(user, cx, &mut change, Notice::BackupCodesReplaced);
        let event = event::of(cx, "backup_codes.drawn", user.id);
        Decision { change, events: vec![event], outcome: ReplaceBackupCodesOutcome::Replaced }
    }
}

/// "I have saved these codes."
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SaveBackupCodes {
    /// The session.
    pub session: SessionRef,
}

impl Decide for SaveBackupCodes {
    /// Was there something to save, and a session to say so?
    type Outcome = bool;
    const NAME: &'static str = "save_backup_codes";
    const NEEDS: Areas = Areas::SESSIONS.and(Areas::BACKUP);
    /// It only notes.
    const REVOKES: bool = false;

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<bool> {
        let session = user.live_session(&self.session, cx.now, cx.settings);
        let Some(set) = session.and(user.backup.as_ref()) else {
            return Decision::answer(false);
        };
        let mut change = Change::default();
        if set.saved_at.is_none() {
            change.put(Item::Backup(BackupCodes { saved_at: Some(cx.now), ..set.clone() }));
        }
        Decision { change, events: Vec::new(), outcome: true }
    }
}
