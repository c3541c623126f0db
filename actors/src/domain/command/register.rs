//! Registration: the account, its password, and the session of the browser that registered, in one commit.
//!
//! The caller has claimed the user name before; the claim counts once this commit lists it, unless the sweeper voided it
//! in the meantime (HAZARDS H9).

use std::collections::BTreeSet;

use schema::{
    BrowserId, CredentialId,
    record::{Account, HeldClaim, Method, Password, Proof, Unknown},
};
use serde::{Deserialize, Serialize};

use super::{
    Decide, Decision,
    sign_in::{self, SignedIn},
};
use crate::domain::{
    change::{Change, Item},
    context::Context,
    event::{self, WithFact},
    user::{Areas, User},
};

/// Somebody chose a name and a password.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Register {
    /// The name as typed, in NFC.
    pub user_name: String,
    /// An address, unproved.
    pub email: Option<String>,
    /// The password's hash.
    pub password_hash: String,
    /// The claims made for this account: the name, and for the first administrator that too.
    pub claims: Vec<HeldClaim>,
    /// Roles; empty unless this is the first administrator.
    pub roles: BTreeSet<String>,
    /// The browser.
    pub browser: BrowserId,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum RegisterOutcome {
    /// The account exists and the browser is signed in.
    Registered(SignedIn),
    /// The claim was voided, or this id is somebody's already: begin anew.
    Voided,
}

impl Decide for Register {
    type Outcome = RegisterOutcome;
    const NAME: &'static str = "register";
    const NEEDS: Areas = Areas::SESSIONS;
    /// It only adds.
    const REVOKES: bool = false;

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<RegisterOutcome> {
        if user.account.is_some() || self.claims.iter().any(|held| user.voided.contains(&held.claim)) {
            return Decision::answer(RegisterOutcome::Voided);
        }
        let mut change = Change::default();
        let made = Account {
            email: self.email.clone(),
            roles: self.roles.clone(),
            claims: self.claims.clone(),
            ..Account::new(user.id, &self.user_name, cx.now)
        };
        let signed_in = make(user, cx, &mut change, made, (&self.password_hash, self.browser));
        let roles: Vec<&str> = self.roles.iter().map(String::as_str).collect();
        let event = event::of(cx, "account.registered", user.id).with("roles", roles.join(" "));
        Decision { change, events: vec![event], outcome: RegisterOutcome::Registered(signed_in) }
    }
}

/// Makes an account with a password, and signs its browser in.
pub(super) fn make(
    user: &User,
    cx: &Context<'_>,
    change: &mut Change,
    made: Account,
    (password_hash, browser): (&str, BrowserId),
) -> SignedIn {
    change.put(Item::Account(made));
    let credential = CredentialId::from_bytes(cx.attempt.seed.derive("password credential"));
    change.put(Item::Password(Password {
        credential,
        version: 1,
        hash: password_hash.to_owned(),
        changed_at: cx.now,
        by_mail: false,
        compromised_at: None,
        unknown: Unknown::default(),
    }));
    let device = sign_in::remember_device(user, cx, change, None);
    let proof = Proof { method: Method::Password, at: cx.now, factor: None, credential: Some(credential) };
    let session = sign_in::new_session(cx, browser, vec![proof], device);
    let signed_in = SignedIn { session: session.session, device, expires_at: session.expires_at, trusted: None };
    change.put(Item::Session(session));
    signed_in
}
