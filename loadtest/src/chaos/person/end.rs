//! What a person looks for when all is well again.

use std::sync::Arc;

use super::{CodeForm, MANY_SESSIONS, Person, Role};
use crate::{
    chaos::{
        history::{Kind, Verdict},
        present::Presentation,
    },
    http::{Browser, Failure},
    page::Form,
};

impl Person {
    /// Who it is, and what for.
    pub(in crate::chaos) fn called(&self) -> String {
        format!("{} ({:?})", self.name, self.role)
    }

    /// At the end, with every node up: what was acknowledged is there, and what was used is used.
    pub(in crate::chaos) async fn account_for(&mut self) -> Result<(), Failure> {
        let world = Arc::clone(&self.world);
        self.present_what_is_nearly_stale().await?;
        let current = self.session.as_ref().map(|(_, subject)| *subject);
        let newest = self.newest.take().filter(|(_, of)| Some(*of) == current && self.sign_ins < MANY_SESSIONS);
        if let Some((token, subject)) = newest {
            let secret = self.secret(Kind::RefreshToken, Some(subject), 0);
            let (verdict, _) = Presentation::token(secret, self.world.client.refreshing(&token)).present(&world).await;
            if matches!(verdict, Verdict::Accepted | Verdict::Refused) {
                world.history.kept(self.number, "the newest refresh token", verdict == Verdict::Accepted);
            }
        }
        while let Some(used) = self.used.pop() {
            used.present(&world).await;
        }
        if self.alternative.is_some() || self.role == Role::Target {
            return Ok(());
        }
        let mut browser = Browser::new(&world.http);
        let page = browser.open("login", "/login").await?.page("login")?;
        let form = Form::find(&page, "/login", "").ok_or(Failure::new("login: no form"))?;
        let fields = [("username", self.name.as_str()), ("password", &self.password.text)];
        let (verdict, answer) =
            Presentation::fields(self.password.secret, &browser, &form, &fields).present(&world).await;
        if !matches!(verdict, Verdict::Accepted | Verdict::Refused) {
            return Err(Failure::new("the end: not looked at"));
        }
        world.history.kept(self.number, "the account with its password", verdict == Verdict::Accepted);
        let Some(to) = answer.filter(|_| verdict == Verdict::Accepted) else { return Ok(()) };
        let asked = |step: &str| to.location().is_some_and(|to| to.contains(step));
        match self.role {
            Role::Guarded | Role::Victim if self.totp.is_some() => {
                world.history.kept(self.number, "the authenticator app", asked("/login/totp"));
                self.last_backup_code().await?;
            }
            Role::Keyed if self.passkey.is_some() => {
                world.history.kept(self.number, "the passkey", asked("/login/passkey"));
            }
            Role::Reached(way) if self.sends > 0 => {
                world.history.kept(self.number, "the address", asked(&format!("/login/{}", way.path())));
            }
            _ => {}
        }
        Ok(())
    }

    /// The code that was kept for the end is good, unless it is not looked at after so many that were not.
    async fn last_backup_code(&mut self) -> Result<(), Failure> {
        let Some(code) = self.last_code.clone() else { return Ok(()) };
        let (browser, form) = self.code_form(CodeForm::Backup).await?;
        let secret = self.secret(Kind::BackupCode, None, 0);
        let (verdict, _) = Presentation::form(secret, &browser, &form, &code).present(&self.world).await;
        self.last_code = None;
        if matches!(verdict, Verdict::Accepted | Verdict::Refused) {
            self.world.history.kept(self.number, "the backup code that was kept", verdict == Verdict::Accepted);
        }
        Ok(())
    }
}
