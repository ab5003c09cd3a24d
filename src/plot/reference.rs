//! Lines that data are read against: thresholds, and what the OCS itself would give. Where they are `named`, their
//! numbers stand at the right.

use super::canvas::Canvas;
use super::curve::Account;
use super::panel::Panel;
use super::style::{AT_OCS, Stroke, THRESHOLD, level_look};

/// The thresholds of onset (`q` on `M / ||ybar||`) and end (`sqrt(q)` on `sqrt(V / V_target)`).
pub fn thresholds(canvas: &mut Canvas, panel: &Panel, q: f64, named: bool) {
    let heights = [q, q.sqrt()];
    for height in heights {
        panel.horizontal(canvas, height, THRESHOLD);
    }
    if named {
        panel.name_heights(canvas, &heights);
    }
}

/// The true negative rate that the OCS has at each level.
pub fn ocs_floors(canvas: &mut Canvas, panel: &Panel, account: &Account, named: bool) {
    let mut floors = Vec::new();
    for level in 0..account.levels().len() {
        let Some(floor) = account.ocs_floor(level) else { continue };
        panel.horizontal(canvas, floor, dotted(level));
        floors.push(floor);
    }
    if named {
        panel.name_heights(canvas, &floors);
    }
}

/// The OCS itself: base rates of the labels, level by level.
pub fn base_rates(canvas: &mut Canvas, panel: &Panel, account: &Account, named: bool) {
    let mut all = Vec::new();
    for level in 0..account.levels().len() {
        let mut rates: Vec<f64> = account.labels_of(level).map(|k| account.ocs()[k]).collect();
        rates.sort_by(f64::total_cmp);
        rates.dedup();
        for &rate in &rates {
            panel.horizontal(canvas, rate, dotted(level));
        }
        all.extend(rates);
    }
    if named {
        panel.name_heights(canvas, &all);
    }
}

fn dotted(level: usize) -> Stroke {
    Stroke { colour: level_look(level).colour, ..AT_OCS }
}
