//! What a person does, one step each: mostly something that is right once, done many times at once.

use ::http::StatusCode;
use rand::{RngExt as _, seq::IndexedRandom as _};

use super::{BURST, COOL_DOWN_AT_LEAST, CodeForm, Current, Person, STEP, Spent};
use crate::{
    chaos::{
        history::{Kind, SecretId, Subject, Verdict},
        present::Presentation,
    },
    http::{Browser, Failure},
    machine,
    page::Form,
    scenario::Tokens,
};

impl Person {
    /// Presents used things again, a few at once, and those that are only looked at in crowds.
    pub(super) async fn replay(&mut self) -> Result<(), Failure> {
        let (reads, writes): (Vec<_>, Vec<_>) = self.used.iter().partition(|used| used.is_read());
        let mut again: Vec<_> = writes.sample(&mut self.rng, 4).map(|used| Presentation::clone(used)).collect();
        for read in reads.sample(&mut self.rng, 4) {
            again.extend(std::iter::repeat_n(Presentation::clone(read), self.world.crowd));
        }
        if again.iter().any(Presentation::ends_a_family) {
            self.newest = None;
        }
        self.crowd(again).await;
        Ok(())
    }

    pub(super) async fn crowd_at_a_code(&mut self) -> Result<(), Failure> {
        let (code, subject) = self.code().await?;
        let secret = self.secret(Kind::AuthorizationCode, Some(subject), 0);
        let presentation = Presentation::token(secret, self.world.client.redemption(&code));
        self.crowd(vec![presentation.clone(); self.world.crowd]).await;
        self.keep(presentation);
        Ok(())
    }

    /// Redeems a code and uses refresh tokens one after the other; each is kept for later.
    pub(super) async fn refresh_in_turn(&mut self) -> Result<(), Failure> {
        let (mut tokens, subject, family) = self.redeemed().await?;
        for _ in 0..self.rng.random_range(1..6) {
            let secret = self.token(Kind::RefreshToken, subject, family);
            let refresh = tokens.refresh_token.ok_or(Failure::new("refresh: none given"))?;
            tokens = self.tokens(Presentation::token(secret, self.world.client.refreshing(&refresh))).await?;
        }
        let access = self.token(Kind::AccessToken, subject, family);
        let access = Presentation::access(access, &tokens.access_token);
        access.present(&self.world).await;
        self.keep(access);
        self.newest = tokens.refresh_token.map(|token| (token, subject));
        Ok(())
    }

    /// Gives a refresh token back; once that is acknowledged, nothing of its family is good at any node.
    pub(super) async fn revoke_and_look(&mut self) -> Result<(), Failure> {
        let (tokens, subject, family) = self.redeemed().await?;
        let refresh = tokens.refresh_token.ok_or(Failure::new("revoke: none given"))?;
        let access = Presentation::access(self.token(Kind::AccessToken, subject, family), &tokens.access_token);
        self.crowd(vec![access.clone(); 3]).await;
        let from = self.world.history.now();
        let body = self.world.client.revocation(&refresh);
        let answer = self.world.http.send("revoke", "/oauth/revoke", &[], Some(body)).await?;
        if answer.status != StatusCode::OK {
            return Err(Failure::status("revoke", answer.status));
        }
        self.world.history.revoked(family, from);
        let secret = self.token(Kind::RefreshToken, subject, family);
        let refresh = Presentation::token(secret, self.world.client.refreshing(&refresh));
        let both = [access, refresh];
        self.crowd(both.iter().cycle().take(self.world.crowd).cloned().collect()).await;
        for used in both {
            self.keep(used);
        }
        Ok(())
    }

    /// Tokens of a family that is new: their session and what the family ends by.
    async fn redeemed(&mut self) -> Result<(Tokens, Subject, Subject), Failure> {
        let (code, subject) = self.code().await?;
        let family = self.world.history.subject();
        let secret = self.token(Kind::AuthorizationCode, subject, family);
        let presentation = Presentation::token(secret, self.world.client.redemption(&code));
        let tokens = self.tokens(presentation).await?;
        self.newest = None;
        Ok((tokens, subject, family))
    }

    /// Presents once what gives tokens, and keeps it.
    async fn tokens(&mut self, presentation: Presentation) -> Result<Tokens, Failure> {
        let (_, answer) = presentation.present(&self.world).await;
        self.keep(presentation);
        answer.and_then(|answer| Tokens::read(&answer.body)).ok_or(Failure::new("tokens: none"))
    }

    pub(super) async fn crowd_at_a_refresh(&mut self) -> Result<(), Failure> {
        let Some((token, subject)) = self.newest.take() else { return self.refresh_in_turn().await };
        let secret = self.secret(Kind::RefreshToken, Some(subject), 0);
        let presentation = Presentation::token(secret, self.world.client.refreshing(&token));
        self.crowd(vec![presentation.clone(); self.world.crowd]).await;
        self.keep(presentation);
        Ok(())
    }

    /// Signs out; once that is acknowledged, nothing of the session is good at any node.
    pub(super) async fn sign_out_and_look(&mut self) -> Result<(), Failure> {
        let (mut browser, subject) = self.signed_in().await?;
        let cookie = Presentation::session(self.secret(Kind::Session, Some(subject), 0), &browser);
        self.crowd(vec![cookie.clone(); 3]).await;
        let page = browser.open("account", "/account").await?.page("account")?;
        let form = Form::find(&page, "/logout", "").ok_or(Failure::new("logout: no form"));
        let Ok(form) = form else {
            self.session = None;
            return Err(Failure::new("logout: not signed in"));
        };
        let from = self.world.history.now();
        let answer = browser.step("logout", &form.action, Some(form.filled(&[]))).await;
        // Whatever comes of it, this session is not used on.
        self.session = None;
        self.newest = self.newest.take().filter(|(_, of)| *of != subject);
        if answer.is_ok_and(|answer| answer.location().is_some_and(|to| to.ends_with("/logout"))) {
            self.world.history.revoked(subject, from);
            self.crowd(vec![cookie.clone(); self.world.crowd]).await;
            self.replay().await?;
        }
        self.keep(cookie);
        Ok(())
    }

    /// Changes the password; once that is acknowledged, the old one is good nowhere, and neither are other sessions.
    pub(super) async fn change_password(&mut self) -> Result<(), Failure> {
        let (mut browser, _) = self.signed_in().await?;
        let (other, _) = self.with_password().await?;
        let elsewhere = self.world.history.subject();
        let other = Presentation::session(self.secret(Kind::Session, Some(elsewhere), 0), &other);
        other.present(&self.world).await;
        let page = browser.open("password", "/account/password").await?.page("password")?;
        let form = Form::find(&page, "/account/password", "").ok_or(Failure::new("password: no form"))?;
        let next = format!("lantern harbour violin {} {}", self.number, self.rng.random::<u32>());
        let fields = [("current_password", self.password.text.as_str()), ("new_password", &next)];
        // Tokens that rest on the old password end with it, also when the answer is lost.
        self.newest = None;
        let from = self.world.history.now();
        let answer = browser.step("password", &form.action, Some(form.filled(&fields))).await;
        let changed = answer.as_ref().is_ok_and(|answer| answer.location().is_some());
        let fresh = Current::new(&self.world.history, self.number, next);
        let Ok(answer) = answer.map_err(drop).and_then(|answer| if changed { Ok(answer) } else { Err(()) }) else {
            // Lost, or refused with the change stored and not yet known everywhere: one of the two is in force.
            self.alternative = Some(fresh);
            return Err(Failure::new("password: not acknowledged"));
        };
        browser.take(&answer);
        self.alternative = None;
        let old = std::mem::replace(&mut self.password, fresh);
        self.session = self.session.take().map(|(_, subject)| (browser, subject));
        self.world.history.revoked(old.subject, from);
        self.world.history.revoked(elsewhere, from);
        self.crowd(vec![other; 3]).await;
        let mut elsewhere = Browser::new(&self.world.http);
        let page = elsewhere.open("login", "/login").await?.page("login")?;
        let form = Form::find(&page, "/login", "").ok_or(Failure::new("login: no form"))?;
        let fields = [("username", self.name.as_str()), ("password", &old.text)];
        Presentation::fields(old.secret, &elsewhere, &form, &fields).present(&self.world).await;
        Ok(())
    }

    /// One code in several logins, several times in each; then the one before it, which came too late.
    pub(super) async fn crowd_at_a_totp_code(&mut self) -> Result<(), Failure> {
        let Some((step, code, before)) = self.next_totp() else { return self.type_again().await };
        let secret = self.totp_code(step);
        self.crowd_in_logins(secret, &code, CodeForm::Totp, 2).await?;
        self.spend(secret, code, CodeForm::Totp);
        let secret = self.totp_code(step - 1);
        self.spend(secret, before, CodeForm::Totp);
        Ok(())
    }

    /// The next code that was not typed yet and may be good now, with its step and the code before it.
    pub(super) fn next_totp(&mut self) -> Option<(u64, String, String)> {
        let now = machine::unix_secs() / STEP;
        let (totp, last) = self.totp.as_mut()?;
        let step = now.max(*last + 1);
        // One step ahead is taken, no more.
        if step > now + 1 {
            return None;
        }
        *last = step;
        let [code, before] = [step, step - 1].map(|step| totp.generate(step * STEP).to_string());
        Some((step, code, before))
    }

    /// The secret that is the code of a step.
    pub(super) fn totp_code(&mut self, step: u64) -> SecretId {
        let fresh = self.secret(Kind::TotpCode, None, step);
        *self.typed.entry(step).or_insert(fresh)
    }

    pub(super) async fn crowd_at_a_backup_code(&mut self) -> Result<(), Failure> {
        let Some(code) = self.backup_codes.pop() else { return Ok(()) };
        let secret = self.secret(Kind::BackupCode, None, 0);
        self.crowd_in_logins(secret, &code, CodeForm::Backup, 3).await?;
        self.spend(secret, code, CodeForm::Backup);
        Ok(())
    }

    /// Types a code in so many logins at once, in each of them over and over.
    async fn crowd_in_logins(
        &mut self,
        secret: SecretId,
        code: &str,
        form: CodeForm,
        logins: usize,
    ) -> Result<(), Failure> {
        let mut begun = Vec::new();
        for _ in 0..logins {
            begun.push(self.code_form(form).await?);
        }
        let presentation = |(browser, form): &(Browser, Form)| Presentation::form(secret, browser, form, code);
        let crowd: Vec<_> = begun.iter().cycle().take(self.world.crowd).map(presentation).collect();
        self.crowd(crowd).await;
        Ok(())
    }

    /// Types a code that was used, in a login that began after that.
    pub(super) async fn type_again(&mut self) -> Result<(), Failure> {
        let Some(Spent { secret, code, form }) = self.spent.choose(&mut self.rng).cloned() else { return Ok(()) };
        let (browser, form) = self.code_form(form).await?;
        self.crowd(vec![Presentation::form(secret, &browser, &form, &code); 2]).await;
        Ok(())
    }

    /// Somebody who has the password tries codes, as many as the servers take.
    pub(super) async fn be_guessed_at(&mut self) -> Result<(), Failure> {
        let (browser, page) = self.with_password().await?;
        let form = page.and_then(|page| Form::find(&page, "/login/totp", ""));
        let form = form.ok_or(Failure::new("guess: not asked for"))?;
        let Some((totp, _)) = &self.totp else { return Ok(()) };
        let now = machine::unix_secs() / STEP;
        let near: Vec<_> = (now - 3..=now + 5).map(|step| totp.generate(step * STEP).to_string()).collect();
        let wrong = (0..=near.len()).map(|code| format!("{code:06}")).find(|code| !near.contains(code));
        let wrong = wrong.ok_or(Failure::new("guess: every code is right"))?;
        self.guess(Kind::TotpGuess, (&browser, &form), &wrong).await;
        Ok(())
    }

    /// The same with backup codes: one that is right but for its end, so that it is looked for among this person's.
    pub(super) async fn be_guessed_at_by_backup_codes(&mut self) -> Result<(), Failure> {
        let Some(code) = self.backup_codes.last() else { return Ok(()) };
        let end = if code.ends_with('0') { '1' } else { '0' };
        let wrong = format!("{}{end}", &code[..code.len() - 1]);
        let (browser, form) = self.code_form(CodeForm::Backup).await?;
        self.guess(Kind::BackupGuess, (&browser, &form), &wrong).await;
        Ok(())
    }

    /// Types a wrong code over and over, as many times at once as it goes.
    pub(super) async fn guess(&mut self, kind: Kind, (browser, form): (&Browser, &Form), wrong: &str) {
        for _ in 0..self.rng.random_range(2..6) {
            let secret = self.secret(kind, None, 0);
            let presentation = Presentation::form(secret, browser, form, wrong);
            self.crowd(vec![presentation; self.world.crowd]).await;
        }
    }

    /// Five wrong passwords, then the right one from the same stranger, which must wait. Once in a life.
    pub(super) async fn be_locked_out(&mut self) -> Result<(), Failure> {
        let mut browser = Browser::new(&self.world.http);
        let page = browser.open("login", "/login").await?.page("login")?;
        let form = Form::find(&page, "/login", "").ok_or(Failure::new("login: no form"))?;
        let typed = |secret, password: &str| {
            Presentation::fields(secret, &browser, &form, &[("username", self.name.as_str()), ("password", password)])
        };
        let wrong = self.secret(Kind::WrongPassword, None, 0);
        let wrong = typed(wrong, "one that is not right");
        let right = typed(self.secret(Kind::LatePassword, None, 0), &self.password.text);
        let began = self.world.history.now();
        let refused = self.crowd(vec![wrong; self.world.crowd]).await;
        if refused.iter().filter(|verdict| **verdict == Verdict::Refused).count() < BURST {
            return Err(Failure::new("target: not locked out"));
        }
        // The fifth was counted after all of them began; nothing is said of answers that come when it may be over.
        right.present_before(&self.world, began + COOL_DOWN_AT_LEAST).await;
        Ok(())
    }
}
