//! Which runs are of which kind, and what is read off them: shared by claims and figure.

use anyhow::{Context, Result, ensure};

use crate::config::{
    Bias, Config, Initialisation, Inputs, LinearTargets, Mirrored, NetworkKind, Normal, Targets,
};
use crate::metrics::{first_time, half_time};
use crate::record::{Record, RunFolder, TheoryRecord};
use crate::theory::{Halves, deep_half, passed_share};

/// Kinds of networks that are not linear, by their configs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Two layers, from a mirrored start.
    Exact,
    /// Two layers, from small random weights, on symmetric inputs with odd targets.
    Random,
    /// The same, for as many steps as the controls.
    AsLongAsControls,
    /// Two layers on inputs that are not symmetric.
    Asymmetric,
    /// Two layers, targets with an even part.
    Even,
    /// Three layers from a mirrored start.
    DeepExact,
    /// Three layers from random weights.
    DeepRandom,
    /// `sin 3 theta`, two layers without biases.
    Circle,
    /// The same with biases.
    CircleBiases,
    /// Three layers without.
    CircleDeep,
    /// A linear network.
    CircleLinear,
}

impl Kind {
    /// In words.
    fn words(self) -> &'static str {
        match self {
            Kind::Exact => "two ReLU layers from a mirrored start",
            Kind::Random => "two ReLU layers from normal weights on symmetric inputs",
            Kind::AsLongAsControls => {
                "two ReLU layers from normal weights on symmetric inputs, for as many steps as the controls"
            }
            Kind::Asymmetric => "two ReLU layers on asymmetric inputs",
            Kind::Even => "two ReLU layers and targets with an even part",
            Kind::DeepExact => "three ReLU layers from a mirrored start",
            Kind::DeepRandom => "three ReLU layers from normal weights",
            Kind::Circle => "two ReLU layers without biases on the circle",
            Kind::CircleBiases => "two ReLU layers with biases on the circle",
            Kind::CircleDeep => "three ReLU layers without biases on the circle",
            Kind::CircleLinear => "a linear network on the circle",
        }
    }

    /// Whether a config is of this kind.
    pub fn fits(self, config: &Config) -> bool {
        let network = &config.network;
        let is_mirrored = matches!(network.initialisation, Initialisation::Mirrored(_));
        let (depth, without_biases) = (network.n_layers(), network.bias == Bias::None);
        let linear = config
            .task
            .targets
            .as_ref()
            .is_some_and(|targets| matches!(targets, Targets::Linear(_)));
        let on_circle = config.task.inputs == Inputs::Circle;
        if (network.kind == NetworkKind::Linear) != (self == Kind::CircleLinear) {
            return false;
        }
        match self {
            Kind::CircleLinear => on_circle,
            Kind::Circle => on_circle && depth == 2 && without_biases,
            Kind::CircleBiases => on_circle && depth == 2 && !without_biases,
            Kind::CircleDeep => on_circle && depth == 3 && without_biases,
            Kind::DeepExact => linear && depth == 3 && is_mirrored,
            Kind::DeepRandom => linear && depth == 3 && !is_mirrored,
            Kind::Exact => linear && depth == 2 && is_mirrored,
            Kind::Asymmetric => linear && depth == 2 && !is_symmetric(config),
            Kind::Even => linear && depth == 2 && is_symmetric(config) && has_even_part(config),
            Kind::Random | Kind::AsLongAsControls => {
                linear
                    && depth == 2
                    && !is_mirrored
                    && is_symmetric(config)
                    && !has_even_part(config)
            }
        }
    }
}

fn is_symmetric(config: &Config) -> bool {
    config.task.gaussian.as_ref().is_some_and(|gaussian| gaussian.mirrored && gaussian.shift == 0.0)
}

fn has_even_part(config: &Config) -> bool {
    matches!(config.task.targets, Some(Targets::Linear(LinearTargets { even, .. })) if even != 0.0)
}

/// Runs of a kind.
///
/// # Errors
///
/// If there is none.
pub fn pick(runs: &RunFolder, kind: Kind) -> Result<Vec<&Record>> {
    runs.pick(kind.words(), |config| {
        kind.fits(config)
            && (kind != Kind::AsLongAsControls || is_as_long_as_controls(runs, config))
    })
}

fn is_as_long_as_controls(runs: &RunFolder, config: &Config) -> bool {
    let controls = runs.records.iter().map(|run| &run.config);
    let mut controls = controls
        .filter(|config| [Kind::Even, Kind::Asymmetric].iter().any(|kind| kind.fits(config)));
    controls.any(|control| control.training.steps == config.training.steps)
}

/// Runs from small random weights with so many units, but those that train for as long as the controls.
///
/// # Errors
///
/// If there is none.
pub fn of_width(runs: &RunFolder, width: usize) -> Result<Vec<&Record>> {
    runs.pick(format!("{width} ReLU units from normal weights"), |config| {
        Kind::Random.fits(config)
            && config.network.hidden == [width]
            && !is_as_long_as_controls(runs, config)
    })
}

/// b of a run's network.
pub fn share(config: &Config) -> Option<f64> {
    config.network.negative_slope().map(passed_share)
}

/// Standard deviation of initial weights, or their scale.
pub fn initial_deviation(config: &Config) -> Option<f64> {
    match config.network.initialisation {
        Initialisation::Normal(Normal { std }) => Some(std),
        Initialisation::Mirrored(Mirrored { scale, .. }) => Some(scale),
        Initialisation::Aligned(_)
        | Initialisation::Kaiming(_)
        | Initialisation::Orthogonal(_)
        | Initialisation::Balanced(_)
        | Initialisation::Antisymmetric(_)
        | Initialisation::NormalOverWidth(_) => None,
    }
}

/// The linear network beside a run: from the same weights times `sqrt(b)`, in steps of `b eta`.
///
/// # Errors
///
/// If it was not run.
pub fn twin<'a>(runs: &'a RunFolder, run: &Record) -> Result<&'a Record> {
    let config = &run.config;
    let b = share(config).context("a tanh network has no linear one beside it")?;
    let same = |one: f64, other: f64| (one / other - 1.0).abs() < 1e-12;
    let scaled = |other: &Config| {
        let (one, other) = (initial_deviation(config), initial_deviation(other));
        one.zip(other).is_some_and(|(one, other)| same(one * b.sqrt(), other))
    };
    let found = runs.records.iter().find(|other| {
        let (of_other, training) = (&other.config, &other.config.training);
        of_other.network.kind == NetworkKind::Linear
            && other.seed == run.seed
            && of_other.task == config.task
            && of_other.network.hidden == config.network.hidden
            && training.steps == config.training.steps
            && same(training.learning_rate, b * config.training.learning_rate)
            && std::mem::discriminant(&of_other.network.initialisation)
                == std::mem::discriminant(&config.network.initialisation)
            && scaled(of_other)
    });
    found.with_context(|| {
        format!("condition '{}', seed {}, has no linear network beside it: run `ocs reproduce bias_free_relu`", run.condition, run.seed)
    })
}

/// The largest of values that all exist.
pub fn largest(values: &[Option<f64>]) -> Option<f64> {
    values.iter().copied().reduce(|one, other| Some(one?.max(other?))).flatten()
}

fn largest_difference(one: &[f64], other: &[f64]) -> Option<f64> {
    let differences = std::iter::zip(one, other).map(|(a, b)| (a - b).abs());
    (one.len() == other.len()).then(|| differences.fold(0.0, f64::max))
}

/// `max_t |L - L of the other| / L(0)`; `None` if they were observed at other steps.
pub fn loss_deviation(run: &Record, other: &Record) -> Option<f64> {
    let (one, two) = (&run.curves, &other.curves);
    (one.step == two.step).then_some(())?;
    Some(largest_difference(&one.loss, &two.loss)? / one.loss.first()?)
}

/// The same, from theory.
pub fn theory_deviation(run: &Record, theory: &TheoryRecord) -> Option<f64> {
    Some(largest_difference(&run.curves.loss, &theory.curves.loss)? / run.curves.loss.first()?)
}

/// Largest difference of a weight from `1 / sqrt(b)` times the other's, at the first and the last step.
pub fn weight_deviation(run: &Record, other: &Record) -> Option<f64> {
    let root = share(&run.config)?.sqrt();
    let of_layer = |name: &str| {
        let (one, two) = (run.series.get(name)?, other.series.get(name)?);
        (one.step == two.step && one.shape == two.shape).then_some(())?;
        let off = std::iter::zip(&one.values, &two.values);
        largest(&off.map(|(one, two)| Some(((*one)? - (*two)? / root).abs())).collect::<Vec<_>>())
    };
    Some(of_layer("weights_1")?.max(of_layer("weights_2")?))
}

/// Singular values of a layer at the end, largest first.
pub fn final_spectrum(run: &Record, layer: usize) -> Option<Vec<f64>> {
    spectrum(run, layer, usize::MAX)
}

/// The same at an observation, the last beyond their end.
pub fn spectrum(run: &Record, layer: usize, observation: usize) -> Option<Vec<f64>> {
    let series = run.series.get("singular_values")?;
    let [_, kept] = series.shape[..] else { return None };
    let observation = observation.min(series.step.len().checked_sub(1)?);
    let start = observation * series.size() + layer * kept;
    let values = series.values.get(start..start + kept)?;
    let values: Vec<f64> = values.iter().map_while(|value| *value).collect();
    (values.len() >= 2).then_some(values)
}

/// The theory of a run's two groups, from its own initial weights; of one logistic, if they are `evened`. The inputs are white.
pub fn halves(run: &Record, evened: bool) -> Option<Halves> {
    let &[Some(p), Some(n), ..] = &run.series.get("groups")?.values[..] else { return None };
    let Some(Targets::Linear(LinearTargets { norm, .. })) = run.config.task.targets else {
        return None;
    };
    let negative_slope = run.config.network.negative_slope()?;
    let halves = Halves { start: [p, n], drive: norm, variance: 1.0, negative_slope };
    Some(if evened { halves.evened() } else { halves })
}

/// Slope of the odd part along r, `[time]`, of the run and of its theory.
pub fn slopes(run: &Record, evened: bool) -> Option<(Vec<f64>, Vec<f64>)> {
    let theory = halves(run, evened)?;
    let measured: Option<Vec<f64>> = run.series.get("odd_slope")?.at(&[]).into_iter().collect();
    let expected = theory.at(&run.curves.time).into_iter().map(|halves| theory.odd_slope(halves));
    Some((measured?, expected.collect()))
}

/// Largest error of theory's slope.
pub fn slope_error(run: &Record, evened: bool) -> Option<f64> {
    let (measured, expected) = slopes(run, evened)?;
    largest_difference(&measured, &expected)
}

/// Runs of the narrowest networks at several steps, the longest step first: one list a seed.
///
/// # Errors
///
/// If there are not at least two steps.
pub fn step_ladder(runs: &RunFolder) -> Result<Vec<Vec<&Record>>> {
    let mut chosen = of_width(runs, 20)?;
    chosen.retain(|run| run.config.network.negative_slope() == Some(0.0));
    let by_step = |a: &&Record, b: &&Record| {
        let rate = |run: &Record| run.config.training.learning_rate;
        (a.seed, rate(b)).partial_cmp(&(b.seed, rate(a))).unwrap_or(std::cmp::Ordering::Equal)
    };
    ladders(chosen, by_step, "20 ReLU units at two steps")
}

/// Runs of three layers from random weights, the largest start first: one list a seed.
///
/// # Errors
///
/// If there are not at least two starts.
pub fn deep_ladder(runs: &RunFolder) -> Result<Vec<Vec<&Record>>> {
    let by_start = |a: &&Record, b: &&Record| {
        let start = |run: &Record| initial_deviation(&run.config);
        (a.seed, start(b)).partial_cmp(&(b.seed, start(a))).unwrap_or(std::cmp::Ordering::Equal)
    };
    ladders(pick(runs, Kind::DeepRandom)?, by_start, "three ReLU layers from two starts")
}

fn ladders<'a>(
    mut runs: Vec<&'a Record>,
    order: impl Fn(&&Record, &&Record) -> std::cmp::Ordering,
    wanted: &str,
) -> Result<Vec<Vec<&'a Record>>> {
    runs.sort_by(|a, b| order(a, b));
    let ladders: Vec<Vec<&Record>> =
        runs.chunk_by(|a, b| a.seed == b.seed).map(<[&Record]>::to_vec).collect();
    ensure!(
        ladders.iter().all(|ladder| ladder.len() > 1),
        "no run has {wanted}: run `ocs reproduce bias_free_relu`"
    );
    Ok(ladders)
}

/// The run at the shortest step whose groups start least alike.
pub fn least_balanced<'a>(ladder: &[Vec<&'a Record>]) -> Option<&'a Record> {
    let balance = |run: &Record| {
        let [p, n] = halves(run, false)?.start;
        Some(p.min(n) / p.max(n))
    };
    let last = ladder.iter().filter_map(|steps| steps.last().copied());
    let known = last.filter_map(|run| Some((run, balance(run)?)));
    known.min_by(|one, other| one.1.total_cmp(&other.1)).map(|(run, _)| run)
}

/// Whether a number of a layer's spectrum falls with the start, in every ladder.
pub fn each_falls(ladders: &[Vec<&Record>], layer: usize, of: fn(&[f64]) -> f64) -> bool {
    let falls = |pair: &[&Record]| {
        let [one, other] = [0, 1].map(|index| Some(of(&final_spectrum(pair[index], layer)?)));
        one.zip(other).is_some_and(|(one, other)| other < one)
    };
    ladders.iter().flat_map(|ladder| ladder.windows(2)).all(falls)
}

/// Share of the targets' variance that is not explained at the end.
pub fn unexplained(run: &Record) -> Option<f64> {
    Some(run.curves.distance_to_targets.last()? / run.target_variance)
}

/// Strength of the positive half of three layers, and what theory says, `[time]`.
fn deep_strengths(run: &Record) -> Option<(Vec<f64>, Vec<f64>)> {
    let measured: Option<Vec<f64>> = run.series.get("half_slopes")?.at(&[0]).into_iter().collect();
    let Some(Targets::Linear(LinearTargets { norm, .. })) = run.config.task.targets else {
        return None;
    };
    let (n_layers, scale) = (run.config.network.n_layers(), initial_deviation(&run.config)?);
    let expected =
        run.curves.time.iter().map(|&time| deep_half(n_layers, scale, [norm, 1.0], time));
    Some((measured?, expected.collect()))
}

/// Largest error of theory's strength of a half.
pub fn deep_error(run: &Record) -> Option<f64> {
    let (measured, expected) = deep_strengths(run)?;
    largest_difference(&measured, &expected)
}

/// When half of the target is learned: by the run, and by theory.
pub fn deep_half_time(run: &Record) -> (Option<f64>, Option<f64>) {
    let Some((measured, expected)) = deep_strengths(run) else { return (None, None) };
    let time = &run.curves.time;
    (half_time(time, &measured), first_time(time, &expected, 0.5))
}
