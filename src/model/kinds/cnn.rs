//! Blocks of 3 x 3 convolution, nonlinearity and 2 x 2 pooling, then a linear layer.

use tch::{Kind, Tensor};

use super::costs::{by_samples, with_gradients};
use crate::config::Pooling;
use crate::model::architecture::{Architecture, StackSize, Step};
use crate::model::layer::{Layer, Setting, in_memory};

/// Convolutions in one stack on a GPU. On a CPU one keeps a core busy, and grouped convolutions take twice as long.
const MOST_ON_GPU: usize = 16;

/// A convolutional network.
#[derive(Debug)]
pub struct Cnn;

impl Architecture for Cnn {
    fn shapes(&self, image: [i64; 3], _: i64, hidden: &[i64], n_labels: i64) -> Vec<Vec<i64>> {
        let [channels, mut height, mut width] = image;
        let channels: Vec<i64> = std::iter::once(channels).chain(hidden.iter().copied()).collect();
        let mut shapes = Vec::new();
        for pair in channels.windows(2) {
            shapes.push(vec![pair[1], pair[0], 3, 3]);
            (height, width) = (height / 2, width / 2);
        }
        shapes.push(vec![n_labels, channels[channels.len() - 1] * height * width]);
        shapes
    }

    /// Networks beside each other are groups of channels.
    fn given(&self, inputs: &Tensor, setting: &Setting) -> Tensor {
        let ([_, height, width], n_samples) = (setting.image, inputs.size()[1]);
        let images = inputs.transpose(0, 1).reshape([n_samples, -1, height, width]);
        in_memory(&images, setting.n_members)
    }

    fn layer(&self, layer: &Layer, x: &Tensor, is_last: bool, setting: &Setting) -> Tensor {
        if !is_last {
            return block(layer, x, setting);
        }
        let x = x.reshape([x.size()[0], setting.n_members, -1]).transpose(0, 1);
        layer.each_linear(&x, setting)
    }

    fn opened(&self, layer: &Layer, x: &Tensor, is_last: bool, setting: &Setting) -> [Tensor; 3] {
        let [channels, height, width] = setting.image;
        if is_last {
            let x = if x.dim() == 4 { x.flatten(1, 3) } else { x.shallow_clone() };
            let made = layer.linear(&x, setting.compute);
            return [x, made.shallow_clone(), made];
        }
        let x =
            if x.dim() == 2 { x.view([-1, channels, height, width]) } else { x.shallow_clone() };
        let made = layer.convolution(&x, layer.bias.as_ref(), setting.compute);
        let next = match setting.pooling {
            Pooling::Max => {
                setting.activate(&made.max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false))
            }
            Pooling::Average => {
                setting.activate(&made).avg_pool2d([2, 2], [2, 2], [0, 0], false, true, None)
            }
        };
        [x, made, next]
    }

    /// On a CPU activations of sixty images stay in a core's cache.
    fn chunk(&self, n_members: usize, on_cpu: bool) -> usize {
        (if on_cpu { 64 } else { 2_000 }) / n_members
    }

    fn most_together(&self, step: &Step) -> usize {
        if step.on_cpu { 1 } else { MOST_ON_GPU.min(by_samples(step)) }
    }

    fn takes_long(&self) -> bool {
        true
    }

    /// A block has its channels at every place.
    fn bytes(&self, stack: &StackSize) -> [f64; 2] {
        let [_, height, width] = stack.image;
        let mut places = (height * width) as f64;
        let mut units = 0.0;
        for shape in stack.shapes {
            let is_block = shape.len() == 4;
            units += shape[0] as f64 * if is_block { places } else { 1.0 };
            places /= 4.0;
        }
        with_gradients(stack, units)
    }
}

/// Convolution, activation, pooling. All activations are increasing and a bias is the same everywhere, so max pooling
/// commutes with them and goes first, which leaves four times fewer elements to them.
fn block(layer: &Layer, x: &Tensor, setting: &Setting) -> Tensor {
    let bias = layer.bias.as_ref();
    // In bfloat16 the convolution adds its bias faster than a further pass does.
    let (early, late) = if setting.compute == Kind::BFloat16 { (bias, None) } else { (None, bias) };
    match setting.pooling {
        Pooling::Max => {
            let x = layer.convolution(x, early, setting.compute);
            let mut x = x.max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false);
            if let Some(bias) = late {
                x += bias.view([1, -1, 1, 1]);
            }
            setting.activate(&x)
        }
        Pooling::Average => {
            let x = setting.activate(&layer.convolution(x, bias, setting.compute));
            x.avg_pool2d([2, 2], [2, 2], [0, 0], false, true, None)
        }
    }
}
