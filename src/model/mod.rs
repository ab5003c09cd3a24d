//! Networks: plain layers of named tensors, so that initial weights, norms and checkpoints see every one of them.
//!
//! Losses and the clock follow `theory`: half the squared error, summed over labels and averaged over samples.

mod initialisation;
mod kernel;

use anyhow::{Result, ensure};
use ndarray::Array2;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Reduction, Tensor};

use crate::config::{Activation, Loss, NetworkConfig, NetworkKind, Pooling};
use crate::task::{Task, TaskInputs};

pub use kernel::kernel_megabytes;

/// A feed-forward network.
#[derive(Debug)]
pub struct Network {
    kind: NetworkKind,
    activation: Activation,
    pooling: Pooling,
    layers: Vec<Layer>,
    /// Channels, height, width of the images; a convolution needs to know.
    shape: [i64; 3],
    /// Format of forward and backward passes; weights may be kept in a wider one.
    compute: Kind,
}

/// Weights, `[n_outputs, n_inputs]` or `[channels_out, channels_in, 3, 3]`, and perhaps a bias, `[n_outputs]`.
#[derive(Debug)]
pub struct Layer {
    /// Weights.
    pub weight: Tensor,
    /// Bias; starts at zero, except under `aligned` with aligned biases.
    pub bias: Option<Tensor>,
}

/// Number formats and place of a network.
#[derive(Debug, Clone, Copy)]
pub struct Placement {
    /// Where it computes.
    pub device: Device,
    /// Format of weights.
    pub weights: Kind,
    /// Format of forward and backward passes.
    pub compute: Kind,
}

/// Shapes of the weights of every layer.
fn weight_shapes(
    config: &NetworkConfig,
    image: [i64; 3],
    n_inputs: i64,
    n_labels: i64,
) -> Vec<Vec<i64>> {
    let hidden = config.hidden.iter().map(|&width| width as i64);
    match config.kind {
        NetworkKind::Linear | NetworkKind::Mlp => {
            let widths: Vec<i64> =
                std::iter::once(n_inputs).chain(hidden).chain([n_labels]).collect();
            widths.windows(2).map(|pair| vec![pair[1], pair[0]]).collect()
        }
        NetworkKind::Cnn => {
            let [channels, mut height, mut width] = image;
            let channels: Vec<i64> = std::iter::once(channels).chain(hidden).collect();
            let mut shapes = Vec::new();
            for pair in channels.windows(2) {
                shapes.push(vec![pair[1], pair[0], 3, 3]);
                (height, width) = (height / 2, width / 2);
            }
            shapes.push(vec![n_labels, channels[channels.len() - 1] * height * width]);
            shapes
        }
    }
}

impl Network {
    /// A network with the initial weights that `generator` gives. Weights are drawn in float64 on the CPU, so that
    /// they do not depend on device or precision.
    ///
    /// # Errors
    ///
    /// If a hidden layer is too narrow for the aligned start, or images too small for the convolutions.
    pub fn new(
        config: &NetworkConfig,
        task: &Task,
        placement: Placement,
        generator: &mut ChaCha8Rng,
    ) -> Result<Self> {
        let shape = match &task.inputs {
            TaskInputs::Images { preprocessor, .. } => preprocessor.shape.map(|size| size as i64),
            TaskInputs::Vectors(vectors) => [1, 1, vectors.ncols() as i64],
        };
        let shapes =
            weight_shapes(config, shape, task.n_inputs() as i64, task.targets.ncols() as i64);
        ensure!(
            shapes.iter().flatten().all(|&size| size > 0),
            "network.hidden lists {} convolution blocks, but images of {} x {} pixels cannot be halved so often",
            config.hidden.len(),
            shape[1],
            shape[2]
        );
        let start = initialisation::draw(config, &shapes, task, generator)?;
        let n_layers = shapes.len();
        let layers = start
            .into_iter()
            .enumerate()
            .map(|(index, (weight, bias))| {
                let bias = config.bias.at_layer(index, n_layers).then_some(bias);
                Layer::new(&weight, bias.as_ref(), placement)
            })
            .collect();
        let Placement { compute, .. } = placement;
        Ok(Network {
            kind: config.kind,
            activation: config.activation,
            pooling: config.pooling,
            layers,
            shape,
            compute,
        })
    }

    /// Layers from input to output.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// All trainable tensors with their names, `layer1.weight`, `layer1.bias`, ...
    pub fn parameters(&self) -> Vec<(String, Tensor)> {
        let mut parameters = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            parameters.push((format!("layer{}.weight", index + 1), layer.weight.shallow_clone()));
            if let Some(bias) = &layer.bias {
                parameters.push((format!("layer{}.bias", index + 1), bias.shallow_clone()));
            }
        }
        parameters
    }

    /// Responses before any output nonlinearity, `[n_samples, n_labels]`, to `inputs`, `[n_samples, n_inputs]`.
    pub fn forward(&self, inputs: &Tensor) -> Tensor {
        let mut x = inputs.to_kind(self.compute);
        if self.kind == NetworkKind::Cnn {
            let [channels, height, width] = self.shape;
            x = channels_last(&x.view([-1, channels, height, width]));
        }
        for (index, layer) in self.layers.iter().enumerate() {
            let is_last = index + 1 == self.layers.len();
            x = match self.kind {
                NetworkKind::Linear => layer.linear(&x, self.compute),
                NetworkKind::Mlp if is_last => layer.linear(&x, self.compute),
                NetworkKind::Mlp => self.activate(&layer.linear(&x, self.compute)),
                NetworkKind::Cnn if is_last => layer.linear(&x.flatten(1, 3), self.compute),
                NetworkKind::Cnn => self.block(layer, &x),
            };
        }
        x.to_kind(if self.compute == Kind::BFloat16 { Kind::Float } else { self.compute })
    }

    fn activate(&self, x: &Tensor) -> Tensor {
        match self.activation {
            Activation::Relu => x.relu(),
            Activation::Tanh => x.tanh(),
        }
    }

    /// Convolution, activation, pooling. Both activations are increasing and a bias is the same everywhere, so max pooling
    /// commutes with them and goes first, which leaves four times fewer elements to them.
    fn block(&self, layer: &Layer, x: &Tensor) -> Tensor {
        let bias = layer.bias.as_ref();
        // In bfloat16 the convolution adds its bias faster than a further pass does.
        let (early, late) =
            if self.compute == Kind::BFloat16 { (bias, None) } else { (None, bias) };
        match self.pooling {
            Pooling::Max => {
                let x = layer.convolution(x, early, self.compute);
                let mut x = x.max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false);
                if let Some(bias) = late {
                    x += bias.view([1, -1, 1, 1]);
                }
                self.activate(&x)
            }
            Pooling::Average => {
                let x = self.activate(&layer.convolution(x, bias, self.compute));
                x.avg_pool2d([2, 2], [2, 2], [0, 0], false, true, None)
            }
        }
    }
}

impl Layer {
    fn new(weight: &Tensor, bias: Option<&Tensor>, placement: Placement) -> Self {
        let trainable = |tensor: Tensor| tensor.set_requires_grad(true);
        let placed =
            |tensor: &Tensor| tensor.to_kind(placement.weights).to_device(placement.device);
        let weight = placed(weight);
        let weight = if weight.dim() == 4 { channels_last(&weight) } else { weight.copy() };
        Layer { weight: trainable(weight), bias: bias.map(|bias| trainable(placed(bias).copy())) }
    }

    fn linear(&self, x: &Tensor, compute: Kind) -> Tensor {
        x.linear(
            &self.weight.to_kind(compute),
            self.bias.as_ref().map(|bias| bias.to_kind(compute)),
        )
    }

    fn convolution(&self, x: &Tensor, bias: Option<&Tensor>, compute: Kind) -> Tensor {
        let bias = bias.map(|bias| bias.to_kind(compute));
        x.conv2d(&self.weight.to_kind(compute), bias, [1, 1], [1, 1], [1, 1], 1)
    }
}

/// The same values with channels innermost in memory, as convolutions want them. With strides that say so for one channel
/// too: where they leave it open, libtorch takes the layout that makes pooling several times slower.
fn channels_last(x: &Tensor) -> Tensor {
    let size = x.size();
    let [_, channels, height, width] = size[..] else { return x.shallow_clone() };
    let strides = [height * width * channels, 1, width * channels, channels];
    x.permute([0, 2, 3, 1]).contiguous().as_strided(&size, strides, None)
}

/// A matrix as a float64 tensor on the CPU.
pub fn to_tensor(matrix: &Array2<f64>) -> Tensor {
    let values: Vec<f64> = matrix.iter().copied().collect();
    Tensor::from_slice(&values).view([matrix.nrows() as i64, matrix.ncols() as i64])
}

/// The loss of `outputs` (responses, or logits under cross-entropy), `[.., n_samples, n_labels]`, with sample weights
/// that sum to 1, `[n_samples]`; one for each network if there is a leading dimension of them.
pub fn loss(kind: Loss, outputs: &Tensor, targets: &Tensor, weights: &Tensor) -> Tensor {
    let per_sample = match kind {
        Loss::HalfSquaredError => {
            (outputs - targets).square().sum_dim_intlist(-1i64, false, None) * 0.5
        }
        Loss::BinaryCrossEntropy => outputs
            .binary_cross_entropy_with_logits::<Tensor>(
                &targets.expand_as(outputs),
                None,
                None,
                Reduction::None,
            )
            .sum_dim_intlist(-1i64, false, None),
    };
    per_sample.matmul(weights)
}

/// What is judged: outputs as they are, or probabilities under cross-entropy.
pub fn responses(kind: Loss, outputs: &Tensor) -> Tensor {
    match kind {
        Loss::HalfSquaredError => outputs.shallow_clone(),
        Loss::BinaryCrossEntropy => outputs.sigmoid(),
    }
}
