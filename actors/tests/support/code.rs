//! What an authenticator app shows.

use actors::domain::factor::totp;
use schema::Timestamp;
use totp_rs::{Algorithm, Builder};

/// The code of a moment.
pub(crate) fn code_at(seed: &[u8], now: Timestamp) -> totp::Code {
    let totp = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_step_duration(30).with_skew(0);
    let totp = totp.with_secret(seed).build_noncompliant();
    let text = totp.generate(u64::try_from(now.as_secs()).expect("after 1970")).to_string();
    totp::parse_code(&text).expect("six digits")
}
