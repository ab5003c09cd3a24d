//! What axes measure: a quantity's title and scale, and the clock.

use super::group::Group;
use super::quantity::Quantity;
use crate::plot::curve::{Clock, Curve};
use crate::plot::page::Measure;
use crate::record::Status;

/// What a panel is called.
pub fn title(quantity: &Quantity, groups: &[Group]) -> String {
    let Quantity { word, place } = quantity;
    let (set, metric) = match word.strip_prefix("training.") {
        Some(metric) => (" (training set)", metric),
        None => ("", &**word),
    };
    let part = match metric {
        _ if place.is_empty() => String::new(),
        "mode_strength" if place == "0" => ", constant".to_owned(),
        "mode_strength" => format!(", contrasts of level {place}"),
        "mean_response" => format!(", label {place}"),
        "item_response" => {
            let (item, label) = place.split_once(':').unwrap_or((place, ""));
            format!(", item {item}, label {label}")
        }
        "weight_norm" | "bias_norm" | "scale_norms" | "shift_norms" => format!(", layer {place}"),
        metric if metric.ends_with("rate") || metric == "level_accuracy" => {
            format!(", level {place}")
        }
        _ => in_series(metric, place, groups),
    };
    let name = match metric {
        "M" => "mean-output error".to_owned(),
        "V" => "input dependence".to_owned(),
        "D_ocs" | "distance_to_ocs" => "distance to OCS".to_owned(),
        "D_target" => "distance to targets".to_owned(),
        other => other.replace('_', " "),
    };
    format!("{name}{part}{set}")
}

/// A place in a series: `, layer 1, rank 0`.
fn in_series(name: &str, place: &str, groups: &[Group]) -> String {
    let records = groups.iter().flat_map(|group| &group.records);
    let series = records.filter_map(|record| record.series.get(name)).next();
    let has = |dim: &&str| series.is_some_and(|series| series.dims.iter().any(|it| it == dim));
    let mut dims = ["level", "item", "label", "layer"].into_iter().filter(has);
    let words = place.split([':', ',']).map(|part| match part.split_once('=') {
        Some((dim, number)) => format!(", {dim} {number}"),
        None => format!(", {} {part}", dims.next().unwrap_or_default()),
    });
    words.collect()
}

/// What stands at the side: the symbol or the unit.
fn side(quantity: &Quantity, groups: &[Group]) -> String {
    let metric = quantity.word.trim_start_matches("training.");
    let words = match metric {
        "M" => "M / ‖ȳ‖",
        "V" => "√(V / V of targets)",
        "D_ocs" => "D to OCS / V of targets",
        "D_target" => "D to targets / V of targets",
        "loss" => "loss",
        "mean_output_error" | "lazy_mean_output_error" => "M",
        "input_dependence" | "lazy_input_dependence" => "V",
        "distance_to_ocs" | "distance_to_targets" => "D",
        "mean_response" | "item_response" => "response",
        "mode_strength" => "strength a",
        metric if metric.ends_with("norm") || metric.ends_with("norms") => "norm",
        metric if metric.ends_with("rate") => "rate",
        "level_accuracy" => "share",
        _ => {
            let records = groups.iter().flat_map(|group| &group.records);
            let series = records.filter_map(|record| record.series.get(metric)).next();
            let unit = series.map(|series| series.unit.clone()).filter(|unit| unit != "1");
            return unit.unwrap_or_default();
        }
    };
    words.to_owned()
}

/// A quantity's axis: of shares from 0 to 1, of what spans decades spaced by logarithms. Runs that diverged leave it where others
/// did not: they would flatten them. `curves` are of all runs of the groups, in their order.
pub fn measure(quantity: &Quantity, curves: &[&Curve], groups: &[Group]) -> Measure {
    /// Decades, as a factor, that an even axis cannot show.
    const WIDE: f64 = 300.0;
    /// Relative distances below are numerical noise.
    const SMALLEST: f64 = 1e-6;
    let side = side(quantity, groups);
    let metric = quantity.word.trim_start_matches("training.");
    let records = groups.iter().flat_map(|group| &group.records);
    let sound: Vec<&Curve> = std::iter::zip(curves, records)
        .filter(|(_, record)| !matches!(record.status, Status::Diverged { .. }))
        .map(|(curve, _)| *curve)
        .collect();
    let all_diverged = sound.is_empty();
    let some_leave = !all_diverged && sound.len() < curves.len();
    let curves = if some_leave { &sound } else { curves };
    let values = || curves.iter().flat_map(|curve| &curve.points).filter_map(|point| point.1);
    let (low, high) = values()
        .fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    let is_wide = low > 0.0 && high > WIDE * low;
    let measure = match metric {
        "M" | "V" if all_diverged => Measure::linear(side).including([0.0, 1.0]).at_most(2.0),
        "M" | "V" => Measure::linear(side).including([0.0, 1.0]),
        "D_ocs" | "D_target" => Measure::logarithmic(side).at_least(SMALLEST),
        "loss" => Measure::logarithmic(side),
        metric if metric.ends_with("rate") => Measure::linear(side).including([0.5, 1.0]),
        "level_accuracy" => Measure::linear(side).including([0.0, 1.0]),
        _ if is_wide => Measure::logarithmic(side),
        _ => Measure::linear(side).including([0.0]),
    };
    let least = if metric.starts_with("D_") { SMALLEST } else { f64::NEG_INFINITY };
    let measure = match values().reduce(f64::min) {
        Some(_) if some_leave && ["M", "V"].contains(&metric) => measure.at_most(high.max(1.0)),
        Some(low) if some_leave => measure.at_least(low.max(least)).at_most(high),
        Some(_) | None => measure,
    };
    measure.own()
}

/// The clock: by its logarithm, from well before the first onset or end; evenly spaced where a run has several stretches.
pub fn clock(groups: &[Group], clock: Clock) -> Measure {
    /// How long before the earliest onset or end it begins, as a factor.
    const BEFORE: f64 = 25.0;
    let records = || groups.iter().flat_map(|group| &group.records);
    let title = match clock {
        Clock::Step => "step",
        Clock::Time if records().any(|record| record.config.changes_its_rate()) => {
            "time t = sum of η"
        }
        Clock::Time => "time t = η · step",
    };
    if records().any(|record| !record.stretches.is_empty()) {
        return Measure::linear(title).tight();
    }
    let later = |record: &&&crate::record::Record| -> Vec<f64> {
        let curves = &record.curves;
        let places: Vec<f64> = match clock {
            Clock::Time => curves.time.clone(),
            Clock::Step => curves.step.iter().map(|step| *step as f64).collect(),
        };
        places.into_iter().filter(|place| *place > 0.0).collect()
    };
    let places: Vec<f64> = records().flat_map(|record| later(&record)).collect();
    let on_clock = |record: &crate::record::Record, time: f64| match clock {
        Clock::Time => time,
        Clock::Step => record.config.step_of_time(time),
    };
    let marks = records().flat_map(|record| {
        let marks = [record.phase.onset, record.phase.end].into_iter().flatten();
        marks.map(|time| on_clock(record, time)).filter(|place| *place > 0.0)
    });
    let least = |values: &mut dyn Iterator<Item = f64>| values.fold(f64::INFINITY, f64::min);
    let first = least(&mut places.iter().copied());
    let last = places.iter().copied().fold(0.0, f64::max);
    let mark = least(&mut { marks });
    let begin = if mark.is_finite() { (mark / BEFORE).min(last / 10.0).max(first) } else { first };
    let measure = Measure::logarithmic(title).tight();
    if begin < last { measure.between(begin, last) } else { measure }
}
