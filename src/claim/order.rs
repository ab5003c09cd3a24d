//! What can be asked of a phase: whether it is there, and whether that hangs on its threshold.

use crate::metrics::{Phase, PhaseVerdict};
use crate::record::Record;

/// An order of onset and end, in words and as a test.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// As criteria say it.
    pub words: &'static str,
    /// Whether a phase is in this order. Of one that is undecided it must say no.
    pub test: fn(&Phase) -> bool,
}

/// The phase is there.
pub const PRESENT: Order = Order { words: "onset < end", test: exists };
/// It is known to be absent.
pub const ABSENT: Order =
    Order { words: "an end after time 0, and no onset before it", test: is_absent };
/// The same where steps are told, as of networks on images.
pub const ABSENT_IN_STEPS: Order =
    Order { words: "an end after step 0, and no onset before it", test: is_absent };

/// Whether differences were learned, and later than at the start. Without an end the network has learned none; an end at
/// time 0 means that it did not start small. Either way "phase" and "no phase" would say nothing.
fn learned(phase: &Phase) -> bool {
    phase.end.is_some_and(|end| end > 0.0)
}

/// Whether the phase is there: an onset before an end.
pub fn exists(phase: &Phase) -> bool {
    phase.verdict == PhaseVerdict::Phase && learned(phase)
}

/// Whether the phase is known to be absent: differences were learned, and no onset came before.
pub fn is_absent(phase: &Phase) -> bool {
    phase.verdict == PhaseVerdict::NoPhase && learned(phase)
}

/// Whether two verdicts are known and the same.
pub fn agree(one: &Phase, other: &Phase) -> bool {
    one.exists.is_some() && one.exists == other.exists
}

/// Relative errors of onset and end against expected ones; `None` where one of the two is missing.
pub fn crossing_errors(found: &Phase, expected: &Phase) -> [Option<f64>; 2] {
    [(found.onset, expected.onset), (found.end, expected.end)].map(|(found, expected)| {
        found.zip(expected).map(|(found, expected)| (found / expected - 1.0).abs())
    })
}

/// In how many runs a test would be met at other thresholds of the phase.
pub(super) fn sensitivity(records: &[&Record], test: impl Fn(&Phase) -> bool) -> String {
    let Some(first) = records.first() else { return String::new() };
    let verdicts: Vec<String> = first
        .phase_sensitivity
        .iter()
        .enumerate()
        .map(|(index, at)| {
            let met = records
                .iter()
                .filter(|record| {
                    record.phase_sensitivity.get(index).is_some_and(|at| test(&at.phase))
                })
                .count();
            format!("{}: met by {met} of {}", at.threshold, records.len())
        })
        .collect();
    verdicts.join("; ")
}
