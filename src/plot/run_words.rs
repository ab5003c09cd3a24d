//! What became of a condition's runs, in a line: verdict and how it depends on the threshold, and what did not end well.

use super::axes::rounded;
use super::curve::{Clock, median_phase};
use super::phases::{StretchPhase, phase_in_words, phases_of_stretches};
use crate::metrics::{Phase, PhaseVerdict};
use crate::record::{Record, Status};

/// The verdict on the phase, what other thresholds would say, and over how many runs; empty without runs that went
/// through, since a diverged one says nothing of a phase.
pub fn verdict_in_words(records: &[&Record]) -> String {
    let diverged = |record: &Record| matches!(record.status, Status::Diverged { .. });
    if records.is_empty() || records.iter().any(|record| diverged(record)) {
        return String::new();
    }
    let tally = |phases: &mut dyn Iterator<Item = &Phase>| {
        PhaseVerdict::tally(phases.map(|phase| phase.verdict))
    };
    if !records[0].stretches.is_empty() {
        return of_stretches(records);
    }
    let median = phase_in_words(&median_phase(records, Clock::Time));
    let numbers = median.split_once(": ").map_or(&*median, |(_, numbers)| numbers);
    let mut words =
        format!("{}: {numbers}", tally(&mut records.iter().map(|record| &record.phase)));
    for (index, at) in records[0].phase_sensitivity.iter().enumerate() {
        let others = records.iter().filter_map(|record| record.phase_sensitivity.get(index));
        let others = tally(&mut others.map(|at| &at.phase));
        words += &format!("; at {}: {others}", rounded(at.threshold));
    }
    format!("{words}; n = {}", records.len())
}

/// The verdict of each stretch of training.
fn of_stretches(records: &[&Record]) -> String {
    let in_words = |(index, StretchPhase { label, phase, .. }): (usize, StretchPhase)| {
        let phases = records.iter().filter_map(|record| record.stretches.get(index));
        let verdict = PhaseVerdict::tally(phases.map(|stretch| stretch.phase.verdict));
        let median = phase_in_words(&phase);
        let numbers = median.split_once(": ").map_or(&*median, |(_, numbers)| numbers);
        format!("{label}: {verdict}, {numbers}")
    };
    let words = phases_of_stretches(records).into_iter().enumerate().map(in_words);
    format!("{}; n = {}", words.collect::<Vec<_>>().join("; "), records.len())
}

/// Why the verdict is open, without the remedy; empty where it is not, or where the runs have different reasons.
pub fn why_undecided(records: &[&Record]) -> String {
    // Of several stretches each has a verdict of its own.
    let of_one = records.iter().filter(|record| record.stretches.is_empty());
    let open = of_one.filter(|record| record.phase.verdict == PhaseVerdict::Undecided);
    let mut reasons: Vec<&str> =
        open.map(|record| record.phase.why.split(": ").next().unwrap_or_default()).collect();
    reasons.dedup();
    match reasons[..] {
        [reason] => reason.to_owned(),
        _ => String::new(),
    }
}

/// Complete runs; where there are none, those that were observed after step 0, as far as they went. One run that diverged
/// at its first step must not hide those that did not.
pub fn shown<'a>(records: &[&'a Record]) -> Vec<&'a Record> {
    let of = |wanted: &dyn Fn(&Record) -> bool| -> Vec<&'a Record> {
        records.iter().copied().filter(|record| wanted(record)).collect()
    };
    let was_observed = |record: &Record| record.curves.time.iter().any(|time| *time > 0.0);
    let complete = of(&|record| record.status == Status::Complete && was_observed(record));
    if complete.is_empty() { of(&was_observed) } else { complete }
}

/// Runs that diverged or are not finished; empty if there are none.
pub fn state_in_words(records: &[&Record]) -> String {
    let mut diverged: Vec<u64> = Vec::new();
    let mut unfinished: Vec<(u64, u64)> = Vec::new();
    for record in records {
        match record.status {
            Status::Complete => {}
            Status::Diverged { step, .. } => diverged.push(step),
            Status::Running => {
                let at = record.curves.step.last().copied().unwrap_or(0);
                unfinished.push((at, record.config.total_steps()));
            }
        }
    }
    let some = |count: usize| match records.len() {
        1 => String::new(),
        all => format!("{count} of {all} "),
    };
    let mut words = Vec::new();
    if let (Some(first), Some(last)) = (diverged.iter().min(), diverged.iter().max()) {
        let at = if first == last { first.to_string() } else { format!("{first} to {last}") };
        words.push(format!("{}diverged at step {at}", some(diverged.len())));
    }
    if let Some((at, steps)) = unfinished.iter().min() {
        words.push(format!("{}not finished: step {at} of {steps}", some(unfinished.len())));
    }
    words.join("; ")
}

/// What curves of few moments do not tell, if there are such.
pub fn of_few_moments(records: &[&Record]) -> &'static str {
    match records.iter().any(|record| has_few_moments(record)) {
        true => {
            "Of runs with few observations lines join these; onset and end may be read between them."
        }
        false => "",
    }
}

/// So many points, and fewer, are no curve: each of them is shown.
pub const FEW_MOMENTS: usize = 10;

/// Whether a run was observed so rarely that its curves are lines between moments.
pub fn has_few_moments(record: &Record) -> bool {
    record.curves.time.iter().filter(|time| **time > 0.0).count() <= FEW_MOMENTS
}

/// Why nothing can be drawn.
pub fn why_empty(records: &[&Record]) -> String {
    match state_in_words(records) {
        words if words.is_empty() => "only step 0 was observed".to_owned(),
        words => words,
    }
}
