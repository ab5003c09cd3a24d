//! Does depth remove the phase? Networks of 2 to 5 layers under each bias option.

mod page;

use super::Study;
use anyhow::{Result, ensure};

use crate::claim::verdicts::{exists, is_absent, phase_sensitivity};
use crate::claim::{Claim, Measurement};
use crate::config::Bias;
use crate::metrics::Phase;
use crate::record::{Record, RunFolder};

/// The study.
pub static STUDY: Study = Study {
    stem: STEM,
    question: "Does depth remove the phase?",
    source: "own, from Saxe et al. 2014's modes in deep networks",
    config: include_str!("../../../configs/ocs_depth.yaml"),
    optional_inputs: &[],
    theory_of_images: false,
    also_predict: super::nothing_more,
    claims,
    figure: page::figure,
};

const STEM: &str = "ocs_depth";
const DEPTHS: std::ops::RangeInclusive<usize> = 2..=5;

/// Runs of one bias option, the shallowest first; every depth must be there.
fn of_bias(runs: &RunFolder, bias: Bias) -> Result<Vec<&Record>> {
    let mut chosen = Vec::new();
    for depth in DEPTHS {
        let mut found = runs.records.iter().filter(|record| {
            record.config.network.bias == bias && record.config.network.hidden.len() + 1 == depth
        });
        // From the aligned start all seeds learn alike.
        let first = found.next();
        ensure!(
            first.is_some(),
            "{0} lacks depth {depth} with bias: {1}: run `ocs reproduce {0}`",
            STEM,
            bias.name()
        );
        chosen.extend(first);
    }
    Ok(chosen)
}

/// The claims.
fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    let mut claims = vec![absent_without(&of_bias(runs, Bias::None)?)];
    for bias in [Bias::Input, Bias::Output, Bias::All] {
        claims.push(present_with(bias, &of_bias(runs, bias)?));
    }
    claims.push(crossings_are_theorys(runs));
    Ok(claims)
}

fn lengths(records: &[&Record]) -> Measurement {
    let values: Vec<Option<f64>> = records.iter().map(|record| record.phase.log_ratio).collect();
    Measurement::of("ln(end/onset), depths 2 to 5", &values)
}

fn absent_without(records: &[&Record]) -> Claim {
    // At every depth the onset is observed too, later.
    let comes_late = |phase: &Phase| is_absent(phase) && phase.onset.is_some();
    let claim = Claim::new(
        STEM,
        "no-phase-at-any-depth-without-biases",
        "Without biases there is no OCS phase at any depth.",
        lengths(records),
        "end before onset at every depth",
        records.iter().all(|record| comes_late(&record.phase)),
    );
    Claim { sensitivity: phase_sensitivity(records, comes_late), ..claim.as_control() }
}

fn present_with(bias: Bias, records: &[&Record]) -> Claim {
    let claim = Claim::new(
        STEM,
        &format!("phase-at-every-depth-with-bias-{}", bias.name()),
        &format!("With bias: {} there is an OCS phase at every depth.", bias.name()),
        lengths(records),
        "onset < end at every depth",
        records.iter().all(|record| exists(&record.phase)),
    );
    Claim { sensitivity: phase_sensitivity(records, exists), ..claim }
}

fn crossings_are_theorys(runs: &RunFolder) -> Claim {
    let mut errors = Vec::new();
    for record in &runs.records {
        let expected = runs.theory_of(&record.condition).map(|theory| theory.phase.clone());
        let expected = expected.unwrap_or_default();
        for (measured, expected) in
            [(record.phase.onset, expected.onset), (record.phase.end, expected.end)]
        {
            let error = measured.zip(expected);
            errors.push(error.map(|(measured, expected)| (measured / expected - 1.0).abs()));
        }
    }
    Claim::new(
        STEM,
        "crossings-are-theorys",
        "Onset and end come when theory says, at every depth and under every bias option.",
        Measurement::of("relative error of onset and end", &errors),
        "<= 0.01 each",
        !errors.is_empty() && errors.iter().all(|error| error.is_some_and(|error| error <= 0.01)),
    )
}
