//! Registration under an e-mail address, whose mail is shown to be read before there is an account.
//!
//! ```text
//! (nothing) ── a link is sent ──► Registration item ── it is followed, a password is chosen ──► Account item
//!                                       └── an hour is over ──► (nothing)
//! ```
//!
//! Whoever asks is told the same whether the address has an account or not: if it has, its owner gets another message
//! ([`MailRegistered`]). A password is chosen only by who has the link, so nobody has one hashed for an address that is not theirs,
//! and nobody can set the password of an account that another one is going to use. The partition is that of the user to be, and
//! ends with the link unless there is an account then. The address is claimed when the account is made: of two links to one address
//! the first that is used counts.

use schema::{
    BrowserId, LoginId,
    record::{Account, Channel, HeldClaim, PendingRegistration, Unknown},
};
use serde::{Deserialize, Serialize};

use super::{Decide, Decision, register::make, sign_in::SignedIn};
use crate::{
    domain::{
        change::{Change, Item, ItemKey},
        context::Context,
        event::{self, WithFact},
        letter::{self, Content, Letter, Token},
        limits,
        user::{Areas, User},
    },
    locator::Locators,
    secret::{Secret, sha256_b64},
    vault::Purpose,
};

/// Send a link to an address that has no account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BeginRegistration {
    /// The address, as `domain::email` reads it.
    pub address: String,
    /// The login in which it began, if it did: the browser that has it goes on from there.
    pub login: Option<LoginId>,
}

impl Decide for BeginRegistration {
    /// Was it sent? Not for the eyes of who asked.
    type Outcome = bool;
    const NAME: &'static str = "begin_registration";
    const NEEDS: Areas = Areas::NONE;
    /// It only adds.
    const REVOKES: bool = false;

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<bool> {
        if user.account.is_some() || user.registration.is_some() || !cx.settings.sends_mail {
            return Decision::answer(false);
        }
        let secret: [u8; 16] = cx.attempt.seed.derive("registration link");
        let hash = sha256_b64(&secret);
        let link = cx.vault.mac_tagged(Purpose::RegistrationLink, &parts(&user.id.to_string(), &hash));
        let expires_at = cx.now.after(limits::REGISTRATION_LIFETIME);
        let mut change = Change::default();
        let (address, unknown) = (self.address.clone(), Unknown::default());
        change.put(Item::Registration(PendingRegistration { address, link, expires_at, unknown }));
        let locators = Locators { vault: cx.vault, entropy: cx.entropy };
        let token = Token(Secret::new(locators.registration(user.id, self.login, &secret)));
        let (to, content) = (self.address.clone(), Content::Registration { token });
        let letter = Letter { channel: Channel::Email, to, user_name: String::new(), lang: cx.lang(), content };
        letter::put(user.id, cx, &mut change, &letter, expires_at);
        let event = event::of(cx, "registration.begun", user.id);
        Decision { change, events: vec![event], outcome: true }
    }
}

fn parts<'a>(user: &'a str, secret_hash: &'a str) -> [&'a [u8]; 2] {
    [user.as_bytes(), secret_hash.as_bytes()]
}

/// Tell the owner of an account that somebody wanted to register under its address.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MailRegistered;

impl Decide for MailRegistered {
    /// Was it sent? Not for the eyes of who asked.
    type Outcome = bool;
    const NAME: &'static str = "mail_registered";
    const NEEDS: Areas = Areas::NONE;
    /// It only tells.
    const REVOKES: bool = false;

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<bool> {
        let account = user.active_account().filter(|account| account.email_verified && cx.settings.sends_mail);
        let to = account.and_then(|account| Some((account.user_name.clone(), account.email.clone()?)));
        let (Some((user_name, to)), Ok(sends)) = (to, letter::room_for_registered(user, cx.now)) else {
            return Decision::answer(false);
        };
        let mut change = Change::default();
        let (channel, lang, content) = (Channel::Email, cx.lang(), Content::Registered);
        let letter = Letter { channel, to, user_name, lang, content };
        let end = cx.now.after(limits::REGISTRATION_LIFETIME);
        letter::post(user.id, cx, &mut change, (&letter, sends), end);
        let event = event::of(cx, "registration.repeated", user.id);
        Decision { change, events: vec![event], outcome: true }
    }
}

/// Is the link good? Consumes nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShowRegistration {
    /// SHA-256 of the link's secret part.
    pub secret_hash: String,
}

impl Decide for ShowRegistration {
    /// The address that it was sent to.
    type Outcome = Option<String>;
    const NAME: &'static str = "show_registration";
    const NEEDS: Areas = Areas::NONE;
    /// It only looks.
    const REVOKES: bool = false;
    const LOOKS: bool = true;

    fn misses(outcome: &Self::Outcome) -> bool {
        outcome.is_none()
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<Option<String>> {
        Decision::answer(good(user, cx, &self.secret_hash).map(|pending| pending.address.clone()))
    }
}

/// The registration that this link completes, if it is good. A wrong one is not counted: its secret has 128 bits.
fn good<'a>(user: &'a User, cx: &Context<'_>, secret_hash: &str) -> Option<&'a PendingRegistration> {
    let pending = user.registration.as_ref().filter(|pending| cx.now < pending.expires_at)?;
    let id = user.id.to_string();
    let right = cx.vault.verify_mac_tagged(Purpose::RegistrationLink, &parts(&id, secret_hash), &pending.link);
    (user.account.is_none() && right.is_ok()).then_some(pending)
}

/// Who followed the link has chosen a password. The caller has claimed the address before; the claim counts once this commit
/// lists it, unless the sweeper voided it in the meantime (HAZARDS H9).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CompleteRegistration {
    /// SHA-256 of the link's secret part.
    pub secret_hash: String,
    /// The password's hash.
    pub password_hash: String,
    /// The claim of the address.
    pub claim: HeldClaim,
    /// The browser.
    pub browser: BrowserId,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CompleteRegistrationOutcome {
    /// The account exists and the browser is signed in.
    Registered(SignedIn),
    /// The claim was voided: begin anew.
    Voided,
    /// The link was used, has expired, or was never made.
    Ended,
}

impl Decide for CompleteRegistration {
    type Outcome = CompleteRegistrationOutcome;
    const NAME: &'static str = "complete_registration";
    const NEEDS: Areas = Areas::SESSIONS;
    /// It only adds.
    const REVOKES: bool = false;

    fn misses(outcome: &Self::Outcome) -> bool {
        matches!(outcome, CompleteRegistrationOutcome::Ended)
    }

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<CompleteRegistrationOutcome> {
        let Some(pending) = good(user, cx, &self.secret_hash) else {
            return Decision::answer(CompleteRegistrationOutcome::Ended);
        };
        if user.voided.contains(&self.claim.claim) {
            return Decision::answer(CompleteRegistrationOutcome::Voided);
        }
        let mut change = Change::default();
        let made = Account {
            email: Some(pending.address.clone()),
            email_verified: true,
            claims: vec![self.claim.clone()],
            ..Account::new(user.id, &pending.address, cx.now)
        };
        let signed_in = make(user, cx, &mut change, made, (&self.password_hash, self.browser));
        change.delete(ItemKey::Registration);
        let event = event::of(cx, "account.registered", user.id).with("roles", "").with("by", "email");
        Decision { change, events: vec![event], outcome: CompleteRegistrationOutcome::Registered(signed_in) }
    }
}
