//! One network whose gradients libtorch finds: perceptrons and convolutions.

use anyhow::Result;
use ndarray::Array2;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use super::batches::{Order, Place, Samples, Set};
use super::checkpoint::{Checkpoint, NamedTensors};
use super::optimiser::OptimiserState;
use super::{Answer, Member, Snapshot, kernel_steps, to_array, to_vector};
use crate::config::{Config, KernelConfig, Precision};
use crate::model::{self, Network, Placement};

/// A network between two steps.
pub struct SingleRun {
    config: Config,
    network: Network,
    parameters: Vec<(String, Tensor)>,
    /// The same tensors without their names.
    tensors: Vec<Tensor>,
    optimiser: OptimiserState,
    samples: Samples,
    /// One, or none in full batch.
    order: Vec<Order>,
    step: u64,
}

impl SingleRun {
    /// At step 0.
    pub fn new(member: &Member, device: Device) -> Result<Self> {
        let (config, task) = (member.config, member.task);
        let training = &config.training;
        let (weights, compute) = match training.precision {
            Precision::Float32 => (Kind::Float, Kind::Float),
            Precision::Float64 => (Kind::Double, Kind::Double),
            Precision::Bfloat16 => (Kind::Float, Kind::BFloat16),
        };
        let mut generator = ChaCha8Rng::seed_from_u64(member.seed);
        let placement = Placement { device, weights, compute };
        let network = Network::new(&config.network, task, placement, &mut generator)?;
        let parameters = network.parameters();
        let tensors = parameters.iter().map(|(_, tensor)| tensor.shallow_clone()).collect();
        let optimiser =
            OptimiserState::new(training.optimiser, training.learning_rate, &parameters);
        let samples = Samples::new(task, training.batch_size, device, weights, true)?;
        let order = samples.order(member.seed).into_iter().collect();
        let config = config.clone();
        Ok(SingleRun { config, network, parameters, tensors, optimiser, samples, order, step: 0 })
    }

    /// Updates done.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// The first layer's weights.
    pub fn first_weight(&self) -> &Tensor {
        &self.network.layers()[0].weight
    }

    /// One update.
    pub fn descend(&mut self) {
        let batch = self.samples.next_batch(&mut self.order);
        let outputs = self.network.forward(&batch.inputs.squeeze_dim(0));
        let targets = batch.targets.squeeze_dim(0);
        let loss = model::loss(self.config.training.loss, &outputs, &targets, &batch.weights)
            * self.optimiser.gradient_scale();
        let gradients = Tensor::run_backward(&[loss], &self.tensors, false, false);
        self.optimiser.update(&self.tensors, &gradients);
        self.step += 1;
    }

    /// What the network answers now.
    pub fn observe(&self) -> Result<Snapshot> {
        let SingleRun { config, network, samples, .. } = self;
        let answer = |set: &Set| -> Result<Answer> {
            let outputs = set.in_chunks(config.network.kind, |inputs| network.forward(inputs));
            let loss = model::loss(config.training.loss, &outputs, &set.targets, &set.weights)
                .double_value(&[]);
            Ok(Answer {
                responses: to_array(&model::responses(config.training.loss, &outputs))?,
                loss,
            })
        };
        let norm = |tensor: &Tensor| tensor.to_kind(Kind::Double).norm().double_value(&[]);
        let layers = network.layers();
        let output_bias = layers.last().and_then(|layer| layer.bias.as_ref());
        Ok(Snapshot {
            step: self.step,
            time: config.training.learning_rate * self.step as f64,
            evaluation: answer(samples.evaluation())?,
            training: samples.training_to_observe().map(answer).transpose()?,
            weight_norms: layers.iter().map(|layer| norm(&layer.weight)).collect(),
            bias_norms: layers.iter().map(|layer| layer.bias.as_ref().map(norm)).collect(),
            output_bias: output_bias.map(to_vector).transpose()?,
            kernel: self.kernel()?,
        })
    }

    /// The tangent kernel, where one is asked for.
    fn kernel(&self) -> Result<Option<Array2<f64>>> {
        let Some(KernelConfig { samples, .. }) = self.config.kernel else { return Ok(None) };
        if !kernel_steps(&self.config).contains(&self.step) {
            return Ok(None);
        }
        let inputs = self.samples.first_training_inputs(samples);
        to_array(&self.network.tangent_kernel(&inputs)).map(Some)
    }

    /// Its tensors, and its place in the order of samples.
    pub fn state(&self) -> (NamedTensors, Option<Place>) {
        let mut tensors = self.network.parameters();
        tensors.extend(self.optimiser.named());
        (tensors, self.order.first().map(Order::place))
    }

    /// Puts a checkpoint's state back.
    pub fn restore(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        for (name, tensor) in self.parameters.iter().chain(&self.optimiser.named()) {
            checkpoint.copy_to(name, tensor)?;
        }
        if let Some(order) = self.order.first_mut() {
            order.go_to(checkpoint.place()?)?;
        }
        self.step = checkpoint.step();
        self.optimiser.updates = self.step;
        Ok(())
    }
}
