//! Theory's answer to one condition, under the metrics that judge networks.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use ndarray::{Array1, Array2};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use super::gram;
use super::tasks::Tasks;
use crate::config::{Config, Initialisation, Loss, NetworkKind};
use crate::metrics::{Curves, Judge, Judgement, ModeReader, Phase};
use crate::model::{Network, Placement};
use crate::record::{Method, ModeRecord, TheoryRecord, write_json};
use crate::task::Task;
use crate::theory::{ImageTheory, LayerStart, Mode, Moment, Theory, ensure_images_are_covered};
use crate::train::observed_steps;

/// What theory says of one condition, at the times at which a network would be observed.
///
/// A random start is answered for its mean effective strength where that is known; elsewhere, or if a `seed` is given,
/// for the initial weights that `train` draws with that seed (or the config's first).
///
/// # Errors
///
/// Where theory does not cover the condition, with the reason; for images, also where they cannot be read.
pub fn theory_of(
    condition: &str,
    config: &Config,
    seed: Option<u64>,
    tasks: &mut Tasks,
) -> Result<TheoryRecord> {
    let context = || format!("condition '{condition}'");
    if config.task.inputs.are_images() {
        return theory_of_images(condition, config, seed, tasks).with_context(context);
    }
    let theory = solve(config, seed).with_context(context)?;
    answer(condition, config, &theory).with_context(context)
}

/// Images have no closed form in the config alone: the answer is for one seed's initial weights, the config's first unless
/// another is given.
fn theory_of_images(
    condition: &str,
    config: &Config,
    seed: Option<u64>,
    tasks: &mut Tasks,
) -> Result<TheoryRecord> {
    // Before anything is read.
    ensure_images_are_covered(config)?;
    let task = tasks.of(condition, &config.task)?;
    let moments = tasks.moments(condition, &config.task)?;
    let seed = seed.unwrap_or(config.seeds[0]);
    let layers = initial_layers(config, &task, seed)?;
    let start = format!("the initial weights of seed {seed}");
    let theory = ImageTheory::new(config, moments, &layers, &start)?;
    answer_of_images(condition, config, &task, &theory)
}

/// What the second moments tell; true negative and positive rates, which need single responses, are `null`.
fn answer_of_images(
    condition: &str,
    config: &Config,
    task: &Task,
    theory: &ImageTheory,
) -> Result<TheoryRecord> {
    let levels = task.level_columns();
    let course = theory.course(&observed_times(config), config.phase_threshold)?;
    let mut curves = Curves::default();
    for answer in course.answers {
        let unknown = vec![None; levels.len()];
        curves.loss.push(0.5 * answer.distance_to_targets);
        let judgement = Judgement {
            mean_output_error: answer.mean_output_error,
            input_dependence: answer.input_dependence,
            distance_to_ocs: answer.distance_to_ocs,
            distance_to_targets: answer.distance_to_targets,
            mean_response: answer.mean_response,
            true_negative_rate: unknown.clone(),
            true_positive_rate: unknown.clone(),
            thresholded_true_negative_rate: unknown.clone(),
            thresholded_true_positive_rate: unknown.clone(),
            level_accuracy: unknown,
            item_responses: Some(answer.item_responses),
        };
        curves.push(answer.time, &judgement);
    }
    Ok(TheoryRecord {
        condition: condition.to_owned(),
        config: config.clone(),
        method: if theory.is_closed_form() { Method::Spectral } else { Method::Integrated },
        validity: theory.validity.clone(),
        ocs: task.ocs().to_vec(),
        target_variance: theory.moments().target_variance(),
        levels: levels.into_iter().map(|columns| columns.len()).collect(),
        modes: Vec::new(),
        phase: Phase::between(course.onset, course.end),
        curves,
    })
}

/// Times at which a network would be observed.
fn observed_times(config: &Config) -> Vec<f64> {
    let training = &config.training;
    observed_steps(training.steps, training.observations)
        .into_iter()
        .map(|step| training.learning_rate * step as f64)
        .collect()
}

fn solve(config: &Config, seed: Option<u64>) -> Result<Theory> {
    if config.network.kind == NetworkKind::Mlp {
        return solve_bias_free(config, seed.unwrap_or(config.seeds[0]));
    }
    let is_random = !matches!(config.network.initialisation, Initialisation::Aligned(_));
    let from_weights = |seed: u64| {
        let validity =
            format!("exact for the gradient flow from the initial weights of seed {seed}");
        let task = Task::new(&config.task, None)?;
        Theory::from_weights(config, initial_layers(config, &task, seed)?, validity)
    };
    match (seed, Theory::new(config)) {
        (Some(seed), _) if is_random => from_weights(seed),
        (_, Ok(theory)) => Ok(theory),
        (_, Err(_)) if is_random => from_weights(config.seeds[0]),
        (_, Err(reason)) => Err(reason),
    }
}

/// The linear network in slower time that a bias-free one is.
fn solve_bias_free(config: &Config, seed: u64) -> Result<Theory> {
    let validity = match config.network.initialisation {
        Initialisation::Mirrored(_) => {
            format!("exact for the gradient flow from the initial weights of seed {seed}")
        }
        Initialisation::Aligned(_)
        | Initialisation::Normal(_)
        | Initialisation::Kaiming(_)
        | Initialisation::Orthogonal(_) => format!(
            "approximate: the linear network in slower time that starts from the initial weights of seed {seed}; exact where units \
             with positive and negative output weights start equally strong"
        ),
    };
    let task = Task::new(&config.task, None)?;
    Theory::of_bias_free(config, initial_layers(config, &task, seed)?, validity)
}

/// The initial weights that `train` draws with a seed, as theory takes them.
fn initial_layers(config: &Config, task: &Task, seed: u64) -> Result<Vec<LayerStart>> {
    let placement = Placement { device: Device::Cpu, weights: Kind::Double, compute: Kind::Double };
    let network =
        Network::new(&config.network, task, placement, &mut ChaCha8Rng::seed_from_u64(seed))?;
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
    let levels = task.level_columns();
    let judge = Judge::new(task.targets.clone(), items, &weights, task.ocs(), levels.clone());
    let training = &config.training;
    let times = observed_times(config);
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
        phase: if judge.ocs_norm() == 0.0 {
            Phase::without_mean(end)
        } else {
            Phase::between(onset, end)
        },
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

/// Writes `condition/theory.json` for each condition that theory covers, and tells why it does not cover the others; beside
/// it `gram.json` for images, which lie in the folder `data`.
///
/// Images are answered if `of_images`, for studies that read the answer: it may take minutes, and nobody who trains a network
/// should have to wait for it. `ocs theory` answers any config.
///
/// # Errors
///
/// If a file cannot be written.
pub fn write_theories(
    conditions: &[(String, Config)],
    folder: &Path,
    data: &Path,
    of_images: bool,
    uncovered: &mut dyn FnMut(&str, &anyhow::Error),
) -> Result<Vec<TheoryRecord>> {
    let mut written = Vec::new();
    let mut tasks = Tasks::new(data);
    for (condition, config) in conditions {
        let path = |name: &str| folder.join(condition).join(name);
        // An answer to an earlier config must not stand beside the new runs.
        let remove = |path: PathBuf| match path.exists() {
            true => std::fs::remove_file(&path)
                .with_context(|| format!("cannot remove the old {}", path.display())),
            false => Ok(()),
        };
        let are_images = config.task.inputs.are_images();
        let answer = if are_images && !of_images {
            Err(anyhow!(
                "theory of images is written for experiments that read it: ask `ocs theory`"
            ))
        } else {
            theory_of(condition, config, None, &mut tasks)
        };
        match answer {
            Ok(theory) => {
                if are_images {
                    let moments = tasks.moments(condition, &config.task)?;
                    let gram = gram::record(condition, config, &moments.gram);
                    write_json(&path("gram.json"), &gram)?;
                } else {
                    remove(path("gram.json"))?;
                }
                write_json(&path("theory.json"), &theory)?;
                written.push(theory);
            }
            Err(reason) => {
                remove(path("theory.json"))?;
                remove(path("gram.json"))?;
                uncovered(condition, &reason);
            }
        }
    }
    Ok(written)
}
