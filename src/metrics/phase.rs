//! Onset and end of the OCS phase.

use serde::{Deserialize, Serialize};

use super::Curves;

/// The early stretch in which responses are near the OCS.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Default)]
pub struct Phase {
    /// First time with `M <= q ||ybar||`; `null` if never.
    pub onset: Option<f64>,
    /// First time with `V >= q V_target`; `null` if never.
    pub end: Option<f64>,
    /// Whether there is an onset, and no end at or before it.
    pub exists: bool,
    /// `ln(end/onset)`, negative where the end comes first; `null` if either is missing or zero.
    pub log_ratio: Option<f64>,
}

impl Phase {
    /// The phase between two times.
    pub fn between(onset: Option<f64>, end: Option<f64>) -> Phase {
        let exists = match (onset, end) {
            (Some(onset), Some(end)) => onset < end,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let log_ratio = match (onset, end) {
            (Some(onset), Some(end)) if onset > 0.0 && end > 0.0 => Some((end / onset).ln()),
            _ => None,
        };
        Phase { onset, end, exists, log_ratio }
    }

    /// Geometric mean of onset and end; `None` if either is missing or zero.
    pub fn middle(&self) -> Option<f64> {
        let (onset, end) = (self.onset?, self.end?);
        (onset > 0.0 && end > 0.0).then(|| (onset * end).sqrt())
    }

    /// The phase that curves show, with threshold `q`; crossing times are interpolated between observations, linearly
    /// in the logarithms of time and value.
    pub fn of(curves: &Curves, threshold: f64, ocs_norm: f64, target_variance: f64) -> Phase {
        let error: Vec<f64> = curves
            .mean_output_error
            .iter()
            .map(|m| threshold * ocs_norm / m.max(f64::MIN_POSITIVE))
            .collect();
        let dependence: Vec<f64> =
            curves.input_dependence.iter().map(|v| v / (threshold * target_variance)).collect();
        Phase::between(
            first_reaching_one(&curves.time, &error),
            first_reaching_one(&curves.time, &dependence),
        )
    }
}

/// First time at which a learned fraction reaches one half, interpolated like the crossings of a phase; `None` if never.
pub fn half_time(time: &[f64], fractions: &[f64]) -> Option<f64> {
    first_time(time, fractions, 0.5)
}

/// First time at which a learned fraction reaches a positive threshold, likewise.
pub fn first_time(time: &[f64], fractions: &[f64], threshold: f64) -> Option<f64> {
    let shares: Vec<f64> = fractions.iter().map(|fraction| fraction / threshold).collect();
    first_reaching_one(time, &shares)
}

/// First time at which `value`, non-negative, reaches 1.
fn first_reaching_one(time: &[f64], value: &[f64]) -> Option<f64> {
    let index = value.iter().position(|&v| v >= 1.0)?;
    if index == 0 {
        return Some(time[0]);
    }
    let (t0, t1, v0, v1) = (time[index - 1], time[index], value[index - 1], value[index]);
    // Logarithms need positive numbers; the first interval starts at time 0.
    let (fraction, logarithmic) = if v0 > 0.0 {
        (-v0.ln() / (v1.ln() - v0.ln()), t0 > 0.0)
    } else {
        ((1.0 - v0) / (v1 - v0), t0 > 0.0)
    };
    Some(if logarithmic { t0 * (t1 / t0).powf(fraction) } else { t0 + fraction * (t1 - t0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crossing_times_are_interpolated_in_logarithms() {
        let mut curves = Curves { time: vec![0.0, 1.0, 10.0, 100.0], ..Curves::default() };
        // M falls as 1/t, V grows as t.
        curves.mean_output_error = vec![9.0, 1.0, 0.1, 0.01];
        curves.input_dependence = vec![0.0, 0.001, 0.01, 0.1];
        let phase = Phase::of(&curves, 0.1, 0.5, 0.5);
        assert!((phase.onset.unwrap() - 20.0).abs() < 1e-9, "{phase:?}");
        assert!((phase.end.unwrap() - 50.0).abs() < 1e-9);
        assert!(phase.exists && (phase.log_ratio.unwrap() - 2.5f64.ln()).abs() < 1e-9);
    }

    #[test]
    fn an_end_before_the_onset_is_no_phase() {
        assert!(!Phase::between(Some(2.0), Some(1.0)).exists);
        assert!(!Phase::between(None, Some(1.0)).exists);
        assert!(!Phase::between(Some(0.0), Some(0.0)).exists);
        assert!(Phase::between(Some(2.0), None).exists);
        assert_eq!(Phase::between(Some(2.0), None).log_ratio, None);
    }
}
