//! Passwords that are changed in a session, and by a link.

use actors::{
    domain::command::{ChangePassword, ChangePasswordOutcome, IssueReset, IssueResetOutcome, ResetPassword},
    secret::sha256_b64,
};

use super::Model;

impl Model {
    pub(super) fn change_password(&mut self, session: u8, right: bool) {
        let current = self.user.password.clone().expect("never without");
        let command = ChangePassword {
            session: self.session(session),
            credential: current.credential,
            version: current.version,
            right,
            new_hash: "another".to_owned(),
        };
        let (outcome, attempt) = self.decide(&command);
        if let ChangePasswordOutcome::Changed(signed_in) = outcome {
            assert!(right);
            self.signed_in(&signed_in, &attempt);
            self.recovery = None;
        }
    }

    pub(super) fn reset_password(&mut self) {
        let (IssueResetOutcome::Issued { reset, .. }, attempt) = self.decide(&IssueReset) else { return };
        let secret_hash = sha256_b64(&IssueReset::secret(&attempt.seed));
        self.decide(&ResetPassword { reset, secret_hash, new_hash: Some("reset".to_owned()) });
        self.recovery = None;
    }
}
