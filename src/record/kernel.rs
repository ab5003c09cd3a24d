//! What a record keeps of tangent kernels.

use serde::{Deserialize, Serialize};

use crate::config::Span;
use crate::metrics::Phase;

/// What the neural tangent kernel of a network did along training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KernelRecord {
    /// N: the kernel is that of the first so many training samples.
    pub samples: usize,
    /// Steps at which it was computed; one value of each curve below for each.
    pub step: Vec<u64>,
    /// Largest eigenvalue of `Theta / N` (of `P^(1/2) Theta P^(1/2)` for weighted items).
    pub largest: Vec<f64>,
    /// Sum of all eigenvalues, likewise.
    pub trace: Vec<f64>,
    /// `|<v_top, 1>| / sqrt(N)`, in [0, 1]; its square is `||P_top 1||^2 / N`. `null` for a kernel of zeros.
    pub ones_alignment: Vec<Option<f64>>,
    /// `kappa_0 / kappa_1`; `null` where there is one eigenvalue alone.
    pub ratio: Vec<Option<f64>>,
    /// `||Theta - Theta(0)|| / ||Theta(0)||`, Frobenius norms; `null` if the first kernel is zero.
    pub drift: Vec<Option<f64>>,
    /// Cosine of Theta and Theta(0); `null` if one of them is zero.
    pub cosine: Vec<Option<f64>>,
    /// The same samples' inputs, `X X^T`: the kernel of one linear layer.
    pub inputs: KernelMoment,
    /// The expected kernel of wide layers at step 0: of ReLU MLPs with independent weights (normal on vectors) where no input
    /// is zero, else `null`.
    pub expected: Option<KernelMoment>,
    /// What a network with this kernel, standing still, would do; in full batch under squared error, where all training
    /// samples are the kernel's, else `null`.
    pub lazy: Option<LazyRecord>,
}

/// A kernel at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct KernelMoment {
    /// `|<v_top, 1>| / sqrt(N)`; `null` for a kernel of zeros.
    pub ones_alignment: Option<f64>,
    /// `kappa_0 / kappa_1`.
    pub ratio: Option<f64>,
}

/// Learning under the kernel of step 0, on the training set, from the network's own start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LazyRecord {
    /// `V_target` of the training set.
    pub target_variance: f64,
    /// Its phase, exact to a step or a sixty-fourth of the time between two observations.
    pub phase: Phase,
    /// Time at the run's observations.
    pub time: Vec<f64>,
    /// `M`, likewise.
    pub mean_output_error: Vec<f64>,
    /// `V`, likewise.
    pub input_dependence: Vec<f64>,
}

impl KernelRecord {
    /// Forgets every moment after `step`.
    pub fn truncate_after(&mut self, step: u64) {
        let kept = self.step.iter().take_while(|&&seen| seen <= step).count();
        self.step.truncate(kept);
        for curve in [&mut self.largest, &mut self.trace] {
            curve.truncate(kept);
        }
        for curve in [&mut self.ones_alignment, &mut self.ratio, &mut self.drift, &mut self.cosine]
        {
            curve.truncate(kept);
        }
    }

    /// `kappa_0` over the mean of all other eigenvalues at step 0. Contrasts that share one eigenvalue in wide networks have
    /// it split in narrow ones, largest first, which lowers `kappa_0 / kappa_1` but not this. `None` if there is no other.
    pub fn ratio_to_mean(&self) -> Option<f64> {
        let (largest, trace) = (self.largest.first()?, self.trace.first()?);
        let others = trace - largest;
        (others > 0.0).then(|| largest * (self.samples as f64 - 1.0) / others)
    }

    /// Drift at a time, interpolated between the steps at which the kernel is known; `None` after the last, and where it is
    /// undefined. `span` is that of the run.
    pub fn drift_at(&self, time: f64, span: Span) -> Option<f64> {
        let times: Vec<f64> = self.step.iter().map(|&step| span.time(step)).collect();
        let after = times.iter().position(|&known| known >= time)?;
        let Some(before) = after.checked_sub(1) else { return self.drift.first().copied()? };
        let share = (time - times[before]) / (times[after] - times[before]);
        let (from, to) = (self.drift[before]?, self.drift[after]?);
        Some(from + share * (to - from))
    }
}
