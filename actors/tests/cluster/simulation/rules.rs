//! What must hold of a [`Story`], whatever was paused, cut off, restarted or lost meanwhile. Pure.

use std::collections::BTreeMap;

/// Failures in a row before an authenticator cools down, and the first cool-down in milliseconds; the second is twice as
/// long.
const BURST: usize = 5;
const COOL_DOWN: u64 = 30_000;

/// What can be presented; the number tells one from another. What is not `once` may be accepted again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Secret {
    Password(usize),
    Session(usize),
    /// An access token, by its family.
    Token(usize),
    Code(usize),
    Refresh(usize),
    /// A person's code of a step.
    Totp(usize, i64),
    Backup(usize),
    /// A code that was sent, and the link beside it.
    Sent(usize),
    /// A passkey's answer to one challenge.
    Passkey(usize),
    /// The trust in a browser: let in by any of its cookies.
    Trust(usize),
    /// One of those cookies: accepted when another one was given for it.
    Cookie(usize),
    /// A wrong code for a person.
    Guess(usize),
}

impl Secret {
    const fn limit(self) -> usize {
        match self {
            Self::Password(_) | Self::Session(_) | Self::Token(_) | Self::Trust(_) => usize::MAX,
            Self::Code(_)
            | Self::Refresh(_)
            | Self::Totp(..)
            | Self::Backup(_)
            | Self::Sent(_)
            | Self::Passkey(_)
            | Self::Cookie(_) => 1,
            Self::Guess(_) => 0,
        }
    }
}

/// What can be revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    Person(usize),
    Password(usize),
    Session(usize),
    Family(usize),
}

/// How it was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accepted,
    Refused,
    Throttled,
    /// There was no answer, or none that says what happened.
    Lost,
}

/// From the request to its answer, in milliseconds of the clock that all have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// A secret was presented.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) secret: Secret,
    /// What it ends with.
    pub(crate) subjects: Vec<Subject>,
    pub(crate) at: Interval,
    pub(crate) node: usize,
    pub(crate) verdict: Verdict,
}

/// Everything that clients saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Story {
    pub(crate) shown: Vec<Shown>,
    /// Acknowledged revocations: what was revoked, and when that was answered.
    pub(crate) revoked: Vec<(Subject, u64)>,
    /// What was looked for at the end, after everything had healed: was it there, or still used up?
    pub(crate) kept: Vec<(Secret, bool)>,
    /// What was refused since it had been used before, and when that was answered.
    pub(crate) reused: Vec<(Secret, u64)>,
    /// By how much the clocks of two nodes may differ, in milliseconds.
    pub(crate) clocks_differ: u64,
}

/// All that does not hold.
pub(crate) fn check(story: &Story) -> Vec<String> {
    let mut found = at_most_once(story);
    found.extend(revoked_stays_revoked(story));
    found.extend(guesses_cost(story));
    found.extend(steps_go_forward(story));
    found.extend(repeated_alike(story));
    let lost = story.kept.iter().filter(|(_, there)| !there);
    found.extend(lost.map(|(secret, _)| format!("nothing acknowledged is lost: {secret:?}")));
    found
}

fn accepted(story: &Story) -> impl Iterator<Item = &Shown> {
    story.shown.iter().filter(|shown| shown.verdict == Verdict::Accepted)
}

fn at_most_once(story: &Story) -> Vec<String> {
    let mut times: BTreeMap<Secret, Vec<(usize, Interval)>> = BTreeMap::new();
    for shown in accepted(story) {
        times.entry(shown.secret).or_default().push((shown.node, shown.at));
    }
    let too_often = times.iter().filter(|(secret, times)| times.len() > secret.limit());
    too_often.map(|(secret, times)| format!("accepted at most once: {secret:?} {times:?}")).collect()
}

/// A request that began in the millisecond of the acknowledgement may have begun before it.
fn revoked_stays_revoked(story: &Story) -> Vec<String> {
    let mut ended = BTreeMap::new();
    for (subject, at) in &story.revoked {
        let first: &mut u64 = ended.entry(*subject).or_insert(u64::MAX);
        *first = (*at).min(*first);
    }
    let late = |shown: &&Shown| {
        shown.subjects.iter().any(|subject| ended.get(subject).is_some_and(|ended| *ended < shown.at.from))
    };
    accepted(story).filter(late).map(|shown| format!("revoked stays revoked: {shown:?}")).collect()
}

/// Failures come in bursts, and between two bursts lies a cool-down. So of any six one came a cool-down after another, and
/// of any eleven two cool-downs, whatever was counted beside them without an answer.
fn guesses_cost(story: &Story) -> Vec<String> {
    let mut by_person: BTreeMap<usize, Vec<Interval>> = BTreeMap::new();
    for shown in &story.shown {
        if let (Secret::Guess(person), Verdict::Refused) = (shown.secret, shown.verdict) {
            by_person.entry(person).or_default().push(shown.at);
        }
    }
    let mut found = Vec::new();
    for (person, guesses) in by_person {
        for (allowed, span, clocks) in [(BURST, COOL_DOWN, 1), (2 * BURST, 3 * COOL_DOWN, 2)] {
            // It may begin by one clock and end by another.
            let span = span - clocks * story.clocks_differ;
            let within = |first: &Interval| {
                guesses.iter().filter(|at| at.from >= first.from && at.to < first.from + span).count()
            };
            let most = guesses.iter().map(within).max().unwrap_or_default();
            if most > allowed {
                found.push(format!(
                    "guesses cost: {most} looked at of person {person} within {span} ms, {allowed} allowed"
                ));
            }
        }
    }
    found
}

/// Of two accepted codes of a person, one asked after the other was answered, the later one is of a later step.
fn steps_go_forward(story: &Story) -> Vec<String> {
    let steps = accepted(story).filter_map(|shown| match shown.secret {
        Secret::Totp(person, step) => Some((person, step, shown.at)),
        _ => None,
    });
    let steps: Vec<_> = steps.collect();
    let back = |(person, step, at): &&(usize, i64, Interval)| {
        steps.iter().any(|(of, later, before)| of == person && later > step && before.to < at.from)
    };
    steps.iter().filter(back).map(|(person, step, _)| format!("steps go forward: {step} of person {person}")).collect()
}

/// A command that is delivered repeatedly is answered as the first time: what was presented in one request alone was never
/// used before.
fn repeated_alike(story: &Story) -> Vec<String> {
    let presented = |secret: &Secret, at: u64| {
        story.shown.iter().filter(|shown| shown.secret == *secret && shown.at.from <= at).count()
    };
    let alone = story.reused.iter().filter(|(secret, at)| presented(secret, *at) < 2);
    alone
        .map(|(secret, _)| format!("a repeated delivery is answered alike: {secret:?} was used by one request"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(secret: Secret, (from, to): (u64, u64), verdict: Verdict) -> Shown {
        Shown { secret, subjects: vec![Subject::Session(1)], at: Interval { from, to }, node: 0, verdict }
    }

    fn of(shown: Vec<Shown>, revoked: &[(Subject, u64)]) -> usize {
        check(&Story { shown, revoked: revoked.to_vec(), ..Story::default() }).len()
    }

    #[test]
    fn what_is_accepted_twice_and_may_be_once_is_found() {
        let one = shown(Secret::Totp(1, 7), (0, 9), Verdict::Accepted);
        let other = Shown { verdict: Verdict::Lost, ..one.clone() };
        assert_eq!(of(vec![one.clone(), other], &[]), 0);
        assert_eq!(of(vec![one.clone(), one], &[]), 1);
        let session = shown(Secret::Session(1), (0, 9), Verdict::Accepted);
        assert_eq!(of(vec![session.clone(), session], &[]), 0);
    }

    #[test]
    fn what_began_after_the_end_was_acknowledged_and_is_accepted_is_found() {
        let ended = [(Subject::Session(1), 20)];
        let seen = |from| of(vec![shown(Secret::Session(1), (from, 30), Verdict::Accepted)], &ended);
        assert_eq!((seen(20), seen(21)), (0, 1));
        assert_eq!(of(vec![shown(Secret::Session(1), (25, 30), Verdict::Refused)], &ended), 0);
    }

    #[test]
    fn a_sixth_guess_before_the_cool_down_is_over_is_found() {
        let mut guesses: Vec<_> = (0..5).map(|n| shown(Secret::Guess(1), (n, n + 9), Verdict::Refused)).collect();
        guesses.push(shown(Secret::Guess(1), (100, 30_000), Verdict::Refused));
        assert_eq!(of(guesses.clone(), &[]), 0);
        guesses.push(shown(Secret::Guess(1), (100, 29_999), Verdict::Refused));
        assert_eq!(of(guesses, &[]), 1);
        assert_eq!(of(vec![shown(Secret::Guess(1), (0, 1), Verdict::Accepted)], &[]), 1);
    }

    /// One that counted was not answered.
    #[test]
    fn a_burst_that_a_lost_answer_filled_is_no_fault() {
        let mut guesses: Vec<_> = (0..4).map(|n| shown(Secret::Guess(1), (n, n + 9), Verdict::Refused)).collect();
        guesses.push(shown(Secret::Guess(1), (4, 9), Verdict::Lost));
        guesses.extend((0..5).map(|n| shown(Secret::Guess(1), (30_010 + n, 30_020), Verdict::Refused)));
        assert_eq!(of(guesses, &[]), 0);
    }

    #[test]
    fn clocks_that_differ_make_a_cool_down_shorter() {
        let mut guesses: Vec<_> = (0..5).map(|n| shown(Secret::Guess(1), (n, n + 9), Verdict::Refused)).collect();
        guesses.push(shown(Secret::Guess(1), (100, 22_000), Verdict::Refused));
        let within = |clocks_differ, shown: &[Shown]| {
            check(&Story { shown: shown.to_vec(), clocks_differ, ..Story::default() }).len()
        };
        assert_eq!((within(0, &guesses), within(8_000, &guesses)), (1, 0));
        guesses[5].at.to = 21_999;
        assert_eq!(within(8_000, &guesses), 1);
    }

    #[test]
    fn a_step_before_one_that_was_accepted_is_found() {
        let step = |step, at| shown(Secret::Totp(1, step), at, Verdict::Accepted);
        assert_eq!(of(vec![step(7, (0, 9)), step(6, (9, 12))], &[]), 0);
        assert_eq!(of(vec![step(7, (0, 9)), step(8, (10, 12))], &[]), 0);
        assert_eq!(of(vec![step(7, (0, 9)), step(6, (10, 12))], &[]), 1);
    }

    #[test]
    fn what_one_request_used_and_is_said_to_have_been_used_before_is_found() {
        let one = shown(Secret::Code(1), (0, 9), Verdict::Refused);
        let later = Shown { at: Interval { from: 10, to: 12 }, ..one.clone() };
        let found = |shown| check(&Story { shown, reused: vec![(Secret::Code(1), 9)], ..Story::default() }).len();
        assert_eq!((found(vec![one.clone(), later]), found(vec![one.clone(), one])), (1, 0));
    }

    #[test]
    fn what_is_gone_at_the_end_is_found() {
        let kept = vec![(Secret::Session(1), true), (Secret::Session(2), false)];
        assert_eq!(check(&Story { kept, ..Story::default() }).len(), 1);
    }
}
