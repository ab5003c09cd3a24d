//! Which runs are of which kind, and what is read off them: shared by claims and figure.

use anyhow::{Context, Result};
use ndarray::Array2;

use crate::config::{
    Balanced, Config, Initialisation, Inputs, LinearTargets, Normal, StartMap, Targets,
};
use crate::record::{Record, RunFolder, Series, TheoryRecord};
use crate::theory::{Representation, TwoLayers, frobenius, learned_similarity};

/// Of one stretch, on white drawn inputs, linear, with one hidden layer.
fn is_plain(config: &Config) -> bool {
    config.task.inputs == Inputs::Gaussian
        && config.network.kind.is_linear()
        && config.network.hidden.len() == 1
        && config.phases.is_empty()
}

/// The balanced start, if it is one whose map is drawn and that nothing disturbs.
pub fn balanced(config: &Config) -> Option<Balanced> {
    match config.network.initialisation {
        Initialisation::Balanced(balanced)
            if balanced.map == StartMap::Random && balanced.perturbation == 0.0 =>
        {
            Some(balanced)
        }
        _ => None,
    }
}

/// Drawn inputs, and layers of this balance.
pub fn has_balance(config: &Config, fits: fn(f64) -> bool) -> bool {
    is_plain(config) && balanced(config).is_some_and(|balanced| fits(balanced.lambda))
}

/// Standard deviation of normal weights.
pub fn deviation(config: &Config) -> Option<f64> {
    match config.network.initialisation {
        Initialisation::Normal(Normal { std }) => Some(std),
        _ => None,
    }
}

/// Drawn inputs, and normal weights.
pub fn is_unbalanced(config: &Config) -> bool {
    is_plain(config) && deviation(config).is_some()
}

/// Fewer hidden units than modes.
pub fn is_bottleneck(config: &Config) -> bool {
    let narrow = |outputs: usize| {
        let inputs = config.task.gaussian.as_ref().map_or(0, |gaussian| gaussian.dimension);
        config.network.hidden.first().is_some_and(|&width| width < inputs.min(outputs))
    };
    has_balance(config, |lambda| lambda == 0.0)
        && linear(config).is_some_and(|of| narrow(of.n_outputs()))
}

/// The drawn map.
pub fn linear(config: &Config) -> Option<&LinearTargets> {
    match &config.task.targets {
        Some(Targets::Linear(linear)) => Some(linear),
        _ => None,
    }
}

/// Singular values of the drawn map that the config sets.
pub fn singular_values(config: &Config) -> Option<&[f64]> {
    linear(config)?.singular_values.as_deref()
}

/// As many inputs as outputs and no fewer hidden units, with known singular values: half of all starts have the wrong sign.
pub fn is_square(config: &Config) -> bool {
    has_balance(config, |lambda| lambda == 0.0) && singular_values(config).is_some()
}

/// Features of a binary tree.
pub fn is_of_features(config: &Config) -> bool {
    matches!(config.task.targets, Some(Targets::Contrasts(_)))
}

/// Two tasks in sequence, of a linear network or another.
pub fn is_of_two_tasks(config: &Config) -> bool {
    config.phases.len() == 2 && singular_values(config).is_none()
}

/// What is added to the weights of a network whose signs are turned; infinity without hidden layers, where it does not matter.
pub fn turned(config: &Config) -> Option<f64> {
    let Initialisation::Balanced(Balanced { map: StartMap::Learned, perturbation, .. }) =
        config.network.initialisation
    else {
        return None;
    };
    (config.phases.len() == 2).then_some(if config.network.hidden.is_empty() {
        f64::INFINITY
    } else {
        perturbation
    })
}

/// A table of a series at a moment, the last beyond their end.
pub fn table(series: &Series, moment: usize) -> Option<Array2<f64>> {
    let [rows, columns] = series.shape[..] else { return None };
    let moment = moment.min(series.step.len().checked_sub(1)?);
    let values: Option<Vec<f64>> = series.moment(moment)?.iter().copied().collect();
    Array2::from_shape_vec((rows, columns), values?).ok()
}

/// The exact solution from a run's first weights, as if they had this balance.
pub fn two_layers(run: &Record, lambda: f64) -> Option<TwoLayers> {
    let weights = |name: &str| table(run.series.get(name)?, 0);
    TwoLayers::new(&run.config, [weights("weights_1")?, weights("weights_2")?], lambda).ok()
}

/// Map and similarities of a theory at each of its moments.
fn representations(theory: &TheoryRecord) -> Option<Vec<Representation>> {
    let of = |name: &str, moment: usize| table(theory.series.get(name)?, moment);
    let at = |moment: usize| {
        Some(Representation {
            map: of("network_map", moment)?,
            input_similarity: Some(of("input_similarity", moment)?),
            output_similarity: Some(of("output_similarity", moment)?),
        })
    };
    (0..theory.curves.time.len()).map(at).collect()
}

/// How far the exact solution of balanced weights is from the flow of weights that are not.
pub fn miss(run: &Record, theory: &TheoryRecord) -> Option<f64> {
    let exact = two_layers(run, 0.0)?.exact(&theory.curves.time);
    let flow = representations(theory)?;
    let misses = std::iter::zip(&exact, &flow).map(|(one, other)| one.furthest_from(other));
    (exact.len() == flow.len() && !flow.is_empty()).then(|| misses.fold(0.0, f64::max))
}

/// How far steps of `Q Q^T` are from steps of Q at a time.
pub fn loss_of_rank(run: &Record, time: f64) -> Option<f64> {
    let two = two_layers(run, 0.0)?;
    Some(two.unfactored(time).furthest_from(two.exact(&[time]).first()?))
}

/// Distance of the first layer's similarities at the end from the task's own, relative to these (Frobenius).
pub fn distance_from_task(run: &Record) -> Option<f64> {
    let found = table(run.series.get("input_similarity")?, usize::MAX)?;
    let own = learned_similarity(&run.config, 0.0).ok()?;
    Some(frobenius(&(found - &own)) / frobenius(&own))
}

/// The same of a theory, with its lambda.
pub fn theory_from_task(theory: &TheoryRecord) -> Option<f64> {
    let lambda = balanced(&theory.config)?.lambda;
    let found = table(theory.series.get("input_similarity")?, usize::MAX)?;
    let own = learned_similarity(&theory.config, lambda).ok()?;
    Some(frobenius(&(found - &own)) / frobenius(&own))
}

/// Root mean square of the first layer's weights at the start.
pub fn initial_size(run: &Record) -> Option<f64> {
    let square: f64 = table(run.series.get("input_similarity")?, 0)?.diag().sum();
    let width = *run.config.network.hidden.first()?;
    let inputs = run.series.get("input_similarity")?.shape[0];
    Some((square / (width * inputs) as f64).sqrt())
}

/// Runs that differ in the size of their steps alone, the longest first; one list a seed.
///
/// # Errors
///
/// If there are not at least three steps.
pub fn step_ladders(runs: &RunFolder) -> Result<Vec<Vec<&Record>>> {
    let of_all_steps = |config: &Config| {
        has_balance(config, |lambda| lambda == 0.0)
            && config.training.observations as u64 > config.training.steps
    };
    let mut chosen = runs.pick("every step of two balanced layers observed", of_all_steps)?;
    let rate = |run: &Record| run.config.training.learning_rate;
    chosen.sort_by(|a, b| a.seed.cmp(&b.seed).then(rate(b).total_cmp(&rate(a))));
    let ladders: Vec<Vec<&Record>> =
        chosen.chunk_by(|a, b| a.seed == b.seed).map(<[&Record]>::to_vec).collect();
    let is_whole = ladders.iter().all(|ladder| ladder.len() >= 3);
    is_whole.then_some(ladders).context(
        "no run has three sizes of steps from the same weights: run `ocs reproduce prior_knowledge`",
    )
}

/// The map at each step, and by the exact solution at its time.
fn maps(run: &Record) -> Option<[Vec<Array2<f64>>; 2]> {
    let series = run.series.get("network_map")?;
    let found: Option<Vec<_>> =
        (0..series.step.len()).map(|moment| table(series, moment)).collect();
    let exact = two_layers(run, 0.0)?.exact(&run.curves.time);
    Some([found?, exact.into_iter().map(|moment| moment.map).collect()])
}

fn furthest(one: &Array2<f64>, other: &Array2<f64>) -> f64 {
    std::iter::zip(one, other).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Errors of steps on a ladder, the longest first, and of what `2 y(eta/2) - y(eta)` leaves of each pair.
pub fn step_errors(ladder: &[&Record]) -> Option<(Vec<f64>, Vec<f64>)> {
    let all: Option<Vec<_>> = ladder.iter().map(|run| maps(run)).collect();
    let all = all?;
    let largest = |pairs: &mut dyn Iterator<Item = f64>| pairs.fold(0.0, f64::max);
    let errors = all.iter().map(|[found, exact]| {
        largest(&mut std::iter::zip(found, exact).map(|(one, other)| furthest(one, other)))
    });
    let left = all.windows(2).map(|pair| {
        let ([coarse, exact], [fine, _]) = (&pair[0], &pair[1]);
        let steps = coarse.iter().zip(exact).zip(fine.iter().step_by(2));
        let of = |((coarse, exact), fine): ((&Array2<f64>, &Array2<f64>), &Array2<f64>)| {
            furthest(&(2.0 * fine - coarse), exact)
        };
        largest(&mut steps.map(of))
    });
    Some((errors.collect(), left.collect()))
}

/// What a run lost of its first task while it learned the second, and half the squared distance of the two.
pub fn forgetting(run: &Record) -> Option<(f64, f64)> {
    let losses = run.series.get("task_losses")?;
    let switch = run.stretches.get(1)?.first_step;
    let learned = losses.step.iter().position(|&step| step == switch)?;
    let first: Option<Vec<f64>> = losses.at(&[0]).into_iter().collect();
    let first = first?;
    let distance = run.series.get("task_distances")?.at(&[0, 1]).first().copied()??;
    Some((first.last()? - first.get(learned)?, distance))
}

/// Forgetting over half the squared distance, less 1.
pub fn forgetting_error(run: &Record) -> Option<f64> {
    let (lost, distance) = forgetting(run)?;
    Some((lost / distance - 1.0).abs())
}

/// Share of its first value below which the loss of turned targets counts as learned.
pub const LEARNED: f64 = 0.05;

/// Time since all signs were turned until the loss is below a share of half the squared map, interpolated in its logarithm.
pub fn turning_time(run: &Record) -> Option<f64> {
    let values = singular_values(&run.config)?;
    let threshold = LEARNED * 0.5 * values.iter().map(|s| s * s).sum::<f64>();
    let start = run.stretches.get(1)?.start_time;
    let (time, loss) = (&run.curves.time, &run.curves.loss);
    // The moment of the switch is judged by the targets before.
    let first = time.iter().position(|&time| time > start)?;
    let at = (first..loss.len()).find(|&at| loss[at] < threshold)?;
    let before = at.checked_sub(1).filter(|&before| before >= first)?;
    let share = (loss[before] / threshold).ln() / (loss[before] / loss[at]).ln();
    Some(time[before] + share * (time[at] - time[before]) - start)
}

/// Runs of turned signs by what was added to their weights.
pub fn turned_by(runs: &RunFolder, perturbation: f64) -> Vec<&Record> {
    runs.pick_any(|config| turned(config) == Some(perturbation))
}

/// What is added to weights, each once, the largest first; without zero and one layer.
pub fn perturbations(runs: &RunFolder) -> Vec<f64> {
    let all = runs.records.iter().filter_map(|run| turned(&run.config));
    let mut all: Vec<f64> = all.filter(|eps| *eps > 0.0 && eps.is_finite()).collect();
    all.sort_by(|one, other| other.total_cmp(one));
    all.dedup();
    all
}
