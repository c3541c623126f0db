//! The recovery of an account whose factors are lost, and what may complete it.

use std::time::Duration;

use actors::domain::{
    command::{
        BeginRecovery, CancelOutcome, CancelRecovery, CancelWith, CompleteRecovery, LoginRef, RecoveryView,
        SendOutcome, SendRecoveryCode, SignInOutcome, VerifySentCodeOutcome,
    },
    factor::totp::Code,
    letter::{Content, Letter},
    recovery::OPEN_FOR,
    user::User,
};
use schema::Timestamp;

use super::Model;

pub(super) const WAIT: Duration = Duration::from_hours(3 * 24);

/// Somebody whose address was confirmed.
pub(super) fn reached(user: &mut User) {
    let account = user.account.as_mut().expect("an account");
    (account.email, account.email_verified) = (Some("ada@example.org".to_owned()), true);
}

impl Model {
    pub(super) fn begin_recovery(&mut self) {
        let login = self.login(false);
        let (view, _) = self.decide(&BeginRecovery { login, policies: Vec::new() });
        match (view, self.recovery) {
            (RecoveryView::Waiting { begun_at, .. }, None) => {
                assert_eq!(begun_at, self.now);
                self.recovery = Some(begun_at);
            }
            (RecoveryView::Waiting { begun_at, due_at }, Some(known)) => {
                let again = known != begun_at;
                assert!(!again || self.now >= known.after(WAIT).after(OPEN_FOR), "begun again while one waits");
                assert_eq!(due_at, begun_at.after(WAIT));
                self.recovery = Some(begun_at);
            }
            _ => {}
        }
    }

    pub(super) fn send_recovery(&mut self) {
        let login = self.login(false);
        let (outcome, _) = self.decide(&SendRecoveryCode { login: login.clone(), policies: Vec::new() });
        if matches!(outcome, SendOutcome::Sent) {
            assert!(self.is_due(), "a code was sent too early, or too late");
            self.sent = self.newest_code().map(|code| (login, code));
        }
    }

    pub(super) fn complete_recovery(&mut self, right: bool) {
        let Some((login, code)) = self.sent.clone() else { return };
        let typed = if right { code } else { another(&code) };
        let of = LoginRef { login: login.login, ..self.login(false) };
        let sessions = self.sessions.len();
        let (outcome, attempt) = self.decide(&CompleteRecovery { login: of, code: typed, policies: Vec::new() });
        let VerifySentCodeOutcome::Judged(SignInOutcome::SignedIn(signed_in)) = outcome else { return };
        assert!(right && self.is_due(), "completed by a wrong code, or what was not due, or cancelled");
        assert!(!self.user.has_second_factor() && self.user.backup.is_none() && self.user.trusted.is_empty());
        assert_eq!(self.user.sessions.len(), 1, "of {sessions} sessions one is left");
        self.signed_in(&signed_in, &attempt);
        (self.recovery, self.sent, self.login) = (None, None, None);
    }

    pub(super) fn cancel_recovery(&mut self) {
        let (outcome, _) = self.decide(&CancelRecovery { with: CancelWith::Operator, confirmed: true });
        if outcome == CancelOutcome::Cancelled {
            self.recovery = None;
        }
    }

    /// Was a recovery completed last?
    pub(crate) fn is_recovered(&self) -> bool {
        let newest = self.sessions.first().and_then(|of| self.user.sessions.get(&of.session));
        let mailed = |session: &schema::record::Session| {
            session.proofs.iter().any(|proof| proof.method == schema::record::Method::EmailCode)
        };
        self.user.sessions.len() == 1 && newest.is_some_and(mailed)
    }

    /// Is there one that nothing has ended, in the week after its wait?
    fn is_due(&self) -> bool {
        let due = |begun: Timestamp| begun.after(WAIT) <= self.now && self.now < begun.after(WAIT).after(OPEN_FOR);
        self.recovery.is_some_and(due)
    }

    fn newest_code(&self) -> Option<Code> {
        let mut newest = None;
        for message in self.user.messages.values() {
            if let Some(Content::RecoveryCode { code, .. }) =
                Letter::open(&self.vault, self.user.id, message).map(|letter| letter.content)
                && newest.as_ref().is_none_or(|(at, _)| *at < message.created_at)
            {
                newest = Some((message.created_at, code));
            }
        }
        newest.map(|(_, code)| code)
    }
}

fn another(code: &Code) -> Code {
    let text = String::from(code.clone());
    let last = (text.as_bytes()[5] - b'0' + 1) % 10;
    actors::domain::factor::totp::parse_code(&format!("{}{last}", &text[..5])).expect("six digits")
}
