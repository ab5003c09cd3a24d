//! Does the first response mirror the label distribution? Items that come unequally often, on three trees: in the middle
//! of the phase the response to everything is each label's base rate, not its share of the items.

mod page;

use super::Study;
use anyhow::{Context, Result, ensure};

use crate::claim::verdicts::{exists, is_absent, log_ratios, phase_sensitivity};
use crate::claim::{Claim, Measurement, Verdict};
use crate::config::{Config, resolve_conditions};
use crate::metrics::norm;
use crate::record::{Record, RunFolder};

/// The study.
pub static STUDY: Study = Study {
    stem: STEM,
    question: "Does the first response mirror the label distribution?",
    source: "Rubruck et al. 2024: early responses mirror the distribution of labels; Kang et al. 2024 (arXiv 2310.00873): reversion to the OCS",
    config: include_str!("../../../configs/ocs_frequencies.yaml"),
    optional_inputs: &[],
    theory_of_images: false,
    also_predict: also_predict,
    claims,
    figure: page::figure,
};

const STEM: &str = "ocs_frequencies";
/// Trees; each is a condition with every bias option.
const TREES: [&str; 3] = ["even", "uneven", "ragged"];

/// Each tree with equal frequencies: what the response would mirror if frequencies did not count.
fn also_predict(config: &Config) -> Result<Vec<(String, Config)>> {
    let mut conditions = Vec::new();
    for (condition, resolved) in resolve_conditions(config)? {
        if let Some(tree) = condition.strip_suffix("-output") {
            let mut uniform = resolved;
            uniform.task.frequencies = None;
            // Its base rates are all that is asked.
            uniform.training.steps = 1;
            uniform.training.observations = 2;
            conditions.push((format!("uniform-{tree}"), uniform));
        }
    }
    Ok(conditions)
}

/// What a run answers in the middle of its phase, against base rates.
struct Middle {
    /// Largest distance of a label's mean response from its base rate.
    largest: f64,
    /// Cosine between mean responses and base rates.
    cosine: f64,
    /// Distance of the mean responses from the base rates of equal frequencies, over that from the true ones.
    times_farther: f64,
}

impl Middle {
    /// `None` if onset or end is missing. `uniform` are base rates with equal frequencies.
    fn of(record: &Record, uniform: &[f64]) -> Option<Middle> {
        let response = record.curves.mean_response_at(record.phase.middle()?)?;
        let apart = |rates: &[f64]| -> Vec<f64> {
            response.iter().zip(rates).map(|(response, rate)| response - rate).collect()
        };
        let errors = apart(&record.ocs);
        let product: f64 = response.iter().zip(&record.ocs).map(|(a, b)| a * b).sum();
        let norms = norm(&response) * norm(&record.ocs);
        Some(Middle {
            largest: errors.iter().map(|error| error.abs()).fold(0.0, f64::max),
            cosine: product / norms,
            times_farther: norm(&apart(uniform)) / norm(&errors),
        })
    }
}

/// The claims.
fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    Ok(vec![
        no_phase_without(runs)?,
        phase_with(runs)?,
        base_rates_are_mirrored(runs)?,
        not_shares_of_items(runs, &["output", "all"], 10.0)?,
        nearly_with_input_bias(runs)?,
        not_shares_of_items(runs, &["input"], 3.0)?,
        strongly_graded(runs)?,
    ])
}

fn claim(id: &str, sentence: &str, measured: Measurement, criterion: &str, holds: bool) -> Claim {
    Claim::new(STEM, id, sentence, measured, criterion, holds)
}

fn record_of<'a>(runs: &'a RunFolder, condition: &str) -> Result<&'a Record> {
    runs.of(condition).into_iter().next().with_context(|| {
        format!("{STEM} has no record of condition '{condition}': run `ocs reproduce {STEM}`")
    })
}

fn records_of<'a>(runs: &'a RunFolder, biases: &[&str]) -> Result<Vec<&'a Record>> {
    let mut records = Vec::new();
    for tree in TREES {
        for bias in biases {
            records.push(record_of(runs, &format!("{tree}-{bias}"))?);
        }
    }
    Ok(records)
}

/// The middles of the phases of all trees' runs with some biases.
fn middles_of(runs: &RunFolder, biases: &[&str]) -> Result<Vec<Option<Middle>>> {
    let mut middles = Vec::new();
    for tree in TREES {
        let uniform = runs.theory_of(&format!("uniform-{tree}")).with_context(|| {
            format!(
                "{STEM} has no theory of condition 'uniform-{tree}': run `ocs reproduce {STEM}`"
            )
        })?;
        for bias in biases {
            let record = record_of(runs, &format!("{tree}-{bias}"))?;
            ensure!(
                record.ocs.len() == uniform.ocs.len(),
                "records of {STEM} come from different trees: run `ocs reproduce {STEM}` again"
            );
            middles.push(Middle::of(record, &uniform.ocs));
        }
    }
    Ok(middles)
}

/// A number of each middle, and whether all exist and satisfy a criterion.
fn judged(
    middles: &[Option<Middle>],
    quantity: &str,
    of: impl Fn(&Middle) -> f64,
    meets: impl Fn(f64) -> bool,
) -> (Measurement, bool) {
    let values: Vec<Option<f64>> = middles.iter().map(|m| m.as_ref().map(&of)).collect();
    let holds = values.iter().all(|value| value.is_some_and(&meets));
    (Measurement::of(quantity, &values), holds)
}

fn no_phase_without(runs: &RunFolder) -> Result<Claim> {
    let records = records_of(runs, &["none"])?;
    let mut claim = claim(
        "no-phase-without-biases",
        "Unequal frequencies and uneven trees bring no OCS phase by themselves.",
        log_ratios(&records),
        "an end after time 0, and no onset before it, on every tree without biases",
        records.iter().all(|record| is_absent(&record.phase)),
    );
    claim.control = true;
    claim.sensitivity = phase_sensitivity(&records, is_absent);
    Ok(claim)
}

fn phase_with(runs: &RunFolder) -> Result<Claim> {
    let records = records_of(runs, &["input", "output", "all"])?;
    let mut claim = claim(
        "phase-with-biases",
        "With a bias in any layer the network passes through the OCS on every tree.",
        log_ratios(&records),
        "onset < end on every tree with bias input, output and all",
        records.iter().all(|record| exists(&record.phase)),
    );
    claim.sensitivity = phase_sensitivity(&records, exists);
    Ok(claim)
}

fn base_rates_are_mirrored(runs: &RunFolder) -> Result<Claim> {
    let middles = middles_of(runs, &["output", "all"])?;
    let quantity = "largest |mean response - base rate|";
    let (measured, holds) = judged(&middles, quantity, |m| m.largest, |value| value <= 0.01);
    Ok(claim(
        "base-rates-are-mirrored",
        "With an output bias, every label's response in the middle of the phase is its base rate.",
        measured,
        "<= 0.01 on every tree, with bias output and all",
        holds,
    ))
}

fn nearly_with_input_bias(runs: &RunFolder) -> Result<Claim> {
    let middles = middles_of(runs, &["input"])?;
    let quantity = "cosine of mean responses and base rates";
    let (measured, holds) = judged(&middles, quantity, |m| m.cosine, |value| value >= 0.99);
    Ok(claim(
        "nearly-with-input-bias",
        "With an input bias alone, responses in the middle of the phase point along the base rates.",
        measured,
        ">= 0.99 on every tree",
        holds,
    ))
}

fn not_shares_of_items(runs: &RunFolder, biases: &[&str], least: f64) -> Result<Claim> {
    let middles = middles_of(runs, biases)?;
    let quantity = "distance to base rates of equal frequencies / distance to base rates";
    let (measured, holds) = judged(&middles, quantity, |m| m.times_farther, |v| v >= least);
    let biases = biases.join(", ");
    Ok(claim(
        &format!("not-shares-of-items-{}", biases.replace(", ", "-")),
        &format!("It is frequencies, not numbers of items, that responses mirror (bias {biases})."),
        measured,
        &format!(">= {least} on every tree"),
        holds,
    ))
}

/// An input bias alone may visit something that is not quite the OCS.
fn strongly_graded(runs: &RunFolder) -> Result<Claim> {
    let record = record_of(runs, "graded-input")?;
    let mut claim = claim(
        "strongly-graded",
        "With an input bias alone and frequencies 4, 3, 2, 1, 1, 1, 2, 2 the onset comes late: what is learned first is not quite the OCS.",
        log_ratios(&[record]),
        "none",
        true,
    );
    claim.verdict = Verdict::Reported;
    Ok(claim)
}
