//! A wide network of two layers beside the linear model that it begins as.

use std::sync::Arc;

use anyhow::{Context, Result};
use ndarray::{Array2, Axis};

use super::probe::Probe;
use crate::config::{Antisymmetric, Config, Initialisation};
use crate::record::{Record, Series};
use crate::task::{Task, TaskInputs};
use crate::theory::{LinearModel, TwinFeatures, WideNetwork};
use crate::train::Snapshot;

/// Of the training set and, where another is judged, of that (dimension `set`, in this order):
///
/// - `twin_difference`, `[time, set]`: D = `<||f - f_twin||^2> / <||y||^2>`, network against twin;
/// - `twin_difference_without_norm`, `[time, set]`: the same of the twin without the feature of the norm, which carries most of
///   the constant; where the second layer learns;
/// - `twin_loss`, `[time, set]`: the twin's `<||f - y||^2> / <||y||^2>`, and `network_loss`, the network's;
/// - `twin_mean_response`, `network_mean_response`, `[time, set, label]`: mean answer of either;
/// - `twin_rates`, `[feature]` at the first moment alone: at which the constant is learned, and a direction of white inputs;
/// - `twin_mean_output_error`, `twin_input_dependence`, `[time]`: M and V of the twin on the last set.
///
/// Twins are those of gradient descent in steps, from 0.
pub struct LinearTwin {
    config: Config,
    task: Arc<Task>,
    twins: Option<Twins>,
}

/// The twins of one run, and what both learn.
struct Twins {
    whole: LinearModel,
    without_norm: Option<LinearModel>,
    /// `[n, labels]` of each set.
    targets: Vec<Array2<f64>>,
    /// `<||y||^2>` of each set.
    sizes: Vec<f64>,
    /// Of the constant, and of a direction.
    rates: [f64; 2],
}

impl LinearTwin {
    /// Of a config that was checked for it.
    pub fn new(config: &Config, task: &Arc<Task>) -> Self {
        LinearTwin { config: config.clone(), task: task.clone(), twins: None }
    }

    fn learn(&self) -> Result<Twins> {
        let (config, task) = (&self.config, &*self.task);
        let Initialisation::Antisymmetric(Antisymmetric { std, output }) =
            config.network.initialisation
        else {
            anyhow::bail!("probes lists linear-twin, which needs an antisymmetric start");
        };
        let learns = [1, 2].map(|layer| !config.training.frozen.contains(&layer));
        let network = WideNetwork {
            activation: config.network.activation,
            negative_slope: config.network.negative_slope().unwrap_or(0.0),
            std,
            output,
            learns,
        };
        let (inputs, targets): (Vec<_>, Vec<_>) = sets(task).into_iter().unzip();
        let features = TwinFeatures::new(&network, &inputs[0]);
        let all: Vec<Array2<f64>> = inputs.iter().map(|set| features.of(set)).collect();
        let learned = |sets: &[Array2<f64>]| LinearModel::new(&sets[0], &targets[0], &sets[1..]);
        let whole = learned(&all);
        let without_norm = learns[1].then(|| {
            let width = all[0].ncols() - 1;
            let fewer: Vec<_> =
                all.iter().map(|set| set.slice(ndarray::s![.., ..width]).to_owned()).collect();
            learned(&fewer)
        });
        let rates = features.rates(task.n_inputs());
        let sizes = targets.iter().map(mean_square).collect();
        Ok(Twins { whole, without_norm, targets, sizes, rates })
    }
}

/// Inputs `[n, d]` and targets `[n, labels]` of the training set and, where another is judged, of that.
fn sets(task: &Task) -> Vec<(Array2<f64>, Array2<f64>)> {
    match &task.inputs {
        TaskInputs::Vectors(vectors) => {
            let n = task.n_samples();
            let rows = |from: usize, to: usize| {
                let range = ndarray::s![from..to, ..];
                (vectors.slice(range).to_owned(), task.targets.slice(range).to_owned())
            };
            let held_out = (task.n_held_out() > 0).then(|| rows(n, vectors.nrows()));
            std::iter::once(rows(0, n)).chain(held_out).collect()
        }
        TaskInputs::Images { train, test, preprocessor } => [train, test]
            .map(|images| {
                let n = images.n_samples();
                let values = preprocessor.inputs(images, 0..n);
                let inputs = Array2::from_shape_vec((n, values.len() / n), values)
                    .expect("as many values for each image");
                (inputs, task.targets.select(Axis(0), &images.items))
            })
            .into(),
    }
}

fn mean_square(values: &Array2<f64>) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>() / values.nrows() as f64
}

impl Probe for LinearTwin {
    fn see(&mut self, moment: &Snapshot, record: &mut Record) -> Result<()> {
        if self.twins.is_none() {
            self.twins = Some(self.learn()?);
        }
        let Twins { whole, without_norm, targets, sizes, rates } =
            self.twins.as_ref().context("the twins were made above")?;
        let answers: Vec<&Array2<f64>> = match &moment.training {
            Some(training) => vec![&training.responses, &moment.evaluation.responses],
            None => vec![&moment.evaluation.responses],
        };
        let (step, rate) = (moment.step, self.config.training.learning_rate);
        let (n_sets, n_labels) = (answers.len(), targets[0].ncols());
        let twin = whole.at(rate, step);
        let twin: Vec<&Array2<f64>> = twin.iter().collect();
        let taught: Vec<&Array2<f64>> = targets.iter().collect();
        let differences = |ones: &[&Array2<f64>], others: &[&Array2<f64>]| -> Vec<Option<f64>> {
            let of_set = |set: usize| mean_square(&(ones[set] - others[set])) / sizes[set];
            (0..n_sets).map(of_set).map(Some).collect()
        };
        let per_set = || Series::new(&[("set", n_sets)], "1");
        let mut push = |name: &str, make: &dyn Fn() -> Series, values: Vec<Option<f64>>| {
            record.series_mut(name, make).push(step, &values)
        };
        if step == 0 {
            let two = || Series::new(&[("feature", 2)], "1/time");
            push("twin_rates", &two, rates.map(Some).to_vec())?;
        }
        push("twin_difference", &per_set, differences(&twin, &answers))?;
        if let Some(model) = without_norm {
            let fewer = model.at(rate, step);
            let values = differences(&fewer.iter().collect::<Vec<_>>(), &answers);
            push("twin_difference_without_norm", &per_set, values)?;
        }
        push("twin_loss", &per_set, differences(&twin, &taught))?;
        push("network_loss", &per_set, differences(&answers, &taught))?;
        let per_label = || Series::new(&[("set", n_sets), ("label", n_labels)], "1");
        let means = |sets: &[&Array2<f64>]| -> Vec<Option<f64>> {
            let of_set = |set: &&Array2<f64>| set.mean_axis(Axis(0)).into_iter().flatten();
            sets.iter().flat_map(of_set).map(Some).collect()
        };
        push("twin_mean_response", &per_label, means(&twin))?;
        push("network_mean_response", &per_label, means(&answers))?;
        let judged = twin[n_sets - 1];
        let mean = judged.mean_axis(Axis(0)).context("a set has samples")?;
        let error = &mean - &self.task.ocs();
        let one = || Series::new(&[], "1");
        push("twin_mean_output_error", &one, vec![Some(error.dot(&error).sqrt())])?;
        push("twin_input_dependence", &one, vec![Some(mean_square(&(judged - &mean)))])
    }
}
