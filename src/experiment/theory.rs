//! Theory's answer to one condition, under the metrics that judge networks.

use std::path::Path;

use anyhow::{Context, Result};

use crate::config::Config;
use crate::metrics::{Curves, Judge, Phase};
use crate::record::{Method, ModeRecord, TheoryRecord, write_json};
use crate::task::Task;
use crate::theory::Theory;
use crate::train::observed_steps;

/// What theory says of one condition, at the times at which a network would be observed.
///
/// # Errors
///
/// Where theory does not cover the condition, with the reason.
pub fn theory_of(condition: &str, config: &Config) -> Result<TheoryRecord> {
    let theory = Theory::new(config).with_context(|| format!("condition '{condition}'"))?;
    let task = Task::new(&config.task, None)?;
    let (items, weights) = task.evaluation_items();
    let judge = Judge::new(
        task.targets.clone(),
        items,
        &weights,
        task.ocs(),
        task.hierarchy.level_columns(),
    );
    let training = &config.training;
    let times: Vec<f64> = observed_steps(training.steps, training.observations)
        .into_iter()
        .map(|step| training.learning_rate * step as f64)
        .collect();
    let mut curves = Curves::default();
    for (&time, responses) in times.iter().zip(theory.responses(&times)) {
        let judgement = judge.judge(responses.view());
        // The loss is half the distance to the targets.
        curves.loss.push(0.5 * judgement.distance_to_targets);
        curves.push(time, &judgement);
    }
    for strengths in theory.mode_strengths(&times) {
        curves.push_mode_strengths(&strengths);
    }
    let (onset, end) = theory.onset_and_end(config.phase_threshold);
    let modes = theory
        .modes()
        .into_iter()
        .map(|(mode, final_strength)| ModeRecord {
            singular_value: mode.singular_value,
            input_variance: mode.input_variance,
            initial_strength: mode.initial_strength,
            final_strength,
        })
        .collect();
    Ok(TheoryRecord {
        condition: condition.to_owned(),
        method: Method::ClosedForm,
        validity: theory.validity.clone(),
        ocs: task.ocs().to_vec(),
        target_variance: judge.target_variance(),
        levels: task.hierarchy.level_columns().into_iter().map(|columns| columns.len()).collect(),
        modes,
        phase: Phase::between(onset, end),
        curves,
    })
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
        match theory_of(condition, config) {
            Ok(theory) => {
                write_json(&folder.join(condition).join("theory.json"), &theory)?;
                written.push(theory);
            }
            Err(reason) => uncovered(condition, &reason),
        }
    }
    Ok(written)
}
