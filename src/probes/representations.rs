//! What a network has come to compute, and what it holds alike: of linear ones by their weights, of others by what their hidden layers
//! make of samples.

use anyhow::{Context, Result, ensure};
use ndarray::{Array2, Axis};
use serde_json::Value;

use super::probe::{Probe, State};
use crate::config::{Config, Initialisation};
use crate::record::{Record, Series};
use crate::task::{Task, TaskInputs};
use crate::theory::{LinearKernel, Representation, balance_errors};
use crate::train::{Snapshot, Wants};

/// Of linear networks without biases on one vector per item:
///
/// - `network_map`, `[time, output, input]`, `input_similarity`, `[time, input, other_input]`: `W_1^T W_1`, and `output_similarity`,
///   `[time, output, other_output]`: `W_L W_L^T`; at every observation up to 4,096 numbers in all, else at the first and the last;
/// - `balance_error`, `[time, layer]`: `||W_(l+1)^T W_(l+1) - W_l W_l^T - lambda I||` with the start's lambda (0 but for a balanced one);
/// - `kernel_distance`, `[time]`: `1 - cos(Theta(0), Theta)` of the tangent kernels (Frobenius).
pub struct Representations {
    lambda: f64,
    steps: u64,
    /// Whether tables are small enough for every observation.
    are_small: bool,
    /// Of the inputs, `[input, input]`.
    second_moment: Array2<f64>,
    /// Weights of each layer at step 0, once they are known.
    initial: Option<Vec<Array2<f64>>>,
}

/// Numbers in a moment's tables, above which they are kept of both ends alone.
pub const MOST_NUMBERS: usize = 4096;

impl Representations {
    /// Of a linear network without biases on vectors; `None` of others.
    pub fn new(config: &Config, task: &Task) -> Option<Self> {
        let TaskInputs::Vectors(inputs) = &task.inputs else { return None };
        let network = &config.network;
        if !network.kind.is_linear() || network.bias != crate::config::Bias::None {
            return None;
        }
        let size = Representation::size(inputs.ncols(), task.targets.ncols(), network.hidden.len());
        let weighted = inputs * &task.probabilities.view().insert_axis(Axis(1));
        Some(Representations {
            lambda: match network.initialisation {
                Initialisation::Balanced(balanced) => balanced.lambda,
                _ => 0.0,
            },
            steps: config.total_steps(),
            are_small: size <= MOST_NUMBERS,
            second_moment: weighted.t().dot(inputs),
            initial: None,
        })
    }
}

impl Probe for Representations {
    fn wants(&self, _step: u64) -> Wants {
        Wants { layers: true }
    }

    fn see(&mut self, moment: &Snapshot, record: &mut Record) -> Result<()> {
        let layers = moment.layers.as_ref().context("a snapshot came without layers")?;
        let layers: Vec<Array2<f64>> = layers.iter().map(|layer| layer.weight.clone()).collect();
        let step = moment.step;
        if self.are_small || step == 0 || step == self.steps {
            let representation = Representation::of(&layers).context("a network has layers")?;
            for (name, [row, column], table) in representation.tables() {
                let make = || Series::new(&[(row, table.nrows()), (column, table.ncols())], "1");
                let values: Vec<Option<f64>> = table.iter().copied().map(Some).collect();
                record.series_mut(name, make).push(step, &values)?;
            }
        }
        let errors = balance_errors(&layers, self.lambda);
        if !errors.is_empty() {
            let make = || Series::new(&[("layer", errors.len())], "1");
            let values: Vec<Option<f64>> = errors.iter().copied().map(Some).collect();
            record.series_mut("balance_error", make).push(step, &values)?;
        }
        let initial = self.initial.get_or_insert_with(|| layers.clone());
        let kernel = |layers: &[Array2<f64>]| LinearKernel::new(layers, &self.second_moment);
        let distance = kernel(initial).distance(&kernel(&layers));
        record.series_mut("kernel_distance", || Series::new(&[], "1")).push(step, &[distance])
    }

    fn state(&self) -> State {
        let layers = self.initial.iter().flatten().enumerate();
        // Named so that names in their order are layers in theirs.
        let tables =
            layers.map(|(index, layer)| (format!("initial_{:03}", index + 1), layer.clone()));
        State { notes: Value::Null, tables: tables.collect() }
    }

    fn resume(&mut self, state: State) -> Result<()> {
        ensure!(!state.tables.is_empty(), "the checkpoint lacks the layers of step 0");
        let mut tables = state.tables;
        tables.sort_by(|(one, _), (other, _)| one.cmp(other));
        self.initial = Some(tables.into_iter().map(|(_, layer)| layer).collect());
        Ok(())
    }
}

/// Of mlp and cnn: `hidden_similarity_1`, `hidden_similarity_2`, ..., `[time, item, other_item]`: the mean product of what layer 2, 3, ...
/// is given for samples of two items (after nonlinearity, normalisation and pooling), over its units and the first 256 samples of the
/// evaluation set, items from the first that is judged on; `null` for items that have none among them. At the first step, the last, and some ten log-spaced ones between.
pub struct HiddenSimilarities {
    /// Of each sample.
    items: Vec<usize>,
    n_items: usize,
}

impl HiddenSimilarities {
    /// Of a task's evaluation set.
    pub fn new(task: &Task) -> Self {
        let (mut items, _) = task.evaluation_items();
        let first = items.iter().copied().min().unwrap_or(0);
        items.iter_mut().for_each(|item| *item -= first);
        HiddenSimilarities { items, n_items: (task.targets.nrows() - first).min(MOST_ITEMS) }
    }

    /// Means over the samples of pairs of items.
    fn of_items(&self, of_samples: &Array2<f64>) -> Vec<Option<f64>> {
        let n = of_samples.nrows().min(self.items.len());
        let mut sums = Array2::<f64>::zeros((self.n_items, self.n_items));
        let mut counts = Array2::<f64>::zeros((self.n_items, self.n_items));
        for (one, other) in (0..n).flat_map(|one| (0..n).map(move |other| (one, other))) {
            let place = [self.items[one], self.items[other]];
            if place.iter().all(|&item| item < self.n_items) {
                sums[place] += of_samples[[one, other]];
                counts[place] += 1.0;
            }
        }
        std::iter::zip(&sums, &counts).map(|(sum, n)| (*n > 0.0).then(|| sum / n)).collect()
    }
}

/// Items whose similarities are told.
const MOST_ITEMS: usize = 128;

impl Probe for HiddenSimilarities {
    fn see(&mut self, moment: &Snapshot, record: &mut Record) -> Result<()> {
        for (index, of_samples) in moment.similarities.iter().enumerate() {
            let make = || Series::new(&[("item", self.n_items), ("other_item", self.n_items)], "1");
            let values = self.of_items(of_samples);
            let name = format!("hidden_similarity_{}", index + 1);
            record.series_mut(&name, make).push(moment.step, &values)?;
        }
        Ok(())
    }
}
