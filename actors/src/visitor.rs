//! Names for who is no member: a command of the command line that opened a shared store itself. Each run has its own, so that
//! none takes away what another one left.

use std::time::Duration;

use cluster::{NodeId, NodeIdError};
use schema::Timestamp;

use crate::entropy::Entropy;

/// No node has such a name, for it cannot be in a certificate.
const PREFIX: &str = "-command-";
/// No command runs longer than this.
const LONGEST: Duration = Duration::from_hours(24);

/// The name of a command that begins now.
pub fn name(now: Timestamp, entropy: &dyn Entropy) -> Result<NodeId, NodeIdError> {
    let random = data_encoding::HEXLOWER.encode(&entropy.array::<8>());
    format!("{PREFIX}{}-{random}", now.as_secs()).parse()
}

/// Is this a command's name?
pub(crate) fn is_one(node: &str) -> bool {
    node.starts_with(PREFIX)
}

/// Is this the name of a command that has ended by now, if by nothing else than a kill?
pub(crate) fn is_over(node: &str, now: Timestamp) -> bool {
    let began = node.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next()).and_then(|secs| secs.parse().ok());
    began.is_some_and(|secs: i64| Timestamp::from_millis(secs.saturating_mul(1_000)).after(LONGEST) < now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn no_two_commands_have_one_name_and_each_is_over_after_a_day() {
        let (now, entropy) = (Timestamp::from_millis(1_700_000_000_000), SeededEntropy::new(1));
        let [one, other] = [name(now, &entropy).expect("legal"), name(now, &entropy).expect("legal")];
        assert_ne!(one, other);
        assert!(is_one(one.as_str()) && !is_one("a") && !is_one("-command"));
        assert!(!is_over(one.as_str(), now.after(LONGEST)));
        assert!(is_over(one.as_str(), now.after(LONGEST).after(Duration::from_secs(2))));
        assert!(!is_over("-command-x", now) && !is_over("a", now));
    }
}
