//! Fully connected, no nonlinearity.

use tch::Tensor;

use super::costs::{by_weights, fully_connected};
use crate::config::NetworkConfig;
use crate::model::architecture::{Architecture, StackSize, Step};
use crate::model::pass::Pass;
use crate::model::plan::{LayerPlan, Plan};

/// `yhat = W_L (.. (W_1 x + b_1) ..) + b_L`.
#[derive(Debug)]
pub struct Linear;

impl Architecture for Linear {
    fn plan(&self, config: &NetworkConfig, _: [i64; 3], n_inputs: i64, n_labels: i64) -> Plan {
        fully_connected(config, n_inputs, n_labels)
    }

    fn forward(&self, inputs: &Tensor, pass: &mut Pass) -> Tensor {
        (0..pass.layers.len()).fold(inputs.shallow_clone(), |x, layer| pass.linear(layer, &x))
    }

    /// On a CPU a thousand images of floats stay in a core's cache.
    fn chunk(&self, _n_members: usize, on_cpu: bool) -> usize {
        if on_cpu { 1_000 } else { 10_000 }
    }

    fn most_together(&self, step: &Step) -> usize {
        by_weights(step)
    }

    /// Its start: all weights in float64 with copies beside them while they are stacked and turned, `20 S W`. Its steps:
    /// weights, gradients, products of layers and what the optimiser keeps, `f S W' (3 + m)`, where hidden layers have no
    /// more directions than reach them from both sides. From samples each step answers its batch, of full batches as floats
    /// that are kept.
    fn bytes(&self, stack: &StackSize) -> [f64; 2] {
        let StackSize { n_members, width: f, remembered, .. } = *stack;
        let layers = &stack.plan.layers;
        let mut widths: Vec<f64> = layers.iter().map(|layer| layer.weight[1] as f64).collect();
        let n_labels = layers.last().map_or(0.0, LayerPlan::units);
        let n_inputs = widths[0];
        widths.push(n_labels);
        for layer in 1..widths.len() - 1 {
            widths[layer] = widths[layer].min(widths[layer - 1] + widths[layer + 1] + 8.0);
        }
        let reduced: f64 = widths.windows(2).map(|pair| pair[0] * pair[1]).sum();
        let start = 20.0 * n_members * stack.plan.n_weights();
        let steps = f * n_members * reduced * (3.0 + remembered);
        let map = 3.0 * f * n_members * n_inputs * n_labels;
        let batch = if stack.from_moments { 0.0 } else { stack.batch };
        let answers = f * batch * (2.0 * n_inputs + 4.0 * n_members * n_labels);
        [start.max(steps), map + answers]
    }
}
