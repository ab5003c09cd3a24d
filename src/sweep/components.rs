//! What an infinitely wide linear network learns along the principal components of its inputs, as series of theory's answer.

use anyhow::{Context, Result};
use ndarray::Array2;

use super::initial::initial_layers;
use crate::record::{Series, TheoryRecord};
use crate::task::Task;
use crate::theory::{PrincipalComponents, WideLinear, is_followed_along_components};
use crate::train::observed_steps;

/// Numbers in tables of all moments, above which they are left out.
const MOST_NUMBERS: usize = 5_000_000;

/// Adds `component_variances`, `component_half_times`, `component_map`, `component_distances` and `wide_loss` to `series`, as the probe
/// `components` tells them of a run, but of (B1): from the map that `seed` draws (or the config's first). Nothing to an answer that (B1)
/// does not give.
///
/// # Errors
///
/// If the start cannot be drawn.
pub fn add_components(theory: &mut TheoryRecord, seed: Option<u64>) -> Result<()> {
    let config = theory.config.clone();
    let is_there = theory.series.contains_key("component_map");
    if is_there || !config.phases.is_empty() || config.task.inputs.are_images() {
        return Ok(());
    }
    let task = Task::of(&config, None)?;
    let is_covered = is_followed_along_components(&config, &task)?;
    let Some(components) = PrincipalComponents::new(&task).filter(|_| is_covered) else {
        return Ok(());
    };
    let (n_outputs, n_components) = components.optimum().dim();
    let steps = observed_steps(config.training.steps, &config.training);
    if n_outputs * n_components * steps.len() > MOST_NUMBERS {
        tracing::info!(
            condition = theory.condition,
            "leaves out series of components: they would have more than {MOST_NUMBERS} numbers; lower training.observations"
        );
        return Ok(());
    }
    let layers = initial_layers(&config, &task, seed.unwrap_or(config.seeds[0]))?;
    let weights = layers.into_iter().map(|layer| layer.weight);
    let map: Array2<f64> =
        weights.reduce(|below, above| above.dot(&below)).context("a network has layers")?;
    let start = components.of_map(&map);
    let law = WideLinear::new(&config, components);
    let each = [("component", n_components)];
    push(theory, "component_variances", &each, 0, law.components().variances().to_vec())?;
    push(theory, "component_half_times", &each, 0, law.half_times())?;
    for (step, time) in std::iter::zip(steps, theory.curves.time.clone()) {
        let columns = law.at(&start, time);
        let distances = law.components().distances(&columns);
        let dims = [("output", n_outputs), ("component", n_components)];
        push(theory, "component_map", &dims, step, columns.into_iter().collect())?;
        push(theory, "wide_loss", &[], step, vec![law.components().loss(&distances)])?;
        push(theory, "component_distances", &each, step, distances)?;
    }
    Ok(())
}

fn push(
    theory: &mut TheoryRecord,
    name: &str,
    dims: &[(&str, usize)],
    step: u64,
    values: Vec<f64>,
) -> Result<()> {
    let unit = if name == "component_half_times" { "time" } else { "1" };
    let series = theory.series.entry(name.to_owned()).or_insert_with(|| Series::new(dims, unit));
    series.push(step, &values.into_iter().map(Some).collect::<Vec<_>>())
}
