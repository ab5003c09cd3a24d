//! Do linear networks with biases visit the OCS first? One-hot inputs on the paper's tree, theory over every curve.

mod page;

use anyhow::Result;

use super::Study;
use crate::claim::{
    ABSENT, Claim, PRESENT, at_least, at_most, below, claim, crossing_errors, within,
};
use crate::config::{Bias, Config};
use crate::record::{Record, RunFolder};

/// The study.
pub static STUDY: Study = Study {
    stem: "ocs_linear",
    question: "Do linear networks with biases visit the OCS first?",
    source: "Rubruck, Bauer, Saxe, Summerfield 2024 (arXiv 2406.17467): linear networks on the 2-2-2 tree, with biases and without; theory extended to every bias option",
    config: include_str!("../../../configs/ocs_linear.yaml"),
    optional_inputs: &[],
    theory_of_images: false,
    also_predict: super::nothing_more,
    claims,
    page: page::page,
};

const BIASES: [Bias; 4] = [Bias::None, Bias::Input, Bias::Output, Bias::All];

fn is_aligned(config: &Config) -> bool {
    config.network.initialisation.aligned_strength().is_some()
}

/// Runs of one bias option from theory's own start.
fn aligned(runs: &RunFolder, bias: Bias) -> Result<Vec<&Record>> {
    runs.pick(format!("bias: {} and an aligned start", bias.name()), |config| {
        config.network.bias == bias && is_aligned(config)
    })
}

/// Runs of one bias option from small random weights.
fn random(runs: &RunFolder, bias: Bias) -> Result<Vec<&Record>> {
    runs.pick(format!("bias: {} and a random start", bias.name()), |config| {
        config.network.bias == bias && !is_aligned(config)
    })
}

fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    const SMALLEST: &str = "smallest TNR of level 1";
    let smallest = |run: &Record| run.curves.smallest_top_level_true_negative_rate();
    let without = [aligned(runs, Bias::None)?, random(runs, Bias::None)?].concat();
    let mut claims = vec![
        claim("no-phase-without-biases")
            .says("Without biases a linear network on one-hot inputs has no OCS phase.")
            .control()
            .of(&without)
            .at_other_thresholds()
            .every(ABSENT, "{}, in every run"),
        claim("no-dip-without-biases")
            .says("Without biases the top level's true negative rate stays high.")
            .control()
            .of(&without)
            .measures(SMALLEST, smallest)
            .each(at_least(0.93), "smallest TNR of level 1 {} in every run"),
    ];
    for bias in &BIASES[1..] {
        let name = bias.name();
        let with = [aligned(runs, *bias)?, random(runs, *bias)?].concat();
        claims.push(
            claim(format!("phase-with-bias-{name}"))
                .says(format!(
                    "With bias: {name} the network passes through the OCS before it learns differences."
                ))
                .of(&with)
                .at_other_thresholds()
                .every(PRESENT, "in every run, aligned and random"),
        );
        claims.push(
            claim(format!("dip-with-bias-{name}"))
                .says(format!(
                    "With bias: {name} the top level's true negative rate dips to that of the OCS, 0.5."
                ))
                .of(&with)
                .measures(SMALLEST, smallest)
                .each(within(0.05, 0.5), "smallest TNR of level 1 {} in every run"),
        );
    }
    claims.extend(theory_is_followed(runs)?);
    Ok(claims)
}

fn theory_is_followed(runs: &RunFolder) -> Result<[Claim; 4]> {
    const ERRORS: &str = "relative error of onset and end";
    let (mut deviations, mut ends, mut errors, mut random_errors) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for bias in BIASES {
        for run in aligned(runs, bias)? {
            let theory = runs.theory_along(run)?;
            deviations.push(run.curves.responses_apart(&theory.curves));
            ends.push(run.phase.end);
            errors.extend(crossing_errors(&run.phase, &theory.phase));
        }
        // Without biases a random start's onset hangs on which contrast is first.
        for run in if bias == Bias::None { Vec::new() } else { random(runs, bias)? } {
            let theory = runs.theory_beside(run)?;
            random_errors.extend(crossing_errors(&run.phase, &theory.phase));
        }
    }
    let known: Option<Vec<f64>> = ends.iter().copied().collect();
    let ratio = known.map(|ends| {
        let (low, high) = (
            ends.iter().copied().min_by(f64::total_cmp),
            ends.iter().copied().max_by(f64::total_cmp),
        );
        high.zip(low).map_or(f64::NAN, |(high, low)| high / low)
    });
    let same = at_most(1.001);
    Ok([
        claim("responses-are-theorys")
            .says("From the aligned start every response follows the closed form.")
            .values("largest |yhat - theory|", deviations)
            .each(
                below(0.01),
                "in every run: the distance of gradient descent from its flow at this learning rate",
            ),
        claim("crossings-are-theorys")
            .says("From the aligned start onset and end come when theory says.")
            .values(ERRORS, errors)
            .each(
                at_most(0.005),
                "each; a step's own shift of a bias's onset, half of eta, is 0.001 of it",
            ),
        claim("random-crossings-are-theorys")
            .says("From small random starts onset and end come near the times that the mean effective strength gives.")
            .values(ERRORS, random_errors)
            .each(at_most(0.05), "for every onset and end of every seed"),
        claim("end-is-the-same")
            .says("Biases move the onset alone: from the aligned start differences are learned at the same time under every option.")
            .values("end of the phase", ends)
            .holds_if(
                same.admits_each(&[ratio]),
                format!("largest / smallest end {same}"),
            ),
    ])
}
