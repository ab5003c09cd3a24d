//! Does depth remove the phase? Networks of 2 to 5 layers under each bias option.

mod page;

use anyhow::Result;

use super::Study;
use crate::claim::{Claim, Order, PRESENT, at_most, claim, crossing_errors, is_absent};
use crate::config::Bias;
use crate::record::{Record, RunFolder};

/// The study.
pub static STUDY: Study = Study {
    stem: "ocs_depth",
    question: "Does depth remove the phase?",
    source: "own, from Saxe et al. 2014's modes in deep networks",
    config: include_str!("../../../configs/ocs_depth.yaml"),
    optional_inputs: &[],
    theory_of_images: false,
    also_predict: super::nothing_more,
    claims,
    page: page::page,
};

/// Numbers of layers.
const DEPTHS: std::ops::RangeInclusive<usize> = 2..=5;

/// Without biases the onset is observed too, later, at every depth.
const COMES_LATE: Order =
    Order { words: "end before onset", test: |phase| is_absent(phase) && phase.onset.is_some() };

/// Runs of one bias option, the shallowest first.
fn of_bias(runs: &RunFolder, bias: Bias) -> Result<Vec<&Record>> {
    let of_depth = |depth| {
        runs.pick_one(format!("{depth} layers and bias: {}", bias.name()), |config| {
            config.network.bias == bias && config.network.n_layers() == depth
        })
    };
    DEPTHS.map(of_depth).collect()
}

fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    const LENGTHS: &str = "ln(end/onset), depths 2 to 5";
    let mut claims = vec![
        claim("no-phase-at-any-depth-without-biases")
            .says("Without biases there is no OCS phase at any depth.")
            .control()
            .of(&of_bias(runs, Bias::None)?)
            .measures(LENGTHS, |run| run.phase.log_ratio)
            .at_other_thresholds()
            .every(COMES_LATE, "at every depth"),
    ];
    let mut errors = Vec::new();
    for bias in [Bias::Input, Bias::Output, Bias::All] {
        let name = bias.name();
        claims.push(
            claim(format!("phase-at-every-depth-with-bias-{name}"))
                .says(format!("With bias: {name} there is an OCS phase at every depth."))
                .of(&of_bias(runs, bias)?)
                .measures(LENGTHS, |run| run.phase.log_ratio)
                .at_other_thresholds()
                .every(PRESENT, "at every depth"),
        );
    }
    for run in &runs.records {
        errors.extend(crossing_errors(&run.phase, &runs.theory_beside(run)?.phase));
    }
    claims.push(
        claim("crossings-are-theorys")
            .says(
                "Onset and end come when theory says, at every depth and under every bias option.",
            )
            .values("relative error of onset and end", errors)
            .each(at_most(0.01), "each"),
    );
    Ok(claims)
}
