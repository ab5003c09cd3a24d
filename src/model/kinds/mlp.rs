//! Fully connected, with normalisation (if asked for) and a nonlinearity after each layer but the last.

use tch::Tensor;

use super::costs::{by_samples, by_weights, dropped, fully_connected, with_gradients};
use crate::config::NetworkConfig;
use crate::model::architecture::{Architecture, StackSize, Step};
use crate::model::pass::Pass;
use crate::model::plan::{LayerPlan, Plan};

/// A perceptron.
#[derive(Debug)]
pub struct Mlp;

impl Architecture for Mlp {
    fn plan(&self, config: &NetworkConfig, _: [i64; 3], n_inputs: i64, n_labels: i64) -> Plan {
        fully_connected(config, n_inputs, n_labels)
    }

    fn forward(&self, inputs: &Tensor, pass: &mut Pass) -> Tensor {
        let last = pass.layers.len() - 1;
        let mut x = inputs.shallow_clone();
        for layer in 0..last {
            let made = pass.linear(layer, &x);
            let made = pass.normalised(layer, made);
            x = pass.setting.activate(&made);
        }
        pass.linear(last, &x)
    }

    /// On a CPU a thousand images of floats stay in a core's cache.
    fn chunk(&self, n_members: usize, on_cpu: bool) -> usize {
        (if on_cpu { 1_000 } else { 10_000 }) / n_members
    }

    fn most_together(&self, step: &Step) -> usize {
        by_weights(step).min(by_samples(step))
    }

    /// Units before and after the nonlinearity, with the gradients of both; once more where they are normalised, and what dropout keeps.
    fn bytes(&self, stack: &StackSize) -> [f64; 2] {
        let kept = |layer: &LayerPlan| if layer.is_normalised { 6.0 } else { 4.0 };
        let of_layers = stack.plan.layers.iter().map(|layer| kept(layer) * layer.units());
        with_gradients(stack, of_layers.sum::<f64>() + dropped(stack.plan))
    }
}
