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
        let centring = condition
            .strip_suffix("-none-centred")
            .filter(|network| network.ends_with("batch"))
            .map(|network| format!("{network}-centring"));
        let case = breaks(condition.clone(), move |runs| {
            another(runs, &condition, |run| onset_at(share)(&mut run.phase));
        });
        // The other run has none beside it on raw images.
        cases.push(Case { with: centring.into_iter().collect(), ..case });
    }
    for network in ["vgg", "resnet"] {
        cases.push(breaks(format!("{network}-batch-centring"), move |runs| {
            let raw = run(runs, &format!("{network}-batch-none-raw")).phase.onset.unwrap();
            let centred = &mut run(runs, &format!("{network}-batch-none-centred")).phase;
            let factor = 1.51 * raw / centred.onset.unwrap();
            scale_onset(centred, factor);
        }));
        cases.push(breaks(format!("{network}-plain-centring"), move |runs| {
            let centred = format!("{network}-plain-none-centred");
            scale_onset(&mut run(runs, &centred).phase, 1.1);
        }));
    }
    cases.push(breaks("shortcuts-are-earlier", |runs| {
        scale_onset(&mut run(runs, "unresidual-plain-none-raw").phase, 1.1);
    }));
    cases
}
