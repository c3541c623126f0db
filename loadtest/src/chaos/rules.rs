//! What must hold of a [`Story`], whatever was killed, paused, cut off or set wrong meanwhile. Pure; each rule has a story
//! that breaks it among the tests.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::history::{Kind, Presented, SecretId, Story, Verdict};

/// Failures in a row before an authenticator cools down.
const BURST: usize = 5;
/// The first cool-down; each one after it is twice as long, up to an hour.
const COOL_DOWN: u64 = 30_000_000;

/// A rule that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Violation {
    pub(crate) rule: &'static str,
    pub(crate) what: String,
}

impl Violation {
    fn new(rule: &'static str, what: String) -> Self {
        Self { rule, what }
    }
}

/// All rules on a story. `clocks` is how much earlier than by the clients' clock a cool-down may be over, in
/// microseconds, because the servers' clocks were moved.
pub(crate) fn check(story: &Story, clocks: u64) -> Vec<Violation> {
    let mut found = at_most_once(story);
    found.extend(only_forward(story));
    found.extend(dead_stays_dead(story));
    found.extend(guesses_cost(story, clocks));
    found.extend(one_successor(story));
    found.extend(nothing_lost(story));
    found
}

fn accepted(story: &Story) -> impl Iterator<Item = &Presented> {
    story.presented.iter().filter(|presented| presented.verdict == Verdict::Accepted)
}

/// Each secret is accepted no more often than its kind allows.
fn at_most_once(story: &Story) -> Vec<Violation> {
    let mut times: BTreeMap<SecretId, Vec<&Presented>> = BTreeMap::new();
    for presented in accepted(story) {
        times.entry(presented.secret).or_default().push(presented);
    }
    let limit = |secret: &SecretId| story.secrets[secret.0].kind.limit();
    let too_often = times.iter().filter(|(secret, times)| times.len() > limit(secret));
    let describe = |(secret, times): (&SecretId, &Vec<&Presented>)| {
        let secret_is = story.secrets[secret.0];
        let when: Vec<_> = times.iter().map(|p| format!("{}..{} by {:?}", p.at.from, p.at.to, p.node)).collect();
        let what = format!("{:?} {} of person {}: {}", secret_is.kind, secret.0, secret_is.person, when.join(", "));
        Violation::new("accepted at most once", what)
    };
    too_often.map(describe).collect()
}

/// Of ordered secrets, none is accepted after one of a higher order.
fn only_forward(story: &Story) -> Vec<Violation> {
    let mut by_person: HashMap<usize, Vec<&Presented>> = HashMap::new();
    for presented in accepted(story) {
        let secret = story.secrets[presented.secret.0];
        if secret.kind == Kind::TotpCode {
            by_person.entry(secret.person).or_default().push(presented);
        }
    }
    let order = |presented: &Presented| story.secrets[presented.secret.0].order;
    let mut found = Vec::new();
    for (person, mut accepted) in by_person {
        accepted.sort_by_key(|presented| presented.at.from);
        for (n, later) in accepted.iter().enumerate() {
            let before = accepted[..n].iter().find(|p| p.at.to < later.at.from && order(p) > order(later));
            if let Some(before) = before {
                let what = format!("person {person}: step {} after step {}", order(later), order(before));
                found.push(Violation::new("TOTP steps only go forward", what));
            }
        }
    }
    found
}

/// After an acknowledged revocation, nothing that it ended is accepted by a request that began later.
fn dead_stays_dead(story: &Story) -> Vec<Violation> {
    let mut ended = BTreeMap::new();
    for revoked in &story.revoked {
        let first: &mut u64 = ended.entry(revoked.subject).or_insert(u64::MAX);
        *first = revoked.at.to.min(*first);
    }
    let mut found = Vec::new();
    for presented in accepted(story) {
        let secret = story.secrets[presented.secret.0];
        let ends = [secret.subject, secret.family].into_iter().flatten().filter_map(|subject| ended.get(&subject));
        if let Some(at) = ends.min().filter(|at| presented.at.from > **at) {
            let late = presented.at.from - at;
            let what = format!(
                "{:?} {} of person {}, {late} µs after its end, by node {:?}",
                secret.kind, presented.secret.0, secret.person, presented.node
            );
            found.push(Violation::new("revoked stays revoked", what));
        }
    }
    found
}

/// No more guesses are looked at than the throttle allows: between the first and the last of any six failures lies a
/// cool-down, and of any eleven two, the second twice as long.
///
/// Nothing is said of when a burst began: a failure whose answer was lost may have begun it.
fn guesses_cost(story: &Story, clocks: u64) -> Vec<Violation> {
    let mut by_authenticator: HashMap<(usize, Kind), Vec<&Presented>> = HashMap::new();
    for presented in &story.presented {
        let secret = story.secrets[presented.secret.0];
        if secret.kind.is_guess() && presented.verdict == Verdict::Refused {
            by_authenticator.entry((secret.person, secret.kind)).or_default().push(presented);
        }
    }
    let mut found = Vec::new();
    for ((person, kind), mut guesses) in by_authenticator {
        guesses.sort_by_key(|guess| guess.at.from);
        for (bursts, span) in [(1, COOL_DOWN), (2, 3 * COOL_DOWN)] {
            let failures = bursts * BURST + 1;
            let span = span.saturating_sub(clocks * bursts as u64);
            let shortest = (0..guesses.len()).filter_map(|first| shortest_span(&guesses[first..], failures)).min();
            if let Some(shortest) = shortest.filter(|shortest| *shortest < span) {
                let what = format!("{kind:?} of person {person}: {failures} looked at within {shortest} µs");
                found.push(Violation::new("guesses stay within the budget", what));
            }
        }
    }
    found
}

/// However often the cookie of a trusted device is shown, one other takes its place: who copied it gets none of their own.
fn one_successor(story: &Story) -> Vec<Violation> {
    let mut successors: BTreeMap<SecretId, usize> = BTreeMap::new();
    let anew = story.presented.iter().filter(|presented| presented.trusted_anew);
    for presented in anew.filter(|presented| story.secrets[presented.secret.0].kind == Kind::TrustedDevice) {
        *successors.entry(presented.secret).or_default() += 1;
    }
    let several = successors.into_iter().filter(|(_, count)| *count > 1);
    let describe = |(secret, count): (SecretId, usize)| {
        let what = format!("cookie {} of person {}: {count} others", secret.0, story.secrets[secret.0].person);
        Violation::new("a trusted device has one cookie after another", what)
    };
    several.map(describe).collect()
}

/// The time within which the first of these and the quickest of the others, `count` in all, can have been judged.
fn shortest_span(guesses: &[&Presented], count: usize) -> Option<u64> {
    let (first, others) = guesses.split_first()?;
    let mut ends: Vec<u64> = others.iter().map(|guess| guess.at.to).collect();
    ends.sort_unstable();
    let last = ends.get(count - 2)?;
    Some(first.at.to.max(*last) - first.at.from)
}

/// What was acknowledged is there at the end.
fn nothing_lost(story: &Story) -> Vec<Violation> {
    let lost = story.kept.iter().filter(|kept| !kept.there);
    lost.map(|kept| Violation::new("nothing acknowledged is lost", format!("person {}: {}", kept.person, kept.what)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{
        super::history::{Interval, Kept, RequestId, Revoked, Secret, Subject},
        *,
    };

    const SECOND: u64 = 1_000_000;

    #[derive(Default)]
    struct Teller(Story);

    impl Teller {
        fn secret(&mut self, kind: Kind, subject: Option<Subject>, order: u64) -> SecretId {
            self.0.secrets.push(Secret { kind, person: 7, subject, family: None, order });
            SecretId(self.0.secrets.len() - 1)
        }

        fn told(&mut self, secret: SecretId, from: u64, to: u64, verdict: Verdict) {
            let at = Interval { from, to };
            let request = Some(RequestId(self.0.presented.len() as u64));
            self.0.presented.push(Presented { secret, at, node: Some(0), request, verdict, trusted_anew: false });
        }

        fn trusted_anew(&mut self) {
            self.0.presented.last_mut().expect("something was told").trusted_anew = true;
        }

        fn rules(&self) -> Vec<&'static str> {
            check(&self.0, 0).iter().map(|violation| violation.rule).collect()
        }
    }

    #[test]
    fn a_one_time_secret_that_is_accepted_twice_is_found() {
        for kind in Kind::ALL.into_iter().filter(|kind| kind.limit() == 1) {
            let mut story = Teller::default();
            let secret = story.secret(kind, None, 0);
            story.told(secret, 0, 5, Verdict::Accepted);
            story.told(secret, 1, 9, Verdict::Lost);
            story.told(secret, 2, 6, Verdict::Refused);
            assert_eq!(story.rules(), [""; 0]);
            story.told(secret, 90, 95, Verdict::Accepted);
            assert_eq!(story.rules(), ["accepted at most once"], "{kind:?}");
        }
    }

    #[test]
    fn a_guess_that_is_accepted_is_found() {
        let mut story = Teller::default();
        let secret = story.secret(Kind::LatePassword, None, 0);
        story.told(secret, 0, 5, Verdict::Accepted);
        assert_eq!(story.rules(), ["accepted at most once"]);
    }

    #[test]
    fn an_older_step_after_a_newer_one_is_found_unless_they_overlap() {
        let mut story = Teller::default();
        let (older, newer) = (story.secret(Kind::TotpCode, None, 4), story.secret(Kind::TotpCode, None, 5));
        story.told(newer, 10, 20, Verdict::Accepted);
        story.told(older, 19, 30, Verdict::Accepted);
        assert_eq!(story.rules(), [""; 0]);
        let again = story.secret(Kind::TotpCode, None, 4);
        story.told(again, 21, 30, Verdict::Accepted);
        assert_eq!(story.rules(), ["TOTP steps only go forward"]);
    }

    #[test]
    fn what_is_accepted_after_its_revocation_is_found_unless_it_began_before() {
        let mut story = Teller::default();
        let session = story.secret(Kind::Session, Some(Subject(1)), 0);
        story.0.revoked.push(Revoked { subject: Subject(1), at: Interval { from: 100, to: 200 } });
        story.told(session, 150, 400, Verdict::Accepted);
        story.told(session, 300, 400, Verdict::Refused);
        assert_eq!(story.rules(), [""; 0]);
        story.told(session, 201, 400, Verdict::Accepted);
        assert_eq!(story.rules(), ["revoked stays revoked"]);
    }

    #[test]
    fn what_is_accepted_after_its_family_was_revoked_is_found_though_its_session_lives() {
        let mut story = Teller::default();
        let access = story.secret(Kind::AccessToken, Some(Subject(1)), 0);
        story.0.secrets[access.0].family = Some(Subject(2));
        story.0.revoked.push(Revoked { subject: Subject(2), at: Interval { from: 100, to: 200 } });
        story.told(access, 150, 400, Verdict::Accepted);
        assert_eq!(story.rules(), [""; 0]);
        story.told(access, 201, 400, Verdict::Accepted);
        assert_eq!(story.rules(), ["revoked stays revoked"]);
    }

    #[test]
    fn a_stale_cookie_of_a_trusted_device_that_is_accepted_is_found() {
        let mut story = Teller::default();
        let stale = story.secret(Kind::StaleTrust, None, 0);
        story.told(stale, 0, 5, Verdict::Refused);
        assert_eq!((story.rules(), story.0.refused(Kind::StaleTrust)), (vec![], 1));
        story.told(stale, 6, 9, Verdict::Accepted);
        assert_eq!(story.rules(), ["accepted at most once"]);
    }

    #[test]
    fn the_newest_cookie_of_a_series_that_a_stale_one_has_ended_is_found() {
        let mut story = Teller::default();
        let newest = story.secret(Kind::TrustedDevice, Some(Subject(1)), 0);
        story.told(newest, 0, 5, Verdict::Accepted);
        story.0.revoked.push(Revoked { subject: Subject(1), at: Interval { from: 10, to: 20 } });
        story.told(newest, 21, 30, Verdict::Refused);
        assert_eq!(story.rules(), [""; 0]);
        story.told(newest, 21, 30, Verdict::Accepted);
        assert_eq!(story.rules(), ["revoked stays revoked"]);
    }

    #[test]
    fn a_cookie_of_a_trusted_device_that_two_others_follow_is_found() {
        let mut story = Teller::default();
        let code = story.secret(Kind::TotpCode, None, 0);
        story.told(code, 0, 5, Verdict::Accepted);
        story.trusted_anew();
        let (first, second) = (story.secret(Kind::TrustedDevice, None, 0), story.secret(Kind::TrustedDevice, None, 0));
        for cookie in [first, second] {
            story.told(cookie, 10, 15, Verdict::Accepted);
            story.trusted_anew();
            story.told(cookie, 11, 16, Verdict::Accepted);
        }
        assert_eq!(story.rules(), [""; 0]);
        story.trusted_anew();
        assert_eq!(story.rules(), ["a trusted device has one cookie after another"]);
    }

    #[test]
    fn guesses_beyond_the_budget_are_found() {
        for kind in Kind::ALL.into_iter().filter(|kind| kind.is_guess()) {
            let mut story = Teller::default();
            let guess = story.secret(kind, None, 0);
            for n in 0..5 {
                story.told(guess, n, n + 10, Verdict::Refused);
            }
            story.told(guess, 100, 110, Verdict::Throttled);
            story.told(guess, 200, 31 * SECOND, Verdict::Refused);
            assert_eq!(story.rules(), [""; 0], "{kind:?}: it may have been looked at after the cool-down");
            story.told(guess, 200, 29 * SECOND, Verdict::Refused);
            assert_eq!(story.rules(), ["guesses stay within the budget"], "{kind:?}");
            assert_eq!(check(&story.0, 2 * SECOND), [], "{kind:?}: clocks that run ahead open earlier");
        }
    }

    #[test]
    fn of_wrong_passwords_those_count_that_a_log_calls_looked_at() {
        let mut story = Teller::default();
        let wrong = story.secret(Kind::WrongPassword, None, 0);
        for n in 0..7 {
            story.told(wrong, n, n + 10, Verdict::Refused);
        }
        let log = |looked_at: u64, seen: u64| (0..seen).map(|n| (RequestId(n), n < looked_at)).collect();
        let learnt = |log| {
            let mut story = story.0.clone();
            let unknown = story.learn(&log);
            (unknown, story.refused(Kind::WrongPassword), check(&story, 0).len())
        };
        assert_eq!(learnt(log(5, 7)), (0, 5, 0));
        assert_eq!(learnt(log(6, 7)), (0, 6, 1));
        assert_eq!(learnt(log(4, 6)), (1, 5, 0), "of which no log says anything is taken for looked at");
        story.told(wrong, 7, 17, Verdict::Unavailable);
        story.0.learn(&log(8, 8));
        assert_eq!(story.0.refused(Kind::WrongPassword), 8, "whatever it was answered");
    }

    #[test]
    fn each_authenticator_has_a_budget_of_its_own() {
        let mut story = Teller::default();
        for kind in Kind::ALL.into_iter().filter(|kind| kind.is_guess()) {
            let guess = story.secret(kind, None, 0);
            for n in 0..5 {
                story.told(guess, n, n + 10, Verdict::Refused);
            }
        }
        assert_eq!(story.rules(), [""; 0]);
    }

    #[test]
    fn a_burst_that_a_lost_answer_began_is_no_violation() {
        let mut story = Teller::default();
        let guess = story.secret(Kind::TotpGuess, None, 0);
        story.told(guess, 0, 10, Verdict::Lost);
        for n in 0..4 {
            story.told(guess, n, n + 10, Verdict::Refused);
        }
        for n in 0..5 {
            story.told(guess, 31 * SECOND + n, 31 * SECOND + n + 10, Verdict::Refused);
        }
        assert_eq!(story.rules(), [""; 0]);
    }

    #[test]
    fn the_second_cool_down_is_twice_as_long() {
        let mut story = Teller::default();
        let guess = story.secret(Kind::TotpGuess, None, 0);
        for burst in [0, 31 * SECOND] {
            for n in 0..5 {
                story.told(guess, burst + n, burst + n + 10, Verdict::Refused);
            }
        }
        story.told(guess, 91 * SECOND, 92 * SECOND, Verdict::Refused);
        assert_eq!(story.rules(), [""; 0]);
        story.0.presented.pop();
        story.told(guess, 80 * SECOND, 89 * SECOND, Verdict::Refused);
        assert_eq!(story.rules(), ["guesses stay within the budget"]);
    }

    #[test]
    fn what_is_gone_at_the_end_is_found() {
        let mut story = Teller::default();
        story.0.kept.push(Kept { what: "the account".to_owned(), person: 7, there: true });
        assert_eq!(story.rules(), [""; 0]);
        story.0.kept.push(Kept { what: "the newest refresh token".to_owned(), person: 7, there: false });
        assert_eq!(story.rules(), ["nothing acknowledged is lost"]);
    }
}
