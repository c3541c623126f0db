//! What a session's proofs amount to: `amr`, `acr` and `auth_time`. They come from proofs performed, each with its time,
//! never from what the user owns.
//!
//! | proof | `amr` (RFC 8176) | kind of factor |
//! |---|---|---|
//! | password | `pwd` | something known |
//! | TOTP | `otp` | something held |
//! | backup code | `rcv` (private) | something held |
//! | code sent by e-mail | `otp`, `email` (private) | none: a second step |
//! | trusted device | `tdv` (private) | none: it stands in for a second step, and proves nothing |
//! | code sent by text message | `otp`, `sms` | something held |
//! | passkey | `pop`, `user`, and `hwk` if its key cannot leave its device or `swk` if it can | something held |
//! | passkey whose user was verified | the same | something held, and what unlocked it |
//! | either, by an authenticator whose maker is trusted | the same | the same |
//!
//! Two kinds add `mfa`; a passkey whose user was verified, by PIN, finger or face, is two in one proof (NIST SP 800-63B-4, 3.1.7:
//! a multi-factor cryptographic authenticator). Mail reaches whoever knows another password, so a code sent there is no factor
//! of its own (3.1.3): with a factor it is two steps, and never `mfa`. A phone is something held, though of a restricted kind
//! (3.1.3.3), for a number can be taken over. `acr` is the highest rung that the proofs reach.
//!
//! A passkey signs for the one origin that its browser is at, so no other site gets anything from its user that would sign in here
//! (3.2.5): with a second kind of factor it is `phr`. Where a maker who is trusted vouches for the authenticator, and its key cannot
//! leave it, it is `phrh`: protected by hardware. `hwk` alone does not make for that, since it is the authenticator's own word.

use std::{collections::BTreeSet, mem::discriminant};

use schema::{
    Timestamp,
    record::{Method, Proof},
};
use serde::{Deserialize, Serialize};

/// The rungs of the `acr` ladder that this build can reach, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Acr {
    /// One factor.
    #[serde(rename = "urn:doorward:acr:1fa")]
    OneFactor,
    /// One factor, and a code that was sent.
    #[serde(rename = "urn:doorward:acr:2step")]
    TwoStep,
    /// Two kinds of factor.
    #[serde(rename = "urn:doorward:acr:mfa")]
    Mfa,
    /// Two kinds of factor, of which one tells no other site anything (OpenID Connect EAP ACR Values 1.0).
    #[serde(rename = "phr")]
    PhishingResistant,
    /// The same, and its key is in hardware that a maker vouches for (the same document).
    #[serde(rename = "phrh")]
    PhishingResistantHardware,
}

/// Another name of [`Acr::Mfa`] that clients may ask for.
pub const REFEDS_MFA: &str = "https://refeds.org/profile/mfa";

impl Acr {
    /// All rungs, lowest first.
    pub const ALL: [Self; 5] =
        [Self::OneFactor, Self::TwoStep, Self::Mfa, Self::PhishingResistant, Self::PhishingResistantHardware];

    /// The value of the claim.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OneFactor => "urn:doorward:acr:1fa",
            Self::TwoStep => "urn:doorward:acr:2step",
            Self::Mfa => "urn:doorward:acr:mfa",
            Self::PhishingResistant => "phr",
            Self::PhishingResistantHardware => "phrh",
        }
    }

    /// The rung that a requested value names.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            REFEDS_MFA => Some(Self::Mfa),
            _ => Self::ALL.into_iter().find(|acr| acr.as_str() == text),
        }
    }
}

/// What the `acr` claim says where these values were asked for, in the order of preference: the first of them that this rung satisfies,
/// as the client wrote it, for it may compare texts (OpenID Connect Core, 5.5.1.1; RFC 9470, 4). Where it satisfies none, or none
/// was asked for, it is the rung's own.
pub fn told(reached: Acr, asked: &[String]) -> &str {
    let satisfied = |value: &&String| Acr::parse(value).is_some_and(|acr| acr <= reached);
    asked.iter().find(satisfied).map_or(reached.as_str(), String::as_str)
}

/// What the proofs amount to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assurance {
    /// The `amr` claim: sorted, without repetition.
    pub amr: Vec<String>,
    /// The `acr` claim.
    pub acr: Acr,
    /// The `auth_time` claim: the oldest time among the proofs that `acr` rests on (HAZARDS H16).
    pub auth_time: Timestamp,
}

const fn amr_of(method: Method) -> &'static [&'static str] {
    match method {
        Method::Password => &["pwd"],
        Method::Totp => &["otp"],
        Method::BackupCode => &["rcv"],
        Method::EmailCode => &["email", "otp"],
        Method::Passkey { backup_eligible: false, .. } => &["hwk", "pop", "user"],
        Method::Passkey { backup_eligible: true, .. } => &["pop", "swk", "user"],
        Method::TrustedDevice => &["tdv"],
        Method::SmsCode => &["otp", "sms"],
    }
}

/// Does it prove what only its user knows, or is?
pub(super) const fn is_known(method: Method) -> bool {
    match method {
        Method::Password | Method::Passkey { user_verified: true, .. } => true,
        Method::Totp
        | Method::BackupCode
        | Method::EmailCode
        | Method::SmsCode
        | Method::Passkey { user_verified: false, .. }
        | Method::TrustedDevice => false,
    }
}

/// Does it prove what only its user has?
const fn is_held(method: Method) -> bool {
    match method {
        Method::Totp | Method::BackupCode | Method::SmsCode | Method::Passkey { .. } => true,
        Method::Password | Method::EmailCode | Method::TrustedDevice => false,
    }
}

const fn is_passkey(method: Method) -> bool {
    matches!(method, Method::Passkey { .. })
}

/// Is its key in hardware, as its maker says, and can it not leave that?
const fn is_hardware(method: Method) -> bool {
    matches!(method, Method::Passkey { attested: true, backup_eligible: false, .. })
}

/// What these proofs amount to; `None` without a proof.
pub fn of(proofs: &[Proof]) -> Option<Assurance> {
    // Of each kind the newest proof counts; the claim rests on the oldest of those.
    let newest = |kind: fn(Method) -> bool| proofs.iter().filter(|p| kind(p.method)).map(|p| p.at).max();
    let (known, held, passkey) = (newest(is_known), newest(is_held), newest(is_passkey));
    let mailed = newest(|method| method == Method::EmailCode);
    let hardware = newest(is_hardware);
    let both = |a: Option<Timestamp>, b: Option<Timestamp>| Some(a?.min(b?));
    let (acr, auth_time) = if let Some(at) = both(known, hardware) {
        (Acr::PhishingResistantHardware, at)
    } else if let Some(at) = both(known, passkey) {
        (Acr::PhishingResistant, at)
    } else if let Some(at) = both(known, held) {
        (Acr::Mfa, at)
    } else if let Some(at) = both(known.or(held), mailed) {
        (Acr::TwoStep, at)
    } else {
        (Acr::OneFactor, known.or(held).or(mailed)?)
    };
    let mut amr: BTreeSet<&str> = proofs.iter().flat_map(|proof| amr_of(proof.method)).copied().collect();
    if acr >= Acr::Mfa {
        amr.insert("mfa");
    }
    Some(Assurance { amr: amr.into_iter().map(str::to_owned).collect(), acr, auth_time })
}

/// Adds a proof; an older one by the same method gives way, so that `auth_time` moves when the whole set is renewed.
pub fn add(proofs: &mut Vec<Proof>, proof: Proof) {
    let kind = discriminant(&proof.method);
    proofs.retain(|old| discriminant(&old.method) != kind);
    proofs.push(proof);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(method: Method, at: i64) -> Proof {
        Proof { method, at: Timestamp::from_millis(at), factor: None, credential: None }
    }

    /// Every pair of methods, with the exact claims.
    #[test]
    fn the_claims_follow_from_the_proofs_alone() {
        use Method::{BackupCode, EmailCode, Password, SmsCode, Totp, TrustedDevice};
        let cases: [(&[Proof], &[&str], Acr, i64); 28] = [
            (&[proof(Password, 5)], &["pwd"], Acr::OneFactor, 5),
            (&[proof(Totp, 5)], &["otp"], Acr::OneFactor, 5),
            (&[proof(BackupCode, 5)], &["rcv"], Acr::OneFactor, 5),
            (&[proof(Password, 5), proof(Totp, 9)], &["mfa", "otp", "pwd"], Acr::Mfa, 5),
            (&[proof(Password, 9), proof(Totp, 5)], &["mfa", "otp", "pwd"], Acr::Mfa, 5),
            (&[proof(Password, 5), proof(BackupCode, 9)], &["mfa", "pwd", "rcv"], Acr::Mfa, 5),
            (&[proof(Totp, 5), proof(BackupCode, 9)], &["otp", "rcv"], Acr::OneFactor, 9),
            (&[proof(EmailCode, 5)], &["email", "otp"], Acr::OneFactor, 5),
            (&[proof(Password, 5), proof(EmailCode, 9)], &["email", "otp", "pwd"], Acr::TwoStep, 5),
            (&[proof(Password, 9), proof(EmailCode, 5)], &["email", "otp", "pwd"], Acr::TwoStep, 5),
            (&[proof(Totp, 5), proof(EmailCode, 9)], &["email", "otp"], Acr::TwoStep, 5),
            (&[proof(BackupCode, 7), proof(EmailCode, 9)], &["email", "otp", "rcv"], Acr::TwoStep, 7),
            (&[proof(Password, 5), proof(Totp, 6), proof(EmailCode, 1)], &["email", "mfa", "otp", "pwd"], Acr::Mfa, 5),
            (&[proof(Password, 5), proof(TrustedDevice, 1)], &["pwd", "tdv"], Acr::OneFactor, 5),
            (&[proof(TrustedDevice, 1), proof(Totp, 5)], &["otp", "tdv"], Acr::OneFactor, 5),
            (&[proof(TrustedDevice, 1), proof(EmailCode, 5)], &["email", "otp", "tdv"], Acr::OneFactor, 5),
            (&[proof(TrustedDevice, 1), proof(BackupCode, 5)], &["rcv", "tdv"], Acr::OneFactor, 5),
            (
                &[proof(Password, 5), proof(TrustedDevice, 1), proof(Totp, 9)],
                &["mfa", "otp", "pwd", "tdv"],
                Acr::Mfa,
                5,
            ),
            (&[proof(SmsCode, 5)], &["otp", "sms"], Acr::OneFactor, 5),
            (&[proof(Password, 5), proof(SmsCode, 9)], &["mfa", "otp", "pwd", "sms"], Acr::Mfa, 5),
            (&[proof(Password, 9), proof(SmsCode, 5)], &["mfa", "otp", "pwd", "sms"], Acr::Mfa, 5),
            (&[proof(Totp, 5), proof(SmsCode, 9)], &["otp", "sms"], Acr::OneFactor, 9),
            (&[proof(BackupCode, 5), proof(SmsCode, 9)], &["otp", "rcv", "sms"], Acr::OneFactor, 9),
            (&[proof(EmailCode, 7), proof(SmsCode, 9)], &["email", "otp", "sms"], Acr::TwoStep, 7),
            (&[proof(Password, 5), proof(Totp, 3), proof(SmsCode, 9)], &["mfa", "otp", "pwd", "sms"], Acr::Mfa, 5),
            (
                &[proof(Password, 5), proof(EmailCode, 1), proof(SmsCode, 9)],
                &["email", "mfa", "otp", "pwd", "sms"],
                Acr::Mfa,
                5,
            ),
            (
                &[proof(Password, 5), proof(TrustedDevice, 1), proof(SmsCode, 9)],
                &["mfa", "otp", "pwd", "sms", "tdv"],
                Acr::Mfa,
                5,
            ),
            (&[proof(TrustedDevice, 1), proof(SmsCode, 5)], &["otp", "sms", "tdv"], Acr::OneFactor, 5),
        ];
        for (proofs, amr, acr, auth_time) in cases {
            let assurance = of(proofs).expect("at least one proof");
            assert_eq!(assurance.amr, amr, "{proofs:?}");
            assert_eq!((assurance.acr, assurance.auth_time.as_millis()), (acr, auth_time), "{proofs:?}");
        }
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[proof(TrustedDevice, 5)]), None, "a cookie alone is nobody");
    }

    const fn passkey(user_verified: bool, backup_eligible: bool) -> Method {
        Method::Passkey { user_verified, backup_eligible, attested: false }
    }

    const fn attested(user_verified: bool, backup_eligible: bool) -> Method {
        Method::Passkey { user_verified, backup_eligible, attested: true }
    }

    /// The same where a trusted maker vouches for the authenticator: it adds to `acr` alone, and only where the key cannot leave it.
    #[test]
    fn hardware_that_a_maker_vouches_for_is_a_rung_of_its_own() {
        use Method::{BackupCode, EmailCode, Password, SmsCode, Totp, TrustedDevice};
        let (plain, pin) = (attested(false, false), attested(true, false));
        let (plain_synced, pin_synced) = (attested(false, true), attested(true, true));
        let (phr, phrh) = (Acr::PhishingResistant, Acr::PhishingResistantHardware);
        let cases: [(&[Proof], &[&str], Acr, i64); 22] = [
            (&[proof(plain, 5)], &["hwk", "pop", "user"], Acr::OneFactor, 5),
            (&[proof(pin, 5)], &["hwk", "mfa", "pop", "user"], phrh, 5),
            (&[proof(plain_synced, 5)], &["pop", "swk", "user"], Acr::OneFactor, 5),
            (&[proof(pin_synced, 5)], &["mfa", "pop", "swk", "user"], phr, 5),
            (&[proof(Password, 5), proof(plain, 9)], &["hwk", "mfa", "pop", "pwd", "user"], phrh, 5),
            (&[proof(Password, 9), proof(plain, 5)], &["hwk", "mfa", "pop", "pwd", "user"], phrh, 5),
            (&[proof(Password, 5), proof(pin, 9)], &["hwk", "mfa", "pop", "pwd", "user"], phrh, 9),
            (&[proof(Password, 9), proof(pin, 5)], &["hwk", "mfa", "pop", "pwd", "user"], phrh, 5),
            (&[proof(Password, 5), proof(plain_synced, 9)], &["mfa", "pop", "pwd", "swk", "user"], phr, 5),
            (&[proof(Password, 5), proof(pin_synced, 9)], &["mfa", "pop", "pwd", "swk", "user"], phr, 9),
            // No other factor lifts it, and none that is held takes the place of what is known.
            (&[proof(Totp, 5), proof(plain, 9)], &["hwk", "otp", "pop", "user"], Acr::OneFactor, 9),
            (&[proof(Totp, 9), proof(pin, 5)], &["hwk", "mfa", "otp", "pop", "user"], phrh, 5),
            (&[proof(Totp, 5), proof(pin_synced, 9)], &["mfa", "otp", "pop", "swk", "user"], phr, 9),
            (&[proof(SmsCode, 5), proof(plain, 9)], &["hwk", "otp", "pop", "sms", "user"], Acr::OneFactor, 9),
            (&[proof(SmsCode, 9), proof(pin, 5)], &["hwk", "mfa", "otp", "pop", "sms", "user"], phrh, 5),
            (&[proof(BackupCode, 5), proof(plain, 9)], &["hwk", "pop", "rcv", "user"], Acr::OneFactor, 9),
            (&[proof(BackupCode, 9), proof(pin, 5)], &["hwk", "mfa", "pop", "rcv", "user"], phrh, 5),
            (&[proof(EmailCode, 5), proof(plain, 9)], &["email", "hwk", "otp", "pop", "user"], Acr::TwoStep, 5),
            (&[proof(EmailCode, 9), proof(pin, 5)], &["email", "hwk", "mfa", "otp", "pop", "user"], phrh, 5),
            (&[proof(TrustedDevice, 9), proof(plain, 5)], &["hwk", "pop", "tdv", "user"], Acr::OneFactor, 5),
            (&[proof(TrustedDevice, 9), proof(pin, 5)], &["hwk", "mfa", "pop", "tdv", "user"], phrh, 5),
            (&[proof(Password, 5), proof(Totp, 9)], &["mfa", "otp", "pwd"], Acr::Mfa, 5),
        ];
        for (proofs, amr, acr, auth_time) in cases {
            let assurance = of(proofs).expect("at least one proof");
            assert_eq!(assurance.amr, amr, "{proofs:?}");
            assert_eq!((assurance.acr, assurance.auth_time.as_millis()), (acr, auth_time), "{proofs:?}");
        }
    }

    #[test]
    fn rungs_have_the_names_that_clients_ask_for() {
        for acr in Acr::ALL {
            assert_eq!(Acr::parse(acr.as_str()), Some(acr));
            assert_eq!(serde_json::to_value(acr).expect("JSON"), acr.as_str());
        }
        assert!(Acr::ALL.is_sorted());
        assert_eq!(Acr::parse(REFEDS_MFA), Some(Acr::Mfa));
        assert_eq!(Acr::parse("phrhw"), None);
    }

    #[test]
    fn the_first_value_asked_for_that_is_satisfied_is_told_and_no_other() {
        let told = |reached, asked: &[&str]| {
            let asked: Vec<String> = asked.iter().map(|&value| value.to_owned()).collect();
            super::told(reached, &asked).to_owned()
        };
        let (mfa, phr) = (Acr::Mfa.as_str(), Acr::PhishingResistant.as_str());
        assert_eq!(told(Acr::PhishingResistant, &[]), phr, "nothing was asked for");
        assert_eq!(told(Acr::Mfa, &[REFEDS_MFA]), REFEDS_MFA, "as it was asked for");
        assert_eq!(told(Acr::PhishingResistant, &[mfa]), mfa, "more than that was proved");
        assert_eq!(told(Acr::PhishingResistant, &["phr", mfa]), phr);
        assert_eq!(told(Acr::Mfa, &["phr", REFEDS_MFA, mfa]), REFEDS_MFA, "the first that is satisfied");
        for asked in [REFEDS_MFA, mfa, "phr", "urn:other"] {
            assert_eq!(told(Acr::TwoStep, &[asked]), Acr::TwoStep.as_str(), "{asked} was not proved");
        }
    }

    /// The same for every pair with a passkey: bound to its device or not, its user verified or not.
    #[test]
    fn the_claims_of_passkeys_follow_from_what_they_proved() {
        use Method::{BackupCode, EmailCode, Password, Totp};
        let (bound, synced) = (passkey(false, false), passkey(false, true));
        let (bound_uv, synced_uv) = (passkey(true, false), passkey(true, true));
        let phr = Acr::PhishingResistant;
        let cases: [(&[Proof], &[&str], Acr, i64); 22] = [
            (&[proof(bound, 5)], &["hwk", "pop", "user"], Acr::OneFactor, 5),
            (&[proof(synced, 5)], &["pop", "swk", "user"], Acr::OneFactor, 5),
            (&[proof(bound_uv, 5)], &["hwk", "mfa", "pop", "user"], phr, 5),
            (&[proof(synced_uv, 5)], &["mfa", "pop", "swk", "user"], phr, 5),
            (&[proof(Password, 5), proof(bound, 9)], &["hwk", "mfa", "pop", "pwd", "user"], phr, 5),
            (&[proof(Password, 9), proof(bound, 5)], &["hwk", "mfa", "pop", "pwd", "user"], phr, 5),
            (&[proof(Password, 5), proof(synced, 9)], &["mfa", "pop", "pwd", "swk", "user"], phr, 5),
            // A verified user needs no password: the claim rests on the passkey alone.
            (&[proof(Password, 5), proof(bound_uv, 9)], &["hwk", "mfa", "pop", "pwd", "user"], phr, 9),
            (&[proof(Password, 9), proof(bound_uv, 5)], &["hwk", "mfa", "pop", "pwd", "user"], phr, 5),
            (&[proof(Password, 5), proof(synced_uv, 9)], &["mfa", "pop", "pwd", "swk", "user"], phr, 9),
            // Two things that are held are one kind.
            (&[proof(Totp, 5), proof(bound, 9)], &["hwk", "otp", "pop", "user"], Acr::OneFactor, 9),
            (&[proof(Totp, 9), proof(synced, 5)], &["otp", "pop", "swk", "user"], Acr::OneFactor, 9),
            (&[proof(Totp, 9), proof(bound_uv, 5)], &["hwk", "mfa", "otp", "pop", "user"], phr, 5),
            (&[proof(Totp, 5), proof(synced_uv, 9)], &["mfa", "otp", "pop", "swk", "user"], phr, 9),
            (&[proof(BackupCode, 5), proof(bound, 9)], &["hwk", "pop", "rcv", "user"], Acr::OneFactor, 9),
            (&[proof(BackupCode, 9), proof(synced, 5)], &["pop", "rcv", "swk", "user"], Acr::OneFactor, 9),
            (&[proof(BackupCode, 9), proof(bound_uv, 5)], &["hwk", "mfa", "pop", "rcv", "user"], phr, 5),
            (&[proof(BackupCode, 5), proof(synced_uv, 9)], &["mfa", "pop", "rcv", "swk", "user"], phr, 9),
            (&[proof(EmailCode, 5), proof(bound, 9)], &["email", "hwk", "otp", "pop", "user"], Acr::TwoStep, 5),
            (&[proof(EmailCode, 9), proof(synced, 5)], &["email", "otp", "pop", "swk", "user"], Acr::TwoStep, 5),
            (&[proof(EmailCode, 5), proof(bound_uv, 9)], &["email", "hwk", "mfa", "otp", "pop", "user"], phr, 9),
            (&[proof(EmailCode, 9), proof(synced_uv, 5)], &["email", "mfa", "otp", "pop", "swk", "user"], phr, 5),
        ];
        for (proofs, amr, acr, auth_time) in cases {
            let assurance = of(proofs).expect("at least one proof");
            assert_eq!(assurance.amr, amr, "{proofs:?}");
            assert_eq!((assurance.acr, assurance.auth_time.as_millis()), (acr, auth_time), "{proofs:?}");
        }
    }

    #[test]
    fn a_passkey_replaces_another_one_whatever_it_proved() {
        let mut proofs = vec![proof(passkey(true, true), 1)];
        add(&mut proofs, proof(passkey(false, false), 2));
        assert_eq!(of(&proofs).map(|a| (a.acr, a.amr.join(" "))), Some((Acr::OneFactor, "hwk pop user".to_owned())));
    }

    #[test]
    fn a_new_proof_replaces_the_older_one_of_its_method() {
        let mut proofs = vec![proof(Method::Password, 1), proof(Method::Totp, 2)];
        add(&mut proofs, proof(Method::Password, 7));
        assert_eq!(of(&proofs).map(|a| a.auth_time.as_millis()), Some(2));
        add(&mut proofs, proof(Method::Totp, 8));
        assert_eq!(of(&proofs).map(|a| a.auth_time.as_millis()), Some(7));
    }
}
