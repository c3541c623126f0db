//! `doorward policy …`: a verb becomes a request.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use actors::{
    domain::{assurance::Acr, command::Explained, policy::Strength},
    operator::Request,
};
use schema::{
    Timestamp,
    record::{Policy, PolicyMethod, PolicyMode, PolicyScope, Unknown},
};

use super::operator::{Errand, client_id, confirmed};
use crate::{
    cli::{Factor, Level, Mode, PolicySet, PolicyVerb, Scope},
    command::pretty::Show,
    config::Config,
    print::{columns, moment},
};

/// Since when that is required which was never announced.
const AT_ONCE: Timestamp = Timestamp::from_millis(0);

/// `doorward policy …`
pub(super) fn run(verb: PolicyVerb, config: &Config) -> anyhow::Result<()> {
    errand(verb)?.run(config)
}

fn errand(verb: PolicyVerb) -> anyhow::Result<Errand> {
    Ok(match verb {
        PolicyVerb::List { print } => Errand::new(Request::PolicyList, Show::Whole, print.output),
        PolicyVerb::Set(set) => {
            let output = set.print.output;
            Errand::new(Request::PolicySet(Box::new(policy(set)?)), Show::Whole, output)
        }
        PolicyVerb::Remove { scope, confirm, print } => {
            let scope = scope_of(scope)?;
            confirmed(confirm, &format!("remove the policy of {scope}"))?;
            Errand::new(Request::PolicyRemove(scope), Show::Done("removed"), print.output)
        }
        PolicyVerb::Explain { user, client, print } => {
            let client = client.as_deref().map(client_id).transpose()?;
            Errand::new(Request::PolicyExplain { user, client }, Show::Whole, print.output)
        }
    })
}

fn scope_of(scope: Scope) -> anyhow::Result<PolicyScope> {
    Ok(match (scope.role, scope.client) {
        (Some(role), _) => PolicyScope::Role { role },
        (None, Some(client)) => PolicyScope::Client { client: client_id(&client)? },
        (None, None) => PolicyScope::Everybody,
    })
}

fn policy(set: PolicySet) -> anyhow::Result<Policy> {
    let now = now();
    let methods = |all: &[Factor]| -> BTreeSet<PolicyMethod> { all.iter().map(|factor| method(*factor)).collect() };
    Ok(Policy {
        mode: match set.mode {
            Mode::Off => PolicyMode::Off,
            Mode::Recommended => PolicyMode::Recommended,
            // No clock puts off what is required at once.
            Mode::Required if set.after_days == 0 => PolicyMode::Required { from: AT_ONCE },
            Mode::Required => {
                PolicyMode::Required { from: now.after(Duration::from_hours(24 * u64::from(set.after_days))) }
            }
        },
        any_of: methods(&set.any_of),
        all_of: methods(&set.all_of),
        at_least: match set.at_least {
            Level::TwoStep => Acr::TwoStep,
            Level::Mfa => Acr::Mfa,
            Level::Phr => Acr::PhishingResistant,
        }
        .as_str()
        .to_owned(),
        trusted_days: set.trusted_days,
        // Written anew by whoever sets it.
        changed_at: now,
        scope: scope_of(set.scope)?,
        unknown: Unknown::default(),
    })
}

const fn method(factor: Factor) -> PolicyMethod {
    match factor {
        Factor::Totp => PolicyMethod::Totp,
        Factor::Email => PolicyMethod::Email,
        Factor::Sms => PolicyMethod::Sms,
        Factor::Passkey => PolicyMethod::Passkey,
    }
}

#[expect(clippy::disallowed_methods, reason = "an operator counts days from the time of day")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Policies as a table.
pub(super) fn table(policies: &[Policy]) -> String {
    let row = |policy: &Policy| {
        let mode = match policy.mode {
            PolicyMode::Off => "off".to_owned(),
            PolicyMode::Recommended => "recommended".to_owned(),
            PolicyMode::Required { from: AT_ONCE } => "required".to_owned(),
            PolicyMode::Required { from } => format!("required from {}", moment(from)),
        };
        let trusted = policy.trusted_days.map_or_else(|| "as trusted".to_owned(), |days| format!("{days} days"));
        let at_least = policy.at_least.rsplit(':').next().unwrap_or_default().to_owned();
        let (any, all) = (names(&policy.any_of), names(&policy.all_of));
        vec![policy.scope.to_string(), mode, at_least, any, all, trusted, moment(policy.changed_at)]
    };
    let head = ["SCOPE", "MODE", "AT LEAST", "ANY OF", "ALL OF", "TRUSTED BROWSER", "CHANGED"];
    columns(&head, &policies.iter().map(row).collect::<Vec<_>>())
}

/// What each policy asks of a user, as a table and in a sentence.
pub(super) fn explained(all: &[Explained]) -> String {
    let row = |one: &Explained| {
        let strength = match one.strength {
            Strength::Off => "nothing",
            Strength::Recommended => "recommended",
            Strength::Required => "required",
        };
        let devices = match &one.missing {
            None => "enough".to_owned(),
            Some(methods) => format!("needs {}", names(methods)),
        };
        let applies = if one.applies { "yes" } else { "no" };
        vec![one.scope.to_string(), applies.to_owned(), strength.to_owned(), devices]
    };
    let table = columns(&["SCOPE", "APPLIES", "ASKS FOR", "DEVICES"], &all.iter().map(row).collect::<Vec<_>>());
    let applying = || all.iter().filter(|one| one.applies);
    let required = || applying().filter(|one| one.strength == Strength::Required);
    let verdict = if required().any(|one| one.missing.is_some()) {
        "must set up a device before anything else"
    } else if required().next().is_some() {
        "must prove it at sign-in"
    } else if applying().any(|one| one.strength == Strength::Recommended && one.missing.is_some()) {
        "is asked to set up a device, and may decline"
    } else {
        "is asked for nothing more than the account has"
    };
    format!("{table}the user {verdict}\n")
}

/// Methods as the command line names them.
fn names(methods: &BTreeSet<PolicyMethod>) -> String {
    let name = |method: &PolicyMethod| match method {
        PolicyMethod::Totp => "totp",
        PolicyMethod::Email => "email",
        PolicyMethod::Sms => "sms",
        PolicyMethod::Passkey => "passkey",
    };
    if methods.is_empty() { "-".to_owned() } else { methods.iter().map(name).collect::<Vec<_>>().join(",") }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        set: PolicySet,
    }

    fn typed(more: &[&str]) -> Policy {
        let line = ["set", "--everybody", "--mode", "required"].iter().chain(more);
        policy(Typed::try_parse_from(line).expect("a command line").set).expect("a policy")
    }

    #[test]
    fn what_is_required_at_once_waits_for_no_clock() {
        let (at_once, later) = (typed(&[]), typed(&["--after-days", "1"]));
        assert_eq!(at_once.mode, PolicyMode::Required { from: Timestamp::from_millis(0) });
        assert!(matches!(later.mode, PolicyMode::Required { from } if from > now()));
        let shown = table(&[at_once]);
        assert!(shown.contains("required") && !shown.contains("required from"), "{shown}");
        assert!(table(&[later]).contains("required from"));
    }
}
