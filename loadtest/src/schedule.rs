//! When arrivals come: decided before the run by rate and seed alone, so that a slow server gets no fewer of them.

use std::time::Duration;

use anyhow::ensure;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::cli::Arrivals;

/// Arrivals of one run, at most: a run is bounded in count as well as in time.
pub(crate) const MOST: usize = 500_000;

/// The moments of all arrivals, from the start of the run, in order.
pub(crate) fn plan(arrivals: Arrivals, rate: f64, length: Duration, seed: u64) -> anyhow::Result<Vec<Duration>> {
    ensure!(rate.is_finite() && rate > 0.0, "--rate: must be above 0");
    ensure!(rate * length.as_secs_f64() <= 0.9 * float(MOST), "--rate: more than {MOST} arrivals; shorten the run");
    let mut random = StdRng::seed_from_u64(seed);
    let (mut at, mut before) = (0.0, 0.0);
    let moments = std::iter::from_fn(|| {
        at += match arrivals {
            Arrivals::Constant => 1.0 / rate,
            // Inverse of the exponential distribution; 1 - u is never 0.
            Arrivals::Poisson => -(1.0 - random.random::<f64>()).ln() / rate,
            Arrivals::Spread => {
                let moment = before + random.random::<f64>() / rate;
                before += 1.0 / rate;
                moment - at
            }
        };
        Some(Duration::from_secs_f64(at))
    });
    Ok(moments.take_while(|at| *at < length).take(MOST).collect())
}

/// A count as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, and nothing here counts as far")]
pub(crate) const fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn the_same_seed_gives_the_same_arrivals_and_another_seed_others() {
        let of = |seed| plan(Arrivals::Poisson, 50.0, MINUTE, seed).unwrap();
        assert_eq!(of(7), of(7));
        assert_ne!(of(7), of(8));
    }

    #[test]
    fn constant_arrivals_are_equally_far_apart() {
        let plan = plan(Arrivals::Constant, 4.0, Duration::from_secs(2), 1).unwrap();
        let millis: Vec<_> = plan.iter().map(Duration::as_millis).collect();
        assert_eq!(millis, [250, 500, 750, 1000, 1250, 1500, 1750]);
    }

    #[test]
    fn spread_arrivals_come_one_in_each_interval_at_any_moment_of_it() {
        let plan = plan(Arrivals::Spread, 4.0, MINUTE, 1).unwrap();
        let intervals: Vec<_> = plan.iter().map(|at| at.as_millis() / 250).collect();
        assert_eq!(intervals, (0..240).collect::<Vec<_>>());
        let late = plan.iter().filter(|at| at.as_millis() % 250 >= 125).count();
        assert!((90..150).contains(&late), "{late} of 240 in the second half of theirs");
    }

    #[test]
    fn independent_arrivals_come_in_order_at_the_rate_and_with_its_variance() {
        let plan = plan(Arrivals::Poisson, 100.0, MINUTE, 3).unwrap();
        assert!(plan.is_sorted() && plan.iter().all(|at| *at < MINUTE));
        // 6000 expected, standard deviation 77.
        assert!((5600..=6400).contains(&plan.len()), "{}", plan.len());
        // Without memory: the share of gaps longer than the mean is 1/e.
        let long = plan.windows(2).filter(|pair| pair[1] > pair[0] + Duration::from_millis(10)).count();
        let share = float(long) / float(plan.len());
        assert!((0.34..0.40).contains(&share), "{share}");
    }

    #[test]
    fn a_plan_without_bound_is_refused() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
            assert!(plan(Arrivals::Constant, rate, MINUTE, 1).is_err(), "{rate}");
        }
    }
}
