//! AWS Signature Version 4, for requests to the root of a host without a query.
//!
//! 1. The canonical request: method, path, query, headers in the order of their names, and the hash of the body.
//! 2. The text to sign: the algorithm, the time, the scope (day, region, service) and the hash of 1.
//! 3. The key: the secret, keyed on through day, region and service; the signature is the MAC of 2 under it.

use aws_lc_rs::{digest, hmac};
use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use crate::config::value::SecretText;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Who signs, and for which service.
pub(super) struct Signer {
    pub(super) access_key: String,
    pub(super) secret: SecretText,
    pub(super) region: String,
    pub(super) service: String,
}

/// What is signed.
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    /// By names in small letters, in their order.
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) body: &'a [u8],
    /// As [`date`] writes it.
    pub(super) date: &'a str,
}

impl Signer {
    /// The value of `Authorization`.
    pub(super) fn authorization(&self, signed: &Signed<'_>) -> String {
        let names: Vec<&str> = signed.headers.iter().map(|(name, _)| *name).collect();
        let (names, headers) =
            (names.join(";"), signed.headers.iter().map(|(name, value)| format!("{name}:{value}\n")));
        let canonical = format!(
            "{}\n/\n\n{}\n{names}\n{}",
            signed.method,
            headers.collect::<String>(),
            HEXLOWER.encode(digest::digest(&digest::SHA256, signed.body).as_ref()),
        );
        let day = signed.date.get(..8).unwrap_or_default();
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let hash = HEXLOWER.encode(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
        let text = format!("{ALGORITHM}\n{}\n{scope}\n{hash}", signed.date);
        let signature = HEXLOWER.encode(mac(self.key(day).as_ref(), &text).as_ref());
        let credential = &self.access_key;
        format!("{ALGORITHM} Credential={credential}/{scope}, SignedHeaders={names}, Signature={signature}")
    }

    fn key(&self, day: &str) -> hmac::Tag {
        let secret = Zeroizing::new(format!("AWS4{}", self.secret.expose()));
        let parts = [self.region.as_str(), &self.service, "aws4_request"];
        parts.into_iter().fold(mac(secret.as_bytes(), day), |key, part| mac(key.as_ref(), part))
    }
}

fn mac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

/// A time as signatures name it: `20150830T123600Z`.
pub(super) fn date(unix_secs: i64) -> String {
    api::page::When::from_unix_secs(unix_secs).iso.replace(['-', ':'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "20150830T123600Z";
    const HOST: (&str, &str) = ("host", "example.amazonaws.com");

    fn signer(service: &str) -> Signer {
        Signer {
            access_key: "AKIDEXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned().into(),
            region: "us-east-1".to_owned(),
            service: service.to_owned(),
        }
    }

    /// get-vanilla, post-vanilla and post-x-www-form-urlencoded of the test suite that AWS publishes.
    #[test]
    fn signatures_are_those_of_the_published_test_suite() {
        let (date, form) = (("x-amz-date", DATE), ("content-type", "application/x-www-form-urlencoded"));
        let (plain, typed) = ([HOST, date], [form, HOST, date]);
        let cases = [
            ("GET", &plain[..], "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            ("POST", &plain, "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            ("POST", &typed, "Param1=value1", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
        ];
        for (method, headers, body, signature) in cases {
            let signed = Signed { method, headers, body: body.as_bytes(), date: DATE };
            let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
            assert_eq!(
                signer("service").authorization(&signed),
                format!(
                    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                     SignedHeaders={}, Signature={signature}",
                    names.join(";")
                )
            );
        }
    }

    /// The example of a derived key in AWS's documentation of signatures.
    #[test]
    fn the_key_is_that_of_the_published_example() {
        let key = HEXLOWER.encode(signer("iam").key("20150830").as_ref());
        assert_eq!(key, "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
    }

    #[test]
    fn a_time_is_written_without_marks() {
        assert_eq!(date(1_440_938_160), DATE);
    }
}
