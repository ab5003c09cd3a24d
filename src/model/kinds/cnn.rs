//! Blocks of convolutions, each with its normalisation and nonlinearity, or of residual units; then a linear layer.

use tch::{Kind, Tensor};

use super::costs::{by_samples, dropped, with_gradients};
use crate::config::{NetworkConfig, Pooling};
use crate::model::architecture::{Architecture, StackSize, Step};
use crate::model::layer::in_memory;
use crate::model::pass::Pass;
use crate::model::plan::{Block, LayerPlan, Plan, Unit};
use crate::model::setting::Setting;

/// Convolutions in one stack on a GPU. On a CPU one keeps a core busy, and grouped convolutions take twice as long.
const MOST_ON_GPU: usize = 16;

/// A convolutional network.
#[derive(Debug)]
pub struct Cnn;

impl Architecture for Cnn {
    fn plan(&self, config: &NetworkConfig, image: [i64; 3], _: i64, n_labels: i64) -> Plan {
        let mut planned = Planned::of(config, image);
        for block in 0..config.hidden.len() {
            planned.block(block);
        }
        let Planned { mut layers, blocks, channels, places: [height, width], .. } = planned;
        let places =
            if config.global_average { i64::from(height * width > 0) } else { height * width };
        layers.push(LayerPlan::linear(channels * places, n_labels, false));
        let dropped = if config.dropout > 0.0 { vec![layers.len() - 1] } else { Vec::new() };
        Plan { layers, blocks, dropped }
    }

    fn forward(&self, inputs: &Tensor, pass: &mut Pass) -> Tensor {
        let (blocks, n_members) = (pass.blocks, pass.setting.n_members);
        let mut x = images(inputs, pass);
        for Block { units, pooling } in blocks {
            for (index, unit) in units.iter().enumerate() {
                let pooling = if index + 1 == units.len() { *pooling } else { Pooling::None };
                x = match unit {
                    Unit::Plain(layer) => plain(*layer, &x, pooling, pass),
                    Unit::Residual { convolutions, projection } => {
                        let y = residual(*convolutions, *projection, &x, pass);
                        activated_and_pooled(&y, pooling, &pass.setting)
                    }
                };
            }
        }
        if pass.setting.global_average {
            x = x.mean_dim([2i64, 3].as_slice(), false, None);
        }
        let features = x.reshape([x.size()[0], n_members, -1]).transpose(0, 1);
        pass.linear(pass.layers.len() - 1, &features)
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

    /// A layer has its channels at every place, before normalisation or pooling and after the nonlinearity; gradients go back
    /// through one layer after the other, and the largest takes three times as much. Then there is what dropout keeps.
    fn bytes(&self, stack: &StackSize) -> [f64; 2] {
        let units = || stack.plan.layers.iter().map(LayerPlan::units);
        let of_layers = 2.0 * units().sum::<f64>() + 3.0 * units().fold(0.0, f64::max);
        with_gradients(stack, of_layers + dropped(stack.plan))
    }
}

/// Blocks that are planned so far, and the image that they leave.
struct Planned<'a> {
    config: &'a NetworkConfig,
    layers: Vec<LayerPlan>,
    blocks: Vec<Block>,
    channels: i64,
    places: [i64; 2],
}

impl<'a> Planned<'a> {
    fn of(config: &'a NetworkConfig, [channels, height, width]: [i64; 3]) -> Self {
        Planned {
            config,
            layers: Vec::new(),
            blocks: Vec::new(),
            channels,
            places: [height, width],
        }
    }

    fn block(&mut self, block: usize) {
        let config = self.config;
        let (channels, n_convolutions) =
            (config.hidden[block] as i64, config.convolutions_of(block));
        let mut stride = config.stride_of(block) as i64;
        let mut units = Vec::new();
        if config.residual && block > 0 {
            for unit in 0..n_convolutions / 2 {
                let has_projection = unit == 0 && config.has_projection(block);
                units.push(self.residual(channels, stride, has_projection));
                stride = 1;
            }
        } else {
            for _ in 0..n_convolutions {
                units.push(Unit::Plain(self.convolution(
                    channels,
                    config.kernel_size as i64,
                    stride,
                )));
                stride = 1;
            }
        }
        let pooling = config.pooling_of(block);
        if pooling != Pooling::None {
            self.places = self.places.map(|side| side / 2);
        }
        self.blocks.push(Block { units, pooling });
    }

    fn residual(&mut self, channels: i64, stride: i64, has_projection: bool) -> Unit {
        let side = self.config.kernel_size as i64;
        let below = (self.channels, self.places);
        let convolutions =
            [self.convolution(channels, side, stride), self.convolution(channels, side, 1)];
        let projection = has_projection.then(|| {
            (self.channels, self.places) = below;
            self.convolution(channels, 1, stride)
        });
        Unit::Residual { convolutions, projection }
    }

    /// Number of the next layer.
    fn convolution(&mut self, channels: i64, side: i64, stride: i64) -> usize {
        self.places = self.places.map(|side| (side + stride - 1) / stride);
        self.layers.push(LayerPlan {
            weight: vec![channels, self.channels, side, side],
            stride,
            places: self.places.iter().product(),
            is_normalised: !self.config.normalisation.is_none(),
        });
        self.channels = channels;
        self.layers.len() - 1
    }
}

/// Networks beside each other are groups of channels.
fn images(inputs: &Tensor, pass: &Pass) -> Tensor {
    let ([_, height, width], n_samples) = (pass.setting.image, inputs.size()[1]);
    let images = inputs.transpose(0, 1).reshape([n_samples, -1, height, width]);
    // What is noted was always computed from images as they come.
    if pass.taps.is_some() { images } else { in_memory(&images, pass.setting.n_members) }
}

/// Convolution, normalisation, activation, pooling. All activations are increasing and a bias is the same everywhere, so max
/// pooling commutes with them and goes first, which leaves four times fewer elements to them.
fn plain(layer: usize, x: &Tensor, pooling: Pooling, pass: &mut Pass) -> Tensor {
    let layers = pass.layers;
    let late = layers[layer].bias.as_ref().filter(|_| {
        // In bfloat16 the convolution adds its bias faster than a further pass does.
        pooling == Pooling::Max
            && layers[layer].norm.is_none()
            && pass.setting.compute != Kind::BFloat16
            && pass.taps.is_none()
    });
    let made = pass.convolution(layer, x, late.is_none());
    let Some(bias) = late else {
        let made = pass.normalised(layer, made);
        return activated_and_pooled(&made, pooling, &pass.setting);
    };
    let mut x = max_pooled(&made);
    x += bias.to_kind(pass.setting.compute).view([1, -1, 1, 1]);
    pass.setting.activate(&x)
}

/// A basic block before its last nonlinearity.
fn residual(
    [first, second]: [usize; 2],
    projection: Option<usize>,
    x: &Tensor,
    pass: &mut Pass,
) -> Tensor {
    let hidden = convolved(first, x, pass);
    let hidden = pass.setting.activate(&hidden);
    let made = convolved(second, &hidden, pass);
    match projection {
        Some(projection) => made + convolved(projection, x, pass),
        None => made + x,
    }
}

/// Convolution and normalisation.
fn convolved(layer: usize, x: &Tensor, pass: &mut Pass) -> Tensor {
    let made = pass.convolution(layer, x, true);
    pass.normalised(layer, made)
}

fn activated_and_pooled(x: &Tensor, pooling: Pooling, setting: &Setting) -> Tensor {
    match pooling {
        Pooling::Max => setting.activate(&max_pooled(x)),
        Pooling::Average => {
            setting.activate(x).avg_pool2d([2, 2], [2, 2], [0, 0], false, true, None)
        }
        Pooling::None => setting.activate(x),
    }
}

fn max_pooled(x: &Tensor) -> Tensor {
    x.max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false)
}
