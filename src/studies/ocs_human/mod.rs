//! Do people visit the OCS before they tell items apart, as networks with biases do? No human data are shipped: participants are
//! simulated, by learners and by networks, and judged as people are; controls must not be taken for visitors.

mod groups;
mod page;

use anyhow::Result;

use super::Study;
use crate::claim::{ABSENT, Claim, PRESENT, at_least, at_most, below, claim};
use crate::config::Bias;
use crate::human::SIGNIFICANT;
use crate::record::{Record, RunFolder};

use groups::{Experiment, Group, PARTICIPANTS, networks, visit};

/// The study.
pub static STUDY: Study = Study {
    stem: "ocs_human",
    question: "Do people visit the OCS first, as networks with biases do? Simulated participants: no human data are shipped",
    source: "Rubruck, Bauer, Saxe, Summerfield 2024 (arXiv 2406.17467): human learners' true negative rates over three days, here of simulated participants; estimates and tests of few noisy marks, with controls",
    config: include_str!("../../../configs/ocs_human.yaml"),
    optional_inputs: &[],
    theory_of_images: false,
    also_predict: super::nothing_more,
    claims,
    page: page::page,
};

/// Who the participants of a claim are, and what is not to be found in them where they are controls.
const CLAIMED: [(Group, &str, &str); 6] = [
    (
        Group::Ideal,
        "ideal-learner-visits-the-ocs-first",
        "Simulated participants who learn the label frequencies first are found to visit the OCS first.",
    ),
    (
        Group::Biases,
        "networks-with-biases-visit-the-ocs-first",
        "Simulated participants who answer as networks with biases do are found to visit the OCS first.",
    ),
    (
        Group::NoBiases,
        "networks-without-biases-do-not",
        "Simulated participants who answer as networks without biases do are not.",
    ),
    (
        Group::NoPhase,
        "learning-items-as-wholes-is-no-visit",
        "Simulated participants who learn each item as a whole, at its own time, are not.",
    ),
    (Group::Random, "chance-is-no-visit", "Simulated participants who answer at chance are not."),
    (
        Group::Shuffled,
        "shuffled-trials-show-no-visit",
        "The ideal learner's trials in random order show none.",
    ),
];

fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    let (with, without) = (networks(runs, Bias::All)?, networks(runs, Bias::None)?);
    let experiment = Experiment::of(runs)?;
    let mut claims = Vec::new();
    for (group, id, sentence) in CLAIMED {
        claims.push(of_group(&experiment, group, id, sentence)?);
    }
    claims.extend([
        claim("phase-with-biases")
            .says("The networks with biases that simulated participants answer as have an OCS phase.")
            .of(&with)
            .at_other_thresholds()
            .every(PRESENT, "in every run"),
        claim("no-phase-without-biases")
            .says("Those without biases have none.")
            .control()
            .of(&without)
            .at_other_thresholds()
            .every(ABSENT, "{}, in every run"),
        claim("end-is-recovered")
            .says("Few noisy marks of simulated participants tell when the networks' input dependence crosses its threshold.")
            .values(
                "relative error of the group's end",
                [
                    error_of_end(&experiment, Group::Biases, &with)?,
                    error_of_end(&experiment, Group::NoBiases, &without)?,
                ],
            )
            .each(at_most(0.1), "with biases and without"),
    ]);
    Ok(claims)
}

/// A visit is told by all parts of the claim; a control has no dip that is deep, by its interval, and not for want of data.
fn of_group(experiment: &Experiment, group: Group, id: &str, sentence: &str) -> Result<Claim> {
    let analysis = experiment.analysis(group)?;
    let p = visit(&analysis).and_then(|test| test.p);
    let draft = claim(id).says(sentence);
    if group.visits() {
        let words = format!("{{}}, of one study of {PARTICIPANTS} participants");
        return Ok(draft.values("p of a visit", [p]).each(below(SIGNIFICANT), &words));
    }
    let deep = experiment.taught.deep_dip().unwrap_or(f64::NAN);
    let is_told = p.is_some_and(|p| at_least(SIGNIFICANT).admits(p));
    let words = format!(
        "{{}}, a fifth of the way to the OCS, and p of a visit {}, of one study of {PARTICIPANTS} participants",
        at_least(SIGNIFICANT)
    );
    Ok(draft
        .control()
        .values("upper end of the mean dip's 95 % interval", [analysis.group.dip.high])
        .also(is_told)
        .each(below(deep), &words))
}

/// How far the end that a group's marks tell is from that of the networks, at the trials that their steps are spread over.
fn error_of_end(experiment: &Experiment, group: Group, runs: &[&Record]) -> Result<Option<f64>> {
    let found = experiment.analysis(group)?.group.phase.end.value;
    let last = experiment.trials().saturating_sub(1) as f64;
    let own = |run: &&Record| Some(run.phase.end? / run.curves.time.last()? * last + 0.5);
    let ends: Option<Vec<f64>> = runs.iter().map(own).collect();
    let mean = ends.map(|ends| ends.iter().sum::<f64>() / ends.len() as f64);
    Ok(found.zip(mean).map(|(found, own)| (found / own - 1.0).abs()))
}
