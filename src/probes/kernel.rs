//! The neural tangent kernel along a run: what its record keeps, and what the kernel at step 0 foretells.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use ndarray::{Array1, Array2};
use serde_json::Value;

use super::probe::{Probe, State};
use crate::config::{
    Activation, Config, Initialisation, Kaiming, KernelConfig, Loss, NetworkKind, Normal,
};
use crate::metrics::{Curves, Judge, Judgement, Phase, PhaseWatch};
use crate::model::kernel_megabytes;
use crate::record::{KernelMoment, KernelRecord, LazyRecord, Record};
use crate::task::{Task, TaskInputs};
use crate::theory::{KernelSpectrum, ReluKernels, input_products, kernel_drift};
use crate::train::{Snapshot, observed_steps};

/// What a run's kernels are measured against, and what learns.
pub struct Kernels {
    config: Config,
    task: Arc<Task>,
    /// Of the kernel's samples; they sum to 1.
    weights: Array1<f64>,
    /// Theta at step 0, once it is known.
    initial: Option<Array2<f64>>,
}

/// What checkpoints call Theta at step 0.
const INITIAL: &str = "initial";

impl Kernels {
    /// Of so many samples of the task. Tells what memory one takes.
    pub fn new(kernel: KernelConfig, config: &Config, task: &Arc<Task>) -> Kernels {
        let weights = match &task.inputs {
            TaskInputs::Images { train, .. } => {
                let n = kernel.samples.min(train.items.len());
                Array1::from_elem(n, 1.0 / n as f64)
            }
            TaskInputs::Vectors(_) => {
                let n = kernel.samples.min(task.n_samples());
                let chosen = task.probabilities.slice(ndarray::s![..n]).to_owned();
                let total = chosen.sum();
                chosen / total
            }
        };
        let megabytes = kernel_megabytes(&config.network, task, weights.len()).ceil();
        tracing::info!(samples = weights.len(), megabytes, "computes tangent kernels");
        Kernels { config: config.clone(), task: task.clone(), weights, initial: None }
    }

    /// What is known before the first step.
    fn at_start(&self, snapshot: &Snapshot, spectrum: &KernelSpectrum) -> KernelRecord {
        let (config, task) = (&self.config, &*self.task);
        let products = input_products(task, self.weights.len());
        let moment = |kernel: &Array2<f64>| {
            let spectrum = KernelSpectrum::new(kernel, &self.weights);
            KernelMoment { ones_alignment: spectrum.ones_alignment(), ratio: spectrum.ratio() }
        };
        // Angles to an input of zeros are undefined.
        let has_angles = products.diag().iter().all(|square| *square > 0.0);
        let variances = weight_variances(config, task).filter(|_| has_angles);
        let expected = variances.map(|variances| {
            let network = &config.network;
            let kernels = ReluKernels::new(&products, &network.hidden, &variances, network.bias);
            moment(&kernels.tangent)
        });
        KernelRecord {
            samples: self.weights.len(),
            step: Vec::new(),
            largest: Vec::new(),
            trace: Vec::new(),
            ones_alignment: Vec::new(),
            ratio: Vec::new(),
            drift: Vec::new(),
            cosine: Vec::new(),
            inputs: moment(&products),
            expected,
            lazy: self.lazy(snapshot, spectrum),
        }
    }

    /// Learning under this kernel, judged as the network itself is.
    fn lazy(&self, snapshot: &Snapshot, spectrum: &KernelSpectrum) -> Option<LazyRecord> {
        let (config, task) = (&self.config, &*self.task);
        let training = &config.training;
        let items = match &task.inputs {
            TaskInputs::Images { train, .. } => train.items.clone(),
            TaskInputs::Vectors(_) => (0..task.n_samples()).collect(),
        };
        if training.batch_size.is_some()
            || !config.network.answers_as_it_trains()
            || training.loss != Loss::HalfSquaredError
            || !training.follows_the_flow()
            || !training.schedule.is_constant()
            || items.len() != self.weights.len()
        {
            return None;
        }
        let targets = task.targets.select(ndarray::Axis(0), &items);
        let start = snapshot.training.as_ref().unwrap_or(&snapshot.evaluation);
        let judge = Judge::new(
            task.targets.clone(),
            items,
            self.weights.as_slice()?,
            task.ocs(),
            task.level_columns(),
        )
        .rating_by(task.labels.as_ref());
        let rate = training.learning_rate;
        let at = |step: u64| {
            let responses = spectrum.lazy_responses((&start.responses, &targets), rate, step);
            judge.judge(responses.view())
        };
        let mut curves = Curves::default();
        let observed = observed_steps(training.steps, training);
        for &step in &observed {
            curves.push(rate * step as f64, &at(step));
        }
        let target_variance = judge.target_variance();
        let watch = PhaseWatch::new(config.phase_threshold, judge.ocs_norm(), target_variance);
        Some(LazyRecord {
            target_variance,
            phase: exact_phase(watch, (&observed, &curves), rate, &at),
            time: curves.time,
            mean_output_error: curves.mean_output_error,
            input_dependence: curves.input_dependence,
        })
    }
}

impl Probe for Kernels {
    fn see(&mut self, moment: &Snapshot, record: &mut Record) -> Result<()> {
        let Some(kernel) = &moment.kernel else { return Ok(()) };
        let spectrum = KernelSpectrum::new(kernel, &self.weights);
        let initial = self.initial.get_or_insert_with(|| kernel.clone());
        let (drift, cosine) = kernel_drift(kernel, initial);
        let kept = record.kernel.get_or_insert_with(|| self.at_start(moment, &spectrum));
        kept.step.push(moment.step);
        kept.largest.push(spectrum.eigenvalues[0]);
        kept.trace.push(spectrum.eigenvalues.sum());
        kept.ones_alignment.push(spectrum.ones_alignment());
        kept.ratio.push(spectrum.ratio());
        kept.drift.push(drift);
        kept.cosine.push(cosine);
        Ok(())
    }

    fn state(&self) -> State {
        let tables = self.initial.iter().map(|initial| (INITIAL.to_owned(), initial.clone()));
        State { notes: Value::Null, tables: tables.collect() }
    }

    fn resume(&mut self, state: State) -> Result<()> {
        let initial = state.tables.into_iter().find(|(name, _)| name == INITIAL);
        let (_, initial) = initial.context("the checkpoint lacks the kernel of step 0")?;
        let n = self.weights.len();
        ensure!(initial.dim() == (n, n), "the checkpoint's kernel is not one of {n} samples");
        self.initial = Some(initial);
        Ok(())
    }
}

/// The phase of what is known at every step: where a crossing lies between two observed ones, so many between them are asked.
fn exact_phase(
    watch: PhaseWatch,
    (observed, curves): (&[u64], &Curves),
    rate: f64,
    at: &dyn Fn(u64) -> Judgement,
) -> Phase {
    const BETWEEN: u64 = 64;
    let mut exact = watch.clone();
    let mut last: Option<(u64, [bool; 2])> = None;
    for (index, &step) in observed.iter().enumerate() {
        let (error, dependence) = (curves.mean_output_error[index], curves.input_dependence[index]);
        let reached = watch.reached(error, dependence);
        if let Some((before, _)) = last.filter(|(_, earlier)| *earlier != reached) {
            let stride = ((step - before) / BETWEEN).max(1) as usize;
            let between = (before + 1..step).step_by(stride).map(|step| {
                let Judgement { mean_output_error, input_dependence, .. } = at(step);
                (rate * step as f64, mean_output_error, input_dependence)
            });
            exact.see_steps(between);
        }
        exact.see(rate * step as f64, error, dependence);
        last = Some((step, reached));
    }
    exact.phase()
}

/// Variance of each layer's initial weights, where the expected kernel is known: ReLU MLPs with independent weights, of
/// which each unit sees many, or which are normal.
fn weight_variances(config: &Config, task: &Task) -> Option<Vec<f64>> {
    let network = &config.network;
    let is_covered = network.kind == NetworkKind::Mlp && network.activation == Activation::Relu;
    if !is_covered || !network.is_plain() {
        return None;
    }
    let scale = |layer: usize| network.layer_scales.get(layer).map_or(1.0, |scale| scale * scale);
    let fan_ins = std::iter::once(task.n_inputs()).chain(network.hidden.iter().copied());
    match (network.initialisation, &task.inputs) {
        (Initialisation::Normal(Normal { std }), _) => {
            Some(fan_ins.enumerate().map(|(layer, _)| scale(layer) * (std * std)).collect())
        }
        (Initialisation::NormalOverWidth(start), _) => {
            let variance = start.deviation(&network.hidden).powi(2);
            Some(fan_ins.enumerate().map(|(layer, _)| scale(layer) * variance).collect())
        }
        // Uniform in +-gain / sqrt(fan_in).
        (Initialisation::Kaiming(Kaiming { gain }), TaskInputs::Images { .. }) => {
            let of_layer = |(layer, fan_in)| scale(layer) * (gain * gain / (3.0 * fan_in as f64));
            Some(fan_ins.enumerate().map(of_layer).collect())
        }
        (Initialisation::Kaiming(_), TaskInputs::Vectors(_))
        | (
            Initialisation::Orthogonal(_)
            | Initialisation::Aligned(_)
            | Initialisation::Mirrored(_)
            | Initialisation::Balanced(_)
            | Initialisation::Antisymmetric(_),
            _,
        ) => None,
    }
}
