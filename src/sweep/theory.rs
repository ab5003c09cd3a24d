//! Theory's answer to one condition, under the metrics that judge networks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};

use super::components::add_components;
use super::gram;
use super::initial::initial_layers;
use super::representations::add_representations;
use super::tasks::Tasks;
use crate::config::{
    Config, Initialisation, Loss, NetworkKind, ProbeKind, Span, Stretch, TrainingConfig,
};
use crate::metrics::{Curves, Judge, Judgement, ModeReader, Phase};
use crate::record::{Method, ModeRecord, StretchRecord, TheoryRecord, write_json};
use crate::task::{Hierarchy, Task};
use crate::theory::{
    EXACT, ImageTheory, LayerStart, Mode, Moment, Theory, aligned_start, ensure_images_are_covered,
    is_followed_along_components,
};
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
    let mut theory = plain_theory_of(condition, config, seed, tasks)?;
    if config.probes.contains(&ProbeKind::Representations) {
        add_representations(&mut theory, seed).with_context(context)?;
    }
    if config.probes.contains(&ProbeKind::Components) {
        add_components(&mut theory, seed).with_context(context)?;
    }
    Ok(theory)
}

fn plain_theory_of(
    condition: &str,
    config: &Config,
    seed: Option<u64>,
    tasks: &mut Tasks,
) -> Result<TheoryRecord> {
    let context = || format!("condition '{condition}'");
    if !config.phases.is_empty() {
        return answer_in_stretches(condition, config, seed).with_context(context);
    }
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
    let task = tasks.of(condition, config)?;
    let moments = tasks.moments(condition, config)?;
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
        stretches: Vec::new(),
        reach: Vec::new(),
        verified: None,
        series: BTreeMap::new(),
    })
}

/// Times at which a network would be observed.
fn observed_times(config: &Config) -> Vec<f64> {
    let (training, span) = (&config.training, Span::first(config));
    let steps = observed_steps(training.steps, training);
    steps.into_iter().map(|step| span.time(step)).collect()
}

fn solve(config: &Config, seed: Option<u64>) -> Result<Theory> {
    if config.network.kind == NetworkKind::Mlp {
        return solve_bias_free(config, seed.unwrap_or(config.seeds[0]));
    }
    let is_random = !matches!(config.network.initialisation, Initialisation::Aligned(_));
    let may_be_wide = matches!(
        config.network.initialisation,
        Initialisation::NormalOverWidth(_) | Initialisation::Orthogonal(_)
    );
    if is_random && (may_be_wide || config.network.hidden.is_empty()) {
        let (seed, task) = (seed.unwrap_or(config.seeds[0]), Task::of(config, None)?);
        if is_followed_along_components(config, &task)? {
            return Theory::along_components(config, &initial_layers(config, &task, seed)?, seed);
        }
    }
    let from_weights = |seed: u64| {
        let (layers, validity) = from_seed(config, seed)?;
        Theory::from_weights(config, layers, validity)
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
        | Initialisation::NormalOverWidth(_)
        | Initialisation::Kaiming(_)
        | Initialisation::Orthogonal(_)
        | Initialisation::Balanced(_)
        | Initialisation::Antisymmetric(_) => format!(
            "approximate: the linear network in slower time that starts from the initial weights of seed {seed}; exact where units \
             with positive and negative output weights start equally strong"
        ),
    };
    let task = Task::of(config, None)?;
    Theory::of_bias_free(config, initial_layers(config, &task, seed)?, validity)
}

/// The initial weights that `train` draws with a seed, and what an answer from them is good for.
fn from_seed(config: &Config, seed: u64) -> Result<(Vec<LayerStart>, String)> {
    ensure!(
        !config.task.inputs.are_images(),
        "theory covers images in one stretch: leave phases out"
    );
    let validity = format!("exact for the gradient flow from the initial weights of seed {seed}");
    let task = Task::of(config, None)?;
    Ok((initial_layers(config, &task, seed)?, validity))
}

/// Who judges what theory answers to one task.
struct Judging {
    judge: Judge,
    reader: Option<ModeReader>,
    loss: Loss,
}

impl Judging {
    fn new(theory: &Theory, training: &TrainingConfig) -> Self {
        let task = theory.task();
        let (items, weights) = task.evaluation_items();
        let levels = task.level_columns();
        let reader = |(variances, tree): ([f64; 2], &Hierarchy)| {
            let labels = tree.targets();
            let reader = match training.smoothing() {
                Some(_) => ModeReader::along(&labels, &task.targets, &levels, variances),
                None => ModeReader::new(&labels, &levels, variances),
            };
            reader.towards(&task.targets)
        };
        Judging {
            reader: theory.input_variances().zip(task.hierarchy.as_ref()).map(reader),
            judge: Judge::new(task.targets.clone(), items, &weights, task.ocs(), levels)
                .rating_by(task.labels.as_ref()),
            loss: training.loss,
        }
    }

    /// Appends a moment; `time` is the run's, which began before the stretch did.
    fn see(&self, curves: &mut Curves, time: f64, moment: Moment) -> Result<()> {
        let judgement = self.judge.judge(moment.responses.view());
        ensure!(
            judgement.distance_to_targets.is_finite() && time.is_finite(),
            "theory's responses are not finite at time {time}: lower network.initialisation or training.learning_rate"
        );
        if self.loss == Loss::HalfSquaredError {
            curves.loss.push(0.5 * judgement.distance_to_targets);
        }
        curves.push(time, &judgement);
        let read = |responses| Some(self.reader.as_ref()?.strengths(&responses));
        let strengths = moment.mode_strengths.or_else(|| read(moment.without_output_bias?));
        if let Some(strengths) = strengths {
            curves.push_mode_strengths(&strengths);
        }
        Ok(())
    }
}

fn answer(condition: &str, config: &Config, theory: &Theory) -> Result<TheoryRecord> {
    let judging = Judging::new(theory, &config.training);
    let mut curves = Curves::default();
    theory.follow(&observed_times(config), &mut |moment| {
        judging.see(&mut curves, moment.time, moment)
    })?;
    let (onset, end) = theory.onset_and_end(config.phase_threshold)?;
    Ok(TheoryRecord {
        condition: condition.to_owned(),
        config: config.clone(),
        method: if theory.is_closed_form() { Method::ClosedForm } else { Method::Integrated },
        validity: theory.validity.clone(),
        ocs: judging.judge.ocs().to_vec(),
        target_variance: judging.judge.target_variance(),
        levels: levels_of(theory.task()),
        modes: theory.modes().into_iter().map(mode_record).collect(),
        phase: phase_of(&judging.judge, onset, end),
        curves,
        stretches: Vec::new(),
        reach: Vec::new(),
        verified: None,
        series: BTreeMap::new(),
    })
}

/// The phase between two times; where the mean target is zero there is no constant to learn.
fn phase_of(judge: &Judge, onset: Option<f64>, end: Option<f64>) -> Phase {
    if judge.ocs_norm() == 0.0 { Phase::without_mean(end) } else { Phase::between(onset, end) }
}

fn levels_of(task: &Task) -> Vec<usize> {
    task.level_columns().into_iter().map(|columns| columns.len()).collect()
}

/// The answer to a run in several stretches: in each the flow from the weights that the one before left, in closed form where
/// the matrix Riccati solution is valid, else integrated. The first starts from the weights of the aligned start, or from those
/// that a seed draws.
fn answer_in_stretches(
    condition: &str,
    config: &Config,
    seed: Option<u64>,
) -> Result<TheoryRecord> {
    let stretches = config.stretches()?;
    let first = &stretches[0].config;
    let (mut layers, validity) = match first.network.initialisation {
        Initialisation::Aligned(_) => (aligned_start(first)?, EXACT.to_owned()),
        _ => from_seed(first, seed.unwrap_or(config.seeds[0]))?,
    };
    let mut curves = Curves::default();
    let (mut records, mut theories) = (Vec::new(), Vec::new());
    for (index, Stretch { label, span, config: own, .. }) in stretches.iter().enumerate() {
        let theory = Theory::from_weights(own, layers, validity.clone())
            .with_context(|| format!("phase {}", index + 1))?;
        let judging = Judging::new(&theory, &own.training);
        let mut course = theory.begin();
        let steps = observed_steps(span.steps, &own.training);
        // The moment in which a stretch begins is the end of the one before.
        for step in steps.into_iter().skip(usize::from(index > 0)) {
            let step = span.first_step + step;
            course.advance(span.time_since(step))?;
            judging.see(&mut curves, span.time(step), course.answer())?;
        }
        layers = course.weights().context("a flow has weights")?;
        drop(course);
        let length = span.time_since(span.end());
        let (onset, end) = theory.onset_and_end_until(length, config.phase_threshold)?;
        records.push(StretchRecord {
            label: label.clone(),
            first_step: span.first_step,
            start_time: span.start_time,
            ocs: judging.judge.ocs().to_vec(),
            target_variance: judging.judge.target_variance(),
            phase: phase_of(&judging.judge, onset, end),
            phase_sensitivity: Vec::new(),
        });
        theories.push(theory);
    }
    curves.drop_partial_mode_strengths();
    let all_closed = theories.iter().all(Theory::is_closed_form);
    Ok(TheoryRecord {
        condition: condition.to_owned(),
        config: config.clone(),
        method: if all_closed { Method::ClosedForm } else { Method::Integrated },
        validity,
        ocs: records[0].ocs.clone(),
        target_variance: records[0].target_variance,
        levels: levels_of(theories[0].task()),
        modes: Vec::new(),
        phase: records[0].phase.clone(),
        curves,
        stretches: if records.len() > 1 { records } else { Vec::new() },
        reach: Vec::new(),
        verified: None,
        series: BTreeMap::new(),
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
/// it `gram.json` for images.
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
    tasks: &mut Tasks,
    of_images: bool,
    uncovered: &mut dyn FnMut(&str, &anyhow::Error),
) -> Result<Vec<TheoryRecord>> {
    let mut written = Vec::new();
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
            theory_of(condition, config, None, tasks)
        };
        match answer {
            Ok(theory) => {
                if are_images {
                    let moments = tasks.moments(condition, config)?;
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
