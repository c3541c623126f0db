use super::*;

fn policy(scope: PolicyScope) -> Policy {
    let policy = Policy::new(scope, PolicyMode::Recommended, Acr::Mfa.as_str(), Timestamp::from_millis(0));
    Policy { trusted_days: Some(1), ..policy }
}

#[test]
fn what_an_earlier_version_cannot_judge_is_written_from_level_four_on() {
    let base = || policy(PolicyScope::Everybody);
    assert_eq!(level(&base()), LEVEL);
    let operation = PolicyScope::Operation { client: None, operation: operation::PASSWORD_CHANGE.to_owned() };
    let both = [PolicyMethod::Totp, PolicyMethod::Passkey];
    let newer = [
        policy(operation),
        Policy { all_of: both.into(), ..base() },
        Policy { any_of: [both[0]].into(), all_of: [both[1]].into(), ..base() },
        Policy { grace_days: Some(1), ..base() },
        Policy { skips: Some(1), ..base() },
        Policy { fresh_minutes: Some(1), ..base() },
    ];
    assert!(newer.iter().all(|policy| level(policy) == OPERATIONS_LEVEL));
    let written = schema::record::Record::encode(&base()).expect("JSON").get().to_owned();
    for field in ["fresh_minutes", "grace_days", "skips"] {
        assert!(!written.contains(field), "what an earlier version does not know stops its requests: {written}");
    }
}
