//! Fully connected, with a nonlinearity after each layer but the last.

use tch::Tensor;

use super::costs::{by_samples, by_weights, fully_connected, with_gradients};
use crate::model::architecture::{Architecture, StackSize, Step};
use crate::model::layer::{Layer, Setting};

/// A perceptron.
#[derive(Debug)]
pub struct Mlp;

impl Architecture for Mlp {
    fn shapes(&self, _: [i64; 3], n_inputs: i64, hidden: &[i64], n_labels: i64) -> Vec<Vec<i64>> {
        fully_connected(n_inputs, hidden, n_labels)
    }

    fn layer(&self, layer: &Layer, x: &Tensor, is_last: bool, setting: &Setting) -> Tensor {
        let made = layer.each_linear(x, setting);
        if is_last { made } else { setting.activate(&made) }
    }

    fn opened(&self, layer: &Layer, x: &Tensor, _is_last: bool, setting: &Setting) -> [Tensor; 3] {
        let made = layer.linear(x, setting.compute);
        let next = setting.activate(&made);
        [x.shallow_clone(), made, next]
    }

    /// On a CPU a thousand images of floats stay in a core's cache.
    fn chunk(&self, n_members: usize, on_cpu: bool) -> usize {
        (if on_cpu { 1_000 } else { 10_000 }) / n_members
    }

    fn most_together(&self, step: &Step) -> usize {
        by_weights(step).min(by_samples(step))
    }

    fn bytes(&self, stack: &StackSize) -> [f64; 2] {
        with_gradients(stack, stack.shapes.iter().map(|shape| shape[0] as f64).sum())
    }
}
