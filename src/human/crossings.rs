//! Onset and end of the OCS phase over trials, by the watch that networks have, each with an interval.

use serde::Serialize;

use crate::metrics::{Phase, PhaseWatch};

use super::block::{Block, responses_in};
use super::estimate::Sums;
use super::resample::Resamples;
use super::tree::Taught;
use super::trials::Trials;

/// A number of trials, and between which it lies; `null` where it is never reached, or cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Crossing {
    /// Trials done before it.
    pub value: Option<f64>,
    /// The lower end of its interval.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
}

/// When the mean response comes to the OCS, and when responses differ between items.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HumanPhase {
    /// First time with `M <= q ||ybar||` that counts, as for networks.
    pub onset: Crossing,
    /// First time with `V >= q V_target` that counts.
    pub end: Crossing,
    /// phase | no-phase | undecided, of the values; the intervals say how sure they are.
    pub verdict: crate::metrics::PhaseVerdict,
}

impl HumanPhase {
    /// Of somebody without trials.
    pub fn unknown() -> HumanPhase {
        HumanPhase {
            onset: Crossing::default(),
            end: Crossing::default(),
            verdict: crate::metrics::PhaseVerdict::Undecided,
        }
    }
}

/// The threshold and what it is of.
#[derive(Debug, Clone, Copy)]
pub struct Threshold {
    pub share: f64,
    pub ocs_norm: f64,
    pub target_variance: f64,
}

impl Threshold {
    /// The phase of curves, `(time, M^2, V)`. An estimate of M^2 or V that is small, or below 0, by chance says nothing of how small
    /// they are, and a crossing beside it, which is interpolated in logarithms where both of its sides are positive, would hang on the
    /// sign of noise. So M, which falls slowly to its threshold, counts as half of it where it is less; V, which rises from 0 and is
    /// seldom near its own before, as a tenth.
    fn phase(self, moments: impl Iterator<Item = (f64, f64, f64)>) -> Phase {
        let mut watch = PhaseWatch::new(self.share, self.ocs_norm, self.target_variance);
        for (time, error_squared, dependence) in moments {
            let error = error_squared.max(0.0).sqrt().max(0.5 * self.share * self.ocs_norm);
            watch.see(time, error, dependence.max(0.1 * self.share * self.target_variance));
        }
        watch.phase()
    }
}

/// `M^2` and `V` of a block with their standard errors.
struct Moment {
    time: f64,
    error_squared: f64,
    dependence: f64,
    /// `None` where they cannot be told.
    errors: Option<[f64; 2]>,
}

/// Standard errors of `M^2` and `V` by the jackknife: the block without one group of its trials, for each of at most twenty groups
/// without which the block still tells both. `None` where fewer than two do.
fn standard_errors(trials: &Trials, block: &Block, taught: &Taught) -> Option<[f64; 2]> {
    const GROUPS: usize = 20;
    let (start, end) = block.range;
    let mut sums = Sums::of(taught, responses_in(trials, start..end));
    let n_groups = GROUPS.min(end - start);
    if n_groups < 2 {
        return None;
    }
    let mut without = Vec::new();
    for group in 0..n_groups {
        let own = || (start + group..end).step_by(n_groups);
        let each = |index: usize| (trials.trials[index].item as usize, trials.responses(index));
        own().map(each).for_each(|(item, responses)| sums.add(item, responses, -1.0));
        if let Some(estimates) = sums.estimates(taught) {
            without.push([estimates.mean_output_error_squared, estimates.input_dependence]);
        }
        own().map(each).for_each(|(item, responses)| sums.add(item, responses, 1.0));
    }
    if without.len() < 2 {
        return None;
    }
    let n = without.len() as f64;
    Some([0, 1].map(|of| {
        let mean = without.iter().map(|values| values[of]).sum::<f64>() / n;
        let spread: f64 = without.iter().map(|values| (values[of] - mean).powi(2)).sum();
        ((n - 1.0) / n * spread).sqrt()
    }))
}

/// Of one participant, from all blocks that tell `M^2` and `V`. The interval of a crossing lies between those of the estimates' lower and
/// upper 95 % bounds, block by block; it is not told where a block's bounds are not.
pub fn of_participant(
    trials: &Trials,
    blocks: &[Block],
    taught: &Taught,
    threshold: Threshold,
) -> HumanPhase {
    let moments: Vec<Moment> = blocks
        .iter()
        .filter_map(|block| {
            Some(Moment {
                time: block.time,
                error_squared: block.mean_output_error_squared?,
                dependence: block.input_dependence?,
                errors: standard_errors(trials, block, taught),
            })
        })
        .collect();
    let shifted = |of_error: f64, of_dependence: f64| {
        threshold.phase(moments.iter().map(|moment| {
            let [error, dependence] = moment.errors.unwrap_or_default();
            (
                moment.time,
                moment.error_squared + of_error * 1.96 * error,
                moment.dependence + of_dependence * 1.96 * dependence,
            )
        }))
    };
    let is_known = moments.iter().all(|moment| moment.errors.is_some());
    let (told, early, late) = (shifted(0.0, 0.0), shifted(-1.0, 1.0), shifted(1.0, -1.0));
    let crossing = |of: fn(&Phase) -> Option<f64>| Crossing {
        value: of(&told),
        low: of(&early).filter(|_| is_known),
        high: of(&late).filter(|_| is_known),
    };
    HumanPhase {
        onset: crossing(|phase| phase.onset),
        end: crossing(|phase| phase.end),
        verdict: told.verdict,
    }
}

/// `M^2` and `V` of all participants at the blocks that any of them has.
pub struct GroupCurves {
    /// Trials before the middle of each block.
    pub time: Vec<f64>,
    /// `[participant][block]`: `M^2` and `V`.
    pub values: Vec<Vec<Option<(f64, f64)>>>,
}

impl GroupCurves {
    fn phase(&self, chosen: &[u32], threshold: Threshold) -> Phase {
        let mean_at = |block: usize| {
            let (mut count, mut sums) = (0.0, (0.0, 0.0));
            for &one in chosen {
                if let Some((error, dependence)) = self.values[one as usize][block] {
                    count += 1.0;
                    sums = (sums.0 + error, sums.1 + dependence);
                }
            }
            (count > 0.0).then(|| (self.time[block], sums.0 / count, sums.1 / count))
        };
        threshold.phase((0..self.time.len()).filter_map(mean_at))
    }

    /// Of the mean over participants; intervals by bootstrap over them.
    pub fn phase_of_group(&self, threshold: Threshold, resamples: &Resamples) -> HumanPhase {
        let all: Vec<u32> = (0..self.values.len() as u32).collect();
        let told = self.phase(&all, threshold);
        let drawn: Vec<Phase> =
            resamples.each().map(|chosen| self.phase(chosen, threshold)).collect();
        let crossing = |of: fn(&Phase) -> Option<f64>| {
            let mut values: Vec<f64> = drawn.iter().filter_map(of).collect();
            let is_told = !values.is_empty() && 20 * values.len() >= 19 * drawn.len();
            values.sort_unstable_by(f64::total_cmp);
            let at = |share: f64| {
                is_told.then(|| values[(share * (values.len() - 1) as f64).round() as usize])
            };
            Crossing { value: of(&told), low: at(0.025), high: at(0.975) }
        };
        HumanPhase {
            onset: crossing(|phase| phase.onset),
            end: crossing(|phase| phase.end),
            verdict: told.verdict,
        }
    }
}
