//! Theory's answer to one condition, under the metrics that judge networks.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use ndarray::{Array1, Array2};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use crate::config::{Config, Initialisation, Loss};
use crate::metrics::{Curves, Judge, ModeReader, Phase};
use crate::model::{Network, Placement};
use crate::record::{Method, ModeRecord, TheoryRecord, write_json};
use crate::task::Task;
use crate::theory::{LayerStart, Mode, Moment, Theory};
use crate::train::observed_steps;

/// What theory says of one condition, at the times at which a network would be observed.
///
/// A random start is answered for its mean effective strength where that is known; elsewhere, or if a `seed` is given,
/// for the initial weights that `train` draws with that seed (or the config's first).
///
/// # Errors
///
/// Where theory does not cover the condition, with the reason.
pub fn theory_of(condition: &str, config: &Config, seed: Option<u64>) -> Result<TheoryRecord> {
    let context = || format!("condition '{condition}'");
    let theory = solve(config, seed).with_context(context)?;
    answer(condition, config, &theory).with_context(context)
}

fn solve(config: &Config, seed: Option<u64>) -> Result<Theory> {
    let is_random = !matches!(config.network.initialisation, Initialisation::Aligned(_));
    let from_weights = |seed: u64| {
        let validity =
            format!("exact for the gradient flow from the initial weights of seed {seed}");
        Theory::from_weights(config, initial_layers(config, seed)?, validity)
    };
    match (seed, Theory::new(config)) {
        (Some(seed), _) if is_random => from_weights(seed),
        (_, Ok(theory)) => Ok(theory),
        (_, Err(_)) if is_random => from_weights(config.seeds[0]),
        (_, Err(reason)) => Err(reason),
    }
}

/// The initial weights that `train` draws with a seed, as theory takes them.
fn initial_layers(config: &Config, seed: u64) -> Result<Vec<LayerStart>> {
    ensure!(
        !config.task.inputs.are_images(),
        "theory covers one vector per item: task.inputs one-hot or correlated, not {}",
        config.task.inputs.name()
    );
    let task = Task::new(&config.task, None)?;
    let placement = Placement { device: Device::Cpu, weights: Kind::Double, compute: Kind::Double };
    let network =
        Network::new(&config.network, &task, placement, &mut ChaCha8Rng::seed_from_u64(seed))?;
    let numbers = |tensor: &Tensor| Vec::<f64>::try_from(&tensor.detach().contiguous().view(-1));
    network
        .layers()
        .iter()
        .map(|layer| {
            let (rows, columns) =
                layer.weight.size2().context("theory covers network.kind: linear")?;
            let weight =
                Array2::from_shape_vec((rows as usize, columns as usize), numbers(&layer.weight)?)?;
            let bias = layer.bias.as_ref().map(numbers).transpose()?.map(Array1::from);
            Ok(LayerStart { weight, bias })
        })
        .collect()
}

fn answer(condition: &str, config: &Config, theory: &Theory) -> Result<TheoryRecord> {
    let task = theory.task();
    let (items, weights) = task.evaluation_items();
    let levels = task.hierarchy.level_columns();
    let judge = Judge::new(task.targets.clone(), items, &weights, task.ocs(), levels.clone());
    let training = &config.training;
    let times: Vec<f64> = observed_steps(training.steps, training.observations)
        .into_iter()
        .map(|step| training.learning_rate * step as f64)
        .collect();
    let reader = theory
        .input_variances()
        .map(|variances| ModeReader::new(&task.targets, &levels, variances));
    let mut curves = Curves::default();
    theory.follow(&times, &mut |Moment { time, responses, without_output_bias }| {
        let judgement = judge.judge(responses.view());
        ensure!(
            judgement.distance_to_targets.is_finite() && time.is_finite(),
            "theory's responses are not finite at time {time}: lower network.initialisation or training.learning_rate"
        );
        if training.loss == Loss::HalfSquaredError {
            curves.loss.push(0.5 * judgement.distance_to_targets);
        }
        curves.push(time, &judgement);
        if let (Some(reader), Some(responses)) = (&reader, without_output_bias) {
            curves.push_mode_strengths(&reader.strengths(&responses));
        }
        Ok(())
    })?;
    for strengths in theory.mode_strengths(&times).into_iter().flatten() {
        curves.push_mode_strengths(&strengths);
    }
    let (onset, end) = theory.onset_and_end(config.phase_threshold)?;
    Ok(TheoryRecord {
        condition: condition.to_owned(),
        config: config.clone(),
        method: if theory.is_closed_form() { Method::ClosedForm } else { Method::Integrated },
        validity: theory.validity.clone(),
        ocs: task.ocs().to_vec(),
        target_variance: judge.target_variance(),
        levels: levels.into_iter().map(|columns| columns.len()).collect(),
        modes: theory.modes().into_iter().map(mode_record).collect(),
        phase: Phase::between(onset, end),
        curves,
    })
}

fn mode_record((mode, final_strength): (Mode, f64)) -> ModeRecord {
    ModeRecord {
        singular_value: mode.singular_value,
        input_variance: mode.input_variance,
        initial_strength: mode.initial_strength,
        final_strength,
    }
}

/// Writes `condition/theory.json` for each condition that theory covers, and tells why it does not cover the others.
///
/// # Errors
///
/// If a file cannot be written.
pub fn write_theories(
    conditions: &[(String, Config)],
    folder: &Path,
    uncovered: &mut dyn FnMut(&str, &anyhow::Error),
) -> Result<Vec<TheoryRecord>> {
    let mut written = Vec::new();
    for (condition, config) in conditions {
        let path = folder.join(condition).join("theory.json");
        match theory_of(condition, config, None) {
            Ok(theory) => {
                write_json(&path, &theory)?;
                written.push(theory);
            }
            Err(reason) => {
                // An answer to an earlier config must not stand beside the new runs.
                if path.exists() {
                    std::fs::remove_file(&path)
                        .with_context(|| format!("cannot remove the old {}", path.display()))?;
                }
                uncovered(condition, &reason);
            }
        }
    }
    Ok(written)
}
