//! How near the responses to all items come to the OCS within one stretch of training.

use std::ops::Range;

use crate::config::{Bias, Config, Initialisation};
use crate::record::{Record, RunFolder, StretchRecord};
use crate::theory::{BalancedTree, SignChange, imbalance};

/// Share of `V_target` within which `D_ocs` counts as at the OCS.
pub const NEAR: f64 = 0.1;

/// Labels of stretches, as the config has them.
pub const PERMUTED: &str = "permuted";
pub const REVERSED: &str = "reversed";
pub const SAME: &str = "the same";
pub const SIBLINGS: &str = "siblings";
pub const TURNED: &str = "signs turned";

/// One stretch of a run. Distances are in units of its `V_target`, times since it began.
pub struct Passage<'a> {
    run: &'a Record,
    pub stretch: &'a StretchRecord,
    moments: Range<usize>,
}

/// What a run's curves are at a moment.
pub type Of = fn(&Record, usize) -> f64;

impl<'a> Passage<'a> {
    /// The stretch of this label; `None` where a run has none, or has not come to it.
    pub fn of(run: &'a Record, label: &str) -> Option<Passage<'a>> {
        let index = run.stretches.iter().position(|stretch| stretch.label == label)?;
        let moments = run.moments_of_stretches()[index].clone();
        (!moments.is_empty()).then(|| Passage { run, stretch: &run.stretches[index], moments })
    }

    /// A quantity along the stretch.
    pub fn along(&self, of: Of) -> Vec<(f64, f64)> {
        let start = self.stretch.start_time;
        let at = |moment: usize| (self.run.curves.time[moment] - start, of(self.run, moment));
        self.moments.clone().map(at).collect()
    }

    /// `D_ocs`, and `D_target`.
    fn distances(&self) -> Vec<(f64, [f64; 2])> {
        let variance = self.stretch.target_variance;
        let pair = |((time, ocs), (_, targets)): (_, (f64, f64))| {
            (time, [ocs / variance, targets / variance])
        };
        let ocs = self.along(|run, moment| run.curves.distance_to_ocs[moment]);
        let targets = self.along(|run, moment| run.curves.distance_to_targets[moment]);
        ocs.into_iter().zip(targets).map(pair).collect()
    }

    /// The least `D_ocs`, and `D_target` at that moment.
    pub fn closest(&self) -> [f64; 2] {
        let distances = self.distances().into_iter().map(|(_, pair)| pair);
        distances.min_by(|one, other| one[0].total_cmp(&other[0])).unwrap_or([f64::NAN; 2])
    }

    /// When the network comes within `NEAR` of the OCS, and when it leaves for good.
    pub fn visit(&self) -> Option<[f64; 2]> {
        let distances = self.distances();
        let is_near = |(_, [ocs, _]): &(f64, [f64; 2])| *ocs <= NEAR;
        let (first, last) =
            (distances.iter().position(is_near)?, distances.iter().rposition(is_near)?);
        let crossing = |index: usize| {
            let ((t0, [y0, _]), (t1, [y1, _])) =
                (*distances.get(index)?, *distances.get(index + 1)?);
            Some(t0 + (NEAR - y0) / (y1 - y0) * (t1 - t0))
        };
        Some([crossing(first.checked_sub(1)?)?, crossing(last)?])
    }

    /// When the mean strength of a level's contrasts crosses zero; level 1 is the top split.
    pub fn sign_change(&self, level: usize) -> Option<f64> {
        let strengths = self.run.curves.mode_strengths.as_ref()?.get(level)?;
        let times = self.along(|_, _| 0.0);
        let points: Vec<(f64, f64)> = self
            .moments
            .clone()
            .zip(times)
            .map(|(moment, (time, _))| (time, strengths[moment]))
            .collect();
        let is_turn = |pair: &&[(f64, f64)]| pair[0].1 < 0.0 && pair[1].1 >= 0.0;
        let [(t0, y0), (t1, y1)] = points.windows(2).find(is_turn)? else { return None };
        Some(t0 - y0 / (y1 - y0) * (t1 - t0))
    }

    /// The largest `M / ||ybar||`.
    pub fn largest_mean_error(&self) -> f64 {
        let errors = self.along(|run, moment| run.curves.mean_output_error[moment]);
        errors
            .into_iter()
            .fold(0.0, |most: f64, (_, error)| most.max(error / self.stretch.ocs_norm()))
    }

    /// The largest `D_target`.
    pub fn farthest_from_targets(&self) -> f64 {
        self.distances().into_iter().fold(0.0, |most: f64, (_, [_, targets])| most.max(targets))
    }
}

/// Whether a config has a stretch of this label.
pub fn has_stretch(config: &Config, label: &str) -> bool {
    config.phases.iter().any(|phase| phase.label.as_deref() == Some(label))
}

/// Runs with a stretch of this label, so many layers and this bias option, seed by seed.
pub fn chosen<'a>(
    runs: &'a RunFolder,
    label: &str,
    n_layers: usize,
    bias: Bias,
) -> Vec<&'a Record> {
    runs.pick_any(|config| {
        has_stretch(config, label)
            && config.network.n_layers() == n_layers
            && config.network.bias == bias
    })
}

/// Levels of the tree.
pub const LEVELS: std::ops::RangeInclusive<usize> = 1..=3;

/// When theory has a level's contrasts cross zero in two layers.
pub fn predicted_sign_change(config: &Config, level: usize) -> Option<f64> {
    let [width] = config.network.hidden[..] else { return None };
    let Initialisation::Normal(normal) = config.network.initialisation else { return None };
    let tree = BalancedTree::new(config.task.branching.as_ref()?);
    let input_variance = 1.0 / tree.n_items();
    let gain = tree.gain(level);
    let change = SignChange {
        singular_value: (gain / tree.n_items() * input_variance).sqrt(),
        input_variance,
        strength: gain.sqrt(),
        imbalance: imbalance(normal, width),
    };
    Some(change.crossing())
}
