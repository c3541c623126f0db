//! Proof Key for Code Exchange (RFC 7636), method S256 alone.

use crate::secret::{ct_eq_str, sha256_b64};

/// Is it the base64url of a SHA-256 (RFC 7636, 4.2)?
pub fn is_challenge(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Is it 43 to 128 unreserved characters (RFC 7636, 4.1)?
pub fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'))
}

/// The challenge that a verifier stands for; `None` if it is not a verifier.
pub fn challenge_of(verifier: &str) -> Option<String> {
    is_verifier(verifier).then(|| sha256_b64(verifier.as_bytes()))
}

/// Does the challenge of the request fit the one that the token request's verifier stands for? One without the other is
/// refused as a downgrade (RFC 9700, 4.8.2).
pub fn fits(challenge: Option<&str>, of_verifier: Option<&str>) -> bool {
    match (challenge, of_verifier) {
        (None, None) => true,
        (Some(challenge), Some(of_verifier)) => ct_eq_str(challenge, of_verifier),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_pair_of_the_rfc_fits() {
        assert!(is_challenge(CHALLENGE));
        assert!(fits(Some(CHALLENGE), challenge_of(VERIFIER).as_deref()));
    }

    #[test]
    fn every_downgrade_is_refused() {
        assert!(!fits(Some(CHALLENGE), None));
        assert!(!fits(None, Some(CHALLENGE)));
        assert!(!fits(Some(CHALLENGE), challenge_of(CHALLENGE).as_deref()), "method plain");
        assert_eq!(challenge_of("too short"), None);
        assert!(fits(None, None));
    }
}
