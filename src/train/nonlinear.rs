//! Networks of one shape whose gradients libtorch finds, perceptrons and convolutions, trained side by side.

use anyhow::{Context, Result};
use ndarray::Array2;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use super::batches::{Order, Place, Samples, Set};
use super::checkpoint::{Checkpoint, NamedTensors};
use super::optimiser::OptimiserState;
use super::stack::Stack;
use super::{Answer, Member, Snapshot, kernel_steps, to_array, to_vector};
use crate::config::{Config, KernelConfig, Precision};
use crate::model::{self, Network, Placement};

/// Networks between two steps, one for each member. Several convolutions pay on a GPU alone, where a small one leaves most
/// of the machine idle.
pub struct NonlinearStack {
    n_members: usize,
    /// The first member's; the others' differ in what no step asks for.
    config: Config,
    network: Network,
    parameters: NamedTensors,
    /// The same tensors without their names.
    tensors: Vec<Tensor>,
    optimiser: OptimiserState,
    samples: Samples,
    /// One for each member, or none in full batch.
    orders: Vec<Order>,
    step: u64,
}

impl NonlinearStack {
    /// At step 0. Members must be stackable.
    pub fn new(members: &[Member], device: Device) -> Result<Self> {
        let Member { config, task, .. } = members.first().context("a stack has members")?;
        let training = &config.training;
        let (weights, compute) = match training.precision {
            Precision::Float32 => (Kind::Float, Kind::Float),
            Precision::Float64 => (Kind::Double, Kind::Double),
            Precision::Bfloat16 => (Kind::Float, Kind::BFloat16),
        };
        let mut generators: Vec<ChaCha8Rng> =
            members.iter().map(|member| ChaCha8Rng::seed_from_u64(member.seed)).collect();
        let configs = members.iter().map(|member| &member.config.network);
        let mut starts: Vec<_> = configs.zip(&mut generators).collect();
        let placement = Placement { device, weights, compute };
        let network = Network::side_by_side(&mut starts, task, placement)?;
        let parameters = network.parameters();
        let tensors = parameters.iter().map(|(_, tensor)| tensor.shallow_clone()).collect();
        let optimiser =
            OptimiserState::new(training.optimiser, training.learning_rate, &parameters);
        let samples = Samples::new(task, training.batch_size, device, weights, true)?;
        Ok(NonlinearStack {
            n_members: members.len(),
            config: (*config).clone(),
            network,
            parameters,
            tensors,
            optimiser,
            orders: members.iter().filter_map(|member| samples.order(member.seed)).collect(),
            samples,
            step: 0,
        })
    }

    /// The tangent kernel, where one is asked for; then there is one member.
    fn kernel(&self) -> Result<Option<Array2<f64>>> {
        let Some(KernelConfig { samples, .. }) = self.config.kernel else { return Ok(None) };
        if !kernel_steps(&self.config).contains(&self.step) {
            return Ok(None);
        }
        let inputs = self.samples.first_training_inputs(samples);
        to_array(&self.network.tangent_kernel(&inputs)).map(Some)
    }

    /// Views of what one member's checkpoint holds.
    fn tensors_of(&self, member: usize) -> impl Iterator<Item = (String, Tensor)> {
        let named = self.parameters.iter().map(|(name, t)| (name.clone(), t.shallow_clone()));
        let named = named.chain(self.optimiser.named());
        named.map(move |(name, tensor)| (name, self.network.member(member, &tensor)))
    }
}

impl Stack for NonlinearStack {
    fn step(&self) -> u64 {
        self.step
    }

    /// One update of every member. Losses of different members have no weight in common: their sum's gradient is each
    /// one's own.
    fn descend(&mut self) {
        let batch = self.samples.next_batch(&mut self.orders);
        let outputs = self.network.forward(&batch.inputs);
        let losses =
            model::loss(self.config.training.loss, &outputs, &batch.targets, &batch.weights);
        let loss = losses.sum(None) * self.optimiser.gradient_scale();
        let gradients = Tensor::run_backward(&[loss], &self.tensors, false, false);
        self.optimiser.update(&self.tensors, &gradients);
        self.step += 1;
    }

    fn observe(&self) -> Result<Vec<Snapshot>> {
        let NonlinearStack { config, network, samples, n_members, .. } = self;
        let answers = |set: &Set| {
            let outputs = set.in_chunks(config.network.kind, *n_members, |inputs| {
                network.forward(&inputs.unsqueeze(0))
            });
            Answer::of_each(&outputs, set, config.training.loss)
        };
        let evaluation = answers(samples.evaluation())?;
        let mut training: Vec<Option<Answer>> = match samples.training_to_observe() {
            Some(set) => answers(set)?.into_iter().map(Some).collect(),
            None => Vec::new(),
        };
        training.resize_with(evaluation.len(), || None);
        let layers = network.layers();
        let norm = |tensor: &Tensor| tensor.to_kind(Kind::Double).norm().double_value(&[]);
        let answers = evaluation.into_iter().zip(training).enumerate();
        answers
            .map(|(index, (evaluation, training))| {
                let of_member = |tensor: &Tensor| network.member(index, tensor);
                let output_bias = layers.last().and_then(|layer| layer.bias.as_ref());
                Ok(Snapshot {
                    step: self.step,
                    time: config.training.learning_rate * self.step as f64,
                    evaluation,
                    training,
                    weight_norms: layers.iter().map(|l| norm(&of_member(&l.weight))).collect(),
                    bias_norms: layers
                        .iter()
                        .map(|layer| Some(norm(&of_member(layer.bias.as_ref()?))))
                        .collect(),
                    output_bias: output_bias.map(|bias| to_vector(&of_member(bias))).transpose()?,
                    kernel: self.kernel()?,
                })
            })
            .collect()
    }

    fn state(&self, member: usize) -> (NamedTensors, Option<Place>) {
        let tensors = self.tensors_of(member).collect();
        (tensors, self.orders.get(member).map(Order::place))
    }

    fn restore(&mut self, member: usize, checkpoint: &Checkpoint) -> Result<()> {
        for (name, tensor) in self.tensors_of(member) {
            checkpoint.copy_to(&name, &tensor)?;
        }
        if let Some(order) = self.orders.get_mut(member) {
            order.go_to(checkpoint.place()?)?;
        }
        Ok(())
    }

    fn go_to(&mut self, step: u64) {
        self.step = step;
        self.optimiser.updates = step;
    }

    fn first_weight(&self) -> &Tensor {
        &self.network.layers()[0].weight
    }
}
