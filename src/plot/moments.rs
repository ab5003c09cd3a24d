//! All responses of a network at moments of learning, as colours: labels from top to bottom, items from left to right.

use super::axis::number;
use super::over_time::level_name;
use super::page::{HeatMap, Layer, Measure, Panel};
use crate::record::Record;

/// Responses at the observations nearest to onset, closest to the OCS, at the end of the phase, and at last.
pub fn moments(record: Option<&Record>) -> [Panel; 4] {
    let time = record.map_or(&[][..], |record| &record.curves.time);
    let phase = record.map(|record| &record.phase);
    let at = |mark: Option<f64>| mark.and_then(|mark| nearest(time, mark));
    [
        ("near onset", at(phase.and_then(|phase| phase.onset))),
        ("closest to the OCS", record.and_then(|record| record.curves.closest_to_ocs())),
        ("near end", at(phase.and_then(|phase| phase.end))),
        ("last observation", time.len().checked_sub(1)),
    ]
    .map(|(name, moment)| {
        let panel = table(record, moment, "not reached", ((0.0, 1.0), "response"), |value| value);
        let when = moment.map_or_else(String::new, |at| format!(", {}", clock(time[at])));
        panel.saying(format!("{name}{when}"))
    })
}

/// A number for each pair of items, `[item][other item]`, as colours within a range of what is named; empty where there are none.
pub fn pairs_of_items(
    title: &str,
    values: Option<Vec<Vec<f64>>>,
    (between, of): ((f64, f64), &str),
) -> Panel {
    let item = || Measure::linear("item").own();
    let panel = Panel::new(item(), item()).titled(title);
    let Some(values) = values else { return panel };
    let names = || (1..=values.len()).map(|item| item.to_string());
    let (across, upwards) =
        (Measure::named("item", names()), Measure::named("item", names().rev()));
    let map = HeatMap { values, groups: Vec::new(), between, title: of.to_owned() };
    panel.across(across).upwards(upwards).layer(Layer::heat_map(map))
}

/// A function of all responses at the observation nearest to a time; `absent` says why there is no such time.
pub fn responses_at(
    record: Option<&Record>,
    time: Option<f64>,
    absent: &str,
    scale: ((f64, f64), &str),
    of: impl Fn(f64) -> f64,
) -> Panel {
    let times = record.map_or(&[][..], |record| &record.curves.time);
    let moment = time.and_then(|time| nearest(times, time));
    let words = moment.map_or_else(String::new, |moment| clock(times[moment]));
    let n_items = record.and_then(|record| record.curves.item_responses.as_ref()).map(Vec::len);
    table(record, moment, absent, scale, of)
        .across(items(n_items.unwrap_or(1)))
        .upwards(labels(record.map_or(&[][..], |record| &record.levels)))
        .saying(words)
}

fn clock(time: f64) -> String {
    format!("t = {}", number(time, if time < 10.0 { 2 } else { 1 }))
}

/// `of` every response at a moment, in colours for `between` and called `title`.
fn table(
    record: Option<&Record>,
    moment: Option<usize>,
    absent: &str,
    (between, title): ((f64, f64), &str),
    of: impl Fn(f64) -> f64,
) -> Panel {
    let Some(record) = record else { return Panel::new(items(1), labels(&[])) };
    let panel = |n_items| Panel::new(items(n_items), labels(&record.levels));
    let responses = record.curves.item_responses.as_deref();
    let n_items = responses.map_or(1, <[_]>::len);
    let (Some(responses), Some(moment)) = (responses, moment) else {
        let words = if responses.is_none() { "too many to be recorded" } else { absent };
        return panel(n_items).missing(words);
    };
    let value = |item: &[Vec<f64>], label: usize| {
        item.get(label).and_then(|curve| curve.get(moment)).map_or(0.0, |value| of(*value))
    };
    let row = |label| responses.iter().map(|item| value(item, label)).collect();
    panel(n_items).layer(Layer::heat_map(HeatMap {
        values: (0..record.ocs.len()).map(row).collect(),
        groups: record.levels.clone(),
        between,
        title: title.to_owned(),
    }))
}

fn items(n_items: usize) -> Measure {
    /// More numbers than this would touch.
    const MOST_NAMED: usize = 12;
    if n_items <= MOST_NAMED {
        Measure::named("item", (1..=n_items).map(|item| item.to_string())).ticked()
    } else {
        Measure::linear("item").between(0.5, n_items as f64 + 0.5).own()
    }
}

fn labels(levels: &[usize]) -> Measure {
    let groups = levels.iter().enumerate().map(|(level, count)| (*count, level_name(level)));
    Measure::grouped("labels", &groups.collect::<Vec<_>>()).downwards().ticked()
}

/// Index of the observation nearest to a time.
pub fn nearest(times: &[f64], time: f64) -> Option<usize> {
    (0..times.len()).min_by(|&a, &b| (times[a] - time).abs().total_cmp(&(times[b] - time).abs()))
}
