//! Does the first response mirror the label distribution? Items that come unequally often, on three trees: in the middle
//! of the phase the response to everything is each label's base rate, not its share of the items.

mod page;

use anyhow::{Result, ensure};

use super::Study;
use crate::claim::{ABSENT, Claim, PRESENT, at_least, at_most, claim};
use crate::config::{Bias, Config, resolve_conditions};
use crate::metrics::norm;
use crate::record::{Record, RunFolder};

/// The study.
pub static STUDY: Study = Study {
    stem: "ocs_frequencies",
    question: "Does the first response mirror the label distribution?",
    source: "Rubruck et al. 2024: early responses mirror the distribution of labels; Kang et al. 2024 (arXiv 2310.00873): reversion to the OCS",
    config: include_str!("../../../configs/ocs_frequencies.yaml"),
    optional_inputs: &[],
    theory_of_images: false,
    also_predict,
    claims,
    page: page::page,
};

/// Frequencies so unequal that an input bias alone visits something that is not quite the OCS.
const GRADED: [f64; 8] = [4.0, 3.0, 2.0, 1.0, 1.0, 1.0, 2.0, 2.0];

fn is_graded(config: &Config) -> bool {
    config.task.frequencies.as_deref() == Some(&GRADED)
}

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

/// Mean responses in the middle of a run's phase, `[label]`; `None` if onset or end is missing.
pub(super) fn in_the_middle(record: &Record) -> Option<Vec<f64>> {
    record.curves.mean_response_at(record.phase.middle()?)
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
    /// `uniform` are base rates with equal frequencies.
    fn of(record: &Record, uniform: &[f64]) -> Option<Middle> {
        let response = in_the_middle(record)?;
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

/// Runs with some biases on all trees, but for the graded frequencies.
fn of_biases<'a>(runs: &'a RunFolder, biases: &[Bias]) -> Result<Vec<&'a Record>> {
    let names: Vec<&str> = biases.iter().map(|bias| bias.name()).collect();
    runs.pick(format!("bias: {}", names.join(" or ")), |config| {
        biases.contains(&config.network.bias) && !is_graded(config)
    })
}

/// The middles of the phases of all trees' runs with some biases.
fn middles_of(runs: &RunFolder, biases: &[Bias]) -> Result<Vec<Option<Middle>>> {
    let middle = |record: &Record| {
        let tree = &record.config.task;
        let uniform = runs.pick_predicted("a run's tree with equal frequencies", |config| {
            config.task.frequencies.is_none()
                && (&config.task.tree, &config.task.branching) == (&tree.tree, &tree.branching)
        })?[0];
        ensure!(
            record.ocs.len() == uniform.ocs.len(),
            "records come from different trees: run `ocs reproduce ocs_frequencies` again"
        );
        Ok(Middle::of(record, &uniform.ocs))
    };
    of_biases(runs, biases)?.into_iter().map(middle).collect()
}

fn numbers(middles: &[Option<Middle>], of: fn(&Middle) -> f64) -> Vec<Option<f64>> {
    middles.iter().map(|middle| middle.as_ref().map(of)).collect()
}

fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    const AT_OUTPUT: [Bias; 2] = [Bias::Output, Bias::All];
    let with_biases = of_biases(runs, &[Bias::Input, Bias::Output, Bias::All])?;
    let (at_output, at_input) = (middles_of(runs, &AT_OUTPUT)?, middles_of(runs, &[Bias::Input])?);
    let not_shares = |biases: &str, middles: &[Option<Middle>], least: f64| {
        claim(format!("not-shares-of-items-{}", biases.replace(", ", "-")))
            .says(format!(
                "It is frequencies, not numbers of items, that responses mirror (bias {biases})."
            ))
            .values(
                "distance to base rates of equal frequencies / distance to base rates",
                numbers(middles, |middle| middle.times_farther),
            )
            .each(at_least(least), "on every tree")
    };
    Ok(vec![
        claim("no-phase-without-biases")
            .says("Unequal frequencies and uneven trees bring no OCS phase by themselves.")
            .control()
            .of(&of_biases(runs, &[Bias::None])?)
            .at_other_thresholds()
            .every(ABSENT, "{}, on every tree without biases"),
        claim("phase-with-biases")
            .says("With a bias in any layer the network passes through the OCS on every tree.")
            .of(&with_biases)
            .at_other_thresholds()
            .every(PRESENT, "on every tree with bias input, output and all"),
        claim("base-rates-are-mirrored")
            .says("With an output bias, every label's response in the middle of the phase is its base rate.")
            .values(
                "largest |mean response - base rate|",
                numbers(&at_output, |middle| middle.largest),
            )
            .each(at_most(0.01), "on every tree, with bias output and all"),
        not_shares("output, all", &at_output, 10.0),
        claim("nearly-with-input-bias")
            .says("With an input bias alone, responses in the middle of the phase point along the base rates.")
            .values(
                "cosine of mean responses and base rates",
                numbers(&at_input, |middle| middle.cosine),
            )
            .each(at_least(0.99), "on every tree"),
        not_shares("input", &at_input, 3.0),
        claim("strongly-graded")
            .says("With an input bias alone and frequencies 4, 3, 2, 1, 1, 1, 2, 2 the onset comes late: what is learned first is not quite the OCS.")
            .of(&[runs.pick_one("graded frequencies", is_graded)?])
            .reported(),
    ])
}
