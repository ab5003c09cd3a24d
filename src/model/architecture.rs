//! What a kind of network has to say for itself.

use std::fmt::Debug;

use tch::Tensor;

use super::pass::Pass;
use super::plan::Plan;
use crate::config::NetworkConfig;

/// A kind of network: what it is made of, what it makes of inputs, and what that costs.
pub trait Architecture: Debug + Sync {
    /// Its layers, of images of channels, height and width or of vectors of `n_inputs`.
    fn plan(&self, config: &NetworkConfig, image: [i64; 3], n_inputs: i64, n_labels: i64) -> Plan;

    /// Responses before any output nonlinearity, `[n_members, n_samples, n_labels]`, to `[n_members, n_samples, n_inputs]` or
    /// `[1, n_samples, n_inputs]` for all.
    fn forward(&self, inputs: &Tensor, pass: &mut Pass) -> Tensor;

    /// Samples that so many networks answer at a time when they are observed, so that activations stay small.
    fn chunk(&self, n_members: usize, on_cpu: bool) -> usize;

    /// How many networks train in one stack.
    fn most_together(&self, step: &Step) -> usize;

    /// Whether one run takes so long that it should not be the last to begin.
    fn takes_long(&self) -> bool {
        false
    }

    /// Bytes of what a stack holds, and of the activations and gradients of a step.
    fn bytes(&self, stack: &StackSize) -> [f64; 2];
}

/// One step of training, as it bears on how many networks do it together.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// Numbers in the weights of one network.
    pub n_weights: usize,
    /// Samples that it sees.
    pub n_samples: usize,
    /// Whether a CPU does it.
    pub on_cpu: bool,
}

/// A stack of networks, as it bears on memory.
#[derive(Debug, Clone, Copy)]
pub struct StackSize<'a> {
    /// Networks in it.
    pub n_members: f64,
    /// What one network is made of.
    pub plan: &'a Plan,
    /// Channels, height and width.
    pub image: [i64; 3],
    /// Samples of a step.
    pub batch: f64,
    /// Whether that is all of them, kept as floats.
    pub is_full_batch: bool,
    /// Whether steps see moments in place of samples.
    pub from_moments: bool,
    /// Bytes of a number.
    pub width: f64,
    /// Numbers that the optimiser keeps for each weight.
    pub remembered: f64,
}
