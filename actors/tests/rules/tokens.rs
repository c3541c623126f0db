//! Codes and tokens that applications are given, and give back.

use actors::{
    domain::{
        command::{Authorize, AuthorizeOutcome, Grant, RedeemCode, RedeemOutcome, Refresh, Requirement, RevokeToken},
        context::Attempt,
    },
    secret::sha256_b64,
};
use schema::ClientId;

use super::{Model, Token};

impl Model {
    pub(super) fn authorize(&mut self, session: u8, other: bool, offline: bool) {
        let client: ClientId = if other { "c_other" } else { "c_shop" }.parse().expect("a client id");
        let scopes = if offline { "openid offline_access" } else { "openid" };
        let command = Authorize {
            session: self.session(session),
            client: client.clone(),
            trusted: true,
            redirect_uri: "https://shop.example.org/cb".to_owned(),
            scopes: scopes.split(' ').map(str::to_owned).collect(),
            nonce: None,
            challenge: None,
            requirement: Requirement { begun_at: self.now, ..Requirement::default() },
            policies: Vec::new(),
            authorization_details: Vec::new(),
            allowed: false,
            raises: false,
            recommends: false,
            renews_password: true,
        };
        let (outcome, attempt) = self.decide(&command);
        if let AuthorizeOutcome::Issued { code } = outcome {
            self.codes.push((code, sha256_b64(&Authorize::code_secret(&attempt.seed)), client));
        }
    }

    fn granted(&mut self, outcome: RedeemOutcome, attempt: &Attempt) {
        if let RedeemOutcome::Granted(grant) = outcome {
            assert!(self.generations.insert((grant.family, grant.generation)), "a generation was given twice");
            let secret_hash = sha256_b64(&Grant::refresh_secret(&attempt.seed));
            let Grant { family, generation, client, .. } = *grant;
            self.tokens.push(Token { family, generation, secret_hash, client });
        }
    }

    pub(super) fn redeem(&mut self, n: u8) {
        let Some((code, secret_hash, client)) = self.codes.get(usize::from(n) % self.codes.len().max(1)).cloned()
        else {
            return;
        };
        let redirect_uri = "https://shop.example.org/cb".to_owned();
        let (outcome, attempt) = self.decide(&RedeemCode { code, secret_hash, client, redirect_uri, challenge: None });
        let granted = matches!(outcome, RedeemOutcome::Granted(_));
        assert!(!granted || self.used_codes.insert(code), "a code was redeemed twice");
        self.granted(outcome, &attempt);
    }

    pub(super) fn refresh(&mut self, n: u8) {
        let Some(token) = self.tokens.get(usize::from(n) % self.tokens.len().max(1)) else { return };
        let newest = !self.generations.contains(&(token.family, token.generation + 1));
        let command = Refresh {
            family: token.family,
            generation: token.generation,
            secret_hash: token.secret_hash.clone(),
            client: token.client.clone(),
            scopes: None,
            policies: Vec::new(),
        };
        let (outcome, attempt) = self.decide(&command);
        assert!(newest || matches!(outcome, RedeemOutcome::Refused(_)), "an older generation was taken");
        self.granted(outcome, &attempt);
    }

    pub(super) fn revoke(&mut self, n: u8) {
        let Some(token) = self.tokens.get(usize::from(n) % self.tokens.len().max(1)) else { return };
        let command = RevokeToken { family: token.family, client: token.client.clone() };
        let family = command.family;
        self.decide(&command);
        let live = self.user.live_family(family, self.now, &self.settings);
        assert!(live.is_none(), "a revoked family lives");
    }
}
