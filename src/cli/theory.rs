//! `ocs theory`.

use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;

use super::arguments::{ConfigArguments, DataFolder};
use super::outcome::{Success, refused};
use super::output;
use crate::config::cells;
use crate::derived::Derived;
use crate::metrics::Phase;
use crate::record::{Method, ReachRecord, ReachVerdict, TheoryRecord};
use crate::sweep::{
    Cores, Tasks, add_components, add_representations, ensure_theory_fits, limit_threads, theory_of,
};
use crate::theory::EXACT;

/// Prints what theory says of each condition of a config, at the times at which a network would be observed.
/// With --json, linear networks without biases also have `series` of what they compute and hold alike: `network_map` [time, output,
/// input], `input_similarity` (W_1^T W_1) and `output_similarity` (W_L W_L^T), at the times of `curves`, and two balanced layers `reach`:
/// which part of the task's map they come to. Wide ones (network.initialisation normal-over-width) are answered along the principal
/// components of their inputs, `component_map` [time, output, component], with `component_half_times`.
/// Conditions that no formula covers are told with the reason; if none is covered, the exit status is 1.
#[derive(Args)]
pub struct Theory {
    #[command(flatten)]
    config: ConfigArguments,
    #[command(flatten)]
    data: DataFolder,
    /// Answer a random start for the initial weights of this seed, not for the mean over seeds
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// Print everything, curves included, as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Answer {
    conditions: Vec<TheoryRecord>,
    refused: Vec<Refusal>,
}

#[derive(Serialize)]
struct Refusal {
    condition: String,
    reason: String,
}

impl Theory {
    pub fn run(self) -> Result<Success> {
        let config = self.config.load()?;
        limit_threads(&Cores::of_this_process());
        let mut answer = Answer { conditions: Vec::new(), refused: Vec::new() };
        let mut tasks = Tasks::keeping(&self.data.folder(), &Derived::of_user());
        let mut names = Vec::new();
        for cell in cells(&config)? {
            let name = cell.display_name();
            let (condition, resolved) = (cell.name, cell.config);
            ensure_theory_fits(&condition, &resolved, true).map_err(refused)?;
            match theory_of(&condition, &resolved, self.seed, &mut tasks) {
                Ok(mut theory) => {
                    if self.json
                        && let Err(reason) = add_series(&mut theory, self.seed)
                    {
                        tracing::warn!("no series of the map: {reason:#}");
                    }
                    names.push(name);
                    answer.conditions.push(theory);
                }
                Err(reason) => {
                    tracing::warn!("no theory: {reason:#}");
                    answer
                        .refused
                        .push(Refusal { condition, reason: format!("{:#}", reason.root_cause()) });
                }
            }
        }
        if answer.conditions.is_empty() {
            let reasons: Vec<&str> =
                answer.refused.iter().map(|refusal| refusal.reason.as_str()).collect();
            let mut distinct = reasons.clone();
            distinct.dedup();
            bail!(
                "theory covers no condition of {}: {}",
                self.config.config.display(),
                distinct.join("; ")
            );
        }
        for theory in answer.conditions.iter().filter(|theory| theory.validity != EXACT) {
            tracing::info!("condition '{}': {}", theory.condition, theory.validity);
        }
        for theory in &answer.conditions {
            for (index, reach) in theory.reach.iter().enumerate() {
                tell_reach(theory, index, reach);
            }
        }
        if self.json {
            output::json(&answer)?
        } else {
            output::line(&table(&names, &answer.conditions))?
        }
        Ok(Success::Full)
    }
}

/// Says which part of a map is out of reach, and why.
fn tell_reach(theory: &TheoryRecord, index: usize, reach: &ReachRecord) {
    let why = match reach.verdict {
        ReachVerdict::Whole => return,
        ReachVerdict::Bottleneck => "the hidden layer has too few units",
        ReachVerdict::WrongSign => {
            "the start has the other sign of the map's determinant, which the flow keeps"
        }
        ReachVerdict::Start => "the start has no part along them",
    };
    let stretch = match theory.stretches.len() {
        0 => String::new(),
        _ => format!(", phase {}", index + 1),
    };
    tracing::info!(
        "condition '{}'{stretch}: {} of {} singular values are out of reach ({why}): a loss of {} is left",
        theory.condition,
        reach.unreached.len(),
        reach.reached.len() + reach.unreached.len(),
        output::number(Some(reach.excess_loss))
    );
}

/// Series of what linear networks compute, as far as a condition has them.
fn add_series(theory: &mut TheoryRecord, seed: Option<u64>) -> Result<()> {
    add_representations(theory, seed)?;
    add_components(theory, seed)
}

/// A row for each condition, or for each stretch of its training, whose times are those since it began.
fn table(names: &[String], theories: &[TheoryRecord]) -> String {
    let has_stretches = theories.iter().any(|theory| !theory.stretches.is_empty());
    let mut heading = vec!["condition", "method"];
    heading.extend(has_stretches.then_some("stretch"));
    heading.extend(["onset", "end", "ln(end/onset)", "phase", "singular values"]);
    let mut rows = vec![heading.into_iter().map(str::to_owned).collect::<Vec<_>>()];
    for (name, theory) in names.iter().zip(theories) {
        let mut values: Vec<String> =
            theory.modes.iter().map(|mode| output::number(Some(mode.singular_value))).collect();
        values.dedup();
        let several = theory.stretches.iter().map(|stretch| (&*stretch.label, &stretch.phase));
        let mut parts: Vec<(&str, &Phase)> = several.collect();
        if parts.is_empty() {
            parts.push(("-", &theory.phase));
        }
        for (index, (label, phase)) in parts.into_iter().enumerate() {
            let mut row = vec![name.clone(), method(theory).to_owned()];
            row.extend(has_stretches.then(|| label.to_owned()));
            row.extend([phase.onset, phase.end, phase.log_ratio].map(output::number));
            row.push(phase.verdict.word().to_owned());
            // Modes are those of the first stretch.
            let known = index == 0 && !values.is_empty();
            row.push(if known { values.join(" ") } else { "-".to_owned() });
            rows.push(row);
        }
    }
    output::table(&rows)
}

fn method(theory: &TheoryRecord) -> &'static str {
    match theory.method {
        Method::ClosedForm if theory.validity == EXACT => "closed form",
        Method::ClosedForm if theory.validity.starts_with("approximate") => {
            "closed form (approximate start)"
        }
        Method::ClosedForm => "closed form (one seed's start)",
        Method::Integrated if theory.validity == EXACT => "integrated",
        Method::Integrated => "integrated (one seed's start)",
        Method::Spectral => "spectral (one seed's start)",
    }
}
