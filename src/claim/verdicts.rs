//! What records say of the phase: whether it is there, how long it is, and whether that hangs on its threshold. Shared by
//! the claims of all experiments.

use super::Measurement;
use crate::metrics::{Phase, PhaseVerdict};
use crate::record::Record;

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

/// Whether the criterion would be met at other thresholds of the phase.
pub fn phase_sensitivity(records: &[&Record], test: impl Fn(&Phase) -> bool) -> String {
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

/// Length of the phase of each run.
pub fn log_ratios(records: &[&Record]) -> Measurement {
    let values: Vec<Option<f64>> = records.iter().map(|record| record.phase.log_ratio).collect();
    Measurement::of("ln(end/onset)", &values)
}

/// Smallest true negative rate of the top level of each run.
pub fn top_level_dip(records: &[&Record]) -> (Measurement, Vec<f64>) {
    let values: Vec<Option<f64>> = records
        .iter()
        .map(|record| record.curves.smallest_top_level_true_negative_rate())
        .collect();
    (
        Measurement::of("smallest TNR of level 1", &values),
        values.into_iter().map(|v| v.unwrap_or(f64::NAN)).collect(),
    )
}

/// Whether two verdicts are known and the same.
pub fn agree(one: &Phase, other: &Phase) -> bool {
    one.exists.is_some() && one.exists == other.exists
}
