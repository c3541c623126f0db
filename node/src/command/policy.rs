//! `doorward policy …`: a verb becomes a request.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use actors::{
    domain::{
        assurance::Acr,
        command::{Demand, Explained},
        policy::{self, AT_ONCE, Strength},
    },
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
        PolicyVerb::Explain { user, client, operation, print } => {
            let client = client.as_deref().map(client_id).transpose()?;
            Errand::new(Request::PolicyExplain { user, client, operation }, Show::Whole, print.output)
        }
    })
}

fn scope_of(scope: Scope) -> anyhow::Result<PolicyScope> {
    let client = scope.client.as_deref().map(client_id).transpose()?;
    Ok(match (scope.role, client, scope.operation) {
        (Some(role), ..) => PolicyScope::Role { role },
        (None, client, Some(operation)) => PolicyScope::Operation { client, operation },
        (None, Some(client), None) => PolicyScope::Client { client },
        (None, None, None) => PolicyScope::Everybody,
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
            Level::Phrh => Acr::PhishingResistantHardware,
        }
        .as_str()
        .to_owned(),
        trusted_days: set.trusted_days,
        fresh_minutes: set.fresh_minutes,
        grace_days: set.grace_days,
        skips: set.skips,
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
        let grace = [(policy.grace_days, "days of grace"), (policy.skips, "skips")];
        let grace = grace.into_iter().filter_map(|(count, what)| count.map(|count| format!(", {count} {what}")));
        let mode = std::iter::once(mode).chain(grace).collect::<String>();
        let trusted = match policy::fresh_for(policy) {
            Some(age) => age_of(age.as_secs()),
            None => {
                policy.trusted_days.map_or_else(|| "as trusted".to_owned(), |days| format!("trusted for {days} days"))
            }
        };
        let at_least = policy.at_least.rsplit(':').next().unwrap_or_default().to_owned();
        let (any, all) = (names(&policy.any_of), names(&policy.all_of));
        vec![policy.scope.to_string(), mode, at_least, any, all, trusted, moment(policy.changed_at)]
    };
    let head = ["SCOPE", "MODE", "AT LEAST", "ANY OF", "ALL OF", "PROOFS", "CHANGED"];
    columns(&head, &policies.iter().map(row).collect::<Vec<_>>())
}

/// How old proofs may be.
fn age_of(secs: u64) -> String {
    match secs {
        0 => "new ones".to_owned(),
        secs => format!("of {} min", secs / 60),
    }
}

/// What each policy asks of a user, as a table and in sentences.
pub(super) fn explained(all: &[Explained]) -> String {
    let row = |one: &Explained| {
        let strength = match one.strength {
            Strength::Off => "nothing",
            Strength::Recommended => "recommended",
            Strength::Required => "required",
        };
        let devices = match &one.missing {
            None => "enough".to_owned(),
            Some(methods) if one.missing_all => format!("needs {}", joined(methods, "+")),
            Some(methods) => format!("needs {}", names(methods)),
        };
        let (least, by, proofs) = one.demand.as_ref().map(demanded).unwrap_or_default();
        let applies = if one.applies { "yes" } else { "no" };
        vec![one.scope.to_string(), applies.to_owned(), strength.to_owned(), least, by, proofs, devices]
    };
    let head = ["SCOPE", "APPLIES", "ASKS FOR", "AT LEAST", "BY", "PROOFS", "DEVICES"];
    let table = columns(&head, &all.iter().map(row).collect::<Vec<_>>());
    format!("{table}the user {}\n{}", verdict(all), strictest(all))
}

/// The least `acr`, by which methods, and how fresh.
fn demanded(demand: &Demand) -> (String, String, String) {
    let least = demand.at_least.rsplit(':').next().unwrap_or_default().to_owned();
    (least, ways(demand), demand.fresh_for_secs.map_or_else(|| "of the session".to_owned(), age_of))
}

fn verdict(all: &[Explained]) -> &'static str {
    let applying = || all.iter().filter(|one| one.applies);
    let required = || applying().filter(|one| one.strength == Strength::Required);
    if required().any(|one| one.missing.is_some()) {
        "must set up a device before anything else"
    } else if required().any(|one| one.demand.as_ref().is_some_and(|demand| demand.fresh_for_secs.is_some())) {
        "must prove it anew for the operation"
    } else if required().next().is_some() {
        "must prove it at sign-in"
    } else if applying().any(|one| one.strength == Strength::Recommended && one.missing.is_some()) {
        "is asked to set up a device, and may decline"
    } else {
        "is asked for nothing more than the account has"
    }
}

/// Which policy decides, and by what.
fn strictest(all: &[Explained]) -> String {
    let Some(one) = all.iter().find(|one| one.strictest) else { return String::new() };
    let apply = all.iter().filter(|one| one.applies && one.strength > Strength::Off).count();
    let (which, others) = match apply {
        1 => ("the one that applies".to_owned(), ""),
        many => (format!("the strictest of the {many} that apply"), "; the others must be met as well"),
    };
    let asks = if one.strength == Strength::Required { "required" } else { "recommended" };
    let demand = one.demand.as_ref().map(|demand| {
        let (least, by, proofs) = demanded(demand);
        let skips = demand.skips_left.map(|left| format!(", {left} skips left")).unwrap_or_default();
        let due = demand.due_at.filter(|_| one.strength < Strength::Required);
        let due = due.map(|due| format!(", required from {}", moment(due))).unwrap_or_default();
        format!(", at least {least}, by {by}, proofs {proofs}{due}{skips}")
    });
    format!("{} is {which}: {asks}{}{others}\n", one.scope, demand.unwrap_or_default())
}

/// The ways to meet it, each with all that it takes.
fn ways(demand: &Demand) -> String {
    if demand.ways.is_empty() {
        // A server of an earlier version knows of single methods alone.
        return names(&demand.met_by);
    }
    demand.ways.iter().map(|way| joined(way, "+")).collect::<Vec<_>>().join(",")
}

/// Methods as the command line names them.
fn names(methods: &BTreeSet<PolicyMethod>) -> String {
    joined(methods, ",")
}

fn joined(methods: &BTreeSet<PolicyMethod>, between: &str) -> String {
    let name = |method: &PolicyMethod| match method {
        PolicyMethod::Totp => "totp",
        PolicyMethod::Email => "email",
        PolicyMethod::Sms => "sms",
        PolicyMethod::Passkey => "passkey",
    };
    if methods.is_empty() { "-".to_owned() } else { methods.iter().map(name).collect::<Vec<_>>().join(between) }
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

    #[test]
    fn each_way_to_meet_a_policy_is_told_with_all_that_it_takes() {
        let both = typed(&["--any-of", "totp,email", "--all-of", "passkey"]);
        let demand = Demand {
            at_least: both.at_least.clone(),
            met_by: policy::met_by(&both),
            ways: policy::ways_to_meet(&both),
            fresh_for_secs: None,
            due_at: None,
            skips_left: None,
        };
        let one = Explained {
            scope: both.scope,
            applies: true,
            strength: Strength::Required,
            demand: Some(demand),
            missing: Some([PolicyMethod::Totp, PolicyMethod::Passkey].into()),
            missing_all: true,
            strictest: true,
        };
        let told = explained(&[one]);
        assert!(told.contains("totp+passkey,email+passkey") && told.contains("needs totp+passkey"), "{told}");
    }

    #[test]
    fn an_operation_is_of_the_account_or_of_an_application() {
        let typed = |more: &[&str]| {
            let line = ["set", "--mode", "required", "--at-least", "phishing-resistant"].iter().chain(more);
            Typed::try_parse_from(line).ok().map(|typed| policy(typed.set).expect("a policy"))
        };
        let own = typed(&["--operation", "password.change"]).expect("a command line");
        assert_eq!((own.scope.to_string().as_str(), own.at_least.as_str()), ("operation/password.change", "phr"));
        let transfer = typed(&["--client", "c_bank", "--operation", "wire.transfer", "--fresh-minutes", "5"]);
        let transfer = transfer.expect("a command line");
        assert_eq!(transfer.scope.to_string(), "operation/c_bank/wire.transfer");
        assert!(table(&[transfer, own]).contains("of 5 min"));
        assert!(typed(&["--role", "staff", "--operation", "wire.transfer"]).is_none());
    }
}
