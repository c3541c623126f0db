//! Browsers that are trusted: cookies that are good once, or again for a minute, and end all of their series if they come later.

use std::time::Duration;

use rand::RngExt as _;

use super::{BURST, CodeForm, Person};
use crate::{
    chaos::{
        history::{Kind, SecretId, Subject, Verdict},
        present::{Presentation, TRUSTED},
    },
    http::{Answer, Browser, Failure},
    page::Form,
};

/// The cookie before the newest is taken for a minute; the clocks that judge it may be set 4 s each way meanwhile. In microseconds.
const STALE_AFTER: u64 = 70_000_000;
/// How long somebody who has nothing left to do waits before looking whether a cookie is stale.
const PAUSE: Duration = Duration::from_millis(200);

/// A browser that is trusted and has used that once.
struct Trusted {
    browser: Browser,
    /// What ends with the trust.
    trust: Subject,
    /// The cookie that it was given first, used.
    first: Browser,
    used: Presentation,
    /// The one that took its place.
    second: Browser,
}

/// A used cookie, which is left alone until it is stale, and the one that took its place, which is still good.
#[derive(Debug)]
pub(super) struct Stale {
    first: Browser,
    second: Browser,
    trust: Subject,
    since: u64,
}

impl Person {
    /// One step of somebody with an app and backup codes.
    pub(super) async fn step_guarded(&mut self) -> Result<(), Failure> {
        // First of all, for it takes longer than all the rest.
        if self.steps == 1 {
            return self.leave_one_to_go_stale().await;
        }
        if self.stale.as_ref().is_some_and(|stale| stale.due() < self.world.history.now()) {
            return self.present_what_is_stale().await;
        }
        if self.backup_codes.is_empty() {
            tokio::time::sleep(PAUSE).await;
            return Ok(());
        }
        match self.rng.random_range(0..11) {
            0 | 1 => self.crowd_at_a_totp_code().await,
            2 => self.crowd_at_a_backup_code().await,
            3 => self.crowd_at_a_code().await,
            4 => self.refresh_in_turn().await,
            5 => self.sign_out_and_look().await,
            6 | 7 => self.type_again().await,
            8 | 9 => self.trust_and_look().await,
            _ => self.replay().await,
        }
    }

    /// Trusts a browser and uses that; `None` if no code is at hand.
    async fn trusted(&mut self) -> Result<Option<Trusted>, Failure> {
        let Some((step, code, _)) = self.next_totp() else { return Ok(None) };
        let secret = self.totp_code(step);
        let (mut browser, form) = self.code_form(CodeForm::Totp).await?;
        let presentation = Presentation::fields(secret, &browser, &form, &[("code", &code), ("trust", "on")]);
        let (verdict, answer) = presentation.present(&self.world).await;
        self.spend(secret, code, CodeForm::Totp);
        let answer = answer.filter(|_| verdict == Verdict::Accepted).ok_or(Failure::new("trust: not signed in"))?;
        browser.take(&answer);

        let trust = self.world.history.subject();
        let first = browser.only(TRUSTED);
        let secret = self.secret(Kind::TrustedDevice, Some(trust), 0);
        let (used, answer) = self.trusting(secret, &first).await?;
        let mut second = first.clone();
        second.take(&answer.ok_or(Failure::new("trust: not taken"))?);
        Ok(Some(Trusted { browser, trust, first, used, second: second.only(TRUSTED) }))
    }

    /// Trusts a browser, and keeps its first cookie until that is stale. Nothing else ends the trust meanwhile.
    async fn leave_one_to_go_stale(&mut self) -> Result<(), Failure> {
        let Some(Trusted { trust, first, second, .. }) = self.trusted().await? else { return Ok(()) };
        self.stale = Some(Stale { first, second, trust, since: self.world.history.now() });
        Ok(())
    }

    /// Trusts a browser, uses that twice, and ends it everywhere; or leaves the first cookie to go stale.
    async fn trust_and_look(&mut self) -> Result<(), Failure> {
        if self.stale.is_some() {
            return self.crowd_at_a_code().await;
        }
        if self.rng.random() {
            return self.leave_one_to_go_stale().await;
        }
        let Some(Trusted { mut browser, trust, used, second, .. }) = self.trusted().await? else {
            return self.crowd_at_a_code().await;
        };
        self.crowd(vec![used.clone(); 3]).await;
        let secret = self.secret(Kind::TrustedDevice, Some(trust), 0);
        let (new, _) = self.trusting(secret, &second).await?;

        let page = browser.open("end", "/account/sessions").await?.page("end")?;
        let form = Form::find(&page, "/account/sessions/end-all", "").ok_or(Failure::new("end: no form"))?;
        let session = self.session.take();
        self.newest = None;
        let from = self.world.history.now();
        let answer = browser.step("end", &form.action, Some(form.filled(&[]))).await?;
        if !answer.location().is_some_and(|to| to.ends_with("/logout")) {
            return Err(Failure::new("end: not acknowledged"));
        }
        self.world.history.revoked(trust, from);
        if let Some((_, session)) = session {
            self.world.history.revoked(session, from);
        }
        self.crowd([used, new].iter().cycle().take(2 * BURST).cloned().collect()).await;
        Ok(())
    }

    /// The password in a browser that says it is trusted; and the answer, if that was enough.
    async fn trusting(&self, secret: SecretId, browser: &Browser) -> Result<(Presentation, Option<Answer>), Failure> {
        let mut browser = browser.clone();
        let page = browser.open("login", "/login").await?.page("login")?;
        let form = Form::find(&page, "/login", "").ok_or(Failure::new("login: no form"))?;
        let fields = [("username", self.name.as_str()), ("password", self.password.text.as_str())];
        let presentation = Presentation::fields(secret, &browser, &form, &fields);
        let (verdict, answer) = presentation.present(&self.world).await;
        Ok((presentation, answer.filter(|_| verdict == Verdict::Accepted)))
    }

    /// A cookie that another one took the place of more than a minute ago is worth nothing, and whoever sends it ends the trust: the
    /// other one is worth nothing either from then on.
    async fn present_what_is_stale(&mut self) -> Result<(), Failure> {
        let Some(Stale { first, second, trust, .. }) = &self.stale else { return Ok(()) };
        let (first, second, trust) = (first.clone(), second.clone(), *trust);
        let secret = self.secret(Kind::StaleTrust, None, 0);
        let from = self.world.history.now();
        let (stale, _) = self.trusting(secret, &first).await?;
        if !self.world.history.was_refused(secret) {
            // Not looked at, or worse; it is as stale the next time.
            return Err(Failure::new("stale: not looked at"));
        }
        self.world.history.revoked(trust, from);
        self.stale = None;
        let secret = self.secret(Kind::TrustedDevice, Some(trust), 0);
        let (newest, _) = self.trusting(secret, &second).await?;
        self.crowd([newest, stale].iter().cycle().take(BURST).cloned().collect()).await;
        Ok(())
    }

    /// The same at the end. If nobody has done it yet, the rest of its minute is waited for: a run without it shows less than it should.
    pub(super) async fn present_what_is_nearly_stale(&mut self) -> Result<(), Failure> {
        let Some(stale) = &self.stale else { return Ok(()) };
        let left = stale.due().saturating_sub(self.world.history.now());
        if left > 0 && self.world.history.story().refused(Kind::StaleTrust) > 0 {
            self.stale = None;
            return Ok(());
        }
        tokio::time::sleep(Duration::from_micros(left)).await;
        self.present_what_is_stale().await
    }
}

impl Stale {
    /// When its minute is over, by every clock.
    const fn due(&self) -> u64 {
        self.since + STALE_AFTER
    }
}
