//! Lines that cannot be seen, since others lie upon them.

use crate::plot::curve::Curve;

/// Whether some line lies upon another all along, so that one of them is not seen.
pub fn some_are_hidden(curves: &[Vec<Vec<Curve>>]) -> bool {
    let n_wanted = curves.iter().flatten().map(Vec::len).max().unwrap_or(0);
    (0..n_wanted).any(|index| {
        let of_group = |seeds: &Vec<Vec<Curve>>| Some(seeds.first()?.get(index)?.clone());
        let firsts: Vec<Curve> = curves.iter().filter_map(of_group).collect();
        let pairs = |one: usize| (0..one).map(move |other| (one, other));
        let mut pairs = (0..firsts.len()).flat_map(pairs);
        pairs.any(|(one, other)| lies_upon(&firsts[one], &firsts[other]))
    })
}

/// Whether two curves are nearer to each other than a hundredth of what they span, wherever both are.
fn lies_upon(one: &Curve, other: &Curve) -> bool {
    /// Fewer points in common say nothing.
    const LEAST: usize = 5;
    let defined = |curve: &Curve| -> Vec<(f64, f64)> {
        curve.points.iter().filter_map(|(x, y)| Some((*x, (*y)?))).collect()
    };
    let (one, other) = (defined(one), defined(other));
    let values = one.iter().chain(&other).map(|point| point.1);
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), y| (l.min(y), h.max(y)));
    let between = |(x, y): &(f64, f64)| -> Option<f64> {
        let after = other.iter().position(|point| point.0 >= *x)?;
        let (x1, y1) = other[after];
        let (x0, y0) = other[after.checked_sub(1)?];
        Some((y0 + (x - x0) / (x1 - x0) * (y1 - y0) - y).abs())
    };
    let apart: Vec<f64> = one.iter().filter_map(between).collect();
    apart.len() >= LEAST && apart.iter().all(|apart| *apart <= 0.01 * (high - low))
}
