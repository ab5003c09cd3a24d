//! With cross-entropy? A network that answers 1/2 to everything stands at the top level's base rate already: the top
//! level's true negative rate cannot dip, and the OCS shows in the logits 0, -ln 3, -ln 7 of the three levels. Under softmax
//! it answers the OCS of balanced classes already; of unequal ones the first answer is the log prior.

mod page;
mod softmax;

use anyhow::Result;

use super::Study;
use crate::claim::{ABSENT, Claim, PRESENT, at_least, at_most, claim, within};
use crate::config::{Bias, Config, Loss};
use crate::record::{Record, RunFolder};

/// The study.
pub static STUDY: Study = Study {
    stem: "ocs_loss",
    question: "With cross-entropy?",
    source: "Rubruck et al. 2024, whose networks of people and images learn under cross-entropy too",
    config: include_str!("../../../configs/ocs_loss.yaml"),
    optional_inputs: &[],
    theory_of_images: false,
    also_predict: super::nothing_more,
    claims,
    page: page::page,
};

/// Strength of a start so small that logits settle before contrasts are learned, with an output bias.
const TINY: f64 = 1e-16;

/// Whether logits settle before contrasts are learned.
fn settles(config: &Config) -> bool {
    match config.network.bias {
        Bias::Input | Bias::Output if !is_binary(config) => false,
        Bias::Input => true,
        Bias::Output => config.network.initialisation.aligned_strength() == Some(TINY),
        Bias::None | Bias::All => false,
    }
}

fn logit(probability: f64) -> f64 {
    (probability / (1.0 - probability)).ln()
}

/// Whether labels are learned each by itself.
fn is_binary(config: &Config) -> bool {
    config.training.loss != Loss::SoftmaxCrossEntropy
}

/// Observation at which the largest distance of a logit from the OCS's, over items and labels, is smallest; and that
/// distance.
fn nearest_logits(record: &Record) -> Option<(usize, f64)> {
    nearest(record, logit)
}

/// The same of responses themselves.
fn nearest_to_frequencies(record: &Record) -> Option<(usize, f64)> {
    nearest(record, |response| response)
}

fn nearest(record: &Record, of: fn(f64) -> f64) -> Option<(usize, f64)> {
    let items = record.curves.item_responses.as_ref()?;
    let farthest = |moment: usize| -> Option<f64> {
        let mut largest = 0.0_f64;
        for item in items {
            for (curve, &rate) in item.iter().zip(&record.ocs) {
                largest = largest.max((of(*curve.get(moment)?) - of(rate)).abs());
            }
        }
        Some(largest)
    };
    (0..record.curves.time.len())
        .filter_map(|moment| Some((moment, farthest(moment)?)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
}

fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    let has_bias = |config: &Config| config.network.bias != Bias::None;
    let without = runs.pick("bias: none", |config| is_binary(config) && !has_bias(config))?;
    let with = runs.pick("a bias", |config| is_binary(config) && has_bias(config))?;
    let all = runs.pick("binary cross-entropy", is_binary)?;
    let first = all.iter().flat_map(|run| &run.curves.true_negative_rate);
    let first = first.map(|level| level.first().copied().flatten());
    let mut claims = vec![
        claim("rates-start-at-one-half")
            .says("Under cross-entropy true negative rates start at 1/2 on every level.")
            .values("TNR at step 0", first)
            .each(within(0.01, 0.5), "on every level of every run"),
        claim("top-level-never-dips")
            .says("Under cross-entropy the top level's true negative rate never dips.")
            .control()
            .of(&all)
            .measures("smallest TNR of level 1", |run| {
                run.curves.smallest_top_level_true_negative_rate()
            })
            .each(at_least(0.49), "in every run"),
        claim("no-phase-without-biases")
            .says("Without biases there is no OCS phase from a0 = 1e-8.")
            .control()
            .of(&without)
            .at_other_thresholds()
            .every(ABSENT, "{}"),
        claim("phase-with-biases")
            .says("With a bias in any layer the network passes through the OCS under cross-entropy too.")
            .of(&with)
            .at_other_thresholds()
            .every(PRESENT, "with bias input, output and all"),
    ];
    claims.extend(at_the_ocs(runs)?);
    claims.push(responses_are_theorys(runs)?);
    claims.extend(softmax::claims(runs)?);
    Ok(claims)
}

/// What logits and rates are where logits come nearest to the OCS.
fn at_the_ocs(runs: &RunFolder) -> Result<[Claim; 2]> {
    let settled = [
        runs.pick("bias: input", |c| settles(c) && c.network.bias == Bias::Input)?,
        runs.pick(format!("bias: output and a0 = {TINY:e}"), |c| {
            settles(c) && c.network.bias == Bias::Output
        })?,
    ]
    .concat();
    let errors = settled.iter().flat_map(|run| {
        let moment = nearest_logits(run).map(|(moment, _)| moment);
        let levels = run.curves.true_negative_rate.iter().zip([0.5, 0.75, 0.875]);
        levels.map(move |(level, expected)| {
            level.get(moment?).copied().flatten().map(|rate: f64| (rate - expected).abs())
        })
    });
    Ok([
        claim("logits-of-the-ocs")
            .says("Within the phase every logit of every item is 0, -ln 3 or -ln 7, by the label's level.")
            .of(&settled)
            .measures("largest |logit - that of the OCS|, where it is smallest", |run| {
                Some(nearest_logits(run)?.1)
            })
            .each(
                at_most(0.01),
                &format!("with an input bias, and with an output bias and weights from a0 = {TINY:e}"),
            ),
        claim("lower-levels-rise")
            .says("At the OCS true negative rates are 1/2, 3/4 and 7/8: the lower levels' have risen.")
            .values("|TNR - that of the OCS|, over levels", errors)
            .each(at_most(0.01), "on every level"),
    ])
}

/// Euler's steps delay growth by `t s eta / 2`, some 9 eta for the latest end, and responses rise by at most 0.15 per unit
/// of time.
fn responses_are_theorys(runs: &RunFolder) -> Result<Claim> {
    Ok(claim("responses-are-theorys")
        .says("Every response follows the integrated flow, to the order of the step size eta.")
        .values(APART, apart_over_eta(runs, "binary cross-entropy", is_binary)?)
        .each(
            at_most(2.0),
            "{}: the latest growth is delayed by 9 eta, while responses rise by 0.15 per unit of time",
        ))
}

/// What `apart_over_eta` measures.
const APART: &str = "largest |response - theory| / eta";

/// How far the responses of each run that fits come to lie from theory's, over the step size; fails if a run, or its theory, is
/// missing.
fn apart_over_eta(
    runs: &RunFolder,
    wanted: &str,
    fits: fn(&Config) -> bool,
) -> Result<Vec<Option<f64>>> {
    let of_run = |run: &Record| {
        let apart = run.curves.responses_apart(&runs.theory_along(run)?.curves);
        Ok(apart.map(|apart| apart / run.config.training.learning_rate))
    };
    runs.pick(wanted, fits)?.into_iter().map(of_run).collect()
}
