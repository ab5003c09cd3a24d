//! What belongs to one stretch of training, where a config's `phases` make several.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::metrics::{Curves, Phase, norm};

/// The phase at one threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseAt {
    /// q.
    pub threshold: f64,
    /// The phase with q.
    pub phase: Phase,
}

/// One stretch of a run, or of theory's answer. Its times are those since it began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StretchRecord {
    /// What figures and tables call it.
    pub label: String,
    /// Updates done before it.
    pub first_step: u64,
    /// Time, the sum of all updates' rates, at which it begins.
    pub start_time: f64,
    /// The optimal constant solution of its targets, `[label]`.
    pub ocs: Vec<f64>,
    /// `V_target` of its targets on the evaluation set.
    pub target_variance: f64,
    /// The OCS phase of its targets; the moment at which it begins counts as time 0.
    pub phase: Phase,
    /// The same at other thresholds; empty for a theory.
    pub phase_sensitivity: Vec<PhaseAt>,
}

impl StretchRecord {
    /// `||ybar||`.
    pub fn ocs_norm(&self) -> f64 {
        norm(&self.ocs)
    }
}

/// Which moments of `curves` are relative to the targets of each of `stretches`: the first from the run's start on, later ones
/// after their own start, each to its end included. All of them if there is no stretch.
pub(super) fn moments_of(stretches: &[StretchRecord], curves: &Curves) -> Vec<Range<usize>> {
    let until = |time: f64| curves.time.partition_point(|&moment| moment <= time);
    let mut starts: Vec<usize> = stretches.iter().map(|one| until(one.start_time)).collect();
    match starts.first_mut() {
        Some(first) => *first = 0,
        None => starts.push(0),
    }
    let ends = starts.iter().copied().skip(1).chain([curves.time.len()]);
    std::iter::zip(&starts, ends).map(|(&start, end)| start..end).collect()
}
