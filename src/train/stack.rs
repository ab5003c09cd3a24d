//! Networks that train together, whatever their kind.

use anyhow::Result;
use tch::{Kind, Tensor};

use super::checkpoint::{Checkpoint, NamedTensors, Place};
use super::member::{Lesson, Member};
use super::observations::Observation;
use super::passed::Meter;
use super::supply::Feed;
use crate::config::{Config, Loss, NetworkConfig, TrainingConfig};
use crate::task::{Task, TaskInputs};

/// Networks between two steps, one for each member, all at the same step.
pub trait Stack {
    /// Updates done.
    fn step(&self) -> u64;

    /// One update of every member.
    fn descend(&mut self);

    /// What finds every member's answers of now, whatever the stack does meanwhile, and tells of the steps since the last.
    fn observation(&mut self) -> Result<Observation>;

    /// What reads every step, if anything does.
    fn meter(&mut self) -> Option<&mut Meter>;

    /// What one member's checkpoint holds: its tensors, and its place in its order of samples.
    fn state(&self, member: usize) -> (NamedTensors, Option<Place>);

    /// Views of all that a step changes of one member, with their names.
    fn tensors_of(&self, member: usize) -> NamedTensors;

    /// Where all members' samples come from.
    fn feed(&mut self) -> &mut Feed;

    /// The stretch that members are in, counted from 0.
    fn stretch(&self) -> usize;

    /// Turns to what members learn in a later stretch: weights go on, and the optimiser's state if that is asked for.
    fn turn(&mut self, members: &[Member], stretch: usize) -> Result<()>;

    /// Puts a checkpoint's state back into one member; `go_to` goes with it.
    fn restore(&mut self, member: usize, checkpoint: &Checkpoint) -> Result<()> {
        for (name, tensor) in self.tensors_of(member) {
            checkpoint.copy_to(&name, &tensor)?;
        }
        self.feed().go_to(member, || checkpoint.place())
    }

    /// Tells all members that so many updates are done, and so many since their optimisers started anew.
    fn go_to(&mut self, step: u64, of_optimiser: u64);

    /// Weights and biases of all members, with their names.
    fn parameters(&self) -> &[(String, Tensor)];

    /// Returns when the device has done what it was given.
    fn wait(&self) {
        // A value that is asked for has to be there.
        for (_, parameter) in self.parameters() {
            parameter.sum(Kind::Double).double_value(&[]);
        }
    }
}

/// Whether responses are read at each step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watched {
    /// Where they are few and at hand.
    AtEachStep,
    /// Never: bare steps.
    No,
}

/// Whether two runs, each a config and what it learns, can share a stack: all but their starts is the same, and learning rates
/// where each network's gradient is its own: those of linear networks that learn from moments, and of all other kinds. Linear
/// networks that learn from moments of equal shape may differ in their task, too. What observes a kernel trains alone.
pub fn can_be_stacked(one: (&Config, &Task), other: (&Config, &Task)) -> bool {
    let network = |config: &Config| NetworkConfig {
        initialisation: NetworkConfig::default().initialisation,
        layer_scales: Vec::new(),
        ..config.network.clone()
    };
    let shape = |task: &Task| match &task.inputs {
        TaskInputs::Vectors(vectors) => {
            Some((vectors.nrows(), task.n_held_out(), task.n_inputs(), task.targets.ncols()))
        }
        TaskInputs::Images { .. } => None,
    };
    let (of_one, of_other) = (shape(one.1), shape(other.1));
    let equal_shape = learns_from_moments(one.0) && of_one.is_some() && of_one == of_other;
    one.0.kernel.is_none()
        && other.0.kernel.is_none()
        && one.0.probes == other.0.probes
        && one.0.projections == other.0.projections
        && network(one.0) == network(other.0)
        && but_rate(one.0) == but_rate(other.0)
        && (one.0.task == other.0.task || equal_shape)
}

/// Whether two runs can share a stack in every stretch: as many, of equal length, each as `can_be_stacked` asks. Where a stretch
/// needs samples, all do, and then the tasks of every stretch are to be equal.
pub fn runs_can_be_stacked(one: &[Lesson], other: &[Lesson]) -> bool {
    let from_moments = one.iter().all(|lesson| learns_from_moments(lesson.config));
    let fits = |(one, other): (&Lesson, &Lesson)| {
        one.span.steps == other.span.steps
            && one.keeps_optimiser == other.keeps_optimiser
            && can_be_stacked((one.config, one.task), (other.config, other.task))
            && (from_moments || same_samples(one, other))
    };
    one.len() == other.len() && one.iter().zip(other).all(fits)
}

fn same_samples(one: &Lesson, other: &Lesson) -> bool {
    one.config.task == other.config.task && but_rate(one.config) == but_rate(other.config)
}

/// How a network is trained, but for the learning rate where networks of one stack may have their own.
fn but_rate(config: &Config) -> TrainingConfig {
    let has_own = learns_from_moments(config) || !config.network.kind.is_linear();
    let learning_rate = if has_own { 1.0 } else { config.training.learning_rate };
    TrainingConfig { learning_rate, ..config.training.clone() }
}

/// Whether steps need the training set's moments alone: those of linear networks on the full batch under squared error.
pub fn learns_from_moments(config: &Config) -> bool {
    let training = &config.training;
    config.network.kind.is_linear()
        && training.batch_size.is_none()
        && training.loss == Loss::HalfSquaredError
}
