//! With cross-entropy? A network that answers 1/2 to everything stands at the top level's base rate already: the top
//! level's true negative rate cannot dip, and the OCS shows in the logits 0, -ln 3, -ln 7 of the three levels.

mod page;

use super::Study;
use anyhow::{Context, Result, ensure};

use crate::claim::verdicts::{exists, is_absent, log_ratios, phase_sensitivity};
use crate::claim::{Claim, Measurement};
use crate::record::{Record, RunFolder};

/// The study.
pub static STUDY: Study = Study {
    stem: STEM,
    question: "With cross-entropy?",
    source: "Rubruck et al. 2024, whose networks of people and images learn under cross-entropy too",
    config: include_str!("../../../configs/ocs_loss.yaml"),
    optional_inputs: &[],
    theory_of_images: false,
    also_predict: super::nothing_more,
    claims,
    figure: page::figure,
};

const STEM: &str = "ocs_loss";
const WITH_BIASES: [&str; 4] = ["input", "output", "all", "output-tiny"];
const ALL: [&str; 5] = ["none", "input", "output", "all", "output-tiny"];
/// Conditions in which logits have settled before contrasts are learned.
const SETTLED: [&str; 2] = ["input", "output-tiny"];

/// The claims.
fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    Ok(vec![
        rates_start_at_one_half(runs)?,
        top_level_never_dips(runs)?,
        no_phase_without(runs)?,
        phase_with(runs)?,
        logits_of_the_ocs(runs)?,
        lower_levels_rise(runs)?,
        responses_are_theorys(runs)?,
    ])
}

fn claim(id: &str, sentence: &str, measured: Measurement, criterion: &str, holds: bool) -> Claim {
    Claim::new(STEM, id, sentence, measured, criterion, holds)
}

fn records_of<'a>(runs: &'a RunFolder, conditions: &[&str]) -> Result<Vec<&'a Record>> {
    let record = |condition: &&str| {
        runs.of(condition).into_iter().next().with_context(|| {
            format!("{STEM} has no record of condition '{condition}': run `ocs reproduce {STEM}`")
        })
    };
    conditions.iter().map(record).collect()
}

/// Whether all numbers exist and satisfy a criterion.
fn all_meet(values: &[Option<f64>], meets: impl Fn(f64) -> bool) -> bool {
    values.iter().all(|value| value.is_some_and(&meets))
}

fn rates_start_at_one_half(runs: &RunFolder) -> Result<Claim> {
    let mut rates = Vec::new();
    for record in records_of(runs, &ALL)? {
        let levels = &record.curves.true_negative_rate;
        rates.extend(levels.iter().map(|level| level.first().copied().flatten()));
    }
    let holds = all_meet(&rates, |rate| (rate - 0.5).abs() <= 0.01);
    Ok(claim(
        "rates-start-at-one-half",
        "Under cross-entropy true negative rates start at 1/2 on every level.",
        Measurement::of("TNR at step 0", &rates),
        "within 0.01 of 0.5 on every level of every run",
        holds,
    ))
}

fn top_level_never_dips(runs: &RunFolder) -> Result<Claim> {
    let records = records_of(runs, &ALL)?;
    let smallest: Vec<Option<f64>> = records
        .iter()
        .map(|record| record.curves.smallest_top_level_true_negative_rate())
        .collect();
    let holds = all_meet(&smallest, |rate| rate >= 0.49);
    let mut claim = claim(
        "top-level-never-dips",
        "Under cross-entropy the top level's true negative rate never dips.",
        Measurement::of("smallest TNR of level 1", &smallest),
        ">= 0.49 in every run",
        holds,
    );
    claim.control = true;
    Ok(claim)
}

fn no_phase_without(runs: &RunFolder) -> Result<Claim> {
    let records = records_of(runs, &["none"])?;
    let mut claim = claim(
        "no-phase-without-biases",
        "Without biases there is no OCS phase from a0 = 1e-8.",
        log_ratios(&records),
        "an end after time 0, and no onset before it",
        records.iter().all(|record| is_absent(&record.phase)),
    );
    claim.control = true;
    claim.sensitivity = phase_sensitivity(&records, is_absent);
    Ok(claim)
}

fn phase_with(runs: &RunFolder) -> Result<Claim> {
    let records = records_of(runs, &WITH_BIASES)?;
    let mut claim = claim(
        "phase-with-biases",
        "With a bias in any layer the network passes through the OCS under cross-entropy too.",
        log_ratios(&records),
        "onset < end with bias input, output and all",
        records.iter().all(|record| exists(&record.phase)),
    );
    claim.sensitivity = phase_sensitivity(&records, exists);
    Ok(claim)
}

fn logit(probability: f64) -> f64 {
    (probability / (1.0 - probability)).ln()
}

/// Observation at which the largest distance of a logit from the OCS's, over items and labels, is smallest; and that
/// distance.
fn nearest_logits(record: &Record) -> Option<(usize, f64)> {
    let items = record.curves.item_responses.as_ref()?;
    let farthest = |moment: usize| -> Option<f64> {
        let mut largest = 0.0_f64;
        for item in items {
            for (curve, &rate) in item.iter().zip(&record.ocs) {
                largest = largest.max((logit(*curve.get(moment)?) - logit(rate)).abs());
            }
        }
        Some(largest)
    };
    (0..record.curves.time.len())
        .filter_map(|moment| Some((moment, farthest(moment)?)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
}

fn logits_of_the_ocs(runs: &RunFolder) -> Result<Claim> {
    let records = records_of(runs, &SETTLED)?;
    let distances: Vec<Option<f64>> =
        records.iter().map(|record| Some(nearest_logits(record)?.1)).collect();
    let holds = all_meet(&distances, |distance| distance <= 0.01);
    Ok(claim(
        "logits-of-the-ocs",
        "Within the phase every logit of every item is 0, -ln 3 or -ln 7, by the label's level.",
        Measurement::of("largest |logit - that of the OCS|, where it is smallest", &distances),
        "<= 0.01 with an input bias, and with an output bias and weights from a0 = 1e-16",
        holds,
    ))
}

fn lower_levels_rise(runs: &RunFolder) -> Result<Claim> {
    let mut errors = Vec::new();
    for record in records_of(runs, &SETTLED)? {
        let moment = nearest_logits(record).map(|(moment, _)| moment);
        let levels = record.curves.true_negative_rate.iter().zip([0.5, 0.75, 0.875]);
        errors.extend(levels.map(|(level, expected)| {
            level.get(moment?).copied().flatten().map(|rate: f64| (rate - expected).abs())
        }));
    }
    let holds = all_meet(&errors, |error| error <= 0.01);
    Ok(claim(
        "lower-levels-rise",
        "At the OCS true negative rates are 1/2, 3/4 and 7/8: the lower levels' have risen.",
        Measurement::of("|TNR - that of the OCS|, over levels", &errors),
        "<= 0.01 on every level",
        holds,
    ))
}

/// Euler's steps delay growth by `t s eta / 2`, some 9 eta for the latest end, and responses rise by at most 0.15 per unit
/// of time.
fn responses_are_theorys(runs: &RunFolder) -> Result<Claim> {
    let mut errors = Vec::new();
    for record in records_of(runs, &ALL)? {
        let condition = &record.condition;
        let theory = runs.theory_of(condition).with_context(|| {
            format!("{STEM} has no theory of condition '{condition}': run `ocs reproduce {STEM}`")
        })?;
        ensure!(
            record.curves.time == theory.curves.time,
            "records and theory of condition '{condition}' have other times: run `ocs reproduce {STEM}` again"
        );
        let flat = |table: &Option<Vec<Vec<Vec<f64>>>>| -> Option<Vec<f64>> {
            Some(table.as_ref()?.iter().flatten().flatten().copied().collect())
        };
        let (measured, expected) =
            (flat(&record.curves.item_responses), flat(&theory.curves.item_responses));
        errors.push(measured.zip(expected).map(|(measured, expected)| {
            let distances = measured.iter().zip(&expected).map(|(a, b)| (a - b).abs());
            distances.fold(0.0, f64::max) / record.config.training.learning_rate
        }));
    }
    let holds = all_meet(&errors, |error| error <= 2.0);
    Ok(claim(
        "responses-are-theorys",
        "Every response follows the integrated flow, to the order of the step size eta.",
        Measurement::of("largest |response - theory| / eta", &errors),
        "<= 2: the latest growth is delayed by 9 eta, while responses rise by 0.15 per unit of time",
        holds,
    ))
}
