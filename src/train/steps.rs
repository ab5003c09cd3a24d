//! When runs are observed.

use crate::config::Config;

/// Steps at which a run is observed: 0, the last, and about `observations` log-spaced between, each once.
pub fn observed_steps(steps: u64, observations: usize) -> Vec<u64> {
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
    let observed = observed_steps(training.steps, training.observations);
    let nearest = |wanted: &u64| observed.iter().copied().min_by_key(|step| step.abs_diff(*wanted));
    let mut steps: Vec<u64> =
        observed_steps(training.steps, times).iter().filter_map(nearest).collect();
    steps.dedup();
    steps
}

#[cfg(test)]
mod tests {
    use super::observed_steps;

    #[test]
    fn observed_steps_are_log_spaced_and_hold_zero_and_the_last() {
        let steps = observed_steps(1000, 50);
        assert_eq!((steps[0], steps[1], steps[steps.len() - 1]), (0, 1, 1000));
        assert!(steps.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(steps.len() <= 52);
        let late: Vec<u64> = steps.into_iter().filter(|&step| step > 100).collect();
        assert!(late.windows(2).all(|pair| (pair[1] as f64 / pair[0] as f64) < 1.2));
        assert_eq!(observed_steps(1, 2), [0, 1]);
    }
}
