use ocs::metrics::Phase;
use ocs::record::{Record, RunFolder, TheoryRecord};

/// The first run of a condition.
pub fn run<'a>(runs: &'a mut RunFolder, condition: &str) -> &'a mut Record {
    let found = runs.records.iter_mut().find(|run| run.condition == condition);
    found.unwrap_or_else(|| panic!("no run of {condition}"))
}

/// A condition's theory.
pub fn theory<'a>(runs: &'a mut RunFolder, condition: &str) -> &'a mut TheoryRecord {
    let found = runs.theories.iter_mut().find(|theory| theory.condition == condition);
    found.unwrap_or_else(|| panic!("no theory of {condition}"))
}

/// The phases of a condition's first run and of its theory, so that the one still follows the other.
pub fn both(runs: &mut RunFolder, condition: &str, change: impl Fn(&mut Phase)) {
    change(&mut run(runs, condition).phase);
    change(&mut theory(runs, condition).phase);
}

/// An onset this share of the end: hardly a phase at 0.99, hardly none at 1.01.
pub fn onset_at(share: f64) -> impl Fn(&mut Phase) {
    move |phase| *phase = Phase::between(phase.end.map(|end| share * end), phase.end)
}

/// A phase of this length, with the same end.
pub fn of_length(phase: &mut Phase, length: f64) {
    *phase = Phase::between(phase.end.map(|end| end * (-length).exp()), phase.end);
}

/// A phase that is longer by so much.
pub fn longer(by: f64) -> impl Fn(&mut Phase) {
    move |phase| of_length(phase, phase.log_ratio.unwrap() + by)
}

pub fn scale_onset(phase: &mut Phase, factor: f64) {
    *phase = Phase::between(phase.onset.map(|onset| factor * onset), phase.end);
}

pub fn scale_end(phase: &mut Phase, factor: f64) {
    *phase = Phase::between(phase.onset, phase.end.map(|end| factor * end));
}

/// Another run of a condition, with a seed of its own, which alone is changed: a claim on every run is to see it.
pub fn another(runs: &mut RunFolder, condition: &str, change: impl Fn(&mut Record)) {
    let mut other = run(runs, condition).clone();
    other.seed += 100;
    other.config.seeds = vec![other.seed];
    change(&mut other);
    runs.records.push(other);
}
