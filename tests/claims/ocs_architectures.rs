use ocs::record::RunFolder;

use super::spoil::{another, onset_at, run, scale_onset};
use super::{Case, breaks};

/// Conditions that are predicted to pass through the phase, and one that is not to.
const CONTROL: &str = "tanh-batch-none-raw";

fn existence() -> Vec<String> {
    let mut conditions = Vec::new();
    for network in ["vgg-plain", "vgg-batch", "resnet-plain", "resnet-batch"] {
        for rest in ["all-raw", "all-centred", "none-raw", "none-centred"] {
            conditions.push(format!("{network}-{rest}"));
        }
    }
    conditions.extend(["tanh-plain-none-raw", CONTROL, "tanh-batch-shifts-raw"].map(str::to_owned));
    conditions
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for condition in existence() {
        let share = if condition == CONTROL { 0.99 } else { 1.01 };
        cases.push(breaks(condition.clone(), move |runs| {
            another(runs, &condition, |run| onset_at(share)(&mut run.phase));
        }));
    }
    cases
}
