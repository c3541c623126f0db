//! A link that sets a new password, by e-mail, for whoever names an account. It goes to the account's confirmed address, and nobody
//! but its owner learns whether it was sent. The link goes no further than the password: a second factor is asked for as before.
//!
//! Who asks has proved nothing, so it takes nothing away: links that were sent before stay good until their hour is over, or one of
//! them is used, which ends all. How many there are is bounded by how many are sent.

use schema::{
    DeviceId, ResetId,
    record::{Channel, Reset, Unknown},
};
use serde::{Deserialize, Serialize};

use super::{Decide, Decision, IssueReset};
use crate::{
    domain::{
        change::{Change, Item},
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
#[serde(transparent)]
pub struct MailReset {
    /// The device that the browser says it is, of this user. From data level 4 on: without it, the command is what earlier versions
    /// know.
    pub device: Option<DeviceId>,
}

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
        let bucket = user.bucket(self.device.as_ref(), cx.now);
        let Ok(sends) = letter::room_for_link(user, bucket, cx.now) else {
            return Decision::answer(false);
        };
        let mut change = Change::default();
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

#[cfg(test)]
mod tests {
    use serde_json::{from_str, json, to_value};

    use super::*;
    use crate::domain::command::Body;

    #[test]
    fn without_a_device_it_is_the_command_that_earlier_versions_know() {
        let body = to_value(Body::from(MailReset { device: None })).expect("JSON");
        assert_eq!(body, json!({ "MailReset": null }));
        let Ok(Body::MailReset(MailReset { device: None })) = from_str(r#"{"MailReset":null}"#) else {
            panic!("it is read")
        };
    }
}
