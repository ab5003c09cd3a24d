//! When runs are observed.

use crate::config::{Config, Spacing, TrainingConfig};

/// Steps at which so many of training are observed: 0, the last, and about `training.observations` between, each once.
pub fn observed_steps(steps: u64, training: &TrainingConfig) -> Vec<u64> {
    match training.spacing {
        Spacing::Logarithmic => log_spaced(steps, training.observations),
        Spacing::Linear => evenly_spaced(steps, training.observations),
    }
}

/// 0 and the last, and as many at equal distances that there are so many in all.
fn evenly_spaced(steps: u64, observations: usize) -> Vec<u64> {
    let parts = (observations.max(2) - 1) as u64;
    let place = |part| (u128::from(steps) * u128::from(part) / u128::from(parts)) as u64;
    let mut observed: Vec<u64> = (0..=parts).map(place).collect();
    observed.dedup();
    observed
}

fn log_spaced(steps: u64, observations: usize) -> Vec<u64> {
    let ratio = (steps as f64).ln() / (observations.max(2) - 1) as f64;
    let mut observed: Vec<u64> =
        (0..observations).map(|i| (ratio * i as f64).exp().round() as u64).collect();
    observed.push(0);
    observed.push(steps);
    observed.retain(|&step| step <= steps);
    observed.sort_unstable();
    observed.dedup();
    observed
}

/// Observed steps at which kernels are computed: step 0, the last, and those nearest to `kernel.times` log-spaced ones.
pub fn kernel_steps(config: &Config) -> Vec<u64> {
    config.kernel.map_or_else(Vec::new, |kernel| spread_steps(config, kernel.times))
}

/// Observed steps of a stretch nearest to so many log-spaced ones, its first and its last among them.
pub fn spread_steps(config: &Config, times: usize) -> Vec<u64> {
    let training = &config.training;
    let observed = observed_steps(training.steps, training);
    let nearest = |wanted: &u64| observed.iter().copied().min_by_key(|step| step.abs_diff(*wanted));
    let mut steps: Vec<u64> =
        log_spaced(training.steps, times).iter().filter_map(nearest).collect();
    steps.dedup();
    steps
}

#[cfg(test)]
mod tests {
    use super::{evenly_spaced, log_spaced};

    #[test]
    fn observed_steps_are_log_spaced_and_hold_zero_and_the_last() {
        let steps = log_spaced(1000, 50);
        assert_eq!((steps[0], steps[1], steps[steps.len() - 1]), (0, 1, 1000));
        assert!(steps.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(steps.len() <= 52);
        let late: Vec<u64> = steps.into_iter().filter(|&step| step > 100).collect();
        assert!(late.windows(2).all(|pair| (pair[1] as f64 / pair[0] as f64) < 1.2));
        assert_eq!(log_spaced(1, 2), [0, 1]);
    }

    #[test]
    fn evenly_spaced_steps_are_as_far_from_each_other_and_hold_both_ends() {
        assert_eq!(evenly_spaced(1600, 5), [0, 400, 800, 1200, 1600]);
        assert_eq!(evenly_spaced(3, 200), [0, 1, 2, 3]);
        assert_eq!(evenly_spaced(7, 3), [0, 3, 7]);
        assert_eq!(evenly_spaced(u64::MAX, 2), [0, u64::MAX]);
    }
}
