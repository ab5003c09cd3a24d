//! Networks: plain layers of named tensors, so that initial weights, norms and checkpoints see every one of them.
//!
//! Losses and the clock follow `theory`: half the squared error, summed over labels and averaged over samples.

mod initialisation;
mod kernel;

use anyhow::{Context, Result, ensure};
use ndarray::Array2;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Reduction, Tensor};

use crate::config::{Activation, Loss, NetworkConfig, NetworkKind, Pooling};
use crate::task::{Task, TaskInputs};

pub use kernel::{kernel_megabytes, kernel_megabytes_of};

/// A feed-forward network, or several of one shape side by side.
#[derive(Debug)]
pub struct Network {
    n_members: i64,
    kind: NetworkKind,
    activation: Activation,
    /// `alpha` of leaky-relu.
    negative_slope: f64,
    pooling: Pooling,
    layers: Vec<Layer>,
    /// Channels, height, width of the images; a convolution needs to know.
    shape: [i64; 3],
    /// Format of forward and backward passes; weights may be kept in a wider one.
    compute: Kind,
}

/// Weights, `[n_outputs, n_inputs]` or `[channels_out, channels_in, 3, 3]`, and perhaps a bias, `[n_outputs]`. Of several
/// networks the first dimension counts one network's outputs after the other's.
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
pub fn weight_shapes(
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
        Network::side_by_side(&mut [(config, generator)], task, placement)
    }

    /// Networks that differ in their initial weights alone, each drawn as `new` draws it. Their layers hold the weights of
    /// all; what one of them has is `member`'s to tell.
    ///
    /// # Errors
    ///
    /// As for `new`, or if there is no network.
    pub fn side_by_side(
        members: &mut [(&NetworkConfig, &mut ChaCha8Rng)],
        task: &Task,
        placement: Placement,
    ) -> Result<Self> {
        let config = members.first().context("there is no network to make")?.0;
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
        let n_members = members.len() as i64;
        let starts = members
            .iter_mut()
            .map(|(config, generator)| initialisation::draw(config, &shapes, task, generator))
            .collect::<Result<Vec<_>>>()?;
        let layers = (0..shapes.len())
            .map(|index| {
                let weights: Vec<&Tensor> = starts.iter().map(|start| &start[index].0).collect();
                let biases: Vec<&Tensor> = starts.iter().map(|start| &start[index].1).collect();
                let bias = config.bias.at_layer(index, shapes.len());
                let bias = bias.then(|| Tensor::cat(&biases, 0));
                let weight = in_memory(&Tensor::cat(&weights, 0), n_members);
                Layer::new(&weight, bias.as_ref(), placement)
            })
            .collect();
        Ok(Network {
            n_members,
            kind: config.kind,
            activation: config.activation,
            negative_slope: config.negative_slope().unwrap_or(0.0),
            pooling: config.pooling,
            layers,
            shape,
            compute: placement.compute,
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

    /// The same network with weights of its own, as they are now.
    pub fn copy(&self) -> Self {
        let copy = |tensor: &Tensor| {
            tch::no_grad(|| tensor.detach().copy()).set_requires_grad(tensor.requires_grad())
        };
        let of_layer = |layer: &Layer| Layer {
            weight: copy(&layer.weight),
            bias: layer.bias.as_ref().map(copy),
        };
        Network { layers: self.layers.iter().map(of_layer).collect(), ..*self }
    }

    /// One network's part of a tensor whose first dimension counts the outputs of all: a weight, a bias, or what an optimiser
    /// keeps of one. A view.
    pub fn member(&self, member: usize, tensor: &Tensor) -> Tensor {
        let n_outputs = tensor.size()[0] / self.n_members;
        tensor.narrow(0, member as i64 * n_outputs, n_outputs)
    }

    /// Responses before any output nonlinearity of each network, `[n_members, n_samples, n_labels]`, to its own inputs,
    /// `[n_members, n_samples, n_inputs]`, or to inputs for all, `[1, n_samples, n_inputs]`.
    pub fn forward(&self, inputs: &Tensor) -> Tensor {
        let mut x = inputs.to_kind(self.compute);
        let n_samples = x.size()[1];
        if self.kind == NetworkKind::Cnn {
            let [_, height, width] = self.shape;
            // Networks beside each other are groups of channels.
            x = x.transpose(0, 1).reshape([n_samples, -1, height, width]);
            x = in_memory(&x, self.n_members);
        }
        for (index, layer) in self.layers.iter().enumerate() {
            let is_last = index + 1 == self.layers.len();
            x = match self.kind {
                NetworkKind::Linear => self.each_linear(layer, &x),
                NetworkKind::Mlp if is_last => self.each_linear(layer, &x),
                NetworkKind::Mlp => self.activate(&self.each_linear(layer, &x)),
                NetworkKind::Cnn if is_last => {
                    let x = x.reshape([n_samples, self.n_members, -1]).transpose(0, 1);
                    self.each_linear(layer, &x)
                }
                NetworkKind::Cnn => self.block(layer, &x),
            };
        }
        x.to_kind(if self.compute == Kind::BFloat16 { Kind::Float } else { self.compute })
    }

    /// `[n_members, n_samples, n_outputs]` of `x`, `[n_members, n_samples, n_inputs]`, or `[1, n_samples, n_inputs]` for all.
    fn each_linear(&self, layer: &Layer, x: &Tensor) -> Tensor {
        let (n_members, n_given, n_samples) = (self.n_members, x.size()[0], x.size()[1]);
        if n_given == 1 {
            let y = layer.linear(&x.squeeze_dim(0), self.compute);
            return y.view([n_samples, n_members, -1]).transpose(0, 1);
        }
        let weight = layer.weight.to_kind(self.compute).view([n_members, -1, x.size()[2]]);
        let weight = weight.transpose(1, 2);
        match &layer.bias {
            None => x.bmm(&weight),
            Some(bias) => {
                bias.to_kind(self.compute).view([n_members, 1, -1]).baddbmm(x, &weight, 1, 1)
            }
        }
    }

    fn activate(&self, x: &Tensor) -> Tensor {
        match self.activation {
            Activation::Relu => x.relu(),
            Activation::LeakyRelu => {
                // A parametric ReLU whose slope is no parameter.
                x.prelu(&Tensor::full([1], self.negative_slope, (x.kind(), x.device())))
            }
            Activation::Tanh => x.tanh(),
        }
    }

    /// Convolution, activation, pooling. All activations are increasing and a bias is the same everywhere, so max pooling
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
        Layer {
            weight: trainable(placed(weight).copy()),
            bias: bias.map(|bias| trainable(placed(bias).copy())),
        }
    }

    fn linear(&self, x: &Tensor, compute: Kind) -> Tensor {
        x.linear(
            &self.weight.to_kind(compute),
            self.bias.as_ref().map(|bias| bias.to_kind(compute)),
        )
    }

    /// Channels of all networks, of their own channels or of channels for all.
    fn convolution(&self, x: &Tensor, bias: Option<&Tensor>, compute: Kind) -> Tensor {
        let bias = bias.map(|bias| bias.to_kind(compute));
        let weight = self.weight.to_kind(compute);
        let groups = x.size()[1] / weight.size()[1];
        x.conv2d(&weight, bias, [1, 1], [1, 1], [1, 1], groups)
    }
}

/// The same values where convolutions want them in memory: one network's channels innermost, with strides that say so for
/// one channel too (where they leave it open, libtorch takes the layout that makes pooling several times slower); several
/// networks' outermost, which is what grouped convolutions are made for.
fn in_memory(x: &Tensor, n_members: i64) -> Tensor {
    let size = x.size();
    let [_, channels, height, width] = size[..] else { return x.contiguous() };
    if n_members > 1 {
        return x.contiguous();
    }
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
