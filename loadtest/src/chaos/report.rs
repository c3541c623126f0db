//! What came of a run: the report, and whether the run shows anything.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use anyhow::{bail, ensure};
use serde::Serialize;

use super::{
    Options, faults,
    history::{Kind, Story, Verdict},
    house::House,
    rules::{self, Violation},
};
use crate::machine::{self, Machine};

/// Clocks that may decide are off by half of this at most, so a cool-down may look this much shorter.
const CLOCKS: u64 = 8_000_000;
/// Servers that share no clock fault agree within this.
const SETTLED_CLOCKS: u64 = 100_000;
/// [`faults::LONG`], in microseconds.
const LONG: u64 = faults::LONG.as_secs() * 1_000_000;

/// What came of a run.
#[derive(Debug, Serialize)]
struct Report<'a> {
    seed: u64,
    nodes: usize,
    people: u32,
    seconds: u32,
    store: &'static str,
    networks: bool,
    clocks: bool,
    commit: Option<String>,
    machine: Machine,
    answered: usize,
    by_kind: BTreeMap<String, BTreeMap<String, usize>>,
    revocations: usize,
    /// Cookies of trusted devices that were stale, looked at and refused.
    stale_refused: usize,
    kept: usize,
    /// How often each kind of fault began that can happen to this house.
    faults: BTreeMap<faults::Kind, usize>,
    restarts: usize,
    stalled: usize,
    /// Who was not served at the end, and what they met.
    unaccounted: Vec<String>,
    /// Refused passwords of which the logs do not say whether they were looked at.
    untold: usize,
    violations: &'a [Violation],
}

/// Writes and prints the report, and fails if a rule did not hold, or if the run shows too little.
pub(super) fn conclude(
    options: &Options,
    house: &House,
    story: &Story,
    (unaccounted, untold): (Vec<String>, usize),
) -> anyhow::Result<()> {
    let clocks = if options.faketime.is_some() { CLOCKS } else { SETTLED_CLOCKS };
    let violations = rules::check(story, clocks);
    let mut by_kind: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for kind in Kind::ALL {
        by_kind.entry(format!("{kind:?}")).or_default();
    }
    for presented in &story.presented {
        let kind = format!("{:?}", story.secrets[presented.secret.0].kind);
        *by_kind.entry(kind).or_default().entry(format!("{:?}", presented.verdict)).or_default() += 1;
    }
    let possible = faults::Kind::possible(house.possible());
    let mut begun = story.faults_begun();
    for kind in &possible {
        begun.entry(*kind).or_default();
    }
    let report = Report {
        seed: options.seed,
        nodes: options.nodes,
        people: options.people,
        seconds: options.seconds,
        store: if options.cql.is_empty() { "embedded" } else { "CQL" },
        networks: options.netns,
        clocks: options.faketime.is_some(),
        commit: machine::commit(),
        machine: Machine::here(),
        answered: story.answered(),
        by_kind,
        revocations: story.revoked.len(),
        stale_refused: story.refused(Kind::StaleTrust),
        kept: story.kept.len(),
        faults: begun,
        restarts: house.restarts(),
        stalled: story.stalled,
        unaccounted,
        untold,
        violations: &violations,
    };
    std::fs::write(&options.out, serde_json::to_vec_pretty(&report)?)?;
    println!("{}\n{}", serde_json::to_string_pretty(&report)?, left_out(options));
    if !violations.is_empty() || untold > 0 {
        let folder = options.out.with_extension("logs");
        house.keep_logs(&folder)?;
        std::fs::write(folder.join("story.json"), serde_json::to_vec(story)?)?;
        bail!(
            "{} violations with seed {}, and {untold} refused passwords of which the logs do not say whether they were looked at; see {}",
            violations.len(),
            options.seed,
            folder.display()
        );
    }
    suffered(story, &possible, options.seconds)?;
    answered(story, options.attempts)?;
    shown(story, &report.unaccounted)
}

/// What this machine could not do to the house.
fn left_out(options: &Options) -> String {
    // What runs alone is connected with nobody.
    let alone = options.cql.is_empty();
    let cannot = [
        (!alone && !options.netns, "nodes were neither cut off nor slowed (no network namespaces)"),
        (!alone && options.script.is_none(), "no node of the store was killed or paused (no --script)"),
        (options.faketime.is_none(), "no clock was set (no libfaketime)"),
    ];
    let cannot: Vec<_> = cannot.into_iter().filter_map(|(cannot, what)| cannot.then_some(what)).collect();
    if cannot.is_empty() {
        return "On this machine everything could go wrong.".to_owned();
    }
    format!("On this machine not everything could go wrong: {}.", cannot.join("; "))
}

/// Something must have gone wrong, and in a run that was planned to be long everything that can. One that ended early, for
/// enough was answered, may have ended too early for that.
fn suffered(story: &Story, possible: &[faults::Kind], seconds: u32) -> anyhow::Result<()> {
    let begun = story.faults_begun();
    ensure!(!begun.is_empty(), "nothing went wrong: this run shows nothing; make it longer");
    if Duration::from_secs(seconds.into()) >= faults::LONG {
        let missing: Vec<_> = possible.iter().filter(|kind| !begun.contains_key(kind)).collect();
        ensure!(missing.is_empty(), "never happened: {missing:?}; it ended too early for that, after {begun:?}");
    }
    Ok(())
}

/// As many answers as were asked for.
fn answered(story: &Story, attempts: Option<usize>) -> anyhow::Result<()> {
    let (answered, wanted) = (story.answered(), attempts.unwrap_or_default());
    ensure!(answered >= wanted, "the time was over after {answered} answers of {wanted}; make it longer");
    Ok(())
}

/// A kind of which something must be accepted and nothing was.
pub(super) fn never_accepted(story: &Story) -> Option<Kind> {
    let accepted = story.presented.iter().filter(|presented| presented.verdict == Verdict::Accepted);
    let kinds: HashSet<Kind> = accepted.map(|presented| story.secrets[presented.secret.0].kind).collect();
    Kind::ALL.into_iter().find(|kind| kind.limit() > 0 && !kinds.contains(kind))
}

/// A run in which nothing was tried shows nothing.
fn shown(story: &Story, unaccounted: &[String]) -> anyhow::Result<()> {
    if let Some(kind) = never_accepted(story) {
        bail!("no {kind:?} was ever accepted: this run shows nothing; make it longer");
    }
    ensure!(was_guessed(story), "no wrong password was looked at: this run shows too little; make it longer");
    ensure!(went_stale(story), "no cookie of a trusted device went stale and was looked at: this run shows too little");
    ensure!(!story.revoked.is_empty() && !story.kept.is_empty(), "nothing was revoked or looked for at the end");
    ensure!(unaccounted.is_empty(), "not served at the end, with everything up: {unaccounted:?}");
    Ok(())
}

/// Was a stale cookie of a trusted device looked at, if there was time for it?
fn went_stale(story: &Story) -> bool {
    !is_long(story) || story.refused(Kind::StaleTrust) > 0
}

/// Was a wrong password looked at, if there was time for it?
fn was_guessed(story: &Story) -> bool {
    !is_long(story) || story.refused(Kind::WrongPassword) > 0
}

fn is_long(story: &Story) -> bool {
    story.presented.iter().any(|presented| presented.at.to >= LONG)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{
        super::history::{Fault, Interval, Presented, Secret, SecretId},
        *,
    };

    fn story_of(kind: Kind, to: u64, verdict: Verdict) -> Story {
        let secret = Secret { kind, person: 1, subject: None, family: None, order: 0 };
        let (secret_id, at) = (SecretId(0), Interval { from: 0, to });
        let presented = Presented { secret: secret_id, at, node: None, request: None, verdict, trusted_anew: false };
        let mut story = Story::default();
        story.secrets.push(secret);
        story.presented.push(presented);
        story
    }

    #[test]
    fn a_kind_of_which_nothing_was_accepted_is_found() {
        let mut story = Story::default();
        for kind in Kind::ALL.into_iter().filter(|kind| kind.limit() > 0) {
            assert_eq!(never_accepted(&story), Some(kind));
            let Story { secrets, presented, .. } = story_of(kind, 1, Verdict::Accepted);
            let secret = SecretId(story.secrets.len());
            story.presented.push(Presented { secret, ..presented[0] });
            story.secrets.extend(secrets);
        }
        assert_eq!(never_accepted(&story), None);
        story.presented[0].verdict = Verdict::Refused;
        assert_eq!(never_accepted(&story), Some(Kind::AuthorizationCode));
    }

    #[test]
    fn a_long_run_without_a_stale_cookie_that_was_looked_at_is_found() {
        assert!(went_stale(&story_of(Kind::Password, LONG - 1, Verdict::Accepted)), "it was too short for one");
        assert!(!went_stale(&story_of(Kind::Password, LONG, Verdict::Accepted)));
        for verdict in [Verdict::Accepted, Verdict::Throttled, Verdict::Unavailable, Verdict::Lost] {
            assert!(!went_stale(&story_of(Kind::StaleTrust, LONG, verdict)), "{verdict:?}");
        }
        assert!(went_stale(&story_of(Kind::StaleTrust, LONG, Verdict::Refused)));
    }

    /// A story in which these faults have begun, and all but the last two have ended.
    fn story_with(kinds: &[faults::Kind]) -> Story {
        let fault = |kind: &faults::Kind, begins| Fault { at: 0, kind: *kind, what: format!("{kind:?}"), begins };
        let mut story = Story::default();
        story.faults.extend(kinds.iter().map(|kind| fault(kind, true)));
        story.faults.extend(kinds.iter().take(kinds.len().saturating_sub(2)).map(|kind| fault(kind, false)));
        story
    }

    #[test]
    fn a_long_run_in_which_a_kind_of_fault_never_happened_is_found() {
        use faults::Kind::{Clock, Kill, Pause, Slow, Stop};
        let all = [Kill, Pause, Stop, Clock];
        suffered(&story_with(&[Kill, Stop, Pause, Kill, Clock]), &all, 90).expect("everything happened");
        for missing in all {
            let others: Vec<_> = all.into_iter().filter(|kind| *kind != missing).collect();
            let story = story_with(&others);
            for seconds in [90, 7200] {
                let said = suffered(&story, &all, seconds).expect_err("one is missing").to_string();
                assert!(said.starts_with(&format!("never happened: [{missing:?}];")), "{said}");
            }
            suffered(&story, &all, 89).expect("it was too short for all of them");
            suffered(&story, &others, 90).expect("it cannot happen here");
        }
        suffered(&story_with(&[]), &all, 10).expect_err("nothing happened");
        assert_eq!(story_with(&[Slow, Kill, Slow]).faults_begun(), BTreeMap::from([(Kill, 1), (Slow, 2)]));
    }

    #[test]
    fn a_run_whose_time_was_over_before_enough_was_answered_fails() {
        let story = story_of(Kind::Password, 1, Verdict::Refused);
        answered(&story, None).expect("nobody asked for more");
        answered(&story, Some(1)).expect("as many as were asked for");
        let said = answered(&story, Some(2)).expect_err("one is not two").to_string();
        assert!(said.contains("after 1 answers of 2"), "{said}");
    }

    #[test]
    fn the_last_line_says_what_the_machine_could_not_do() {
        let options = |line: &[&str]| Line::try_parse_from([&["chaos"], line].concat()).expect("options").options;
        let alone = left_out(&options(&["--faketime", "lib"]));
        assert_eq!(alone, "On this machine everything could go wrong.");
        assert_eq!(
            left_out(&options(&[])),
            "On this machine not everything could go wrong: no clock was set (no libfaketime)."
        );
        assert_eq!(
            left_out(&options(&["--cql", "a:1", "--script", "s"])),
            "On this machine not everything could go wrong: nodes were neither cut off nor slowed (no network \
             namespaces); no clock was set (no libfaketime)."
        );
        let all = ["--cql", "a:1", "--script", "s", "--netns", "--faketime", "lib"];
        assert_eq!(left_out(&options(&all)), "On this machine everything could go wrong.");
    }

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }
}
