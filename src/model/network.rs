//! Networks: plain layers of named tensors, so that initial weights, norms and checkpoints see every one of them.

use anyhow::{Context, Result, ensure};
use rand_chacha::ChaCha8Rng;
use tch::{Kind, Tensor};

use super::architecture::Architecture;
use super::initialisation;
use super::kinds::architecture;
use super::layer::{Layer, in_memory};
use super::normalisation::{Norm, Statistics};
use super::pass::Pass;
use super::placement::Placement;
use super::plan::Plan;
use super::setting::Setting;
use crate::config::NetworkConfig;
use crate::task::{Task, TaskInputs};

/// A feed-forward network, or several of one shape side by side.
#[derive(Debug)]
pub struct Network {
    pub(super) kind: &'static dyn Architecture,
    pub(super) setting: Setting,
    pub(super) plan: Plan,
    pub(super) layers: Vec<Layer>,
}

/// How samples pass a network.
#[derive(Debug, Clone, Copy)]
pub enum Mode<'a> {
    /// As a step of training sees them: batch normalisation takes the batch's statistics and changes the running ones, and what
    /// layers are given is multiplied by dropout's factors, `[n_members, n_samples, n_inputs]`, with the layers' numbers.
    Training(&'a [(usize, Tensor)]),
    /// As they are observed.
    Observed,
}

/// What a network with a config is made of, for images of channels, height and width or vectors of `n_inputs`.
pub fn plan(config: &NetworkConfig, image: [i64; 3], n_inputs: i64, n_labels: i64) -> Plan {
    architecture(config.kind).plan(config, image, n_inputs, n_labels)
}

/// Makes sure that a network can be made for a task, without drawing one: what `Network::new` would refuse is refused.
///
/// # Errors
///
/// Names the key, and what to write instead.
pub fn ensure_can_learn(config: &NetworkConfig, task: &Task) -> Result<()> {
    plan_for(config, task)?;
    initialisation::ensure_can_be_drawn(config, task)
}

/// Channels, height and width of a task's inputs, and what a network is made of for it.
fn plan_for(config: &NetworkConfig, task: &Task) -> Result<([i64; 3], Plan)> {
    let shape = match &task.inputs {
        TaskInputs::Images { preprocessor, .. } => preprocessor.shape.map(|size| size as i64),
        TaskInputs::Vectors(vectors) => [1, 1, vectors.ncols() as i64],
    };
    let plan = plan(config, shape, task.n_inputs() as i64, task.targets.ncols() as i64);
    ensure!(
        plan.shapes().iter().flatten().all(|&size| size > 0),
        "network.hidden lists {} convolution blocks, but images of {} x {} pixels cannot be made smaller so often: list fewer, or \
         set network.pooling to none",
        config.hidden.len(),
        shape[1],
        shape[2]
    );
    Ok((shape, plan))
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
        let (shape, plan) = plan_for(config, task)?;
        let shapes = plan.shapes();
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
                let (n_outputs, of_layer) = (weight.size()[0], &plan.layers[index]);
                let norm = || Norm::new(config.normalisation, n_outputs, placement);
                Layer {
                    norm: if of_layer.is_normalised { norm() } else { None },
                    stride: of_layer.stride,
                    ..Layer::new(&weight, bias.as_ref(), placement)
                }
            })
            .collect();
        let setting = Setting::of(config, n_members, shape, placement.compute);
        Ok(Network { kind: architecture(config.kind), setting, plan, layers })
    }

    /// Layers from input to output.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// All trainable tensors with their names, `layer1.weight`, `layer1.bias`, `norm1.weight`, `norm1.bias`, ...
    pub fn parameters(&self) -> Vec<(String, Tensor)> {
        let mut parameters = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            parameters.push((format!("layer{}.weight", index + 1), layer.weight.shallow_clone()));
            if let Some(bias) = &layer.bias {
                parameters.push((format!("layer{}.bias", index + 1), bias.shallow_clone()));
            }
            let Some(norm) = &layer.norm else { continue };
            for (name, tensor) in [("weight", &norm.scale), ("bias", &norm.shift)] {
                let named = tensor.iter().map(Tensor::shallow_clone);
                parameters
                    .extend(named.map(|tensor| (format!("norm{}.{name}", index + 1), tensor)));
            }
        }
        parameters
    }

    /// All tensors that training changes besides, `norm1.running_mean`, `norm1.running_var`, ...
    pub fn buffers(&self) -> Vec<(String, Tensor)> {
        let of_layer = |(index, layer): (usize, &Layer)| {
            let running = layer.norm.as_ref().and_then(|norm| norm.running.as_ref());
            let named = running.map(|[mean, variance]| {
                [("running_mean", mean), ("running_var", variance)].map(|(name, tensor)| {
                    (format!("norm{}.{name}", index + 1), tensor.shallow_clone())
                })
            });
            named.into_iter().flatten()
        };
        self.layers.iter().enumerate().flat_map(of_layer).collect()
    }

    /// Layers whose inputs dropout leaves values out of, with the number of those inputs.
    pub fn dropped(&self) -> Vec<(usize, i64)> {
        self.plan.dropped.iter().map(|&layer| (layer, self.plan.layers[layer].weight[1])).collect()
    }

    /// The same network with tensors of its own, as they are now.
    pub fn copy(&self) -> Self {
        let copy = |tensor: &Tensor| {
            tch::no_grad(|| tensor.detach().copy()).set_requires_grad(tensor.requires_grad())
        };
        let layers = self.layers.iter().map(|layer| layer.copied(copy)).collect();
        Network { layers, plan: self.plan.clone(), ..*self }
    }

    /// One network's part of a tensor whose first dimension counts the outputs of all: a weight, a bias, or what an optimiser
    /// keeps of one. A view.
    pub fn member(&self, member: usize, tensor: &Tensor) -> Tensor {
        let n_outputs = tensor.size()[0] / self.setting.n_members;
        tensor.narrow(0, member as i64 * n_outputs, n_outputs)
    }

    /// Responses before any output nonlinearity of each network, `[n_members, n_samples, n_labels]`, to its own inputs,
    /// `[n_members, n_samples, n_inputs]`, or to inputs for all, `[1, n_samples, n_inputs]`; as they are observed.
    pub fn forward(&self, inputs: &Tensor) -> Tensor {
        self.forward_in(Mode::Observed, inputs)
    }

    /// The same in a mode.
    pub fn forward_in(&self, mode: Mode, inputs: &Tensor) -> Tensor {
        let compute = self.setting.compute;
        let mut pass = self.pass(mode);
        let outputs = self.kind.forward(&inputs.to_kind(compute), &mut pass);
        outputs.to_kind(if compute == Kind::BFloat16 { Kind::Float } else { compute })
    }

    /// A way through it in its number format, on which nothing is noted.
    pub(super) fn pass<'a>(&'a self, mode: Mode<'a>) -> Pass<'a> {
        let (statistics, masks): (_, &[_]) = match mode {
            Mode::Training(masks) => (Statistics::OfTraining, masks),
            Mode::Observed if self.setting.answers_in_batches => (Statistics::OfSamples, &[]),
            Mode::Observed => (Statistics::Running, &[]),
        };
        Pass {
            layers: &self.layers,
            blocks: &self.plan.blocks,
            setting: self.setting,
            statistics,
            masks,
            taps: None,
        }
    }
}
