//! What became of the arrivals: latency from the intended start, in fixed bounds, and failures by kind.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::{http::Failure, schedule::float};

/// Latencies are told apart from 1 µs to this, with three digits; longer ones count as this.
const LONGEST: Duration = Duration::from_mins(10);
/// Points of the latency's course over the run.
pub(crate) const SLICES: usize = 60;

/// What became of one arrival.
#[derive(Debug)]
pub(crate) struct Visit {
    /// When it should have started.
    pub(crate) intended: Instant,
    /// When it ended.
    pub(crate) ended: Instant,
    /// How.
    pub(crate) result: Result<(), Failure>,
}

/// What became of all of them.
#[derive(Debug)]
pub(crate) struct Tally {
    done: Histogram<u64>,
    refused: Histogram<u64>,
    failures: BTreeMap<String, u64>,
    slices: Vec<Histogram<u64>>,
}

/// Latencies in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Latency {
    pub(crate) count: u64,
    pub(crate) mean: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

impl Tally {
    /// Counts what the visits came to; `start` and `length` are those of the plan.
    pub(crate) fn of(visits: &[Visit], start: Instant, length: Duration) -> anyhow::Result<Self> {
        let fine = || Histogram::new_with_bounds(1, micros(LONGEST), 3);
        let slices = std::iter::repeat_with(|| Histogram::new_with_bounds(1, micros(LONGEST), 2));
        let mut tally = Self {
            done: fine()?,
            refused: fine()?,
            failures: BTreeMap::new(),
            slices: slices.take(SLICES).collect::<Result<_, _>>()?,
        };
        for visit in visits {
            let latency = micros(visit.ended.saturating_duration_since(visit.intended));
            let offset = visit.intended.saturating_duration_since(start);
            match &visit.result {
                Ok(()) => {
                    tally.done.saturating_record(latency);
                    tally.slices[slice(offset, length)].saturating_record(latency);
                }
                Err(failure) => {
                    if failure.refused {
                        tally.refused.saturating_record(latency);
                    }
                    *tally.failures.entry(failure.kind.to_string()).or_default() += 1;
                }
            }
        }
        Ok(tally)
    }

    /// Of those that were done.
    pub(crate) fn done(&self) -> Latency {
        latency(&self.done)
    }

    /// Of those that the server turned away in order.
    pub(crate) fn refused(&self) -> Latency {
        latency(&self.refused)
    }

    /// How many failed, by what happened.
    pub(crate) fn failures(&self) -> &BTreeMap<String, u64> {
        &self.failures
    }

    /// The latency in milliseconds at a quantile from 0 to 1.
    pub(crate) fn at(&self, quantile: f64) -> f64 {
        millis(self.done.value_at_quantile(quantile))
    }

    /// The course of one quantile over the run: share of the run, milliseconds. Slices without a visit are left out.
    pub(crate) fn course(&self, quantile: f64) -> Vec<(f64, f64)> {
        let filled = self.slices.iter().enumerate().filter(|(_, slice)| !slice.is_empty());
        filled
            .map(|(index, slice)| ((float(index) + 0.5) / float(SLICES), millis(slice.value_at_quantile(quantile))))
            .collect()
    }
}

fn latency(histogram: &Histogram<u64>) -> Latency {
    let at = |quantile| millis(histogram.value_at_quantile(quantile));
    Latency {
        count: histogram.len(),
        mean: histogram.mean() / 1000.0,
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p999: at(0.999),
        max: millis(histogram.max()),
    }
}

fn slice(offset: Duration, length: Duration) -> usize {
    let share = offset.as_micros() * SLICES as u128 / length.as_micros().max(1);
    usize::try_from(share).unwrap_or(SLICES).min(SLICES - 1)
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

fn millis(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(start: Instant, at_ms: u64, took_ms: u64, result: Result<(), Failure>) -> Visit {
        let intended = start + Duration::from_millis(at_ms);
        Visit { intended, ended: intended + Duration::from_millis(took_ms), result }
    }

    #[test]
    fn latency_counts_from_the_intended_start_and_failures_by_kind() {
        let start = Instant::now();
        let refused = Failure { kind: "login: 503".into(), refused: true, unsent: false };
        let visits = [
            visit(start, 0, 10, Ok(())),
            visit(start, 500, 30, Ok(())),
            visit(start, 600, 700, Err(Failure::new("no connection"))),
            visit(start, 700, 5, Err(refused.clone())),
            visit(start, 999, 5, Err(refused)),
        ];
        let tally = Tally::of(&visits, start, Duration::from_secs(1)).unwrap();
        assert_eq!((tally.done().count, tally.refused().count), (2, 2));
        assert!((29.9..30.1).contains(&tally.done().max), "failures have no part in it: {:?}", tally.done());
        assert_eq!(tally.failures(), &BTreeMap::from([("login: 503".to_owned(), 2), ("no connection".to_owned(), 1)]));
        let course: Vec<_> = tally.course(1.0).iter().map(|(at, ms)| (at * 120.0, ms.round())).collect();
        assert_eq!(course, [(1.0, 10.0), (61.0, 30.0)]);
    }

    #[test]
    fn a_visit_that_was_meant_for_the_very_end_falls_into_the_last_slice() {
        let second = Duration::from_secs(1);
        assert_eq!((slice(Duration::ZERO, second), slice(second, second), slice(second, Duration::ZERO)), (0, 59, 59));
    }
}
