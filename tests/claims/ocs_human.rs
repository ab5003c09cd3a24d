use ocs::config::HumanConfig;
use ocs::metrics::Phase;
use ocs::record::RunFolder;

use super::spoil::{onset_at, run, scale_end};
use super::{Case, breaks};

const IDEAL: &str = "ideal-learner-visits-the-ocs-first";
const BIASES: &str = "networks-with-biases-visit-the-ocs-first";
const CONTROLS: [&str; 4] = [
    "networks-without-biases-do-not",
    "learning-items-as-wholes-is-no-visit",
    "chance-is-no-visit",
    "shuffled-trials-show-no-visit",
];
const END: &str = "end-is-recovered";

/// Another experiment with the same learners.
fn experiment(days: usize, blocks: usize, trials: usize) -> impl Fn(&mut RunFolder) {
    move |runs| {
        let human = HumanConfig { days, blocks, trials: Some(trials), ..HumanConfig::default() };
        for record in &mut runs.records {
            record.config.human = Some(human.clone());
        }
    }
}

/// The networks of a condition answer as those of another do.
fn answer_as(condition: &'static str, other: &'static str) -> impl Fn(&mut RunFolder) {
    move |runs| {
        let responses = run(runs, other).curves.item_responses.clone();
        for record in runs.records.iter_mut().filter(|record| record.condition == condition) {
            record.curves.item_responses.clone_from(&responses);
        }
    }
}

/// Changes the phase of every network of a condition.
fn all_phases(condition: &'static str, change: impl Fn(&mut Phase)) -> impl Fn(&mut RunFolder) {
    move |runs| {
        let of_condition = runs.records.iter_mut().filter(|record| record.condition == condition);
        of_condition.for_each(|record| change(&mut record.phase));
    }
}

pub fn cases() -> Vec<Case> {
    let [no_biases, wholes, chance, shuffled] = CONTROLS;
    // Two blocks have no dip between them: nothing is told of anybody, which is no word for a control either.
    let nothing = |control: &str| {
        let others: Vec<&str> =
            [IDEAL, BIASES, END].into_iter().chain(CONTROLS).filter(|id| *id != control).collect();
        breaks(control, experiment(1, 2, 8)).with(&others)
    };
    vec![
        // The OCS is reached within the first block.
        breaks(IDEAL, experiment(1, 6, 40)).with(&[BIASES]),
        breaks(BIASES, answer_as("biases", "no-biases")),
        breaks(no_biases, answer_as("no-biases", "biases")),
        nothing(wholes),
        nothing(shuffled),
        // Blocks of eight trials tell no V: of nobody can be decided whether he visits the OCS.
        breaks(chance, experiment(1, 8, 8))
            .with(&[IDEAL, BIASES, END, no_biases, wholes, shuffled]),
        breaks("phase-with-biases", |runs| onset_at(1.01)(&mut run(runs, "biases").phase)),
        breaks("no-phase-without-biases", |runs| onset_at(0.99)(&mut run(runs, "no-biases").phase)),
        breaks(END, all_phases("biases", |phase| scale_end(phase, 0.89))),
        breaks(END, all_phases("no-biases", |phase| scale_end(phase, 0.89))),
    ]
}
