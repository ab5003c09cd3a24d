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

/// Trains one network with one seed. `observer` sees every snapshot and says whether to go on.
///
/// `resumed` continues from a checkpoint; its step was already shown to an observer. Checkpoints are handed to `keep`.
///
/// # Errors
///
/// If the network cannot be built for this task, the batch is larger than the training set, or the observer fails.
pub fn train(
    config: &Config,
    task: &Task,
    seed: u64,
    device: Device,
    resumed: Option<Checkpoint>,
    observer: &mut dyn FnMut(Snapshot) -> Result<Continue>,
    keep: &mut dyn FnMut(Checkpoint) -> Result<()>,
) -> Result<Outcome> {
    let training = &config.training;
    let (weights, compute) = match training.precision {
        Precision::Float32 => (Kind::Float, Kind::Float),
        Precision::Float64 => (Kind::Double, Kind::Double),
        Precision::Bfloat16 => (Kind::Float, Kind::BFloat16),
    };
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let network = Network::new(
        &config.network,
        task,
        Placement { device, weights, compute },
        &mut generator,
    )?;
    let parameters = network.parameters();
    let mut optimiser =
        OptimiserState::new(training.optimiser, training.learning_rate, &parameters);
    let mut samples = Samples::new(task, training.batch_size, seed, device, weights)?;
    let mut step = 0;
    if let Some(checkpoint) = &resumed {
        step = checkpoint.restore(&parameters, &mut optimiser, &mut samples)?;
    }
    let tensors: Vec<Tensor> =
        parameters.iter().map(|(_, tensor)| tensor.shallow_clone()).collect();
    let mut last_finite_loss = f64::NAN;
    for observed in observed_steps(training.steps, training.observations) {
        if observed < step || (resumed.is_some() && observed == step) {
            continue;
        }
        while step < observed {
            let (inputs, targets, sample_weights) = samples.next_batch();
            let loss =
                model::loss(training.loss, &network.forward(&inputs), &targets, &sample_weights);
            let gradients = Tensor::run_backward(&[loss], &tensors, false, false);
            optimiser.update(&tensors, &gradients);
            step += 1;
        }
        let snapshot = tch::no_grad(|| observe(config, &network, &samples, step))?;
        let loss = snapshot.evaluation.loss;
        if !loss.is_finite() {
            ensure!(
                !last_finite_loss.is_nan(),
                "the loss is not finite before the first step: lower the initial weights"
            );
            return Ok(Outcome::Diverged { step, last_finite_loss });
        }
        last_finite_loss = loss;
        match observer(snapshot)? {
            Continue::Yes => {}
            Continue::AfterCheckpoint => {
                keep(Checkpoint::take(step, &parameters, &optimiser, &samples)?)?
            }
            Continue::No if step == training.steps => {}
            Continue::No => {
                keep(Checkpoint::take(step, &parameters, &optimiser, &samples)?)?;
                return Ok(Outcome::Stopped);
            }
        }
    }
    Ok(Outcome::Complete)
}

fn observe(config: &Config, network: &Network, samples: &Samples, step: u64) -> Result<Snapshot> {
    let answer = |set: &batches::Set| -> Result<Answer> {
        let outputs = set.in_chunks(config.network.kind, |inputs| network.forward(inputs));
        let loss = model::loss(config.training.loss, &outputs, &set.targets, &set.weights)
            .double_value(&[]);
        Ok(Answer { responses: to_array(&model::responses(config.training.loss, &outputs))?, loss })
    };
    let norm = |tensor: &Tensor| tensor.to_kind(Kind::Double).norm().double_value(&[]);
    let layers = network.layers();
    let output_bias = layers.last().and_then(|layer| layer.bias.as_ref());
    Ok(Snapshot {
        step,
        time: config.training.learning_rate * step as f64,
        evaluation: answer(samples.evaluation())?,
        training: samples.training_to_observe().map(answer).transpose()?,
        weight_norms: layers.iter().map(|layer| norm(&layer.weight)).collect(),
        bias_norms: layers.iter().map(|layer| layer.bias.as_ref().map(norm)).collect(),
        output_bias: output_bias.map(to_vector).transpose()?,
    })
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
