//! Second factors that are reached or carried: codes by text message and by mail, the links beside those, and passkeys.

use super::{CodeForm, Person};
use crate::{
    chaos::{
        history::{Kind, SecretId},
        present::Presentation,
        soft_key::SoftKey,
    },
    http::{Browser, Failure},
    page::{self, Form},
};

/// Messages that one user may cause in an hour from browsers that are not known: 10, and the last is not waited for.
pub(super) const MAX_SENDS: usize = 9;
/// The way by which codes come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chaos) enum Way {
    Sms,
    Email,
}

impl Way {
    /// As paths name it.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Email => "email",
        }
    }

    /// The field of the form that adds an address.
    const fn field(self) -> &'static str {
        match self {
            Self::Sms => "phone",
            Self::Email => "email",
        }
    }

    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::Sms => Kind::SmsCode,
            Self::Email => Kind::EmailCode,
        }
    }

    /// Where this person gets codes.
    pub(super) fn address(self, person: usize) -> String {
        match self {
            Self::Sms => format!("+49151{person:08}"),
            Self::Email => format!("somebody-{person}@mail.example"),
        }
    }
}

impl Person {
    pub(super) async fn enrol_address(&mut self, way: Way) -> Result<(), Failure> {
        let Some((browser, _)) = &mut self.session else { return Ok(()) };
        let address = way.address(self.number);
        let (add, name) = (format!("/account/mfa/{}", way.path()), way.path());
        let page = browser.open("address", "/account/mfa").await?.page("address")?;
        let page = browser.submit("address", Form::find(&page, &add, name), &[(way.field(), &address)]).await?;
        let page = page.page("address")?;
        let form = Form::find(&page, &add, "/confirm");
        let code = self.world.inbox.code(&address, &mut self.codes).await?;
        let secret = self.secret(way.kind(), None, 0);
        let Some((browser, _)) = &mut self.session else { return Ok(()) };
        let from = self.world.history.now();
        let page = browser.submit("address", form, &[("code", &code)]).await?.page("address")?;
        self.world.history.accepted(secret, from);
        browser.submit("saved", Form::find(&page, "/account/mfa/backup-codes/saved", ""), &[("saved", "yes")]).await?;
        self.spend(secret, code, CodeForm::Sent(way));
        self.sends = 1;
        Ok(())
    }

    pub(super) async fn crowd_at_a_sent_code(&mut self, way: Way) -> Result<(), Failure> {
        let (browser, form) = self.code_form(CodeForm::Sent(way)).await?;
        let code = self.world.inbox.code(&way.address(self.number), &mut self.codes).await?;
        let secret = self.secret(way.kind(), None, 0);
        let mut ways = vec![Presentation::form(secret, &browser, &form, &code)];
        // Code and link are one secret: whichever is taken first, the other is worth nothing.
        if way == Way::Email {
            ways.push(self.link_beside(secret, &code, browser).await?);
        }
        self.crowd(ways.iter().cycle().take(self.world.crowd).cloned().collect()).await;
        for presentation in ways {
            self.keep(presentation);
        }
        self.spend(secret, code, CodeForm::Sent(way));
        Ok(())
    }

    /// Somebody who has the password tries codes in the place of the one that was sent.
    pub(super) async fn guess_at_a_sent_code(&mut self, way: Way) -> Result<(), Failure> {
        let (browser, form) = self.code_form(CodeForm::Sent(way)).await?;
        let code = self.world.inbox.code(&way.address(self.number), &mut self.codes).await?;
        let end = if code.ends_with('0') { '1' } else { '0' };
        let wrong = format!("{}{end}", &code[..code.len() - 1]);
        self.guess(Kind::SentGuess, (&browser, &form), &wrong).await;
        Ok(())
    }

    /// The button of the link beside a code, in the browser of the login.
    async fn link_beside(&self, secret: SecretId, code: &str, mut browser: Browser) -> Result<Presentation, Failure> {
        let link = self.world.inbox.link_beside(code, &Way::Email.address(self.number));
        let link = link.ok_or(Failure::new("link: none in the message"))?;
        let page = browser.open("link", &link).await?.page("link")?;
        let form = Form::find(&page, "/login/link", "").ok_or(Failure::new("link: no button"))?;
        Ok(Presentation::fields(secret, &browser, &form, &[]))
    }

    pub(super) async fn enrol_passkey(&mut self) -> Result<(), Failure> {
        let Some((browser, _)) = &mut self.session else { return Ok(()) };
        let page = browser.open("passkey", "/account/mfa").await?.page("passkey")?;
        let form = Form::find(&page, "/account/mfa/passkey", "passkey");
        let page = browser.submit("passkey", form, &[("passkey_name", "Laptop")]).await?.page("passkey")?;
        let options = page::passkey_options(&page).ok_or(Failure::new("passkey: no options"))?;
        let origin = &self.world.http.target.origin;
        let (key, answer) = SoftKey::make(&options, origin).map_err(|_| Failure::new("passkey: not made"))?;
        let form = Form::find(&page, "/account/mfa/passkey/", "/confirm");
        let page = browser.submit("passkey", form, &[("answer", &answer)]).await?.page("passkey")?;
        browser.submit("saved", Form::find(&page, "/account/mfa/backup-codes/saved", ""), &[("saved", "yes")]).await?;
        self.passkey = Some(key);
        Ok(())
    }

    /// One answer to one challenge, over and over.
    pub(super) async fn crowd_at_an_answer(&mut self) -> Result<(), Failure> {
        let mut browser = Browser::new(&self.world.http);
        let page = browser.open("login", "/login").await?.page("login")?;
        let (form, options) = (Form::find(&page, "/login/passkey", ""), page::passkey_options(&page));
        let (Some(form), Some(options), Some(key)) = (form, options, &self.passkey) else {
            return Err(Failure::new("passkey: not asked for"));
        };
        let answer = key.sign(&options).map_err(|_| Failure::new("passkey: not signed"))?;
        let secret = self.secret(Kind::PasskeyAnswer, None, 0);
        let presentation = Presentation::fields(secret, &browser, &form, &[("answer", &answer)]);
        self.crowd(vec![presentation.clone(); self.world.crowd]).await;
        self.keep(presentation);
        Ok(())
    }
}
