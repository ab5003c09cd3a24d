//! What a kind of network has to say for itself.

use std::fmt::Debug;

use tch::Tensor;

use super::layer::{Layer, Setting};

/// A kind of network: its shapes, what its layers make of what they are given, and what that costs.
pub trait Architecture: Debug + Sync {
    /// Shapes of the weights of every layer, of images of channels, height and width or of vectors of `n_inputs`.
    fn shapes(
        &self,
        image: [i64; 3],
        n_inputs: i64,
        hidden: &[i64],
        n_labels: i64,
    ) -> Vec<Vec<i64>>;

    /// Inputs as the first layer takes them, of `[n_members, n_samples, n_inputs]` or `[1, n_samples, n_inputs]` for all.
    fn given(&self, inputs: &Tensor, _setting: &Setting) -> Tensor {
        inputs.shallow_clone()
    }

    /// What a layer makes of what it is given, nonlinearity and pooling included; of the last one
    /// `[n_members, n_samples, n_labels]`.
    fn layer(&self, layer: &Layer, x: &Tensor, is_last: bool, setting: &Setting) -> Tensor;

    /// The same of one network step by step, `[n_samples, ..]`: what the layer is given, what it makes of that before the
    /// nonlinearity, and what the next one is given.
    fn opened(&self, layer: &Layer, x: &Tensor, is_last: bool, setting: &Setting) -> [Tensor; 3];

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
    /// Shapes of one network's weights.
    pub shapes: &'a [Vec<i64>],
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

impl StackSize<'_> {
    /// Numbers in the weights of one network.
    pub fn n_weights(&self) -> f64 {
        self.shapes.iter().map(|shape| shape.iter().map(|&size| size as f64).product::<f64>()).sum()
    }
}
