//! Do linear networks with biases visit the OCS first? One-hot inputs on the paper's tree, theory over every curve.

mod page;

use super::Study;
use anyhow::{Context, Result, ensure};

use crate::claim::verdicts::{exists, is_absent, log_ratios, phase_sensitivity, top_level_dip};
use crate::claim::{Claim, Measurement};
use crate::record::{Record, RunFolder, TheoryRecord};

/// The study.
pub static STUDY: Study = Study {
    stem: STEM,
    question: "Do linear networks with biases visit the OCS first?",
    source: "Rubruck, Bauer, Saxe, Summerfield 2024 (arXiv 2406.17467): linear networks on the 2-2-2 tree, with biases and without; theory extended to every bias option",
    config: include_str!("../../../configs/ocs_linear.yaml"),
    optional_inputs: &[],
    theory_of_images: false,
    also_predict: super::nothing_more,
    claims,
    figure: page::figure,
};

const STEM: &str = "ocs_linear";
/// Bias options; each is a condition that starts aligned, and with `-random` one that starts small and random.
const BIASES: [&str; 4] = ["none", "input", "output", "all"];
const WITH_BIASES: [&str; 3] = ["input", "output", "all"];

fn aligned_and_random(bias: &str) -> [String; 2] {
    [bias.to_owned(), format!("{bias}-random")]
}

/// Records of both starts of some bias options. From the aligned start all seeds learn alike to rounding, so the first
/// stands for all.
fn records_of<'a>(runs: &'a RunFolder, biases: &[&str]) -> Result<Vec<&'a Record>> {
    let mut records = Vec::new();
    for condition in biases.iter().flat_map(|bias| aligned_and_random(bias)) {
        let found = runs.of(&condition);
        ensure!(
            !found.is_empty(),
            "{STEM} has no record of condition '{condition}': run `ocs reproduce {STEM}`"
        );
        let n_independent = if condition.ends_with("-random") { found.len() } else { 1 };
        records.extend(&found[..n_independent]);
    }
    Ok(records)
}

/// The claims.
fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    let mut claims = vec![no_phase_without(runs)?, top_level_is_never_fooled_without(runs)?];
    for bias in WITH_BIASES {
        claims.push(phase_with(runs, bias)?);
        claims.push(top_level_is_fooled_with(runs, bias)?);
    }
    claims.push(responses_are_theorys(runs)?);
    claims.push(crossings_are_theorys(runs)?);
    claims.push(random_crossings_are_theorys(runs)?);
    claims.push(end_does_not_depend_on_biases(runs)?);
    Ok(claims)
}

fn claim(id: &str, sentence: &str, measured: Measurement, criterion: &str, holds: bool) -> Claim {
    Claim::new(STEM, id, sentence, measured, criterion, holds)
}

fn no_phase_without(runs: &RunFolder) -> Result<Claim> {
    let records = records_of(runs, &["none"])?;
    let holds = records.iter().all(|record| is_absent(&record.phase));
    let mut claim = claim(
        "no-phase-without-biases",
        "Without biases a linear network on one-hot inputs has no OCS phase.",
        log_ratios(&records),
        "an end after time 0, and no onset before it, in every run",
        holds,
    );
    claim.control = true;
    claim.sensitivity = phase_sensitivity(&records, is_absent);
    Ok(claim)
}

fn top_level_is_never_fooled_without(runs: &RunFolder) -> Result<Claim> {
    let records = records_of(runs, &["none"])?;
    let (measured, smallest) = top_level_dip(&records);
    let mut claim = claim(
        "no-dip-without-biases",
        "Without biases the top level's true negative rate stays high.",
        measured,
        "smallest TNR of level 1 >= 0.93 in every run",
        smallest.iter().all(|&value| value >= 0.93),
    );
    claim.control = true;
    Ok(claim)
}

fn phase_with(runs: &RunFolder, bias: &str) -> Result<Claim> {
    let records = records_of(runs, &[bias])?;
    let mut claim = claim(
        &format!("phase-with-bias-{bias}"),
        &format!(
            "With bias: {bias} the network passes through the OCS before it learns differences."
        ),
        log_ratios(&records),
        "onset < end in every run, aligned and random",
        records.iter().all(|record| exists(&record.phase)),
    );
    claim.sensitivity = phase_sensitivity(&records, exists);
    Ok(claim)
}

fn top_level_is_fooled_with(runs: &RunFolder, bias: &str) -> Result<Claim> {
    let records = records_of(runs, &[bias])?;
    let (measured, smallest) = top_level_dip(&records);
    Ok(claim(
        &format!("dip-with-bias-{bias}"),
        &format!(
            "With bias: {bias} the top level's true negative rate dips to that of the OCS, 0.5."
        ),
        measured,
        "smallest TNR of level 1 within 0.05 of 0.5 in every run",
        smallest.iter().all(|&value| (value - 0.5).abs() <= 0.05),
    ))
}

fn theory_of<'a>(runs: &'a RunFolder, condition: &str) -> Result<&'a TheoryRecord> {
    runs.theory_of(condition).with_context(|| {
        format!("{STEM} has no theory of condition '{condition}': run `ocs reproduce {STEM}`")
    })
}

/// Largest distance of a response from theory's, over all times, items and labels.
fn largest_deviation(record: &Record, theory: &TheoryRecord) -> Result<f64> {
    let (Some(measured), Some(expected)) =
        (&record.curves.item_responses, &theory.curves.item_responses)
    else {
        anyhow::bail!("records of {STEM} lack responses item by item");
    };
    ensure!(
        record.curves.time == theory.curves.time,
        "records and theory of condition '{}' have other times: run `ocs reproduce {STEM}` again",
        record.condition
    );
    let flat = |table: &[Vec<Vec<f64>>]| -> Vec<f64> {
        table.iter().flatten().flatten().copied().collect()
    };
    let deviations = flat(measured).into_iter().zip(flat(expected)).map(|(a, b)| (a - b).abs());
    Ok(deviations.fold(0.0, f64::max))
}

fn responses_are_theorys(runs: &RunFolder) -> Result<Claim> {
    let mut deviations = Vec::new();
    for bias in BIASES {
        let theory = theory_of(runs, bias)?;
        // All seeds learn alike from the aligned start.
        for record in runs.of(bias).into_iter().take(1) {
            deviations.push(largest_deviation(record, theory)?);
        }
    }
    let values: Vec<Option<f64>> = deviations.iter().copied().map(Some).collect();
    Ok(claim(
        "responses-are-theorys",
        "From the aligned start every response follows the closed form.",
        Measurement::of("largest |yhat - theory|", &values),
        "< 0.01 in every run: the distance of gradient descent from its flow at this learning rate",
        deviations.iter().all(|&deviation| deviation < 0.01),
    ))
}

/// Relative errors of onsets and ends of a condition's runs against its theory's.
fn crossing_errors(runs: &RunFolder, condition: &str) -> Result<Vec<Option<f64>>> {
    let expected = &theory_of(runs, condition)?.phase;
    let mut errors = Vec::new();
    for record in runs.of(condition) {
        for (measured, expected) in
            [(record.phase.onset, expected.onset), (record.phase.end, expected.end)]
        {
            errors.push(match (measured, expected) {
                (Some(measured), Some(expected)) => Some((measured / expected - 1.0).abs()),
                _ => None,
            });
        }
    }
    Ok(errors)
}

fn crossings_are_theorys(runs: &RunFolder) -> Result<Claim> {
    let mut errors = Vec::new();
    for bias in BIASES {
        // All seeds learn alike from the aligned start: one run, two crossings.
        errors.extend(crossing_errors(runs, bias)?.into_iter().take(2));
    }
    Ok(claim(
        "crossings-are-theorys",
        "From the aligned start onset and end come when theory says.",
        Measurement::of("relative error of onset and end", &errors),
        "<= 0.005 each; a step's own shift of a bias's onset, half of eta, is 0.001 of it",
        errors.iter().all(|error| error.is_some_and(|error| error <= 0.005)),
    ))
}

fn random_crossings_are_theorys(runs: &RunFolder) -> Result<Claim> {
    let mut errors = Vec::new();
    for bias in WITH_BIASES {
        errors.extend(crossing_errors(runs, &format!("{bias}-random"))?);
    }
    Ok(claim(
        "random-crossings-are-theorys",
        "From small random starts onset and end come near the times that the mean effective strength gives.",
        Measurement::of("relative error of onset and end", &errors),
        "<= 0.05 for every onset and end of every seed",
        errors.iter().all(|error| error.is_some_and(|error| error <= 0.05)),
    ))
}

fn end_does_not_depend_on_biases(runs: &RunFolder) -> Result<Claim> {
    let ends: Vec<Option<f64>> = BIASES
        .iter()
        .flat_map(|bias| runs.of(bias).into_iter().take(1))
        .map(|record| record.phase.end)
        .collect();
    let measured = Measurement::of("end of the phase", &ends);
    let holds = match (measured.min, measured.max) {
        (Some(min), Some(max)) => measured.n == measured.runs && max / min - 1.0 <= 1e-3,
        _ => false,
    };
    Ok(claim(
        "end-is-the-same",
        "Biases move the onset alone: from the aligned start differences are learned at the same time under every option.",
        measured,
        "largest / smallest end <= 1.001",
        holds,
    ))
}
