//! Passkeys and codes that are sent: made, asked for, answered, answered again.

use actors::{
    domain::{
        assurance::{self, Acr},
        command::{
            BeginAddress, BeginAddressOutcome, BeginPasskey, BeginPasskeyOutcome, Ceremony, ConfirmAddress,
            ConfirmOutcome, ConfirmPasskey, ConfirmPasskeyOutcome, LoginRef, SendLoginCode, SendOutcome, ShowPasskey,
            SignInOutcome, VerifyPasskey, VerifyPasskeyOutcome, VerifySentCode, VerifySentCodeOutcome,
        },
        context::Attempt,
        factor::{
            passkey::{Challenge, Making, RelyingParty, Verification, attestation::AttestationDemand},
            sent_code,
            totp::{Code, parse_code},
        },
        sms_fraud::Fate,
        texts::Settled,
    },
    entropy::Entropy,
    testing::{SoftKey, Traits},
};
use schema::{
    FactorId, LoginId,
    record::{Channel, FactorState, SmsCount},
};
use serde_json::Value;

use super::{Model, Op, Stage, backup};

/// What the factors of a model are known by outside.
#[derive(Default)]
pub(super) struct Factors {
    keys: Vec<(FactorId, SoftKey)>,
    /// Answers that were accepted.
    answered: Vec<VerifyPasskey>,
    /// The code that was sent for a login last, and those before it.
    sent: Option<(LoginId, Code)>,
    spent: Vec<Code>,
    /// Text messages that count and of which nothing was told yet, and how many there were and were verified.
    unsettled: std::collections::BTreeSet<i64>,
    counted: i64,
    verified: usize,
    stages: std::collections::BTreeMap<FactorId, Stage>,
}

fn options<T: serde::Serialize>(of: &T) -> Value {
    serde_json::to_value(of).expect("JSON")["publicKey"].clone()
}

fn wrong_code() -> Code {
    parse_code("000001").expect("six digits")
}

fn text(code: &Code) -> String {
    code.clone().into()
}

fn rp(model: &Model) -> RelyingParty {
    RelyingParty::of(&model.settings.issuer).expect("a name")
}

impl Model {
    /// Passkeys, answers that were accepted, and codes that were.
    pub(crate) fn reached_by_factors(&self) -> (usize, usize, usize) {
        (self.factors.keys.len(), self.factors.answered.len(), self.factors.spent.len())
    }

    /// What became of text messages, by one decision: of each something is told once, and of none that was never counted.
    pub(super) fn settled(&mut self, settled: &[Settled]) {
        for Settled { count, fate } in settled {
            assert!(self.factors.unsettled.remove(&count.country_hour), "told twice of {count:?}");
            self.factors.verified += usize::from(*fate == Fate::Verified);
        }
        let verified = settled.iter().filter(|settled| settled.fate == Fate::Verified).count();
        assert!(verified <= 1, "one code was typed: {settled:?}");
    }

    /// Text messages that were counted, of which nothing was told, and that were verified.
    pub(crate) fn reached_by_counts(&self) -> (i64, usize, usize) {
        (self.factors.counted, self.factors.unsettled.len(), self.factors.verified)
    }

    /// A count of its own for a text message.
    fn count(&mut self, sms: bool) -> Option<SmsCount> {
        if !sms {
            return None;
        }
        self.factors.counted += 1;
        let n = self.factors.counted;
        self.factors.unsettled.insert(n);
        Some(SmsCount { country: "DE".to_owned(), country_hour: n, address: "home".to_owned(), address_hour: n })
    }

    /// Adds a passkey, if the session may.
    pub(super) fn add_passkey(&mut self, session: u8, verified: bool) {
        let of = self.session(session);
        let begin = BeginPasskey { session: of.clone(), name: "Key".to_owned() };
        let BeginPasskeyOutcome::Begun { factor } = self.decide(&begin).0 else { return };
        let shown = self.decide(&ShowPasskey { session: of.clone(), factor }).0.expect("it was begun");
        let making = Making {
            user: self.user.id,
            user_name: &shown.user_name,
            known: &[],
            allow_synced: true,
            attestation: &AttestationDemand::None,
        };
        let asked = options(&rp(self).creation("Doorward", &making, &shown.challenge).expect("options"));
        let traits = if verified { Traits::WITH_PIN } else { Traits::PLAIN };
        let (key, answer) = SoftKey::make(&asked, &self.settings.issuer, traits);
        let answer = serde_json::from_value(answer).expect("an answer");
        let confirm = ConfirmPasskey { session: of, factor, answer, backup: backup(), attested: false };
        let (outcome, attempt) = self.decide(&confirm);
        if let ConfirmPasskeyOutcome::Judged(ConfirmOutcome::Activated { signed_in, .. }) = outcome {
            self.signed_in(&signed_in, &attempt);
            self.factors.keys.push((factor, key));
        }
    }

    /// Answers a challenge, after the password or alone; or shows an answer again that was accepted once.
    pub(super) fn passkey(&mut self, n: u8, alone: bool, again: bool) {
        let second_factor = self.user.has_second_factor();
        let login = if alone { self.stranger() } else { self.login(true) };
        let command = if again {
            let before = &self.factors.answered;
            let Some(used) = before.get(usize::from(n) % before.len().max(1)) else { return };
            VerifyPasskey { login, ..used.clone() }
        } else {
            let (party, entropy): (_, &dyn Entropy) = (rp(self), &self.entropy);
            let challenge = Challenge::new(entropy.array());
            let keys = &mut self.factors.keys;
            let place = usize::from(n) % keys.len().max(1);
            let Some((_, key)) = keys.get_mut(place) else { return };
            let asked = options(&party.request(&challenge, Verification::Preferred, &[]));
            let answer = serde_json::from_value(key.sign(&asked)).expect("an answer");
            let ceremony = Ceremony { challenge, expires_at: self.now.after(std::time::Duration::from_mins(15)) };
            VerifyPasskey { login, ceremony, answer }
        };
        let begun = self.user.logins.contains_key(&command.login.login);
        let id = data_encoding::BASE64URL_NOPAD.encode(&command.answer.raw_id);
        let verifies = self.user.active_passkeys().find(|(_, key)| key.id == id).map(|(_, key)| key.user_verified);
        let (outcome, attempt) = self.decide(&command);
        let VerifyPasskeyOutcome::Judged(outcome) = outcome else { return };
        if !matches!(outcome, SignInOutcome::SignedIn(_) | SignInOutcome::SecondFactor { .. }) {
            return;
        }
        assert!(!again, "an answer was taken twice");
        let verifies = verifies.expect("a removed passkey was taken");
        assert!(begun || verifies, "a passkey that verifies nobody stood alone");
        self.finish_with(&outcome, &attempt, second_factor.then_some(Acr::PhishingResistant));
        self.factors.answered.push(command);
        if alone && matches!(outcome, SignInOutcome::SecondFactor { .. }) {
            self.login = self.factors.answered.last().map(|command| command.login.clone());
        } else if matches!(outcome, SignInOutcome::SignedIn(_)) && !alone {
            self.login = None;
        }
    }

    /// Adds an address, if the session may.
    pub(super) fn add_address(&mut self, session: u8, sms: bool, right: bool) {
        let (channel, address) =
            if sms { (Channel::Sms, "+4915112345678") } else { (Channel::Email, "ada@mail.example") };
        let of = self.session(session);
        let (address, count) = (address.to_owned(), self.count(sms));
        let begin = BeginAddress { session: of.clone(), channel, name: String::new(), address, link: false, count };
        let (BeginAddressOutcome::Begun { factor }, attempt) = self.decide(&begin) else { return };
        let code = if right { sent_code::draw(&attempt.seed, false).code } else { wrong_code() };
        let wrong = text(&code) != text(&sent_code::draw(&attempt.seed, false).code);
        let confirm = ConfirmAddress { session: of, channel, factor, code, backup: backup() };
        let (outcome, attempt) = self.decide(&confirm);
        if let ConfirmOutcome::Activated { signed_in, .. } = outcome {
            assert!(!wrong, "an address was activated by a wrong code");
            self.signed_in(&signed_in, &attempt);
        }
    }

    /// Has a code sent for the login under way.
    pub(super) fn send_code(&mut self, sms: bool) {
        let channel = if sms { Channel::Sms } else { Channel::Email };
        let login = self.login(true);
        let label = login.login;
        let count = self.count(sms);
        let (outcome, attempt) = self.decide(&SendLoginCode { login, channel, factor: None, link: false, count });
        if matches!(outcome, SendOutcome::Sent) {
            let before = self.factors.sent.replace((label, sent_code::draw(&attempt.seed, false).code));
            self.factors.spent.extend(before.map(|(_, code)| code));
        }
    }

    /// Types the newest code, one that was replaced or used, or none that there ever was.
    pub(super) fn sent_code(&mut self, n: u8, right: bool, known: bool) {
        let second_factor = self.user.has_second_factor();
        let newest = self.factors.sent.clone();
        let older = self.factors.spent.get(usize::from(n) % self.factors.spent.len().max(1)).cloned();
        let typed = if right { newest.clone().map(|(_, code)| code) } else { older };
        let code = typed.unwrap_or_else(wrong_code);
        let login = self.login(known);
        let label = login.login;
        let (outcome, attempt) = self.decide(&VerifySentCode { login, code: code.clone() });
        let VerifySentCodeOutcome::Judged(outcome) = outcome else { return };
        if !matches!(outcome, SignInOutcome::SignedIn(_) | SignInOutcome::SecondFactor { .. }) {
            return;
        }
        let (of, sent) = newest.expect("a code was taken, and none was sent");
        assert!(of == label && text(&sent) == text(&code), "another code than the newest of this login was taken");
        self.finish_with(&outcome, &attempt, second_factor.then_some(Acr::TwoStep));
        self.factors.spent.push(sent);
        self.factors.sent = None;
        if matches!(outcome, SignInOutcome::SignedIn(_)) {
            self.login = None;
        }
    }

    pub(super) fn stranger(&self) -> LoginRef {
        let entropy: &dyn Entropy = &self.entropy;
        LoginRef {
            login: LoginId::from_bytes(entropy.array()),
            browser: self.browser,
            device: None,
            renews: None,
            trust: actors::domain::trusted_device::Trust::None,
            asks: self.asks(),
        }
    }

    fn finish_with(&mut self, outcome: &SignInOutcome, attempt: &Attempt, least: Option<Acr>) {
        let SignInOutcome::SignedIn(signed_in) = outcome else { return };
        let proofs = &self.user.sessions[&signed_in.session].proofs;
        let acr = assurance::of(proofs).expect("a session has proofs").acr;
        assert!(least.is_none_or(|least| acr >= least), "signed in without the second factor: {proofs:?}");
        self.nothing_is_missing(signed_in.session);
        self.signed_in(signed_in, attempt);
    }

    /// What [`Self::devices_go_forward`] is for authenticator apps.
    pub(super) fn other_devices_go_forward(&mut self, op: &Op) {
        let stage = |state: FactorState| match state {
            FactorState::Registered | FactorState::AwaitingActivation { .. } => Stage::Awaiting,
            FactorState::Activated { .. } => Stage::Activated,
            FactorState::Revoked { .. } => Stage::Revoked,
        };
        let user = &self.user;
        let passkeys = user.passkeys.values().map(|passkey| (passkey.factor, stage(passkey.state)));
        let addresses = user.emails.values().chain(user.phones.values());
        let now: std::collections::BTreeMap<_, _> =
            passkeys.chain(addresses.map(|address| (address.factor, stage(address.state)))).collect();
        for (factor, before) in &mut self.factors.stages {
            let next = now.get(factor).copied().unwrap_or(Stage::Gone);
            assert!(next >= *before, "{before:?} → {next:?} by {op:?}");
            let added = matches!(op, Op::AddPasskey { .. } | Op::AddAddress { .. });
            assert!(next != Stage::Activated || *before == next || added, "activated by {op:?}");
            assert!(next != Stage::Gone || *before != Stage::Activated, "an active device vanished by {op:?}");
            *before = next;
        }
        self.factors.stages.extend(now);
    }
}
