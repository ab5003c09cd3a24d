//! Gradient descent: the loop, shown to an observer at log-spaced steps. Knows no metric and no theory.
//!
//! Networks of one shape train in stacks, many runs at once: linear ones with their gradients written out, perceptrons and
//! convolutions with libtorch's.

mod batches;
mod checkpoint;
pub mod device;
pub mod libtorch;
mod linear;
mod moments;
mod nonlinear;
mod observations;
mod optimiser;
mod passed;
mod runs;
mod shared;
mod stack;
mod version_header;

use std::collections::VecDeque;

use anyhow::{Result, bail, ensure};
use ndarray::{Array2, Array3, ArrayView2};
use tch::{Device, Kind, Tensor};

use crate::config::{Config, Loss, Span, Stretch};
use crate::model;
use crate::task::Task;

use batches::Set;
pub use checkpoint::Checkpoint;
use observations::Observations;
pub use optimiser::OptimiserState;
pub use passed::Passed;
use runs::Runs;
pub use shared::Shared;
use stack::{Stack, Watched, stack};
pub use stack::{can_be_stacked, learns_from_moments, runs_can_be_stacked};

/// What the network answered at one moment of training.
pub struct Snapshot {
    /// Updates done.
    pub step: u64,
    /// `eta * step`, the theory's time, summed over stretches.
    pub time: f64,
    /// The stretch on whose samples it answers, counted from 0. At the last step of one a second snapshot answers on the next.
    pub stretch: usize,
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
    /// The neural tangent kernel of the first training samples, `[n, n]`, at the steps that `kernel_steps` names.
    pub kernel: Option<Array2<f64>>,
    /// The network's layers, the one that sees inputs first; if the observer wants them.
    pub layers: Option<Vec<Layer>>,
    /// Steps since the snapshot before, or since `Observer::pass`; one vector per item of at most 64 only.
    pub passed: Vec<Passed>,
}

/// One layer of a network, as it computes.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// `[outputs, inputs]`; of a convolution `[channels, channels below * 9]`.
    pub weight: Array2<f64>,
    /// `[outputs]`; `None` for a layer without.
    pub bias: Option<Vec<f64>>,
}

/// What an observer wants in snapshots besides responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wants {
    /// The network's layers.
    pub layers: bool,
}

/// Responses to a set of samples.
pub struct Answer {
    /// `[n_samples, n_labels]`: outputs, or probabilities under cross-entropy.
    pub responses: Array2<f64>,
    /// The training loss's form on these samples.
    pub loss: f64,
}

impl Answer {
    /// One answer for each network; `outputs` are `[n_members, n_samples, n_labels]`.
    fn of_each(outputs: &Tensor, set: &Set, loss: Loss) -> Result<Vec<Self>> {
        let (n_members, n_samples, n_labels) = outputs.size3()?;
        let losses = to_vector(&model::loss(loss, outputs, &set.targets, &set.weights))?;
        let responses = to_vector(&model::responses(loss, outputs))?;
        let shape = (n_members as usize, n_samples as usize, n_labels as usize);
        let responses = Array3::from_shape_vec(shape, responses)?;
        let of_member = |(responses, loss): (ArrayView2<f64>, f64)| Answer {
            responses: responses.to_owned(),
            loss,
        };
        Ok(responses.outer_iter().zip(losses).map(of_member).collect())
    }

    /// Each network's answer to a set that may not be asked about.
    fn or_none(answers: Option<Result<Vec<Self>>>, n_members: usize) -> Result<Vec<Option<Self>>> {
        match answers {
            Some(answers) => Ok(answers?.into_iter().map(Some).collect()),
            None => Ok((0..n_members).map(|_| None).collect()),
        }
    }
}

/// Who watches a run.
pub trait Observer {
    /// What it wants to see in snapshots; asked once, before the first.
    fn wants(&self) -> Wants {
        Wants::default()
    }

    /// Sees a snapshot, and says whether to go on.
    fn see(&mut self, snapshot: Snapshot) -> Result<Continue>;

    /// Sees steps that no snapshot will tell of, because a checkpoint is taken behind them.
    fn pass(&mut self, _passed: &[Passed]) {}

    /// Is asked before every step, so that a run can be saved or stopped between two distant observations.
    fn before_step(&mut self) -> Result<Continue> {
        Ok(Continue::Yes)
    }

    /// Keeps a checkpoint that it, or the observer of another run of the same stack, asked for.
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

/// What an observer asks for next; of several requests the largest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

/// Observed steps at which kernels are computed: step 0, the last, and those nearest to `kernel.times` log-spaced ones.
pub fn kernel_steps(config: &Config) -> Vec<u64> {
    let Some(kernel) = config.kernel else { return Vec::new() };
    let training = &config.training;
    let observed = observed_steps(training.steps, training.observations);
    let nearest = |wanted: &u64| observed.iter().copied().min_by_key(|step| step.abs_diff(*wanted));
    let mut steps: Vec<u64> =
        observed_steps(training.steps, kernel.times).iter().filter_map(nearest).collect();
    steps.dedup();
    steps
}

/// What one stretch of a run trains on.
#[derive(Clone, Copy)]
pub struct Lesson<'a> {
    /// The stretch's own config.
    pub config: &'a Config,
    /// What is learned in it.
    pub task: &'a Task,
    /// What all runs that learn this task have in common.
    pub shared: &'a Shared,
    /// Where it lies on the run's clocks.
    pub span: Span,
    /// Whether the optimiser's state goes on from the stretch before.
    pub keeps_optimiser: bool,
}

impl<'a> Lesson<'a> {
    /// Of a stretch.
    pub fn of(stretch: &'a Stretch, task: &'a Task, shared: &'a Shared) -> Self {
        let Stretch { config, span, keeps_optimiser, .. } = stretch;
        Lesson { config, task, shared, span: *span, keeps_optimiser: *keeps_optimiser }
    }

    /// Of a run that has no other.
    pub fn only(config: &'a Config, task: &'a Task, shared: &'a Shared) -> Self {
        let span = Span::first(config);
        Lesson { config, task, shared, span, keeps_optimiser: false }
    }
}

/// One run of a stack.
pub struct Member<'a> {
    /// What it learns, stretch by stretch; at least one. The first draws its initial weights.
    pub lessons: Vec<Lesson<'a>>,
    /// Draws its initial weights and its order of samples.
    pub seed: u64,
    /// Where it goes on; `None`: at the start.
    pub resumed: Option<&'a Checkpoint>,
    /// Who watches.
    pub observer: &'a mut dyn Observer,
}

impl<'a> Member<'a> {
    /// What it learns in a stretch.
    fn lesson(&self, stretch: usize) -> Lesson<'a> {
        self.lessons[stretch]
    }

    /// Updates of all its stretches.
    fn steps(&self) -> u64 {
        self.lessons.last().map_or(0, |lesson| lesson.span.end())
    }

    /// The stretch in which the update after so many is made; the last one at the end.
    fn stretch_at(&self, step: u64) -> usize {
        Span::index_at(self.lessons.iter().map(|lesson| lesson.span), step)
    }

    /// Updates done before the optimiser's state of a stretch was zero.
    fn optimiser_since(&self, stretch: usize) -> u64 {
        let anew = self.lessons[..=stretch].iter().rev().find(|lesson| !lesson.keeps_optimiser);
        anew.map_or(0, |lesson| lesson.span.first_step)
    }
}

/// Trains one network with one seed on one task, shown to `observer`. `resumed` continues from a checkpoint.
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
    ensure!(config.phases.is_empty(), "a config with phases learns several tasks");
    let shared = Shared::default();
    let lessons = vec![Lesson::only(config, task, &shared)];
    let member = Member { lessons, seed, resumed, observer };
    Ok(train_together(vec![member], device, false)?.remove(0))
}

/// Trains runs that `can_be_stacked` (or a single one) and that stand at the same step, and tells how each ended. If
/// `aside`, another thread answers what is observed while these train on, with the same numbers; observers then see
/// a snapshot some steps late.
///
/// # Errors
///
/// As for `train`; nothing is trained then.
pub fn train_together(members: Vec<Member>, device: Device, aside: bool) -> Result<Vec<Outcome>> {
    if members.is_empty() {
        return Ok(Vec::new());
    }
    let stack = stack(&members, device, Watched::AtEachStep)?;
    std::thread::scope(|scope| {
        let observations = if aside {
            let numbers: usize = stack.parameters().iter().map(|(_, tensor)| tensor.numel()).sum();
            Observations::aside(scope, numbers * size_of::<f64>())
        } else {
            Observations::AtOnce(VecDeque::new())
        };
        Runs::new(members).train(stack, observations)
    })
}

/// Runs between two steps that nobody watches: for measuring what steps cost.
pub struct Unwatched(Box<dyn Stack>);

impl Unwatched {
    /// Runs of one stack, as `train_together` takes them, at their first step.
    ///
    /// # Errors
    ///
    /// As for `train`.
    pub fn new(members: &[Member], device: Device) -> Result<Self> {
        Ok(Unwatched(stack(members, device, Watched::No)?))
    }

    /// So many updates; returns when the device has done them.
    pub fn descend(&mut self, steps: u64) {
        for _ in 0..steps {
            self.0.descend();
        }
        self.0.wait();
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
