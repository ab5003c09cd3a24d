//! What a linear network computes and holds alike along theory's answer, and which part of its task's map it reaches.

use anyhow::{Context, Result};
use ndarray::Array2;

use super::initial::initial_layers;
use crate::config::{Bias, Config, Initialisation, Loss, ProbeKind, Span, Stretch};
use crate::record::{ReachRecord, ReachVerdict, Series, TheoryRecord, VerifiedRecord};
use crate::task::Task;
use crate::theory::{
    self, LayerStart, Reach, Representation, Theory, TwoLayers, is_followed_along_components,
};
use crate::train::observed_steps;

/// Numbers in tables of all moments, above which they are left out: some hundred megabytes of text.
const MOST_NUMBERS: usize = 5_000_000;
/// Moments at which a closed form is held to the flow.
const MOST_VERIFIED: usize = 20;

/// Adds `series` and `reach` to an answer, of the weights that `seed` draws (or the config's first); nothing to one that has none of
/// them: of images, biases, nonlinear networks, cross-entropies, of a small random start's mean over seeds, and of wide networks that
/// are answered without their layers.
///
/// # Errors
///
/// If the flow cannot be followed.
pub fn add_representations(theory: &mut TheoryRecord, seed: Option<u64>) -> Result<()> {
    let config = theory.config.clone();
    if !is_covered(&config, seed) || theory.series.contains_key("network_map") {
        return Ok(());
    }
    let stretches = config.stretches()?;
    let first = &stretches[0].config;
    let task = Task::of(first, None)?;
    let is_deep = !first.network.hidden.is_empty();
    if is_deep && config.phases.is_empty() && is_followed_along_components(first, &task)? {
        return Ok(());
    }
    let size =
        Representation::size(task.n_inputs(), task.targets.ncols(), first.network.hidden.len());
    if size.saturating_mul(theory.curves.time.len()) > MOST_NUMBERS {
        tracing::info!(
            condition = theory.condition,
            "leaves out series of the network's map: they would have more than {MOST_NUMBERS} numbers; lower training.observations"
        );
        return Ok(());
    }
    let mut layers = initial_layers(first, &task, seed.unwrap_or(config.seeds[0]))?;
    for (index, Stretch { span, config: own, .. }) in stretches.iter().enumerate() {
        let context = || format!("phase {}", index + 1);
        let start = layers.clone();
        let solution = Theory::from_weights(own, layers, String::new()).with_context(context)?;
        theory.reach.extend(solution.reach().map(reach_record));
        if index == 0 && solution.reach().is_some() {
            theory.verified = Some(verified(own, &start, &solution)?);
        }
        let mut course = solution.begin();
        let steps = observed_steps(span.steps, &own.training);
        // The moment in which a stretch begins is the end of the one before.
        for step in steps.into_iter().skip(usize::from(index > 0)) {
            let step = span.first_step + step;
            course.advance(span.time_since(step))?;
            let weights = course.weights().context("a flow has weights")?;
            let weights: Vec<Array2<f64>> = weights.into_iter().map(|layer| layer.weight).collect();
            let moment = Representation::of(&weights).context("a network has layers")?;
            push(theory, step, &moment)?;
        }
        layers = course.weights().context("a flow has weights")?;
    }
    // Of all stretches or none, so that they can be told apart.
    if theory.reach.len() < stretches.len() {
        theory.reach.clear();
    }
    Ok(())
}

/// Which part of its tasks' maps a run reaches, in each stretch, from the weights that its seed draws: as theory answers of that seed, with the
/// probe `representations` alone; empty where it is not known.
///
/// # Errors
///
/// If its start, or the flow to the end of a stretch, cannot be reckoned.
pub fn reach_of_run(config: &Config, seed: u64) -> Result<Vec<ReachRecord>> {
    let is_watched = config.probes.contains(&ProbeKind::Representations);
    if !is_watched || config.network.hidden.len() != 1 || !is_covered(config, Some(seed)) {
        return Ok(Vec::new());
    }
    let stretches = config.stretches()?;
    let first = &stretches[0].config;
    let mut layers = initial_layers(first, &Task::of(first, None)?, seed)?;
    let mut reach = Vec::new();
    for (index, Stretch { span, config: own, .. }) in stretches.iter().enumerate() {
        // What theory does not cover is told where theory is asked.
        let Ok(solution) = Theory::from_weights(own, layers, String::new()) else {
            return Ok(Vec::new());
        };
        let Some(found) = solution.reach() else { return Ok(Vec::new()) };
        reach.push(reach_record(found));
        if index + 1 == stretches.len() {
            break;
        }
        let mut course = solution.begin();
        course.advance(span.time_since(span.end()))?;
        layers = course.weights().context("a flow has weights")?;
    }
    Ok(reach)
}

/// The closed form held to the flow, early enough that rounding has lifted neither from a saddle.
fn verified(config: &Config, layers: &[LayerStart], solution: &Theory) -> Result<VerifiedRecord> {
    const UNTIL: f64 = 8.0;
    let weights = |layers: Vec<LayerStart>| layers.into_iter().map(|layer| layer.weight);
    let [first, second] = layers else { anyhow::bail!("the closed form is of two layers") };
    let two = TwoLayers::new(config, [first.weight.clone(), second.weight.clone()], 0.0)?;
    let span = Span::first(config);
    let until = UNTIL / two.input_variance();
    let steps = observed_steps(config.training.steps, &config.training);
    let mut times: Vec<f64> = steps.into_iter().map(|step| span.time(step)).collect();
    let until = times.last().map_or(0.0, |last| last.min(until));
    times.retain(|time| *time < until);
    times.push(until);
    // Some of the moments do.
    let stride = times.len().div_ceil(MOST_VERIFIED).max(1);
    let mut times: Vec<f64> = times.into_iter().rev().step_by(stride).collect();
    times.reverse();
    let integrated = two.integrated(&times)?;
    let mut course = solution.begin();
    let mut difference: f64 = 0.0;
    for (time, integrated) in times.iter().zip(&integrated) {
        course.advance(*time)?;
        let exact: Vec<_> = weights(course.weights().context("a flow has weights")?).collect();
        let exact = Representation::of(&exact).context("a network has layers")?;
        difference = difference.max(exact.furthest_from(integrated));
    }
    let until = times.last().copied().unwrap_or(0.0);
    Ok(VerifiedRecord { until, moments: times.len(), difference })
}

fn push(theory: &mut TheoryRecord, step: u64, moment: &Representation) -> Result<()> {
    for (name, [row, column], table) in moment.tables() {
        let make = || Series::new(&[(row, table.nrows()), (column, table.ncols())], "1");
        let values: Vec<Option<f64>> = table.iter().copied().map(Some).collect();
        theory.series.entry(name.to_owned()).or_insert_with(make).push(step, &values)?;
    }
    Ok(())
}

/// Whether an answer is one network's, linear and without biases, on vectors.
fn is_covered(config: &Config, seed: Option<u64>) -> bool {
    let network = &config.network;
    let is_aligned = matches!(network.initialisation, Initialisation::Aligned(_));
    let is_linear = network.kind.is_linear() && network.bias == Bias::None;
    is_linear
        && !config.task.inputs.are_images()
        && config.training.loss == Loss::HalfSquaredError
        && (is_aligned
            || seed.is_some()
            || !config.phases.is_empty()
            || Theory::new(config).is_err())
}

fn reach_record((reach, lambda): (Reach, f64)) -> ReachRecord {
    let verdict = match reach.verdict {
        theory::ReachVerdict::Whole => ReachVerdict::Whole,
        theory::ReachVerdict::Bottleneck => ReachVerdict::Bottleneck,
        theory::ReachVerdict::WrongSign => ReachVerdict::WrongSign,
        theory::ReachVerdict::Start => ReachVerdict::Start,
    };
    ReachRecord {
        verdict,
        lambda,
        reached: reach.reached,
        unreached: reach.unreached,
        excess_loss: reach.excess_loss,
    }
}
