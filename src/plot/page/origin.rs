//! What all figures say about their numbers: where they came from, and what a phase amounts to.

use std::collections::BTreeSet;

use super::Layer;
use crate::config::Scale;
use crate::metrics::{Phase, PhaseVerdict};
use crate::plot::axis::number;
use crate::plot::canvas::Canvas;
use crate::plot::curve::{Account, Curve, Spread};
use crate::plot::legend::{Entry, Sample};
use crate::plot::panel::Panel;
use crate::plot::style::{Dash, INK, Look, Stroke, THEORY, THRESHOLD, look};
use crate::record::{Record, Status, unpublished};

/// Onset, where there is no phase to shade.
pub const ONSET: Stroke = Stroke::solid(INK, 0.7);
/// End, where there is no phase to shade.
pub const END: Stroke = Stroke::broken(INK, 0.7, Dash::Dotted);

/// Marks of the scales at which runs ran, each once.
fn marks(records: &[Record]) -> Vec<&'static str> {
    let scales = [Scale::Quick, Scale::Full];
    let is_there = |scale: &Scale| records.iter().any(|record| record.scale == *scale);
    scales.into_iter().filter(is_there).filter_map(Scale::mark).collect()
}

/// Where the numbers came from, for a file's metadata.
pub fn source(records: &[Record]) -> String {
    let configs = distinct(records, |record| record.config.name.clone());
    let seeds: BTreeSet<u64> = records.iter().map(|record| record.seed).collect();
    let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
    let devices = distinct(records, |record| record.device.clone());
    let revisions = distinct(records, |record| record.revision.clone());
    let marks: String = marks(records).iter().map(|mark| format!("; {mark}")).collect();
    let data: String = unpublished(records).iter().map(|name| format!("; data {name}")).collect();
    let seeds = seeds.join(", ");
    format!(
        "ocs: config {configs}; seeds {seeds}; device {devices}; revision {revisions}{marks}{data}"
    )
}

/// Where the numbers came from, for a reader.
pub fn footer_notes(records: &[Record]) -> String {
    let mut notes: Vec<String> = marks(records).into_iter().map(str::to_owned).collect();
    notes.extend(unpublished(records).iter().map(|name| format!("data: {name}")));
    let mut conditions: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for record in records {
        *conditions.entry(&record.condition).or_default() += 1;
    }
    let fewest = conditions.values().min().copied().unwrap_or(0);
    let most = conditions.values().max().copied().unwrap_or(0);
    let plural = if most == 1 { "" } else { "s" };
    notes.push(if fewest == most {
        format!("seed{plural} per condition: n = {most}")
    } else {
        format!("seed{plural} per condition: n = {fewest} to {most}")
    });
    notes.push(format!("device {}", distinct(records, |record| record.device.clone())));
    notes.push(format!("revision {}", distinct(records, |record| record.revision.clone())));
    let count = |wanted: fn(&Status) -> bool| records.iter().filter(|r| wanted(&r.status)).count();
    let (unfinished, diverged) = (
        count(|status| matches!(status, Status::Running)),
        count(|status| matches!(status, Status::Diverged { .. })),
    );
    if unfinished > 0 {
        notes.push(format!("{unfinished} of {} runs not finished", records.len()));
    }
    if diverged > 0 {
        notes.push(format!("{diverged} of {} runs diverged", records.len()));
    }
    capitalised(&notes.join("; "))
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Median line and band of several seeds.
pub fn seeds<'a>(
    canvas: &mut Canvas,
    panel: &Panel,
    runs: &[Account<'a>],
    look: Look,
    of: impl Fn(&Account<'a>) -> Curve,
) {
    let curves: Vec<Curve> = runs.iter().map(of).collect();
    let spread = Spread::of(&curves);
    panel.band(canvas, &spread, look.colour);
    panel.curve(canvas, &spread.middle(), look.stroke(1.0));
}

fn distinct(records: &[Record], of: impl Fn(&Record) -> String) -> String {
    let values: BTreeSet<String> = records.iter().map(of).collect();
    values.into_iter().collect::<Vec<_>>().join(", ")
}

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

/// What stands in a panel of crossings: `M` and `V` of a run, their theory, the phase and what defines it.
pub fn crossing_entries() -> [Entry; 7] {
    [
        Entry::new(Sample::Dots(look(0)), "mean-output error, M / ‖ȳ‖"),
        Entry::new(Sample::Dots(look(1)), "√(V / V of targets)"),
        Entry::new(Sample::Line(THEORY), "theory"),
        Entry::new(Sample::Shade, "OCS phase"),
        Entry::new(Sample::Upright(ONSET), "onset"),
        Entry::new(Sample::Upright(END), "end"),
        Entry::new(Sample::Line(THRESHOLD), "thresholds"),
    ]
}

/// A phase as a shade; where there is none, or it is undecided, onset and end as upright lines.
pub fn phase_layers(phase: &Phase) -> Vec<Layer> {
    if phase.is_there() {
        let (from, to) = (phase.onset.unwrap_or(f64::MIN_POSITIVE), phase.end.unwrap_or(f64::MAX));
        return vec![Layer::shade(from, to, "OCS phase")];
    }
    let end = phase.end.map(|end| Layer::upright(end, END, "end"));
    let onset = phase.onset.map(|onset| Layer::upright(onset, ONSET, "onset"));
    end.into_iter().chain(onset).collect()
}

/// Shades a phase; where there is none, or it is undecided, marks onset and end by upright lines.
pub fn mark_phase(canvas: &mut Canvas, panel: &Panel, phase: &Phase) {
    if phase.is_there() {
        let onset = phase.onset.unwrap_or(panel.x.low).max(panel.x.low);
        panel.shade(canvas, onset, phase.end.unwrap_or(panel.x.high));
        return;
    }
    if let Some(end) = phase.end {
        panel.vertical(canvas, end, END);
    }
    if let Some(onset) = phase.onset {
        panel.vertical(canvas, onset, ONSET);
    }
}
