//! The OCS phase on a panel and in words.

use super::axis::number;
use super::curve::median_of;
use super::page::Layer;
use super::style::{Dash, GREY, INK, Stroke};
use crate::metrics::{Phase, PhaseVerdict};
use crate::record::{Record, StretchRecord};

/// Onset, where there is no phase to shade.
pub const ONSET: Stroke = Stroke::solid(INK, 0.7);
/// End, where there is no phase to shade.
pub const END: Stroke = Stroke::broken(INK, 0.7, Dash::Dotted);

/// The phase in a few words: `end/onset = 6.7`.
pub fn phase_in_words(phase: &Phase) -> String {
    let what = match (phase.onset, phase.end) {
        (_, Some(0.0)) => "end at step 0".to_owned(),
        (Some(0.0), Some(_)) => "onset at time 0".to_owned(),
        (Some(onset), Some(end)) => {
            let ratio = end / onset;
            format!("end/onset = {}", number(ratio, if ratio < 10.0 { 2 } else { 1 }))
        }
        (Some(_), None) => "no end".to_owned(),
        (None, Some(_)) => "no onset".to_owned(),
        (None, None) => "no onset, no end".to_owned(),
    };
    match phase.verdict {
        PhaseVerdict::Phase => what,
        PhaseVerdict::NoPhase | PhaseVerdict::Undecided => {
            format!("{}: {what}", phase.verdict.word())
        }
    }
}

/// A phase as a shade; where there is none, or it is undecided, onset and end as upright lines.
pub fn phase_layers(phase: &Phase) -> Vec<Layer> {
    if phase.is_there() {
        let (from, to) = (phase.onset.unwrap_or(f64::MIN_POSITIVE), phase.end.unwrap_or(f64::MAX));
        return vec![Layer::shade(from, to, "OCS phase")];
    }
    let end = phase.end.map(|end| Layer::upright(end, END, "end"));
    let onset = phase.onset.map(|onset| Layer::upright(onset, ONSET, "onset"));
    onset.into_iter().chain(end).collect()
}

/// A phase as far as anything was seen of it: one without an end lasts until then, and none lasts longer.
pub fn seen_until(phase: &Phase, last: f64) -> Phase {
    let end = match phase.end {
        None if phase.is_there() => Some(last),
        end => end.map(|end| if phase.is_there() { end.min(last) } else { end }),
    };
    Phase { end, ..phase.clone() }
}

/// Where a stretch of training begins.
const BOUNDARY: Stroke = Stroke::solid(GREY, 0.6);

/// One stretch of training of several.
#[derive(Debug, Clone)]
pub struct StretchPhase {
    /// What it is called.
    pub label: String,
    /// When it begins, on the run's clock.
    pub start: f64,
    /// The median over runs, on the clock that starts with it.
    pub phase: Phase,
}

/// Those of runs of one condition; none where there is but one.
pub fn phases_of_stretches(runs: &[&Record]) -> Vec<StretchPhase> {
    let Some(first) = runs.first() else { return Vec::new() };
    let of_stretch = |(index, stretch): (usize, &StretchRecord)| {
        let phases = runs.iter().filter_map(|run| Some(&run.stretches.get(index)?.phase));
        let phase = median_of(&phases.collect::<Vec<_>>());
        StretchPhase { label: stretch.label.clone(), start: stretch.start_time, phase }
    };
    first.stretches.iter().enumerate().map(of_stretch).collect()
}

/// Where stretches begin, under their names, and their phases on the run's clock, each as far as its stretch was seen, the last
/// until `last`.
pub fn stretch_layers(stretches: &[StretchPhase], last: f64) -> Vec<Layer> {
    let mut layers = Vec::new();
    for (index, StretchPhase { label, start, phase }) in stretches.iter().enumerate() {
        let next = stretches.get(index + 1).map_or(last, |next| next.start.min(last));
        let phase = &seen_until(phase, next - start);
        layers.push(Layer::upright(*start, BOUNDARY, "a stretch begins").named(&**label));
        // What was so when the stretch began is said in words; its line would hide the boundary.
        let is_shown = |time: &f64| phase.is_there() || *time > 0.0;
        let later = |time: Option<f64>| time.filter(is_shown).map(|time| start + time);
        let (onset, end) = (later(phase.onset), later(phase.end));
        layers.extend(phase_layers(&Phase { onset, end, ..phase.clone() }));
    }
    layers
}
