//! Samples on the device, where images stay bytes and become floats batch by batch, and where a step's samples come from.

use anyhow::{Context, Result, ensure};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use super::checkpoint::Place;
use super::shared::{HeldPixels, Shared};
use crate::config::NetworkKind;
use crate::model::{architecture, to_tensor};
use crate::task::{ImageSet, Preprocessor, Task, TaskInputs};

/// The training set, in the order in which it is shown, and the evaluation set.
pub struct Samples {
    training: Set,
    /// Absent where the evaluation set is the training set.
    evaluation: Option<Set>,
    batch_size: Option<usize>,
    device: Device,
    /// Kept for others that learn the same task.
    _pixels: Option<HeldPixels>,
}

/// What one step sees. A leading dimension counts members of a stack, each with samples of its own, or is 1 for all.
pub struct Batch {
    /// `[n_members, n_samples, n_inputs]`.
    pub inputs: Tensor,
    /// `[n_members, n_samples, n_labels]`.
    pub targets: Tensor,
    /// `[n_samples]`, summing to 1.
    pub weights: Tensor,
}

/// Samples with their targets and weights.
pub struct Set {
    inputs: SetInputs,
    /// `[n_samples, n_labels]`.
    pub targets: Tensor,
    /// `[n_samples]`, summing to 1.
    pub weights: Tensor,
}

pub enum SetInputs {
    /// `[n_samples, n_inputs]`, ready.
    Ready(Tensor),
    /// Inputs are `(byte - mean) * factor`.
    Bytes {
        /// `[n_samples, n_inputs]` bytes.
        pixels: Tensor,
        /// `[n_inputs]`, in bytes.
        mean: Tensor,
        /// `[n_inputs]`.
        factor: Tensor,
        /// Format of inputs.
        kind: Kind,
    },
}

/// Where the samples of a run's steps come from. What it has to know to go on is its place, which a checkpoint keeps; the loop
/// over steps asks for the next batch and knows nothing else of it.
///
/// What later studies need is a variant each. `Fresh`, for a teacher-student task that is learned online, holds a generator of
/// samples: a batch is that many new inputs and what the teacher says of them, its place is the generator's word position
/// (samples of a set need none, since nothing comes twice), and `Samples` has no training set then, only the fixed set on which
/// responses are judged. `Trials`, for blocked against interleaved trials, holds blocks, each a list of items and a number of
/// trials, and one generator that draws within a block: a batch is one trial or several, its place is the word position before
/// the block and the trials of it already shown, as an epoch's is here. Both keep to `next` and `place`, so that neither the loop
/// nor checkpoints nor stacks see a difference.
pub enum Supply {
    /// Every step sees the whole training set.
    Full,
    /// Minibatches in a random order, drawn anew for each epoch.
    Shuffled(Box<Order>),
}

impl Supply {
    /// Where in its sequence it stands; `None` if it has none.
    pub fn place(&self) -> Option<Place> {
        match self {
            Supply::Full => None,
            Supply::Shuffled(order) => Some(order.place()),
        }
    }

    /// Goes to where a checkpoint left it, which is asked for that only if there is more than one place.
    ///
    /// # Errors
    ///
    /// If the checkpoint does not say, or an epoch has no such position.
    pub fn go_to(&mut self, place: impl FnOnce() -> Result<Place>) -> Result<()> {
        match self {
            Supply::Full => Ok(()),
            Supply::Shuffled(order) => order.go_to(place()?),
        }
    }
}

/// A random order of the training samples, drawn anew for each epoch by a generator of our own. A batch that an epoch's
/// end leaves short is filled up from the next epoch, so that all batches are equally large.
pub struct Order {
    generator: ChaCha8Rng,
    batch_size: usize,
    permutation: Vec<i64>,
    position: usize,
    /// The generator's position before this epoch's permutation was drawn.
    epoch_word: u128,
}

/// Apart from the stream that draws initial weights.
const ORDER_STREAM: u64 = 1;

impl Order {
    fn new(n_samples: usize, batch_size: usize, seed: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(ORDER_STREAM);
        let permutation = (0..n_samples as i64).collect();
        let mut order = Order { generator, batch_size, permutation, position: 0, epoch_word: 0 };
        order.start_epoch();
        order
    }

    fn start_epoch(&mut self) {
        self.epoch_word = self.generator.get_word_pos();
        // From the identity, so that the generator's position alone determines the order.
        self.permutation.sort_unstable();
        self.permutation.shuffle(&mut self.generator);
        self.position = 0;
    }

    fn next(&mut self) -> Vec<i64> {
        let mut batch = Vec::with_capacity(self.batch_size);
        while batch.len() < self.batch_size {
            if self.position == self.permutation.len() {
                self.start_epoch();
            }
            let end = self.permutation.len().min(self.position + self.batch_size - batch.len());
            batch.extend_from_slice(&self.permutation[self.position..end]);
            self.position = end;
        }
        batch
    }

    /// Where in its sequence the order stands.
    fn place(&self) -> Place {
        (self.epoch_word, self.position)
    }

    /// Goes to a place that `place` told.
    ///
    /// # Errors
    ///
    /// If an epoch has no such position.
    fn go_to(&mut self, (epoch_word, position): Place) -> Result<()> {
        ensure!(position <= self.permutation.len(), "an epoch has no sample {position}");
        self.generator.set_word_pos(epoch_word);
        self.start_epoch();
        self.position = position;
        Ok(())
    }
}

impl Samples {
    /// # Errors
    ///
    /// If a batch is larger than the training set, or one-hot inputs are asked for in minibatches.
    ///
    /// `each_step` tells whether a full batch is seen at every step, or only when it is observed.
    pub fn new(
        (task, shared): (&Task, &Shared),
        batch_size: Option<usize>,
        device: Device,
        kind: Kind,
        each_step: bool,
    ) -> Result<Self> {
        let pixels = shared.pixels(task, device);
        let (training, evaluation, n_samples) = match &task.inputs {
            TaskInputs::Vectors(vectors) => {
                ensure!(
                    batch_size.is_none(),
                    "training.batch_size must be null for one vector per item: weights of items need the full batch"
                );
                let items: Vec<usize> = (0..vectors.nrows()).collect();
                let inputs = SetInputs::Ready(to_tensor(vectors).to_kind(kind).to_device(device));
                let set = Set::new(inputs, task, &items, task.probabilities.to_vec(), device, kind);
                (set, None, vectors.nrows())
            }
            TaskInputs::Images { train, test, preprocessor } => {
                let pixels = pixels.as_ref().context("images are not on the device")?.get();
                let set = |images: &ImageSet, pixels: &Tensor| {
                    let inputs = SetInputs::bytes(pixels, preprocessor, kind);
                    let weight = 1.0 / images.items.len() as f64;
                    Set::new(
                        inputs,
                        task,
                        &images.items,
                        vec![weight; images.items.len()],
                        device,
                        kind,
                    )
                };
                let mut training = set(train, &pixels.train);
                if batch_size.is_none() && each_step {
                    // Every step needs all of them: turn them to floats once.
                    training.inputs = SetInputs::Ready(training.inputs.all());
                }
                (training, Some(set(test, &pixels.test)), train.items.len())
            }
        };
        if let Some(size) = batch_size {
            ensure!(
                size <= n_samples,
                "training.batch_size is {size}, but there are {n_samples} training samples: lower it, or null for full batch"
            );
        }
        Ok(Samples { training, evaluation, batch_size, device, _pixels: pixels })
    }

    /// Inputs of the first `count` training samples, or of as many as there are, `[n, n_inputs]`.
    pub fn first_training_inputs(&self, count: usize) -> Tensor {
        self.training.inputs.range(0, count.min(self.training.n_samples()) as i64)
    }

    /// How a run with this seed is supplied from the training set. After a stretch with another supply its generator goes on.
    pub fn supply(&self, seed: u64, before: Option<&Supply>) -> Supply {
        let Some(size) = self.batch_size else { return Supply::Full };
        let mut order = Order::new(self.training.n_samples(), size, seed);
        if let Some(Supply::Shuffled(before)) = before {
            order.generator.set_word_pos(before.generator.get_word_pos());
            order.start_epoch();
        }
        Supply::Shuffled(Box::new(order))
    }

    /// The fixed set on which responses are judged.
    pub fn evaluation(&self) -> &Set {
        self.evaluation.as_ref().unwrap_or(&self.training)
    }

    /// The training set, if it is another one and every step sees all of it anyway.
    pub fn training_to_observe(&self) -> Option<&Set> {
        (self.evaluation.is_some() && self.batch_size.is_none()).then_some(&self.training)
    }

    /// What the next step sees: a batch from each of `supplies`, or the full batch for all.
    pub fn next_batch(&self, supplies: &mut [Supply]) -> Batch {
        let Set { targets, weights, inputs } = &self.training;
        let Some(size) = self.batch_size else {
            return Batch {
                inputs: inputs.all().unsqueeze(0),
                targets: targets.unsqueeze(0),
                weights: weights.shallow_clone(),
            };
        };
        let next = |supply: &mut Supply| match supply {
            Supply::Full => Vec::new(),
            Supply::Shuffled(order) => order.next(),
        };
        let chosen: Vec<i64> = supplies.iter_mut().flat_map(next).collect();
        let chosen = Tensor::from_slice(&chosen).to_device(self.device);
        let for_members = |rows: Tensor| {
            let width = rows.size()[1];
            rows.view([-1, size as i64, width])
        };
        Batch {
            inputs: for_members(inputs.rows(&chosen)),
            targets: for_members(targets.index_select(0, &chosen)),
            weights: Tensor::full(size as i64, 1.0 / size as f64, (weights.kind(), self.device)),
        }
    }
}

impl Set {
    fn new(
        inputs: SetInputs,
        task: &Task,
        items: &[usize],
        weights: Vec<f64>,
        device: Device,
        kind: Kind,
    ) -> Self {
        let values: Vec<f64> =
            items.iter().flat_map(|&item| task.targets.row(item).to_vec()).collect();
        let targets =
            Tensor::from_slice(&values).view([items.len() as i64, task.targets.ncols() as i64]);
        let place = |tensor: Tensor| tensor.to_kind(kind).to_device(device);
        Set { inputs, targets: place(targets), weights: place(Tensor::from_slice(&weights)) }
    }

    /// The same samples, not copied, for another thread.
    pub fn share(&self) -> Self {
        Set {
            inputs: self.inputs.share(),
            targets: self.targets.shallow_clone(),
            weights: self.weights.shallow_clone(),
        }
    }

    /// All inputs, `[n_samples, n_inputs]`.
    pub fn all_inputs(&self) -> Tensor {
        self.inputs.all()
    }

    /// Number of samples.
    pub fn n_samples(&self) -> usize {
        self.targets.size()[0] as usize
    }

    /// What `n_members` networks answer to all inputs, `[n_members, n_samples, n_labels]`: `forward` of `[n_samples,
    /// n_inputs]`, in chunks that keep activations small.
    pub fn in_chunks(
        &self,
        kind: NetworkKind,
        n_members: usize,
        forward: impl Fn(&Tensor) -> Tensor,
    ) -> Tensor {
        let n_samples = self.targets.size()[0];
        let chunk = architecture(kind).chunk(n_members, self.targets.device() == Device::Cpu);
        let chunk = chunk.max(1) as i64;
        let outputs: Vec<Tensor> = (0..n_samples)
            .step_by(chunk as usize)
            .map(|start| forward(&self.inputs.range(start, chunk.min(n_samples - start))))
            .collect();
        Tensor::cat(&outputs, 1)
    }
}

impl SetInputs {
    /// Images on the device, as bytes: `pixels`, `[n_samples, n_inputs]`.
    pub fn bytes(pixels: &Tensor, preprocessor: &Preprocessor, kind: Kind) -> Self {
        let place =
            |values: Vec<f64>| Tensor::from_slice(&values).to_kind(kind).to_device(pixels.device());
        let (mean, factor) = preprocessor.of_bytes();
        let (mean, factor) = (place(mean), place(factor));
        SetInputs::Bytes { pixels: pixels.shallow_clone(), mean, factor, kind }
    }

    fn share(&self) -> Self {
        match self {
            SetInputs::Ready(inputs) => SetInputs::Ready(inputs.shallow_clone()),
            SetInputs::Bytes { pixels, mean, factor, kind } => SetInputs::Bytes {
                pixels: pixels.shallow_clone(),
                mean: mean.shallow_clone(),
                factor: factor.shallow_clone(),
                kind: *kind,
            },
        }
    }

    fn convert(&self, rows: impl Fn(&Tensor) -> Tensor) -> Tensor {
        match self {
            SetInputs::Ready(inputs) => rows(inputs),
            SetInputs::Bytes { pixels, mean, factor, kind } => {
                (rows(pixels).to_kind(*kind) - mean) * factor
            }
        }
    }

    fn all(&self) -> Tensor {
        self.convert(Tensor::shallow_clone)
    }

    fn rows(&self, chosen: &Tensor) -> Tensor {
        self.convert(|inputs| inputs.index_select(0, chosen))
    }

    /// Floats of some samples in a row.
    pub fn range(&self, start: i64, length: i64) -> Tensor {
        self.convert(|inputs| inputs.narrow(0, start, length))
    }
}
