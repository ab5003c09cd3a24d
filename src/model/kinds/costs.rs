//! Costs that several kinds have in common.

use crate::config::NetworkConfig;
use crate::model::architecture::{StackSize, Step};
use crate::model::plan::{LayerPlan, Plan};

/// Numbers that the weights of a stack of fully connected networks may hold on a CPU, so that they stay in a core's cache
/// between two steps.
const LARGEST_STACK: usize = 1 << 18;
/// The same on a GPU, whose cores want more to do.
const LARGEST_STACK_ON_GPU: usize = 1 << 22;
/// Samples that one step of a nonlinear stack sees: all their activations are kept for the gradients.
const MOST_SAMPLES: usize = 1 << 12;

/// Fully connected layers.
pub fn fully_connected(config: &NetworkConfig, n_inputs: i64, n_labels: i64) -> Plan {
    let hidden = config.hidden.iter().map(|&width| width as i64);
    let widths: Vec<i64> = std::iter::once(n_inputs).chain(hidden).chain([n_labels]).collect();
    let n_hidden = config.hidden.len();
    let layer = |(index, pair): (usize, &[i64])| {
        let is_normalised = index < n_hidden && !config.normalisation.is_none();
        LayerPlan::linear(pair[0], pair[1], is_normalised)
    };
    let layers = widths.windows(2).enumerate().map(layer).collect();
    let dropped = if config.dropout > 0.0 { (1..=n_hidden).collect() } else { Vec::new() };
    Plan { layers, blocks: Vec::new(), dropped }
}

/// Networks whose weights are large enough together.
pub fn by_weights(step: &Step) -> usize {
    let numbers = if step.on_cpu { LARGEST_STACK } else { LARGEST_STACK_ON_GPU };
    numbers / step.n_weights.max(1)
}

/// Networks whose activations are large enough together.
pub fn by_samples(step: &Step) -> usize {
    MOST_SAMPLES / step.n_samples.max(1)
}

/// Values of each sample that dropout keeps for a step: factors, and what they make of a layer's inputs with its gradients.
pub fn dropped(plan: &Plan) -> f64 {
    let inputs = |&layer: &usize| plan.layers.get(layer).and_then(|layer| layer.weight.get(1));
    3.0 * plan.dropped.iter().filter_map(inputs).sum::<i64>() as f64
}

/// A stack whose gradients libtorch finds, of networks of which a step keeps so many values of each sample. Its start: all weights
/// in float64 and copies while they are stacked, `16 S W`; its steps: weights, gradients and what the optimiser keeps, `f S W (2 +
/// m)`, and copies for observers and checkpoints, `f S W (2 + m)`. Values are kept of a whole batch.
pub fn with_gradients(stack: &StackSize, kept: f64) -> [f64; 2] {
    let StackSize { n_members, plan, batch, width, remembered, .. } = *stack;
    let all = n_members * plan.n_weights();
    let weights = (16.0 * all).max(width * all * 2.0 * (2.0 + remembered));
    let copies = if stack.is_full_batch { 3.0 } else { 2.0 };
    let n_inputs = stack.image.iter().product::<i64>() as f64;
    let inputs = copies * width * batch * n_inputs;
    [weights, width * n_members * batch * kept + inputs]
}
