//! People whose second step is sent to them, or carried by them: codes and links by mail, codes by text message, passkeys,
//! browsers that are trusted.

use std::net::SocketAddr;

use actors::testing::SoftKey;

use super::World;
use crate::{
    browser::Browser,
    http::{Gone, Request},
    inbox::Inbox,
    person::{Person, passkey_options, signed_in},
};

/// What takes the place of the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    CodeByMail,
    LinkByMail,
    CodeByText,
    Passkey,
    TrustedBrowser,
}

/// One of them for each kind of life.
pub(super) const WAYS: [Way; 5] =
    [Way::CodeByMail, Way::LinkByMail, Way::CodeByText, Way::Passkey, Way::TrustedBrowser];

/// What one person was told had happened.
#[derive(Debug)]
pub(super) struct Carried {
    way: Way,
    /// Its proof signed in, and what was presented for that.
    used: Option<Request>,
    /// Another proof, in a login of its own, which was never presented.
    unused: Option<Request>,
    /// The browser that is trusted, with a cookie that was never presented.
    trusted: Option<Browser>,
}

/// What somebody holds who signs in again and again.
struct Holder {
    way: Way,
    inbox: Inbox,
    address: String,
    key: Option<SoftKey>,
}

impl Way {
    /// As paths name it, and the field that takes an address.
    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::CodeByText => ("sms", "phone"),
            _ => ("email", "email"),
        }
    }
}

impl Carried {
    pub(super) const fn by(way: Way) -> Self {
        Self { way, used: None, unused: None, trusted: None }
    }

    /// Enrols, signs in by it, and has one more proof to do so.
    pub(super) fn live(&mut self, world: &World, person: &mut Person, number: u64) -> Result<(), Gone> {
        if self.way == Way::TrustedBrowser {
            return self.live_trusted(world, person);
        }
        let mut holder = Holder::enrol(self.way, person, number)?;
        world.acknowledged();
        let proof = holder.proof(person)?;
        let answer = proof.send(world.site)?;
        assert!(answer.gives("dw_session="), "{:?}: {answer}", self.way);
        self.used = Some(proof);
        world.acknowledged();
        self.unused = Some(holder.proof(person)?);
        world.acknowledged();
        Ok(())
    }

    /// Trusts a browser and uses that, which gives its next cookie.
    fn live_trusted(&mut self, world: &World, person: &mut Person) -> Result<(), Gone> {
        let authenticator = person.enrol()?;
        world.acknowledged();
        let (mut browser, page) = person.challenged()?;
        let fields = [("code", &*authenticator.code()), ("trust", "on")];
        let answer = browser.fill(&page, "/login/totp", &fields).send(world.site)?;
        assert!(answer.gives("dw_trusted_"), "{answer}");
        browser.keep(&answer);
        self.trusted = Some(browser.clone());
        world.acknowledged();
        sign_out(&mut browser)?;
        let proof = in_trusted(person, &mut browser)?;
        // Until it is answered nobody knows which cookie is the newest.
        self.trusted = None;
        let answer = proof.send(world.site)?;
        assert!(signed_in(&answer) && answer.gives("dw_trusted_"), "{answer}");
        browser.keep(&answer);
        (self.used, self.trusted) = (Some(proof), Some(browser));
        world.acknowledged();
        Ok(())
    }

    /// Holds the server to what it said before it was killed.
    pub(super) fn hold(&self, person: &Person, site: SocketAddr) -> Result<(), Gone> {
        let way = self.way;
        // First the newest: once it was used, the one before it is worth nothing at all.
        if let Some(mut browser) = self.trusted.clone() {
            browser.site = site;
            sign_out(&mut browser)?;
            let answer = in_trusted(person, &mut browser)?.send(site)?;
            assert!(signed_in(&answer) && answer.gives("dw_trusted_"), "the trust in a browser is lost: {answer}");
        }
        if let Some(used) = &self.used {
            let answer = used.send(site)?;
            let twice = answer.gives(if way == Way::TrustedBrowser { "dw_trusted_" } else { "dw_session=" });
            assert!(!twice, "{way:?} is good twice: {answer}");
        }
        if let Some(unused) = &self.unused {
            let answer = unused.send(site)?;
            assert!(answer.gives("dw_session="), "{way:?} is lost: {answer}");
            let answer = unused.send(site)?;
            assert!(!answer.gives("dw_session="), "{way:?} is good twice: {answer}");
        }
        Ok(())
    }
}

impl Holder {
    /// Adds an address, or makes a passkey, and confirms it.
    fn enrol(way: Way, person: &mut Person, number: u64) -> Result<Self, Gone> {
        let (path, field) = way.names();
        let mut holder = Self { way, inbox: Inbox::default(), address: String::new(), key: None };
        let page = if way == Way::Passkey {
            let (page, key, made) = person.make_passkey()?;
            holder.key = Some(key);
            person.browser.submit(&page, "/account/mfa/passkey/*/confirm", &[("answer", &made)])?
        } else {
            let by_text = way == Way::CodeByText;
            holder.address =
                if by_text { format!("+49151{number:08}") } else { format!("{}@mail.example", person.name) };
            let page = person.add_address(path, (field, &holder.address))?;
            let (code, _) = holder.sent(person)?;
            let confirm = format!("/account/mfa/{path}/*/confirm");
            person.browser.submit(&page, &confirm, &[("code", &code)])?
        };
        assert!(page.body.contains("Save your backup codes"), "{page}");
        person.browser.submit(&page, "/account/mfa/backup-codes/saved", &[("saved", "yes")])?;
        Ok(holder)
    }

    /// The next code, and the link beside it in a mail.
    fn sent(&mut self, person: &Person) -> Result<(String, Option<String>), Gone> {
        let code = self.inbox.code(person, &self.address)?;
        let in_mail = self.way != Way::CodeByText;
        Ok((code, if in_mail { Some(self.inbox.link(person, &self.address)?) } else { None }))
    }

    /// What signs in, in a login of its own.
    fn proof(&mut self, person: &Person) -> Result<Request, Gone> {
        if let Some(key) = &mut self.key {
            let mut browser = Browser::new(person.browser.site);
            let page = browser.open("/login")?;
            let signed = key.sign(&passkey_options(&page)).to_string();
            return Ok(browser.fill(&page, "/login/passkey", &[("answer", &signed)]));
        }
        let (mut browser, page) = person.password()?;
        let (code, link) = self.sent(person)?;
        let (path, _) = self.way.names();
        match link.filter(|_| self.way == Way::LinkByMail) {
            Some(link) => {
                let page = browser.open(&link)?;
                Ok(browser.fill(&page, "/login/link", &[]))
            }
            None => Ok(browser.fill(&page, &format!("/login/{path}"), &[("code", &code)])),
        }
    }
}

/// Name and password, in a browser where nobody is signed in.
fn in_trusted(person: &Person, browser: &mut Browser) -> Result<Request, Gone> {
    let page = browser.open("/login")?;
    Ok(browser.fill(&page, "/login", &[("username", &person.name), ("password", &person.password)]))
}

/// Signs out, unless the server was killed when it had done so and nobody was told.
fn sign_out(browser: &mut Browser) -> Result<(), Gone> {
    let page = browser.open("/account")?;
    if page.body.contains("Sign out") { browser.submit(&page, "/logout", &[]).map(drop) } else { Ok(()) }
}
