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
//!
//! Two kinds add `mfa`. Mail reaches whoever knows another password, so a code sent there is no factor of its own (NIST SP
//! 800-63B-4, 3.1.3): with a factor it is two steps, and never `mfa`. `acr` is the highest rung that the proofs reach.

use std::collections::BTreeSet;

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
}

/// Another name of [`Acr::Mfa`] that clients may ask for.
pub const REFEDS_MFA: &str = "https://refeds.org/profile/mfa";

impl Acr {
    /// All rungs, as discovery lists them.
    pub const ALL: [Self; 3] = [Self::OneFactor, Self::TwoStep, Self::Mfa];

    /// The value of the claim.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OneFactor => "urn:doorward:acr:1fa",
            Self::TwoStep => "urn:doorward:acr:2step",
            Self::Mfa => "urn:doorward:acr:mfa",
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

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum FactorKind {
    Known,
    Held,
    /// Not a factor, a step.
    Mailed,
    /// Not even a step: a cookie (NIST SP 800-63B-4, 3.2.1).
    Remembered,
}

const fn amr_of(method: Method) -> (&'static [&'static str], FactorKind) {
    match method {
        Method::Password => (&["pwd"], FactorKind::Known),
        Method::Totp => (&["otp"], FactorKind::Held),
        Method::BackupCode => (&["rcv"], FactorKind::Held),
        Method::EmailCode => (&["email", "otp"], FactorKind::Mailed),
        Method::TrustedDevice => (&["tdv"], FactorKind::Remembered),
    }
}

/// What these proofs amount to; `None` without a proof.
pub fn of(proofs: &[Proof]) -> Option<Assurance> {
    let mut kinds: BTreeSet<FactorKind> = proofs.iter().map(|proof| amr_of(proof.method).1).collect();
    kinds.remove(&FactorKind::Remembered);
    let acr = if kinds.contains(&FactorKind::Known) && kinds.contains(&FactorKind::Held) {
        // What was mailed adds nothing to it.
        kinds.remove(&FactorKind::Mailed);
        Acr::Mfa
    } else if kinds.len() > 1 {
        Acr::TwoStep
    } else {
        Acr::OneFactor
    };
    // Of each kind the newest proof counts; the claim rests on the oldest of those.
    let newest = |kind| proofs.iter().filter(|p| amr_of(p.method).1 == kind).map(|p| p.at).max();
    let auth_time = kinds.iter().filter_map(|kind| newest(*kind)).min()?;
    let mut amr: BTreeSet<&str> = proofs.iter().flat_map(|proof| amr_of(proof.method).0).copied().collect();
    if acr == Acr::Mfa {
        amr.insert("mfa");
    }
    Some(Assurance { amr: amr.into_iter().map(str::to_owned).collect(), acr, auth_time })
}

/// Adds a proof; an older one by the same method gives way, so that `auth_time` moves when the whole set is renewed.
pub fn add(proofs: &mut Vec<Proof>, proof: Proof) {
    proofs.retain(|old| old.method != proof.method);
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
        use Method::{BackupCode, EmailCode, Password, Totp, TrustedDevice};
        let cases: [(&[Proof], &[&str], Acr, i64); 17] = [
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
            (&[proof(TrustedDevice, 1), proof(EmailCode, 5)], &["email", "otp", "tdv"], Acr::OneFactor, 5),
            (&[proof(TrustedDevice, 1), proof(BackupCode, 5)], &["rcv", "tdv"], Acr::OneFactor, 5),
            (
                &[proof(Password, 5), proof(TrustedDevice, 1), proof(Totp, 9)],
                &["mfa", "otp", "pwd", "tdv"],
                Acr::Mfa,
                5,
            ),
        ];
        for (proofs, amr, acr, auth_time) in cases {
            let assurance = of(proofs).expect("at least one proof");
            assert_eq!(assurance.amr, amr, "{proofs:?}");
            assert_eq!((assurance.acr, assurance.auth_time.as_millis()), (acr, auth_time), "{proofs:?}");
        }
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[proof(TrustedDevice, 5)]), None, "a cookie alone is nobody");
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
