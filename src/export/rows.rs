//! Every number of a record, one after the other.

use std::ops::Range;

use anyhow::Result;

use super::row::Row;
use crate::metrics::{Curves, Phase};
use crate::record::{KernelRecord, PhaseAt, Record, Series, StretchRecord, TheoryRecord};

/// Takes rows.
pub type Take<'a> = &'a mut dyn FnMut(&Row) -> Result<()>;

/// Of the samples that a run was judged by.
pub const EVALUATION: &str = "evaluation";
/// Of those that it learned from.
pub const TRAINING: &str = "training";
/// What theory says of them.
pub const THEORY: &str = "theory";

/// A quantity at each moment.
enum Values<'a> {
    Known(&'a [f64]),
    Partly(&'a [Option<f64>]),
}

impl Values<'_> {
    fn at(&self, moment: usize) -> Option<f64> {
        match self {
            Values::Known(values) => values.get(moment).copied(),
            Values::Partly(values) => values.get(moment).copied().flatten(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Values::Known(values) => values.len(),
            Values::Partly(values) => values.len(),
        }
    }
}

/// A curve with its name and its place.
struct Curve<'a> {
    row: Row<'a>,
    values: Values<'a>,
}

/// Gives every number of a record to `take`: what holds for the whole run, then curves, the kernel and series.
///
/// # Errors
///
/// Those of `take`.
pub fn of_record(record: &Record, take: Take) -> Result<()> {
    let constant = |metric, value| Row { metric, value: Some(value), ..Row::default() };
    take(&constant("wall_time", record.wall_time))?;
    for (index, stretch) in stretches_of(record).iter().enumerate() {
        of_stretch(stretch, index + 1, &record.levels, record.config.phase_threshold, take)?;
    }
    let ranges = record.moments_of_stretches();
    of_curves(&record.curves, EVALUATION, &record.levels, &ranges, take)?;
    if let Some(curves) = &record.training_curves {
        of_curves(curves, TRAINING, &record.levels, &ranges, take)?;
    }
    if let Some(kernel) = &record.kernel {
        of_kernel(kernel, record, take)?;
    }
    for (name, series) in &record.series {
        of_series(name, series, record, take)?;
    }
    Ok(())
}

/// The same of a theory's answer: its phases and its curves.
///
/// # Errors
///
/// Those of `take`.
pub fn of_theory(theory: &TheoryRecord, take: Take) -> Result<()> {
    let threshold = theory.config.phase_threshold;
    let own = [(&theory.phase, 1)];
    let of_stretches = theory.stretches.iter().map(|stretch| &stretch.phase).zip(1..);
    let phases: Vec<(&Phase, usize)> =
        if theory.stretches.is_empty() { own.to_vec() } else { of_stretches.collect() };
    for (phase, stretch) in phases {
        let row = Row { set: Some(THEORY), stretch: Some(stretch), ..Row::default() };
        of_phase(phase, row, threshold, take)?;
    }
    of_curves(&theory.curves, THEORY, &theory.levels, &theory.moments_of_stretches(), take)
}

/// The stretches of a run; of one without phases the only one.
fn stretches_of(record: &Record) -> Vec<StretchRecord> {
    if !record.stretches.is_empty() {
        return record.stretches.clone();
    }
    vec![StretchRecord {
        label: String::new(),
        first_step: 0,
        start_time: 0.0,
        ocs: record.ocs.clone(),
        target_variance: record.target_variance,
        phase: record.phase.clone(),
        phase_sensitivity: record.phase_sensitivity.clone(),
    }]
}

fn of_stretch(
    stretch: &StretchRecord,
    number: usize,
    levels: &[usize],
    threshold: f64,
    take: Take,
) -> Result<()> {
    let row = Row { stretch: Some(number), ..Row::default() };
    for (label, value) in stretch.ocs.iter().enumerate() {
        let level = level_of(levels, label);
        let (set, label) = (Some(TRAINING), Some(label));
        take(&Row { set, metric: "ocs", level, label, value: Some(*value), ..row })?;
    }
    let row = Row { set: Some(EVALUATION), ..row };
    take(&Row { metric: "target_variance", value: Some(stretch.target_variance), ..row })?;
    of_phase(&stretch.phase, row, threshold, take)?;
    for PhaseAt { threshold, phase } in &stretch.phase_sensitivity {
        of_phase(phase, row, *threshold, take)?;
    }
    Ok(())
}

fn of_phase(phase: &Phase, row: Row, threshold: f64, take: Take) -> Result<()> {
    let exists = phase.exists.map(|exists| if exists { 1.0 } else { 0.0 });
    for (metric, value) in [
        ("onset", phase.onset),
        ("end", phase.end),
        ("log_ratio", phase.log_ratio),
        ("exists", exists),
    ] {
        take(&Row { metric, threshold: Some(threshold), value, ..row })?;
    }
    Ok(())
}

/// Gives every number of some curves to `take`, moment by moment; `ranges` are the moments of each stretch.
fn of_curves(
    curves: &Curves,
    set: &'static str,
    levels: &[usize],
    ranges: &[Range<usize>],
    take: Take,
) -> Result<()> {
    for (index, range) in ranges.iter().enumerate() {
        for moment in range.clone() {
            of_moment(curves, set, levels, (moment, index + 1), take)?;
        }
    }
    Ok(())
}

/// What curves say at one moment of a stretch, counted from 1.
///
/// # Errors
///
/// Those of `take`.
pub fn of_moment(
    curves: &Curves,
    set: &'static str,
    levels: &[usize],
    (moment, stretch): (usize, usize),
    take: Take,
) -> Result<()> {
    let (step, time) = (curves.step.get(moment).copied(), curves.time.get(moment).copied());
    for Curve { row, values } in curves_of(curves, levels) {
        if moment < values.len() {
            let value = values.at(moment);
            take(&Row { set: Some(set), stretch: Some(stretch), step, time, value, ..row })?;
        }
    }
    Ok(())
}

/// Every curve with its name and its place.
fn curves_of<'a>(curves: &'a Curves, levels: &[usize]) -> Vec<Curve<'a>> {
    let row = Row::default();
    let mut all = Vec::new();
    for (metric, values) in [
        ("loss", &curves.loss),
        ("mean_output_error", &curves.mean_output_error),
        ("input_dependence", &curves.input_dependence),
        ("distance_to_ocs", &curves.distance_to_ocs),
        ("distance_to_targets", &curves.distance_to_targets),
    ] {
        all.push(Curve { row: Row { metric, ..row }, values: Values::Known(values) });
    }
    for (metric, table) in [
        ("true_negative_rate", &curves.true_negative_rate),
        ("true_positive_rate", &curves.true_positive_rate),
        ("thresholded_true_negative_rate", &curves.thresholded_true_negative_rate),
        ("thresholded_true_positive_rate", &curves.thresholded_true_positive_rate),
        ("level_accuracy", &curves.level_accuracy),
    ] {
        all.extend(table.iter().zip(1..).map(|(values, level)| Curve {
            row: Row { metric, level: Some(level), ..row },
            values: Values::Partly(values),
        }));
    }
    let of_labels = |metric, item, table: &'a [Vec<f64>]| {
        let curve = move |(label, values): (usize, &'a Vec<f64>)| Curve {
            row: Row { metric, level: level_of(levels, label), label: Some(label), item, ..row },
            values: Values::Known(values),
        };
        table.iter().enumerate().map(curve).collect::<Vec<_>>()
    };
    all.extend(of_labels("mean_response", None, &curves.mean_response));
    for (item, table) in curves.item_responses.iter().flatten().enumerate() {
        all.extend(of_labels("item_response", Some(item), table));
    }
    let strengths = curves.mode_strengths.iter().flatten().enumerate();
    all.extend(strengths.map(|(split, values)| Curve {
        row: Row { metric: "mode_strength", level: Some(split), ..row },
        values: Values::Known(values),
    }));
    all.extend(curves.weight_norms.iter().zip(1..).map(|(values, layer)| Curve {
        row: Row { metric: "weight_norm", layer: Some(layer), ..row },
        values: Values::Known(values),
    }));
    all.extend(curves.bias_norms.iter().zip(1..).map(|(values, layer)| Curve {
        row: Row { metric: "bias_norm", layer: Some(layer), ..row },
        values: Values::Partly(values),
    }));
    all
}

/// The level of a label, counted from 1; `None` without a tree.
fn level_of(levels: &[usize], label: usize) -> Option<usize> {
    let mut end = 0;
    levels.iter().zip(1..).find_map(|(labels, level)| {
        end += labels;
        (label < end).then_some(level)
    })
}

/// A row at a step that is no moment of the curves, or is.
fn at_step<'a>(record: &Record, step: u64) -> Row<'a> {
    let known = record.curves.step.binary_search(&step).ok();
    let time = known.and_then(|moment| record.curves.time.get(moment).copied());
    // The last step of a stretch belongs to it.
    let begun = record.stretches.iter().filter(|stretch| stretch.first_step < step).count();
    Row { step: Some(step), time, stretch: Some(begun.max(1)), ..Row::default() }
}

fn of_kernel(kernel: &KernelRecord, record: &Record, take: Take) -> Result<()> {
    let set = Some(TRAINING);
    for (moment, &step) in kernel.step.iter().enumerate() {
        for (metric, values) in [
            ("kernel_largest", Values::Known(&kernel.largest)),
            ("kernel_trace", Values::Known(&kernel.trace)),
            ("kernel_ones_alignment", Values::Partly(&kernel.ones_alignment)),
            ("kernel_ratio", Values::Partly(&kernel.ratio)),
            ("kernel_drift", Values::Partly(&kernel.drift)),
            ("kernel_cosine", Values::Partly(&kernel.cosine)),
        ] {
            take(&Row { set, metric, value: values.at(moment), ..at_step(record, step) })?;
        }
    }
    let row = Row { set, ..Row::default() };
    let inputs = Some((&kernel.inputs, ["inputs_ones_alignment", "inputs_ratio"]));
    let expected =
        kernel.expected.as_ref().map(|it| (it, ["expected_ones_alignment", "expected_ratio"]));
    for (kernel, names) in inputs.into_iter().chain(expected) {
        for (name, value) in names.into_iter().zip([kernel.ones_alignment, kernel.ratio]) {
            take(&Row { metric: &format!("kernel_{name}"), value, ..row })?;
        }
    }
    let Some(lazy) = &kernel.lazy else { return Ok(()) };
    let row = Row { stretch: Some(1), ..row };
    let variance = Some(lazy.target_variance);
    take(&Row { metric: "lazy_target_variance", value: variance, ..row })?;
    let Phase { onset, end, log_ratio, .. } = &lazy.phase;
    let threshold = Some(record.config.phase_threshold);
    for (metric, value) in [("lazy_onset", onset), ("lazy_end", end), ("lazy_log_ratio", log_ratio)]
    {
        take(&Row { metric, threshold, value: *value, ..row })?;
    }
    for (moment, &time) in lazy.time.iter().enumerate() {
        let row = Row { step: record.curves.step.get(moment).copied(), time: Some(time), ..row };
        for (metric, values) in [
            ("lazy_mean_output_error", &lazy.mean_output_error),
            ("lazy_input_dependence", &lazy.input_dependence),
        ] {
            take(&Row { metric, value: values.get(moment).copied(), ..row })?;
        }
    }
    Ok(())
}

fn of_series(name: &str, series: &Series, record: &Record, take: Take) -> Result<()> {
    let size = series.size();
    let places: Vec<(Row, String)> = (0..size).map(|number| place_of(series, number)).collect();
    for (moment, &step) in series.step.iter().enumerate() {
        let row = at_step(record, step);
        for (number, (at, place)) in places.iter().enumerate() {
            let value = series.values.get(moment * size + number).copied().flatten();
            let place = Some(&**place).filter(|place| !place.is_empty());
            let Row { level, label, item, layer, .. } = *at;
            take(&Row { metric: name, level, label, item, layer, place, value, ..row })?;
        }
    }
    Ok(())
}

/// Where the value of such a number in a moment's rows stands: in columns for the dimensions that have one, and in words.
fn place_of(series: &Series, mut number: usize) -> (Row<'static>, String) {
    let mut indices = vec![0; series.shape.len()];
    for (index, size) in indices.iter_mut().zip(&series.shape).rev() {
        (*index, number) = (number % size, number / size);
    }
    let (mut row, mut words) = (Row::default(), Vec::new());
    for (dim, &index) in series.dims.iter().zip(&indices) {
        match dim.as_str() {
            "layer" => row.layer = Some(index + 1),
            "level" => row.level = Some(index + 1),
            "label" => row.label = Some(index),
            "item" => row.item = Some(index),
            other => words.push(format!("{other}={index}")),
        }
    }
    (row, words.join(","))
}
