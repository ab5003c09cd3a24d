//! Which runs are of which kind, and what is read off them: shared by claims and figure.

use anyhow::Result;

use crate::config::{Config, Inputs, Labels, NetworkKind, Preprocessing, RandomLabels};
use crate::metrics::first_time;
use crate::record::{Record, RunFolder};

/// Data sets, and what they are called.
pub const SETS: [(Inputs, &str, &str); 2] =
    [(Inputs::Mnist, "mnist", "MNIST"), (Inputs::Cifar10, "cifar10", "CIFAR-10")];
/// Networks, likewise.
pub const NETWORKS: [(NetworkKind, &str, &str); 2] =
    [(NetworkKind::Linear, "linear", "linear"), (NetworkKind::Cnn, "cnn", "CNN")];

/// Kinds of runs, by their configs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Watched through few components.
    Watched(Inputs, NetworkKind, Preprocessing),
    /// Few samples with a share of their labels shuffled, white or centred.
    Memorised {
        /// Who learns.
        network: NetworkKind,
        /// Whether inputs are whitened.
        is_white: bool,
        /// Whether labels are others'.
        is_random: bool,
    },
    /// Until all is learned, of so many components or all.
    Long {
        /// `None`: all.
        components: Option<usize>,
        /// Whether inputs are whitened.
        is_white: bool,
    },
}

impl Kind {
    fn words(self) -> String {
        match self {
            Kind::Watched(inputs, network, preprocessing) => {
                format!("projections, {} on {}, {preprocessing:?}", network.name(), inputs.name())
            }
            Kind::Memorised { network, is_white, is_random } => format!(
                "task.labels, {}, {}, {}",
                network.name(),
                if is_white { "whitened" } else { "centred" },
                if is_random { "random" } else { "their own" }
            ),
            Kind::Long { components, is_white } => format!(
                "full batches, {} components, {}",
                components.map_or_else(|| "all".to_owned(), |count| count.to_string()),
                if is_white { "whitened" } else { "centred" }
            ),
        }
    }

    fn fits(self, config: &Config) -> bool {
        let (task, network) = (&config.task, config.network.kind);
        let share = task.labels.map(|Labels::Random(RandomLabels { share, .. })| share);
        let is_watched = !config.projections.is_empty();
        match self {
            Kind::Watched(inputs, kind, preprocessing) => {
                is_watched
                    && (task.inputs, network, task.preprocessing) == (inputs, kind, preprocessing)
            }
            Kind::Memorised { network: kind, is_white, is_random } => {
                !is_watched
                    && network == kind
                    && task.preprocessing.is_whitened() == is_white
                    && share == Some(f64::from(u8::from(is_random)))
            }
            Kind::Long { components, is_white } => {
                !is_watched
                    && share.is_none()
                    && task.preprocessing.is_whitened() == is_white
                    && task.projection.map(|projection| projection.components) == components
            }
        }
    }
}

/// Runs of a kind.
///
/// # Errors
///
/// If there is none.
pub fn pick(runs: &RunFolder, kind: Kind) -> Result<Vec<&Record>> {
    runs.pick(kind.words(), |config| kind.fits(config))
}

/// Numbers of components that fully trained networks were given.
pub fn numbers_of_components(runs: &RunFolder) -> Vec<usize> {
    let is_one = |config: &Config| config.projections.is_empty() && config.task.labels.is_none();
    let chosen = runs.pick_any(is_one);
    let mut counts: Vec<usize> =
        chosen.iter().filter_map(|run| Some(run.config.task.projection?.components)).collect();
    counts.sort_unstable();
    counts.dedup();
    counts
}

/// A curve over steps.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OverSteps {
    /// Updates done.
    pub steps: Vec<f64>,
    /// Then.
    pub values: Vec<f64>,
}

impl OverSteps {
    fn of(run: &Record, name: &str, index: &[usize]) -> Option<OverSteps> {
        let series = run.series.get(name)?;
        let values: Option<Vec<f64>> = series.at(index).into_iter().collect();
        let steps = series.step.iter().map(|&step| step as f64).collect();
        Some(OverSteps { steps, values: values?.into_iter().collect() })
    }

    /// The mean of several, which were observed at the same steps.
    fn mean(all: &[OverSteps]) -> Option<OverSteps> {
        let first = all.first()?;
        let n = all.len() as f64;
        let mean = |moment: usize| -> Option<f64> {
            let values: Option<Vec<f64>> =
                all.iter().map(|one| one.values.get(moment).copied()).collect();
            Some(values?.iter().sum::<f64>() / n)
        };
        let values: Option<Vec<f64>> = (0..first.values.len()).map(mean).collect();
        Some(OverSteps { steps: first.steps.clone(), values: values? })
    }

    /// The largest value.
    pub fn best(&self) -> Option<f64> {
        self.values.iter().copied().reduce(f64::max)
    }

    /// The last.
    pub fn last(&self) -> Option<f64> {
        self.values.last().copied()
    }
}

/// What of the way from chance to the best accuracy counts as learned.
pub const LEARNED: f64 = 0.9;

/// Places of P in a run's projections.
pub fn place_of(run: &Record, components: usize) -> Option<usize> {
    run.config.projections.iter().position(|&count| count == components)
}

/// Accuracy on inputs that keep so many components, mean over runs.
pub fn projected_accuracy(runs: &[&Record], components: usize) -> Option<OverSteps> {
    let of =
        |run: &&Record| OverSteps::of(run, "projected_accuracy", &[place_of(run, components)?]);
    OverSteps::mean(&runs.iter().map(of).collect::<Option<Vec<_>>>()?)
}

/// Updates until accuracy on inputs that keep so many components has made 90 % of its way from chance to its best.
pub fn learned_at(runs: &[&Record], components: usize) -> Option<f64> {
    let curve = projected_accuracy(runs, components)?;
    let chance = 1.0 / runs.first()?.config.task.n_items() as f64;
    let height = curve.best()? - chance;
    // Below chance is no way at all.
    let risen: Vec<f64> =
        curve.values.iter().map(|accuracy| ((accuracy - chance) / height).max(0.0)).collect();
    (height > 0.0).then(|| first_time(&curve.steps, &risen, LEARNED))?
}

/// Few and many components, whose times are compared.
pub const FEW_AND_MANY: [usize; 2] = [5, 200];

/// How much longer many take than few.
pub fn lag(runs: &[&Record]) -> Option<f64> {
    let [few, many] = FEW_AND_MANY.map(|components| learned_at(runs, components));
    Some(many? / few?)
}

/// Components whose share of the accuracy is told.
pub const FIRST: usize = 10;

/// Of the accuracy above chance, the share that is left on the first ten components: when half of the accuracy is reached, and at the
/// end; of accuracies that are means over runs.
pub fn shares_of_first(runs: &[&Record]) -> Option<[f64; 2]> {
    let (through, whole) = (projected_accuracy(runs, FIRST)?, accuracy(runs)?);
    let chance = 1.0 / runs.first()?.config.task.n_items() as f64;
    let height = whole.best()? - chance;
    let half = whole.values.iter().position(|accuracy| accuracy - chance >= 0.5 * height)?;
    let share = |moment: usize| {
        let above = whole.values.get(moment)? - chance;
        (above > 0.0).then_some((through.values.get(moment)? - chance) / above)
    };
    Some([share(half)?, share(whole.values.len().checked_sub(1)?)?])
}

/// Below this share of the best accuracy that through few components is noise over noise.
const SHOWN: f64 = 1.0 / 3.0;

/// The accuracy reached over the best, and the share of it that is left on the first ten components, both above chance, at each moment.
pub fn share_against_accuracy(runs: &[&Record]) -> Option<Vec<(f64, f64)>> {
    let (through, whole) = (projected_accuracy(runs, FIRST)?, accuracy(runs)?);
    let chance = 1.0 / runs.first()?.config.task.n_items() as f64;
    let height = whole.best()? - chance;
    let point = |(through, whole): (&f64, &f64)| {
        let reached = (whole - chance) / height;
        (reached >= SHOWN).then(|| (reached, (through - chance) / (whole - chance)))
    };
    Some(through.values.iter().zip(&whole.values).filter_map(point).collect())
}

/// A number for each evaluation sample at the last moment that has one, mean over runs.
pub fn of_samples(runs: &[&Record], series: &str) -> Option<Vec<f64>> {
    let of = |run: &&Record| -> Option<Vec<f64>> {
        run.series.get(series)?.last().iter().copied().collect()
    };
    let all: Vec<Vec<f64>> = runs.iter().map(of).collect::<Option<_>>()?;
    let n = all.len() as f64;
    let first = all.first()?;
    let mean = |sample: usize| -> Option<f64> {
        let values: Option<Vec<f64>> = all.iter().map(|one| one.get(sample).copied()).collect();
        Some(values?.iter().sum::<f64>() / n)
    };
    (0..first.len()).map(mean).collect()
}

/// The share of moments and networks at which each evaluation sample was right.
pub fn accessibility(runs: &[&Record]) -> Option<Vec<f64>> {
    of_samples(runs, "accessibility")
}

/// The critical component of each evaluation sample.
pub fn critical(runs: &[&Record]) -> Option<Vec<f64>> {
    of_samples(runs, "critical_component")
}

/// Two numbers of each sample; none where one is missing.
pub fn pairs(ones: Option<&Vec<f64>>, others: Option<&Vec<f64>>) -> Vec<(f64, f64)> {
    let both = ones.zip(others).into_iter();
    both.flat_map(|(ones, others)| ones.iter().copied().zip(others.iter().copied())).collect()
}

/// Accuracy on the training set, over steps.
pub fn memorised(run: &Record) -> Option<OverSteps> {
    OverSteps::of(run, "accuracy", &[0])
}

/// Updates until 90 % of the training samples are right.
pub fn memorised_at(run: &Record) -> Option<f64> {
    let curve = memorised(run)?;
    first_time(&curve.steps, &curve.values, LEARNED)
}

/// How much longer random labels take than their own: of each seed.
pub fn slower(own: &[&Record], random: &[&Record]) -> Vec<Option<f64>> {
    let of = |run: &&Record| -> Option<f64> {
        let other = random.iter().find(|other| other.seed == run.seed)?;
        Some(memorised_at(other)? / memorised_at(run)?)
    };
    own.iter().map(of).collect()
}

/// Accuracy on evaluation samples, mean over runs.
pub fn accuracy(runs: &[&Record]) -> Option<OverSteps> {
    let of = |run: &&Record| {
        let sets = run.series.get("accuracy")?.shape.first().copied()?;
        OverSteps::of(run, "accuracy", &[sets.checked_sub(1)?])
    };
    OverSteps::mean(&runs.iter().map(of).collect::<Option<Vec<_>>>()?)
}

/// What is gained by stopping at the best moment, of the mean accuracy over runs.
pub fn gain_of_stopping(runs: &[&Record]) -> Option<f64> {
    let curve = accuracy(runs)?;
    Some(curve.best()? - curve.last()?)
}
