//! The challenge of a passkey's sign-in, on its way to a browser and back: sealed to the login and the browser, so that it is kept
//! nowhere until it was answered rightly, and any node can take the answer.

use actors::{
    domain::{
        command::Ceremony,
        factor::passkey::{Challenge, RelyingParty, Verification},
    },
    vault::Purpose,
};
use schema::record::PublicKey;

use super::{LoginState, Visit};
use crate::page::PasskeyAsk;

impl Visit {
    /// What a login page asks of a browser's passkeys: of these, or of any. None where the issuer has no passkeys.
    pub fn ask_passkey(
        &self,
        login: &LoginState,
        verification: Verification,
        keys: &[&PublicKey],
    ) -> Option<PasskeyAsk> {
        let services = &self.state.services;
        let rp = RelyingParty::of(&services.settings.issuer)?;
        let ceremony = Ceremony { challenge: Challenge::new(services.entropy.array()), expires_at: login.expires_at };
        // Plain structs with string keys always serialise.
        let text = serde_json::to_vec(&ceremony).expect("a ceremony is JSON");
        let request = rp.request(&ceremony.challenge, verification, keys);
        let options = serde_json::to_string(&request.public_key).expect("options are JSON");
        let aad = [login.label(), self.browser.to_string()];
        let entropy = services.entropy.as_ref();
        let sealed = services.vault.seal(Purpose::PasskeyChallenge, &[&aad[0], &aad[1]], &text, entropy);
        Some(PasskeyAsk { options, ceremony: sealed, unknown: None })
    }

    /// The challenge that this browser was sent for this login.
    pub fn open_ceremony(&self, login: &LoginState, sealed: &str) -> Option<Ceremony> {
        let aad = [login.label(), self.browser.to_string()];
        let text = self.state.services.vault.open(Purpose::PasskeyChallenge, &[&aad[0], &aad[1]], sealed).ok()?;
        serde_json::from_slice(&text).ok()
    }
}
