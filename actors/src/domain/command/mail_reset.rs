//! A link that sets a new password, by e-mail, for whoever names an account. It goes to the account's confirmed address, and nobody
//! but its owner learns whether it was sent. The link goes no further than the password: a second factor is asked for as before.

use schema::{
    ResetId,
    record::{Channel, Reset, Unknown},
};
use serde::{Deserialize, Serialize};

use super::{Decide, Decision, IssueReset};
use crate::{
    domain::{
        change::{Change, Item, ItemKey},
        context::Context,
        event::{self, WithFact},
        letter::{self, Content, Letter},
        limits,
        user::{Areas, User},
    },
    locator::Locators,
    secret::{Secret, sha256_b64},
};

/// Who such a link was made by.
pub(super) const ISSUER: &str = "mail";

/// Send a link to the owner of this account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MailReset;

impl Decide for MailReset {
    /// Was it sent? Not for the eyes of who asked.
    type Outcome = bool;
    const NAME: &'static str = "mail_reset";
    const NEEDS: Areas = Areas::RESETS;
    /// A link is judged by the commit that uses it, wherever that runs.
    const REVOKES: bool = false;

    fn decide(&self, user: &User, cx: &Context<'_>) -> Decision<bool> {
        let account = user.active_account().filter(|account| account.email_verified && cx.settings.sends_mail);
        let Some((account, to)) = account.and_then(|account| Some((account, account.email.clone()?))) else {
            return Decision::answer(false);
        };
        let by_mail = || user.resets.values().filter(|reset| reset.issued_by == ISSUER && reset.used_at.is_none());
        let sent_at = |reset: &Reset| reset.expires_at.before(limits::RESET_LIFETIME);
        let too_early = by_mail().any(|reset| cx.now < sent_at(reset).after(limits::RESEND_AFTER));
        let Some(sends) = letter::room_for_link(user, cx.now).ok().filter(|_| !too_early) else {
            return Decision::answer(false);
        };
        let mut change = Change::default();
        // One such link at a time; one that an operator made is not for a stranger to take away.
        by_mail().for_each(|old| change.delete(ItemKey::Reset(old.reset)));
        let seed = &cx.attempt.seed;
        let (reset, secret) = (ResetId::from_bytes(seed.derive("reset")), IssueReset::secret(seed));
        let expires_at = cx.now.after(limits::RESET_LIFETIME);
        change.put(Item::Reset(Reset {
            reset,
            secret_hash: sha256_b64(&secret),
            issued_by: ISSUER.to_owned(),
            expires_at,
            used_at: None,
            unknown: Unknown::default(),
        }));
        let token = Secret::new(Locators { vault: cx.vault, entropy: cx.entropy }.reset(user.id, reset, &secret));
        let content = Content::PasswordReset { token };
        let letter =
            Letter { channel: Channel::Email, to, user_name: account.user_name.clone(), lang: cx.lang(), content };
        letter::post(user.id, cx, &mut change, (&letter, sends), expires_at);
        let event = event::of(cx, "password.reset_issued", user.id).with("reset", reset.to_string());
        Decision { change, events: vec![event.with("by", ISSUER)], outcome: true }
    }
}
