//! Axes that several panels share, from what the panels show.

use super::axis::Axis;
use super::curve::{Account, Clock, Curve};

/// Distances below this share of `V_target` are numerical noise.
const SMALLEST_DISTANCE: f64 = 1e-6;

/// From the first positive to the last place of the accounts' clocks.
pub fn clock_range(accounts: &[Account], clock: Clock) -> (f64, f64) {
    let (mut first, mut last) = (f64::INFINITY, 0.0_f64);
    for account in accounts {
        let places: Vec<f64> = match clock {
            Clock::Time => account.curves.time.clone(),
            Clock::Step => account.curves.step.iter().map(|&step| step as f64).collect(),
        };
        for place in places.into_iter().filter(|place| *place > 0.0 && place.is_finite()) {
            first = first.min(place);
            last = last.max(place);
        }
    }
    match (first, last) {
        (first, last) if last > first => (first, last),
        // One place alone stands in the middle.
        (first, last) if last == first => (first / 3.0, last * 3.0),
        _ => (1.0, 10.0),
    }
}

/// The logarithmic axis of a clock.
pub fn clock_axis((from, to): (f64, f64), clock: Clock) -> Axis {
    let title = match clock {
        Clock::Time => "time t = η · step",
        Clock::Step => "step",
    };
    Axis::logarithmic(from, to, title)
}

/// Smallest and largest value of some curves, as far as `clock` shows them; `None` without values.
fn extremes(curves: &[Curve], clock: &Axis, least: f64) -> Option<(f64, f64)> {
    let shown = clock.low..=clock.high;
    let points = curves.iter().flat_map(|curve| &curve.points);
    points
        .filter(|point| shown.contains(&point.0))
        .filter_map(|point| point.1.filter(|value| *value >= least))
        .fold(None, |range: Option<(f64, f64)>, value| {
            let (low, high) = range.unwrap_or((value, value));
            Some((low.min(value), high.max(value)))
        })
}

/// For `M / ||ybar||` and `sqrt(V / V_target)`: from 0 to a little over 1, or over what a large start makes of it.
pub fn fraction_axis(accounts: &[Account], clock: &Axis) -> Axis {
    let curves: Vec<Curve> =
        accounts.iter().flat_map(|a| [a.mean_output_error(), a.input_dependence()]).collect();
    let largest = extremes(&curves, clock, f64::MIN).map_or(1.0, |range| range.1.clamp(1.0, 2.0));
    Axis::linear(-0.03 * largest, 1.08 * largest, "fraction")
}

/// For distances over `V_target`.
pub fn distance_axis(accounts: &[Account], clock: &Axis) -> Axis {
    let curves: Vec<Curve> =
        accounts.iter().flat_map(|a| [a.distance_to_ocs(), a.distance_to_targets()]).collect();
    let (low, high) = extremes(&curves, clock, SMALLEST_DISTANCE).unwrap_or((0.1, 1.0));
    Axis::logarithmic(low / 1.6, high * 1.8, "D / V of targets")
}

/// For graded true negative rates: from below one half, where the OCS of two branches lies, to 1.
pub fn rate_axis(accounts: &[Account], clock: &Axis, title: &str) -> Axis {
    let curves: Vec<Curve> = accounts
        .iter()
        .flat_map(|account| (0..account.levels().len()).map(|l| account.true_negative_rate(l)))
        .collect();
    let smallest = extremes(&curves, clock, f64::MIN).map_or(1.0, |range| range.0);
    Axis::linear((smallest - 0.03).clamp(-0.03, 0.45), 1.03, title)
}

/// For responses: from 0 to 1 and what goes beyond, within reason.
pub fn response_axis(curves: &[Curve], clock: &Axis) -> Axis {
    let (low, high) = extremes(curves, clock, f64::MIN).unwrap_or((0.0, 1.0));
    let (low, high) = (low.clamp(-1.0, 0.0), high.clamp(0.0, 2.0));
    let margin = 0.06 * (high - low).max(0.1);
    Axis::linear(low - margin, high + margin, "response")
}
