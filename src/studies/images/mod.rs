//! Claims on images, shared by the data sets: which networks, biases and inputs pass through the OCS.

/// The figure.
pub mod page;

use anyhow::{Result, ensure};

use crate::claim::verdicts::{exists, is_absent, phase_sensitivity};
use crate::claim::{Claim, Measurement, Verdict};
use crate::metrics::Phase;
use crate::record::{Record, RunFolder};

/// What is expected of one condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expectation {
    Phase,
    NoPhase,
    /// Between: measured, nothing claimed.
    Open,
}

/// Networks: condition's part, and words.
const NETWORKS: [(&str, &str); 4] = [
    ("linear", "linear network"),
    ("mlp", "ReLU MLP"),
    ("cnn-relu", "ReLU CNN with max pooling"),
    ("cnn-tanh", "tanh CNN with average pooling"),
];

fn expectation(network: &str, bias: &str, inputs: &str) -> Expectation {
    match (network, bias, inputs) {
        (_, "all", _) | (_, "none", "raw") => Expectation::Phase,
        ("linear" | "cnn-tanh", "none", "centred") => Expectation::NoPhase,
        // Rectification makes a common component of its own.
        ("cnn-relu", "none", "centred") => Expectation::Phase,
        _ => Expectation::Open,
    }
}

/// One claim (or report) for each of the sixteen conditions `network-bias-inputs`.
pub fn claims(stem: &str, images: &str, runs: &RunFolder) -> Result<Vec<Claim>> {
    let mut claims = Vec::new();
    for bias in ["all", "none"] {
        for inputs in ["raw", "centred"] {
            for (network, words) in NETWORKS {
                let condition = format!("{network}-{bias}-{inputs}");
                let records = runs.of(&condition);
                ensure!(
                    !records.is_empty(),
                    "{stem} has no record of condition '{condition}': run `ocs reproduce {stem}`"
                );
                let expected = expectation(network, bias, inputs);
                claims.push(condition_claim(
                    stem,
                    &condition,
                    &subject(words, bias, inputs, images),
                    &records,
                    expected,
                ));
            }
        }
    }
    Ok(claims)
}

fn subject(network: &str, bias: &str, inputs: &str, images: &str) -> String {
    let biases = if bias == "all" { "with biases" } else { "without biases" };
    let inputs = if inputs == "raw" { "raw" } else { "pixel-centred" };
    format!("A {network} {biases} on {inputs} {images}")
}

fn condition_claim(
    stem: &str,
    condition: &str,
    subject: &str,
    records: &[&Record],
    expected: Expectation,
) -> Claim {
    let every = |test: &dyn Fn(&Phase) -> bool| records.iter().all(|record| test(&record.phase));
    let (sentence, criterion, verdict, sensitivity) = match expected {
        Expectation::Phase => (
            format!("{subject} passes through the OCS phase."),
            "onset < end in every run",
            Verdict::of(every(&exists)),
            phase_sensitivity(records, exists),
        ),
        Expectation::NoPhase => (
            format!("{subject} has no OCS phase, though it learns differences."),
            "an end after step 0, and no onset before it, in every run",
            Verdict::of(every(&is_absent)),
            phase_sensitivity(records, is_absent),
        ),
        Expectation::Open => {
            let count = records.iter().filter(|record| record.phase.is_there()).count();
            let sentence = format!("{subject}: an OCS phase in {count} of {} runs.", records.len());
            (sentence, "none", Verdict::Reported, phase_sensitivity(records, exists))
        }
    };
    Claim {
        experiment: stem.to_owned(),
        id: condition.to_owned(),
        sentence,
        control: expected == Expectation::NoPhase,
        measured: times(records),
        criterion: criterion.to_owned(),
        verdict,
        sensitivity,
    }
}

/// ln(end/onset), with the ranges of onset and end in steps in its name.
fn times(records: &[&Record]) -> Measurement {
    let steps = |time: fn(&Phase) -> Option<f64>| {
        let values: Vec<Option<f64>> = records
            .iter()
            .map(|record| Some(time(&record.phase)? / record.config.training.learning_rate))
            .collect();
        Measurement::of("", &values)
    };
    let range = |measurement: &Measurement| match (measurement.min, measurement.max) {
        (Some(min), Some(max)) if measurement.n == measurement.runs => {
            format!("step {min:.0}-{max:.0}")
        }
        (Some(min), Some(max)) => {
            format!("step {min:.0}-{max:.0} in {} of {}", measurement.n, measurement.runs)
        }
        _ => "never".to_owned(),
    };
    let (onset, end) = (steps(|phase| phase.onset), steps(|phase| phase.end));
    let ratios: Vec<Option<f64>> = records.iter().map(|record| record.phase.log_ratio).collect();
    Measurement::of(
        &format!("onset {}, end {}; ln(end/onset)", range(&onset), range(&end)),
        &ratios,
    )
}
