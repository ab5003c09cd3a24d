//! Networks: plain layers of named tensors, so that initial weights, norms and checkpoints see every one of them.

use anyhow::{Context, Result, ensure};
use rand_chacha::ChaCha8Rng;
use tch::{Kind, Tensor};

use super::architecture::Architecture;
use super::initialisation;
use super::kinds::architecture;
use super::layer::{Layer, Placement, Setting, in_memory};
use crate::config::NetworkConfig;
use crate::task::{Task, TaskInputs};

/// A feed-forward network, or several of one shape side by side.
#[derive(Debug)]
pub struct Network {
    pub(super) kind: &'static dyn Architecture,
    pub(super) setting: Setting,
    pub(super) layers: Vec<Layer>,
}

/// Shapes of the weights of every layer.
pub fn weight_shapes(
    config: &NetworkConfig,
    image: [i64; 3],
    n_inputs: i64,
    n_labels: i64,
) -> Vec<Vec<i64>> {
    let hidden: Vec<i64> = config.hidden.iter().map(|&width| width as i64).collect();
    architecture(config.kind).shapes(image, n_inputs, &hidden, n_labels)
}

/// Makes sure that a network can be made for a task, without drawing one: what `Network::new` would refuse is refused.
///
/// # Errors
///
/// Names the key, and what to write instead.
pub fn ensure_can_learn(config: &NetworkConfig, task: &Task) -> Result<()> {
    shapes_for(config, task)?;
    initialisation::ensure_can_be_drawn(config, task)
}

/// Channels, height and width of a task's inputs, and the shapes of a network's weights for it.
fn shapes_for(config: &NetworkConfig, task: &Task) -> Result<([i64; 3], Vec<Vec<i64>>)> {
    let shape = match &task.inputs {
        TaskInputs::Images { preprocessor, .. } => preprocessor.shape.map(|size| size as i64),
        TaskInputs::Vectors(vectors) => [1, 1, vectors.ncols() as i64],
    };
    let shapes = weight_shapes(config, shape, task.n_inputs() as i64, task.targets.ncols() as i64);
    ensure!(
        shapes.iter().flatten().all(|&size| size > 0),
        "network.hidden lists {} convolution blocks, but images of {} x {} pixels cannot be halved so often",
        config.hidden.len(),
        shape[1],
        shape[2]
    );
    Ok((shape, shapes))
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
        let (shape, shapes) = shapes_for(config, task)?;
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
        let setting = Setting::of(config, n_members, shape, placement.compute);
        Ok(Network { kind: architecture(config.kind), setting, layers })
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
        let n_outputs = tensor.size()[0] / self.setting.n_members;
        tensor.narrow(0, member as i64 * n_outputs, n_outputs)
    }

    /// Responses before any output nonlinearity of each network, `[n_members, n_samples, n_labels]`, to its own inputs,
    /// `[n_members, n_samples, n_inputs]`, or to inputs for all, `[1, n_samples, n_inputs]`.
    pub fn forward(&self, inputs: &Tensor) -> Tensor {
        let compute = self.setting.compute;
        let mut x = self.kind.given(&inputs.to_kind(compute), &self.setting);
        for (index, layer) in self.layers.iter().enumerate() {
            let is_last = index + 1 == self.layers.len();
            x = self.kind.layer(layer, &x, is_last, &self.setting);
        }
        x.to_kind(if compute == Kind::BFloat16 { Kind::Float } else { compute })
    }
}
