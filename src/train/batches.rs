//! Samples on the device, where images stay bytes and become floats batch by batch.

use anyhow::{Context, Result, ensure};
use tch::{Device, Kind, Tensor};

use super::shared::{HeldPixels, Shared};
use super::supply::{Feed, Supply};
use crate::config::{Config, NetworkKind};
use crate::model::{architecture, from_host, to_tensor};
use crate::task::{ImageSet, Preprocessor, Task, TaskInputs};

/// The training set, in the order in which it is shown, and the evaluation set.
pub struct Samples {
    training: Set,
    /// Absent where the evaluation set is the training set.
    evaluation: Option<Set>,
    batch_size: Option<usize>,
    judges_training: bool,
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

/// Makes sure that a task's training set can be seen in batches of a size; `None` = all of it.
///
/// # Errors
///
/// If a batch is larger than the training set, or single vectors with unequal weights are asked for in minibatches.
pub fn ensure_batches(task: &Task, batch_size: Option<usize>) -> Result<()> {
    let Some(size) = batch_size else { return Ok(()) };
    let n_samples = task.n_samples();
    let weights = task.probabilities.iter().take(n_samples);
    let differ = |weight: &f64| (weight - task.probabilities[0]).abs() > 1e-9;
    ensure!(
        matches!(task.inputs, TaskInputs::Images { .. }) || !weights.into_iter().any(differ),
        "training.batch_size must be null for items of several frequencies: their weights need the full batch"
    );
    ensure!(
        size <= n_samples,
        "training.batch_size is {size}, but there are {n_samples} training samples: lower it, or null for full batch"
    );
    Ok(())
}

impl Samples {
    /// # Errors
    ///
    /// If a batch is larger than the training set, or single vectors with unequal weights are asked for in minibatches.
    ///
    /// `each_step` tells whether a full batch is seen at every step, or only when it is observed.
    pub fn new(
        (task, shared): (&Task, &Shared),
        config: &Config,
        device: Device,
        kind: Kind,
        each_step: bool,
    ) -> Result<Self> {
        let batch_size = config.training.batch_size;
        ensure_batches(task, batch_size)?;
        let pixels = shared.pixels(task, device);
        let (training, evaluation) = match &task.inputs {
            TaskInputs::Vectors(vectors) => {
                let n_learned = task.n_samples();
                let set = |items: std::ops::Range<usize>, weights: Vec<f64>| {
                    let rows = vectors.slice(ndarray::s![items.clone(), ..]).to_owned();
                    let inputs = SetInputs::Ready(to_tensor(&rows).to_kind(kind).to_device(device));
                    Set::new(inputs, task, &items.collect::<Vec<_>>(), weights, device, kind)
                };
                let learned = task.probabilities.iter().take(n_learned).copied().collect();
                let judged = n_learned..vectors.nrows();
                let weights = vec![1.0 / judged.len().max(1) as f64; judged.len()];
                let held_out = (!judged.is_empty()).then(|| set(judged, weights));
                (set(0..n_learned, learned), held_out)
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
                (training, Some(set(test, &pixels.test)))
            }
        };
        Ok(Samples {
            judges_training: task.judges_training(batch_size),
            training,
            evaluation,
            batch_size,
            device,
            _pixels: pixels,
        })
    }

    /// Inputs of the first `count` training samples, or of as many as there are, `[n, n_inputs]`.
    pub fn first_training_inputs(&self, count: usize) -> Tensor {
        self.training.inputs.range(0, count.min(self.training.n_samples()) as i64)
    }

    /// How runs with these seeds are supplied from the training set. After a stretch with other supplies their generators go on.
    pub fn feed(&self, seeds: impl IntoIterator<Item = u64>, before: Option<&Feed>) -> Feed {
        let of_seed = |(member, seed): (usize, u64)| {
            let Some(size) = self.batch_size else { return Supply::Full };
            let before = before.and_then(|before| before.supplies.get(member));
            Supply::shuffled(self.training.n_samples(), size, seed, before)
        };
        Feed::of(seeds.into_iter().enumerate().map(of_seed).collect())
    }

    /// The fixed set on which responses are judged.
    pub fn evaluation(&self) -> &Set {
        self.evaluation.as_ref().unwrap_or(&self.training)
    }

    /// The training set, if it is another one and is judged, too.
    pub fn training_to_observe(&self) -> Option<&Set> {
        self.judges_training.then_some(&self.training)
    }

    /// What the next step sees: a batch for each member of `feed`, or the full batch for all.
    pub fn next_batch(&self, feed: &mut Feed) -> Batch {
        let Set { targets, weights, inputs } = &self.training;
        let (Some(size), Some(chosen)) = (self.batch_size, feed.next(self.device)) else {
            return Batch {
                inputs: inputs.all().unsqueeze(0),
                targets: targets.unsqueeze(0),
                weights: weights.shallow_clone(),
            };
        };
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
        let targets = from_host(&values).view([items.len() as i64, task.targets.ncols() as i64]);
        let place = |tensor: Tensor| tensor.to_kind(kind).to_device(device);
        Set { inputs, targets: place(targets), weights: place(from_host(&weights)) }
    }

    /// The same samples, not copied, for another thread.
    pub fn share(&self) -> Self {
        Set {
            inputs: self.inputs.share(),
            targets: self.targets.shallow_clone(),
            weights: self.weights.shallow_clone(),
        }
    }

    /// The first so many inputs, or all if there are fewer, `[n, n_inputs]`.
    pub fn first_inputs(&self, count: i64) -> Tensor {
        self.inputs.range(0, count.min(self.n_samples() as i64))
    }

    /// All inputs, `[n_samples, n_inputs]`.
    pub fn all_inputs(&self) -> Tensor {
        self.inputs.all()
    }

    /// Other inputs, `[n_samples, n_inputs]`, in place of these samples'.
    pub fn seeing(&self, inputs: Tensor) -> Self {
        Set { inputs: SetInputs::Ready(inputs), ..self.share() }
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

    /// The same in `max(1, N / size)` parts of N samples, part p of P being every P-th sample from the p-th on, or in one part: for
    /// networks that answer samples together. Samples that stand in the order of their classes are spread over all parts.
    pub fn in_parts(&self, size: Option<usize>, forward: impl Fn(&Tensor) -> Tensor) -> Tensor {
        let (n_samples, device) = (self.targets.size()[0], self.targets.device());
        let n_parts = size.map_or(1, |size| n_samples / size as i64).max(1);
        let chosen =
            |part: i64| Tensor::arange_start_step(part, n_samples, n_parts, (Kind::Int64, device));
        let outputs: Vec<Tensor> =
            (0..n_parts).map(|part| forward(&self.inputs.rows(&chosen(part)))).collect();
        let order = Tensor::cat(&(0..n_parts).map(chosen).collect::<Vec<_>>(), 0);
        Tensor::cat(&outputs, 1).index_select(1, &order.argsort(0, false))
    }
}

impl SetInputs {
    /// Images on the device, as `Shared::pixels` has them: `pixels`, `[n_samples, n_inputs]`.
    pub fn bytes(pixels: &Tensor, preprocessor: &Preprocessor, kind: Kind) -> Self {
        if preprocessor.turn.is_some() {
            return SetInputs::Ready(pixels.to_kind(kind));
        }
        let place = |values: Vec<f64>| from_host(&values).to_kind(kind).to_device(pixels.device());
        let (mean, factor) = preprocessor.of_stored();
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
