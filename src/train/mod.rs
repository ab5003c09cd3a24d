//! Gradient descent: the loop, shown to an observer at log-spaced steps. Knows no metric and no theory.

mod batches;
mod checkpoint;
pub mod device;
mod optimiser;

use anyhow::{Result, bail, ensure};
use ndarray::Array2;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use crate::config::{Config, Precision};
use crate::model::{self, Network, Placement};
use crate::task::Task;

use batches::Samples;
pub use checkpoint::Checkpoint;
pub use optimiser::OptimiserState;

/// What the network answered at one moment of training.
pub struct Snapshot {
    /// Updates done.
    pub step: u64,
    /// `eta * step`, the theory's time.
    pub time: f64,
    /// On the evaluation set.
    pub evaluation: Answer,
    /// On the training set; full-batch runs on images only (elsewhere it is the evaluation set, or too dear).
    pub training: Option<Answer>,
    /// Frobenius norm of each layer's weights.
    pub weight_norms: Vec<f64>,
    /// Norm of each layer's bias.
    pub bias_norms: Vec<Option<f64>>,
    /// The last layer's bias, `[n_labels]`.
    pub output_bias: Option<Vec<f64>>,
}

/// Responses to a set of samples.
pub struct Answer {
    /// `[n_samples, n_labels]`: outputs, or probabilities under cross-entropy.
    pub responses: Array2<f64>,
    /// The training loss's form on these samples.
    pub loss: f64,
}

/// Who watches a run.
pub trait Observer {
    /// Sees a snapshot, and says whether to go on.
    fn see(&mut self, snapshot: Snapshot) -> Result<Continue>;

    /// Is asked before every step, so that a run can be saved or stopped between two distant observations.
    fn before_step(&mut self) -> Result<Continue> {
        Ok(Continue::Yes)
    }

    /// Keeps a checkpoint that it asked for.
    fn keep(&mut self, _checkpoint: Checkpoint) -> Result<()> {
        Ok(())
    }
}

/// A function of snapshots watches to the end and keeps nothing.
impl<F: FnMut(Snapshot)> Observer for F {
    fn see(&mut self, snapshot: Snapshot) -> Result<Continue> {
        self(snapshot);
        Ok(Continue::Yes)
    }
}

/// What an observer asks for next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Continue {
    /// Train on.
    Yes,
    /// Train on, after writing a checkpoint.
    AfterCheckpoint,
    /// Write a checkpoint and stop: somebody wants this process to end.
    No,
}

/// How training ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// Every step was done.
    Complete,
    /// The observer stopped it.
    Stopped,
    /// The loss was no longer finite.
    Diverged {
        /// The observation at which it was noticed.
        step: u64,
        /// Loss of the observation before.
        last_finite_loss: f64,
    },
}

/// Steps at which a run is observed: 0, the last, and about `observations` log-spaced between, each once.
pub fn observed_steps(steps: u64, observations: usize) -> Vec<u64> {
    let ratio = (steps as f64).ln() / (observations.max(2) - 1) as f64;
    let mut observed: Vec<u64> =
        (0..observations).map(|i| (ratio * i as f64).exp().round() as u64).collect();
    observed.push(0);
    observed.push(steps);
    observed.retain(|&step| step <= steps);
    observed.sort_unstable();
    observed.dedup();
    observed
}

/// Trains one network with one seed, shown to `observer`. `resumed` continues from a checkpoint.
///
/// # Errors
///
/// If the network cannot be built for this task, the batch is larger than the training set, the checkpoint is not of
/// this run, or the observer fails.
pub fn train(
    config: &Config,
    task: &Task,
    seed: u64,
    device: Device,
    resumed: Option<&Checkpoint>,
    observer: &mut dyn Observer,
) -> Result<Outcome> {
    let mut run = Run::new(config, task, seed, device)?;
    let mut seen = None;
    if let Some(checkpoint) = resumed {
        checkpoint.restore(&mut run)?;
        seen = Some(run.step);
    }
    for observed in observed_steps(config.training.steps, config.training.observations) {
        // A checkpoint is taken after the observation of its own step.
        if seen.is_some_and(|step| observed <= step) {
            continue;
        }
        while run.step < observed {
            if run.obey(observer.before_step()?, observer)? {
                return Ok(Outcome::Stopped);
            }
            run.descend();
        }
        let snapshot = tch::no_grad(|| run.observe())?;
        let loss = snapshot.evaluation.loss;
        if !loss.is_finite() {
            ensure!(
                run.last_loss.is_finite(),
                "the loss is not finite before the first step: lower the initial weights"
            );
            return Ok(Outcome::Diverged { step: run.step, last_finite_loss: run.last_loss });
        }
        run.last_loss = loss;
        let next = observer.see(snapshot)?;
        if run.obey(next, observer)? && run.step < config.training.steps {
            return Ok(Outcome::Stopped);
        }
    }
    Ok(Outcome::Complete)
}

/// A run between two steps.
struct Run<'a> {
    config: &'a Config,
    seed: u64,
    network: Network,
    parameters: Vec<(String, Tensor)>,
    /// The same tensors without their names.
    tensors: Vec<Tensor>,
    optimiser: OptimiserState,
    samples: Samples,
    /// Updates done.
    step: u64,
    /// Loss of the last observation; NaN before the first.
    last_loss: f64,
}

impl<'a> Run<'a> {
    fn new(config: &'a Config, task: &Task, seed: u64, device: Device) -> Result<Self> {
        let training = &config.training;
        let (weights, compute) = match training.precision {
            Precision::Float32 => (Kind::Float, Kind::Float),
            Precision::Float64 => (Kind::Double, Kind::Double),
            Precision::Bfloat16 => (Kind::Float, Kind::BFloat16),
        };
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        let placement = Placement { device, weights, compute };
        let network = Network::new(&config.network, task, placement, &mut generator)?;
        let parameters = network.parameters();
        let tensors = parameters.iter().map(|(_, tensor)| tensor.shallow_clone()).collect();
        let optimiser =
            OptimiserState::new(training.optimiser, training.learning_rate, &parameters);
        let samples = Samples::new(task, training.batch_size, seed, device, weights)?;
        Ok(Run {
            config,
            seed,
            network,
            parameters,
            tensors,
            optimiser,
            samples,
            step: 0,
            last_loss: f64::NAN,
        })
    }

    /// One update.
    fn descend(&mut self) {
        let (inputs, targets, weights) = self.samples.next_batch();
        let loss = model::loss(
            self.config.training.loss,
            &self.network.forward(&inputs),
            &targets,
            &weights,
        );
        let gradients = Tensor::run_backward(&[loss], &self.tensors, false, false);
        self.optimiser.update(&self.tensors, &gradients);
        self.step += 1;
    }

    /// Does what the observer asked for; tells whether to stop.
    fn obey(&self, next: Continue, observer: &mut dyn Observer) -> Result<bool> {
        if next != Continue::Yes {
            observer.keep(Checkpoint::take(self)?)?;
        }
        Ok(next == Continue::No)
    }

    /// What the network answers now.
    fn observe(&self) -> Result<Snapshot> {
        let Run { config, network, samples, .. } = self;
        let answer = |set: &batches::Set| -> Result<Answer> {
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
        })
    }
}

fn to_vector(tensor: &Tensor) -> Result<Vec<f64>> {
    Ok(Vec::<f64>::try_from(
        &tensor.to_kind(Kind::Double).to_device(Device::Cpu).contiguous().view(-1),
    )?)
}

fn to_array(tensor: &Tensor) -> Result<Array2<f64>> {
    let [rows, columns] = tensor.size()[..] else {
        bail!("responses have {} dimensions, not 2", tensor.dim())
    };
    Ok(Array2::from_shape_vec((rows as usize, columns as usize), to_vector(tensor)?)?)
}

#[cfg(test)]
mod tests {
    use super::observed_steps;

    #[test]
    fn observed_steps_are_log_spaced_and_hold_zero_and_the_last() {
        let steps = observed_steps(1000, 50);
        assert_eq!((steps[0], steps[1], steps[steps.len() - 1]), (0, 1, 1000));
        assert!(steps.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(steps.len() <= 52);
        let late: Vec<u64> = steps.into_iter().filter(|&step| step > 100).collect();
        assert!(late.windows(2).all(|pair| (pair[1] as f64 / pair[0] as f64) < 1.2));
        assert_eq!(observed_steps(1, 2), [0, 1]);
    }
}
