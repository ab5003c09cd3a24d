//! Softmax with unequal classes: the first answer is the prior, if an output bias is there to give it.

use anyhow::Result;

use super::{APART, apart_over_eta, nearest_to_frequencies};
use crate::claim::{ABSENT, Claim, PRESENT, at_most, claim, within_percent};
use crate::config::{Bias, Config, Loss};
use crate::metrics::norm;
use crate::record::{Record, RunFolder};
use crate::theory::{ConstantLogits, FirstDrive};

/// Runs under softmax whose classes come unequally often, with some biases.
fn unequal<'a>(runs: &'a RunFolder, biases: &[Bias]) -> Result<Vec<&'a Record>> {
    let names: Vec<&str> = biases.iter().map(|bias| bias.name()).collect();
    runs.pick(format!("softmax, unequal frequencies and bias: {}", names.join(" or ")), |config| {
        is_unequal(config) && biases.contains(&config.network.bias)
    })
}

/// Whether a config asks for softmax.
pub fn is_softmax(config: &Config) -> bool {
    config.training.loss == Loss::SoftmaxCrossEntropy
}

/// Whether classes under softmax come unequally often.
pub fn is_unequal(config: &Config) -> bool {
    is_softmax(config) && config.task.frequencies.is_some()
}

/// The claims on softmax.
pub fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    let at_output = unequal(runs, &[Bias::Output, Bias::All])?;
    Ok(vec![
        claim("softmax-first-answers-the-prior")
            .says("Under softmax with unequal classes the first answer to every item is the prior: the frequency of each label on its level.")
            .of(&at_output)
            .measures("largest |response - frequency|, where it is smallest", |run| {
                Some(nearest_to_frequencies(run)?.1)
            })
            .each(at_most(0.015), "with an output bias, smoothed labels too"),
        claim("softmax-phase-with-an-output-bias")
            .says("With an output bias there is a phase at the log prior.")
            .of(&at_output)
            .at_other_thresholds()
            .every(PRESENT, "with bias output and all, and with smoothed labels"),
        claim("softmax-onset-is-the-biases-own")
            .says("Its onset is that of db/dt = ybar - softmax(b), the flow of biases alone, to the order of the step size eta.")
            .of(&at_output)
            .measures("relative error of the onset / eta", onset_error)
            .each(at_most(0.25), "in every run"),
        claim("softmax-no-phase-without-biases")
            .says("Without biases unequal classes bring no phase: the most frequent item is learned by itself.")
            .control()
            .of(&unequal(runs, &[Bias::None])?)
            .at_other_thresholds()
            .every(ABSENT, "{}"),
        claim("softmax-no-phase-with-an-input-bias")
            .says("With an input bias alone the constant is learned together with the most frequent item: M comes near the prior, not to it.")
            .control()
            .of(&unequal(runs, &[Bias::Input])?)
            .at_other_thresholds()
            .every(ABSENT, "{}"),
        claim("softmax-grows-along-the-first-drive")
            .says("Both grow at the rate of the first singular value of what inputs tell of Y - 1/n.")
            .of(&unequal(runs, &[Bias::None, Bias::Input])?)
            .measures("rate of growth / rate of the first mode", growth_over_drive)
            .each(within_percent(2.0, 1.0), "without biases and with an input bias"),
        balanced(runs)?,
        responses_are_theorys(runs)?,
    ])
}

/// Relative error of a run's onset against that of biases alone, over eta.
fn onset_error(run: &Record) -> Option<f64> {
    let Config { training, phase_threshold, .. } = &run.config;
    let expected =
        ConstantLogits::new(&run.ocs, &run.levels, training.loss).onset(*phase_threshold)?;
    Some((run.phase.onset? / expected - 1.0).abs() / training.learning_rate)
}

/// Shares of `V_target` between which `V` is that of a growing mode: far above the start's, far below the end's.
const GROWING: (f64, f64) = (1e-10, 1e-4);

/// Slope of `ln V` over that of a product of two layers in steps of eta, of which V is the square: `4 ln(1 + eta s) / eta`.
fn growth_over_drive(run: &Record) -> Option<f64> {
    let eta = run.config.training.learning_rate;
    let s = *FirstDrive::new(&run.config).ok()?.singular_values.first()?;
    let moments = run.curves.time.iter().zip(&run.curves.input_dependence);
    let growing: Vec<(f64, f64)> = moments
        .map(|(time, dependence)| (*time, dependence / run.target_variance))
        .filter(|(_, share)| (GROWING.0..GROWING.1).contains(share))
        .collect();
    let ((t0, v0), (t1, v1)) = (growing.first()?, growing.last()?);
    let slope = (v1 / v0).ln() / (t1 - t0);
    Some(slope / (4.0 * (eta * s).ln_1p() / eta))
}

/// Largest that is taken for nothing.
const NOTHING: f64 = 1e-9;

/// Balanced classes, whose prior small weights answer already.
fn balanced(runs: &RunFolder) -> Result<Claim> {
    let balanced = runs.pick("softmax and equal frequencies", |config| {
        is_softmax(config) && config.task.frequencies.is_none()
    })?;
    let moves = balanced.iter().flat_map(|run| run.curves.bias_norms.iter().flatten().flatten());
    let largest_bias = moves.copied().fold(0.0, f64::max);
    let learned = balanced.iter().all(|run| {
        run.curves.input_dependence.last().is_some_and(|last| *last >= 0.9 * run.target_variance)
    });
    Ok(claim("softmax-balanced-classes-have-nothing-to-learn")
        .says("Balanced classes have no constant to learn: responses are at the OCS from the first step on, and biases stay at zero.")
        .control()
        .of(&balanced)
        .measures("largest M / ||ybar||", |run| {
            let largest = run.curves.mean_output_error.iter().copied().max_by(f64::total_cmp)?;
            Some(largest / norm(&run.ocs))
        })
        .also(largest_bias <= NOTHING)
        .also(learned)
        .each(at_most(NOTHING), "with biases as small, while V comes to 0.9 of that of the targets"))
}

/// Each mode grows for `s t = ln(1 / a0) / 2` and more, which steps delay by half of that in eta, some 10; responses rise by up to
/// 0.3 per unit of time.
fn responses_are_theorys(runs: &RunFolder) -> Result<Claim> {
    Ok(claim("softmax-responses-are-theorys")
        .says("Every response under softmax follows the integrated flow, to the order of the step size eta.")
        .values(APART, apart_over_eta(runs, "softmax", is_softmax)?)
        .each(
            at_most(4.0),
            "{}: growth is delayed by some 10 eta, while responses rise by up to 0.3 per unit of time",
        ))
}
