//! All responses of one network at four moments, as heat maps: labels from top to bottom, items from left to right.

use super::axis::number;
use super::canvas::{Canvas, Rectangle};
use super::heat_map::{colour_bar, heat_map};
use super::legend::heading;
use super::style::{GREY, PAGE_WIDTH, TEXT_SIZE};
use super::text::{Anchor, Text};
use crate::record::Record;

/// Responses at onset, closest to the OCS, at the end of the phase, and at last, one in each of four frames.
pub fn moments(canvas: &mut Canvas, record: Option<&Record>, frames: &[Rectangle]) {
    let Some(first) = frames.first() else { return };
    let named = "Responses of the network with biases in all layers";
    let items = record.and_then(|record| record.curves.item_responses.as_ref());
    let missing = match (record, items) {
        (Some(_), Some(_)) => "",
        (Some(_), None) => ": too many to be recorded",
        (None, _) => ": not run",
    };
    let at = (12.0, first.top - 18.0);
    heading(canvas, ('e', &format!("{named}{missing}")), at, PAGE_WIDTH, &[]);
    let (Some(record), Some(items)) = (record, items) else { return };
    let time = &record.curves.time;
    let named = [
        ("onset", record.phase.onset.and_then(|onset| nearest(time, onset))),
        ("closest to the OCS", record.curves.closest_to_ocs()),
        ("end", record.phase.end.and_then(|end| nearest(time, end))),
        ("last observation", time.len().checked_sub(1)),
    ];
    for ((name, moment), area) in named.into_iter().zip(frames) {
        let above = (area.centre().0, area.top - 4.0);
        let Some(moment) = moment else {
            canvas.frame(*area);
            let text = Text::centred("not reached", area.centre(), Anchor::Middle, TEXT_SIZE);
            canvas.text(text.coloured(GREY));
            canvas.text(Text::new(name, above, Anchor::Middle, TEXT_SIZE));
            continue;
        };
        let decimals = if time[moment] < 10.0 { 2 } else { 1 };
        let title = format!("{name}, t = {}", number(time[moment], decimals));
        canvas.text(Text::new(title, above, Anchor::Middle, TEXT_SIZE));
        let labels = 0..record.ocs.len();
        let row = |label| items.iter().map(|item| value_at(item, label, moment)).collect();
        heat_map(canvas, *area, &labels.map(row).collect::<Vec<_>>(), &record.levels);
        name_columns(canvas, *area, items.len());
    }
    name_levels(canvas, *first, &record.levels);
    if let Some(last) = frames.last() {
        let bar = Rectangle { left: last.right() + 6.0, width: 5.0, ..*last };
        colour_bar(canvas, bar, "response");
    }
}

fn value_at(item: &[Vec<f64>], label: usize, moment: usize) -> f64 {
    item.get(label).and_then(|curve| curve.get(moment)).copied().unwrap_or(0.0)
}

/// Index of the observation nearest to a time.
fn nearest(times: &[f64], time: f64) -> Option<usize> {
    (0..times.len()).min_by(|&a, &b| (times[a] - time).abs().total_cmp(&(times[b] - time).abs()))
}

fn name_columns(canvas: &mut Canvas, area: Rectangle, n_items: usize) {
    let below = area.bottom() + 8.0;
    // More numbers than this would touch.
    const MOST_NAMED: usize = 12;
    if n_items <= MOST_NAMED {
        for item in 0..n_items {
            let x = area.left + (item as f64 + 0.5) / n_items as f64 * area.width;
            let name = (item + 1).to_string();
            canvas.text(Text::new(name, (x, below), Anchor::Middle, TEXT_SIZE));
        }
    }
    let at = (area.centre().0, below + 8.5);
    canvas.text(Text::new("item", at, Anchor::Middle, TEXT_SIZE));
}

fn name_levels(canvas: &mut Canvas, area: Rectangle, levels: &[usize]) {
    let n_labels: usize = levels.iter().sum();
    let mut row = 0;
    for (level, count) in levels.iter().enumerate() {
        let middle = (row as f64 + *count as f64 / 2.0) / n_labels as f64;
        let at = (area.left - 4.0, area.top + middle * area.height);
        let name = format!("level {}", level + 1);
        canvas.text(Text::centred(name, at, Anchor::End, TEXT_SIZE));
        row += count;
    }
    let at = (area.left - 34.0, area.centre().1);
    canvas.text(Text::new("labels", at, Anchor::Middle, TEXT_SIZE).upward());
}
